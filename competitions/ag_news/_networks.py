"""What the recipes of networks share: training on a fold's texts, and the Fitted of what was learned."""

from kit.toolbox.language import learning
from kit.toolbox.language.model import Language

from . import _language


def trained(
    fold,
    texts,
    vocabulary,
    kind: str,
    shape: dict,
    *,
    epochs: int = 60,
    steps: int = 100,  # batches of an epoch; after each the state is kept, and history.csv gets a line
    batch: int = 64,  # lanes of text side by side
    length: int = 128,  # tokens of a batch in each lane, and the window of attention
    rate: float = 2e-3,
    optimizer: str = "adamw",  # or muon
    precision: str = "auto",  # mixed_bfloat16 where the processor has units for it, and float32 elsewhere
):
    """A network that was trained on `texts`, with the vocabulary that `vocabulary` makes of them; the fold keeps it."""
    return learning.train(
        fold,
        texts,
        vocabulary(texts),
        kind,
        shape,
        epochs=epochs,
        steps=steps,
        batch=batch,
        length=length,
        rate=rate,
        optimizer=optimizer,
        precision=precision,
    )


def fit(fold, vocabulary, kind: str, shape: dict, **training):
    """Train a network on the texts of the fold."""
    made = trained(fold, _language.texts(fold.train), vocabulary, kind, shape, **training)
    return _language.finished(fold, Language(made), learning.size(made))


def load(dir):
    made = learning.load(dir / "network")
    return _language.fitted(Language(made), learning.size(made))
