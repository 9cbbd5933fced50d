"""Logistic regression on terms weighted by naive Bayes and, beside them, a vector of the whole review.

The vectors are learned from which terms stand in which reviews, without labels, so that reviews without labels teach
them too: `unlabelled` names a table or folder of those. Sources: Thongtan and Phienthrakul, Sentiment Classification
using Document Embeddings trained with Cosine Similarity, ACL 2019, and Zhang and Arefyev, The Document Vectors Using
Cosine Similarity Revisited, 2022, for vectors beside terms; `kit.toolbox.texts_spectral` for how they are learned here.
Expected accuracy in the table of README.md; a fold takes about two minutes of a core and 2.1 GB of memory.
"""

import numpy as np
from scipy import sparse

from kit.task.contract import Fitted
from kit.toolbox import estimators, texts_spectral
from kit.toolbox.texts_nbsvm import Terms, ratio

from . import _terms
from ._reviews import cleaned, further

VARIANTS = {
    # The test reviews teach the vectors, as in the papers. A fold's held-out reviews never do, so that its score is
    # that of reviews which no part of the model has seen: the test's may be a little better.
    "transductive": {"unlabelled": "test.csv"},
}
SMOKE = {"rarest": 1, "common": 2, "width": 8, "unlabelled": ""}
RANGES = {
    "width": [100, 200, 300, 400],
    "common": [3, 5, 10],
    "share": (0.1, 1.0, "log"),
    "ends": (0.1, 1.0),
}


def fit(
    fold,
    *,
    width: int = 300,  # numbers of a vector
    common: int = 5,  # training reviews that must have a term for it to have a vector
    share: float = 0.3,  # length of a review's vector, beside its weighted words of length 1
    ends: float = 0.5,  # length of the weighted words and pairs of its end, where the verdict is; 0 leaves them out
    unlabelled: str = "",  # reviews without labels: a table with a column `review`, or a folder of text files
    longest: int = 3,  # words in a row
    rarest: int = 2,  # training reviews that must have a term
    strength: float = 100.0,  # inverse of the regularisation, chosen for the words alone (nbsvm)
):
    reviews, y = cleaned(fold.train.x), fold.train.y
    terms, x = Terms.learned(reviews, (1, longest), rarest)
    weights = ratio(x, y, _terms.SMOOTHING).astype(np.float32)
    held = np.flatnonzero(np.asarray(x.sum(0)).ravel() >= common)
    documents, vectors = _vectors(x[:, held], terms, held, unlabelled, width, fold.seed)
    centre = vectors.mean(0)
    last, of_last = _terms.Ends.learned(reviews, y, rarest)
    beside = sparse.csr_matrix(share * (vectors - centre))
    both = sparse.hstack([_terms.weighted(x, weights, True), beside, ends * of_last], "csr")
    coefficients, intercept = _terms.regression(both, y, strength)
    of_words, of_vectors, of_ends = np.split(coefficients, np.cumsum([len(weights), vectors.shape[1]]))
    of_vectors = share * of_vectors
    stored = {
        "longest": longest,
        "columns": terms.columns.astype(np.int32),
        "weights": weights,
        "of_words": of_words,
        "held": held.astype(np.int32),
        "terms": documents.terms.astype(np.float16),
        "mean": documents.mean,
        "of_vectors": of_vectors,
        "end_columns": last.columns,
        "end_weights": last.weights,
        "of_ends": ends * of_ends,
        "intercept": intercept - float(centre @ of_vectors),
    }
    estimators.save(fold.dir, level=0, **stored)  # vectors are most of it, which packing makes no tenth smaller
    return _predictor(**stored)


def load(dir):
    return _predictor(**estimators.load(dir))


def _vectors(present, terms, held, unlabelled, width, seed):
    """What makes vectors of reviews, and those of the training reviews themselves."""
    others = [terms(further(unlabelled))[:, held]] if unlabelled else []
    documents = texts_spectral.learn(sparse.vstack([present, *others], "csr"), width=width, seed=seed)
    # Half the bytes on disk. A vector's numbers are far from the limits of float16.
    documents = documents._replace(terms=documents.terms.astype(np.float16).astype(np.float32))
    return documents, documents(present)


def _predictor(
    longest, columns, weights, of_words, held, terms, mean, of_vectors, end_columns, end_weights, of_ends, intercept
):
    known = Terms((1, longest), columns)
    documents = texts_spectral.Documents(terms.astype(np.float32), mean)
    last = _terms.Ends(end_columns, end_weights)

    def predict(texts):
        if not len(texts):
            return np.zeros(0, np.float32)
        reviews = cleaned(texts)
        x = known(reviews)
        logits = _terms.weighted(x, weights, True) @ of_words + documents(x[:, held]) @ of_vectors
        return _terms.probability(logits + last(reviews) @ of_ends + intercept)

    return Fitted(predict, len(of_words) + terms.size + len(of_vectors) + len(of_ends) + 1)
