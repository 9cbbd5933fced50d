"""A pretrained encoder, MiniLM-L6-H384, fine-tuned on the ends of each review.

Mean of its outputs, dropout 0.1, one logit; AdamW with 10 % warm-up and linear decay; texts of like length share a
batch. Sources: Wang et al., MiniLM, 2020; Sun et al., How to Fine-Tune BERT for Text Classification, 2019, on the
beginning and the end of a long text. Expected accuracy in the table of README.md.
"""

import functools

from kit.toolbox.encoders import classifier

from ._reviews import ends

VARIANTS = {
    # The encoder stays as it is: each review is encoded once, and only the head is trained.
    "frozen": {"frozen": True, "rate": 1e-2, "epochs": 20},
}
SMOKE = {"encoder": "tiny", "preprocess": "tiny", "length": 32, "epochs": 2, "rate": 3e-3, "precision": "float32"}
EXTRA = "bert"
ATTACH = ("encoder", "preprocess")


def fit(
    fold,
    *,
    encoder: str = "minilm-l6-h384-uncased",  # kit encoder import FOLDER
    preprocess: str = "minilm-l6-h384-uncased",
    epochs: int = 2,
    rate: float = 1e-4,  # the highest, after the warm-up
    warmup: float = 0.1,  # share of the steps
    batch: int = 32,
    dropout: float = 0.1,
    pooling: str = "mean",
    length: int = 256,  # word pieces at most
    first: int = 60,  # words of a longer review's beginning; the rest are of its end, where the verdict is
    bucket: bool = True,
    step: int = 8,  # lengths are multiples of it; 32 has a quarter of the shapes, each of which XLA compiles anew
    inner_dropout: bool = True,  # the encoder's own; without it a step takes four fifths
    holdout: float = 0.0,  # share of the fitted rows to stop the training early by; 0 fixes the number of epochs
    frozen: bool = False,
    precision: str = "auto",  # bfloat16 where the processor has instructions for it
    xla: bool = False,
):
    settings = {key: value for key, value in locals().items() if key != "fold"}
    return classifier.fit(fold, texts(settings), **settings)


def load(dir):
    return classifier.load(dir, texts)


def texts(settings):
    """What turns reviews into texts of about `length` word pieces, 1.35 of which make a word."""
    return functools.partial(ends, words=int(settings["length"] / 1.35), first=settings["first"])
