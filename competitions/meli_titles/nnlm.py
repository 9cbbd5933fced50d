"""A text embedding module, fine-tuned or frozen, under two layers of 512 units: the language-model study.

hub.KerasLayer, Dense 512, Dense 512, Dense categories, with dropout between. The variants `en` and `es` are the study's
eight modules, which TensorFlow Hub downloads from Kaggle. Without a network, `kit embedding train` makes some of that
form from the titles at hand (variants `titles`), and so does an empty `module`, from the titles of the fold.
"""

from __future__ import annotations

from kit.task.contract import Fitted

from . import _nnlm

EXTRA = "bert"
ATTACH = ("module",)
VARIANTS = {
    "en-dim50": {
        "module": "https://www.kaggle.com/models/google/nnlm/frameworks/TensorFlow2/variations/en-dim50/versions/1"
    },
    "en-dim50-with-normalization": {
        "module": "https://www.kaggle.com/models/google/nnlm/frameworks/TensorFlow2/variations/en-dim50-with-normalization/versions/1"
    },
    "en-dim128": {
        "module": "https://www.kaggle.com/models/google/nnlm/frameworks/TensorFlow2/variations/en-dim128/versions/1"
    },
    "en-dim128-with-normalization": {
        "module": "https://www.kaggle.com/models/google/nnlm/frameworks/TensorFlow2/variations/en-dim128-with-normalization/versions/1"
    },
    "es-dim50": {
        "module": "https://www.kaggle.com/models/google/nnlm/frameworks/TensorFlow2/variations/es-dim50/versions/1"
    },
    "es-dim50-with-normalization": {
        "module": "https://www.kaggle.com/models/google/nnlm/frameworks/TensorFlow2/variations/es-dim50-with-normalization/versions/1"
    },
    "es-dim128": {
        "module": "https://www.kaggle.com/models/google/nnlm/frameworks/TensorFlow2/variations/es-dim128/versions/1"
    },
    "es-dim128-with-normalization": {
        "module": "https://www.kaggle.com/models/google/nnlm/frameworks/TensorFlow2/variations/es-dim128-with-normalization/versions/1"
    },
    # Made by kit of the titles at hand, not Google's: kit embedding train meli-titles
    "titles-dim50": {"module": "meli-titles-dim50"},
    "titles-dim50-with-normalization": {"module": "meli-titles-dim50-with-normalization"},
    "titles-dim128": {"module": "meli-titles-dim128"},
    "titles-dim128-with-normalization": {"module": "meli-titles-dim128-with-normalization"},
}
SMOKE = {"epochs": 3, "units": 64, "batch": 32, "width": 32}


def fit(
    fold,
    *,
    module: str = "",  # an address, a folder, or the name of a module that `kit embedding train` made
    width: int = 128,  # numbers of a vector of a module that is made of the fold's titles
    normalised: bool = True,  # the same: without punctuation, in small letters
    trainable: bool = True,
    units: int = 512,
    dropout: float = 0.3,
    epochs: int = 8,
    rate: float = 1e-3,
    batch: int = 256,
) -> Fitted:
    return _nnlm.fit(
        fold,
        module=module or _nnlm.made(fold, width, normalised),
        trainable=trainable,
        units=units,
        dropout=dropout,
        epochs=epochs,
        rate=rate,
        batch=batch,
    )


load = _nnlm.load
