"""Whether a row is like those that a model was fitted on, by where its last features lie and how sure the model is.

Sources: Lee et al., A simple unified framework for detecting out-of-distribution samples and adversarial attacks,
NeurIPS 2018: a Gaussian a class, all with one covariance, and the Mahalanobis distance to the nearest. Features are
brought to length 1 first: Müller and Hein, Mahalanobis++: improving OOD detection via feature normalization, ICML 2025.
On a fold of audio-mnist that tells 40 of 40 white noises; features as they are tell none of them. The highest
probability: Hendrycks and Gimpel, A baseline for detecting misclassified and out-of-distribution examples in neural
networks, ICLR 2017, which finds what lies near no class but in no far direction either, such as clicks.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit import places

FILE = "novelty.npz"

USUAL = 0.99
"""Share of the held-out rows that count as usual by each of the two: at most two in a hundred are called unlike the
rest for nothing."""


class Novelty(NamedTuple):
    """Means of the classes `(classes, d)`, a matrix `(d, k)` that makes their common covariance the identity, and the
    distance and the doubt that the share USUAL of held-out rows keeps to; doubt is 1 less the highest probability."""

    means: np.ndarray
    whiten: np.ndarray
    limit: float
    doubt: float

    def __call__(self, features: np.ndarray, pred: np.ndarray) -> np.ndarray:
        """Distance or doubt of each row, by its features `(n, d)` and probabilities `(n, classes)`, whichever is the
        greater multiple of its limit: above 1 a row is unlike those that the model was fitted on."""
        far = distances(features, self.means, self.whiten) / self.limit
        return np.maximum(far, (1 - pred.max(axis=1)) / self.doubt)


def fit(features: np.ndarray, y: np.ndarray, held: np.ndarray, pred: np.ndarray) -> Novelty:
    """What is usual, from features `(n, d)` and labels of fitted rows, and for the limits features and probabilities of
    held-out ones."""
    from sklearn.covariance import LedoitWolf

    features = _unit(features)
    classes, of = np.unique(y, return_inverse=True)
    means = np.stack([features[of == number].mean(axis=0) for number in range(len(classes))])
    # Shrunk (Ledoit and Wolf 2004), since there may be hardly more rows than features.
    values, vectors = np.linalg.eigh(LedoitWolf().fit(features - means[of]).covariance_)
    whiten = vectors / np.sqrt(np.maximum(values, 1e-12 * values.max()))
    limit = float(np.quantile(distances(held, means, whiten), USUAL))
    # A model that is sure of every held-out row is not in doubt as long as one class has more than about half.
    doubt = max(float(np.quantile(1 - pred.max(axis=1), USUAL)), 0.5 * (1 - 1 / pred.shape[1]))
    return Novelty(means, whiten, limit, doubt)


def distances(features: np.ndarray, means: np.ndarray, whiten: np.ndarray) -> np.ndarray:
    """The Mahalanobis distance of each row, at length 1, to the nearest class, `(n,)`."""
    apart = (_unit(features)[:, None] - means) @ whiten
    return np.sqrt(np.square(apart).sum(axis=2)).min(axis=1)


def _unit(features: np.ndarray) -> np.ndarray:
    """Rows at length 1, in float64; a row of zeros stays."""
    length = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    return features / np.where(length > 0, length, 1.0)


def save(novelty: Novelty, dir: Path) -> None:
    """Write it into the folder `dir`, beside the weights."""
    with places.whole(dir / FILE) as part, part.open("wb") as file:
        np.savez(
            file,
            means=novelty.means,
            whiten=novelty.whiten,
            limit=np.array(novelty.limit),
            doubt=np.array(novelty.doubt),
        )


def load(dir: Path) -> Novelty | None:
    """What `save` wrote; None where a model was trained on all rows, with none held out to set a limit by."""
    if not (dir / FILE).exists():
        return None
    with np.load(dir / FILE, allow_pickle=False) as stored:
        return Novelty(stored["means"], stored["whiten"], float(stored["limit"]), float(stored["doubt"]))
