"""BERT, fine-tuned: the practical's model on any encoder of TensorFlow Hub's form.

Preprocessing and a trainable encoder by hub.KerasLayer, pooled output, dropout 0.1, one logit; binary cross-entropy
from logits; AdamW with 10 % warm-up and linear decay. Sources: the practical, whose own way to
train is variant `practical`; Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers, 2018. Expected F1 of
`minilm`: 0.803 out-of-fold, 46 minutes for five folds beside other work on two cores of an EPYC.
"""

import functools

from kit.toolbox.encoders import classifier

from ._tweets import texts

VARIANTS = {
    # MiniLM-L6-H384, imported from a checkpoint of Hugging Face: `kit encoder import FOLDER`. It was trained for the
    # mean of its outputs. Rate and epochs were looked at on the first fold only.
    "minilm": {
        "encoder": "minilm-l6-h384-uncased",
        "preprocess": "minilm-l6-h384-uncased",
        "pooling": "mean",
        "rate": 1e-4,
        "epochs": 2,
    },
    # The encoder stays as it is: each text is encoded once, and only the head is trained.
    "frozen": {
        "encoder": "minilm-l6-h384-uncased",
        "preprocess": "minilm-l6-h384-uncased",
        "pooling": "mean",
        "frozen": True,
        "rate": 1e-2,
        "epochs": 20,
    },
    "practical": {"bucket": False, "clean": False, "keyword": False, "precision": "float32"},
}
SMOKE = {"encoder": "tiny", "preprocess": "tiny", "length": 32, "epochs": 2, "rate": 3e-3, "precision": "float32"}
EXTRA = "bert"
ATTACH = ("encoder", "preprocess")


def fit(
    fold,
    *,
    # An address, a folder, or the name of an imported encoder. The practical's: small_bert, 4 layers of width 512.
    encoder: str = "https://www.kaggle.com/models/tensorflow/bert/frameworks/TensorFlow2/variations/bert-en-uncased-l-4-h-512-a-8/versions/2",
    preprocess: str = "https://www.kaggle.com/models/tensorflow/bert/frameworks/TensorFlow2/variations/en-uncased-preprocess/versions/3",
    epochs: int = 4,
    rate: float = 3e-5,  # the highest, after the warm-up
    warmup: float = 0.1,  # share of the steps
    batch: int = 32,
    dropout: float = 0.1,
    pooling: str = "pooled",
    length: int = 128,  # word pieces at most; the longest tweet has 84
    # Batches of like length, padded to their longest: 31 word pieces a tweet, 45 in batches by chance, instead of 128.
    bucket: bool = True,
    clean: bool = True,  # links, mentions and broken characters
    keyword: bool = True,  # in front of the text
    # Share of the fitted rows, whole groups, kept aside to stop the training early. By default the number of epochs is
    # fixed, which leaves all rows to train on. The held-out fold never decides.
    holdout: float = 0.0,
    frozen: bool = False,
    precision: str = "auto",  # bfloat16 where the processor has instructions for it
    xla: bool = False,  # on two processor cores compiling alone takes more than 100 s; GPUs were not measured
):
    settings = {key: value for key, value in locals().items() if key != "fold"}
    return classifier.fit(fold, _texts(settings), **settings)


def load(dir):
    return classifier.load(dir, _texts)


def _texts(settings):
    """What turns rows of the competition into texts."""
    return functools.partial(texts, clean=settings["clean"], keyword=settings["keyword"])
