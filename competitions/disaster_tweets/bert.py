"""BERT, fine-tuned: the practical's model on any encoder of TensorFlow Hub's form.

Preprocessing and a trainable encoder by hub.KerasLayer, pooled output, dropout 0.1, one logit; binary cross-entropy
from logits; AdamW with 10 % warm-up and linear decay. Sources: the practical, whose own way to
train is variant `practical`; Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers, 2018. Expected F1 of
`minilm`: 0.803 out-of-fold, 46 minutes for five folds beside other work on two cores of an EPYC.
"""

import functools

import tf_keras

from kit.task import splits
from kit.toolbox.encoders import handles

from . import _bert
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
    with _bert.precision(precision):
        model, read = _build(fold.seed, settings)
        train, watch = fold.train, {}
        if len(fold.valid.ids):
            watch["val"] = (read(fold.valid.x.take()), fold.valid.y)
        if holdout:
            held = splits.Holdout(holdout, fold.seed)(train) == 0
            stop, train = train.rows(held), train.rows(~held)
            watch["stop"] = (read(stop.x.take()), stop.y)
        batches = _bert.Batches(read(train.x.take()), train.y, batch=batch, seed=fold.seed)
        _bert.prepare(model, len(batches) * epochs, rate=rate, warmup=warmup, scaled=precision == "float16", xla=xla)
        _bert.train(model, batches, fold, epochs=epochs, watch=watch)
    _bert.save(model, fold.dir, settings)
    return _bert.predictor(model, read, precision)


def load(dir):
    settings = _bert.settings(dir)
    with _bert.precision(settings["precision"]):
        model, read = _build(0, settings)
    _bert.restore(model, dir)
    return _bert.predictor(model, read, settings["precision"])


def _build(seed, settings):
    """The model, and what turns rows of the competition into its inputs."""
    places = [handles.locate(settings[part], part) for part in ATTACH]
    _bert.begin(seed)
    pieces = _bert.Pieces(places[1], length=settings["length"], bucket=settings["bucket"])
    pooled = functools.partial(_bert.pooled, places[0], pooling=settings["pooling"], seed=seed)
    if settings["frozen"]:
        key = (*places, *(settings[name] for name in ("pooling", "length", "bucket", "precision")))
        encode = _bert.Vectors(functools.partial(pooled, trainable=False), pieces, key)
        inputs = vectors = tf_keras.Input((encode.width,), name="vector")
    else:
        encode, encoder = pieces, pooled(trainable=True)
        inputs, vectors = encoder.input, encoder.output

    def read(x):
        return encode(texts(x, clean=settings["clean"], keyword=settings["keyword"]))

    return _bert.classifier(inputs, vectors, dropout=settings["dropout"]), read
