"""Logistic regression on terms weighted by naive Bayes and, beside them, a vector of the whole review.

The vectors are learned from which terms stand in which reviews, without labels, so that reviews without labels teach
them too: `unlabelled` names a table or folder of those. Sources: Thongtan and Phienthrakul, Sentiment Classification
using Document Embeddings trained with Cosine Similarity, ACL 2019, and Bingyu and Arefyev, The Document Vectors Using
Cosine Similarity Revisited, 2022, for vectors beside terms; `kit.toolbox.texts_spectral` for how they are learned here.
Expected accuracy and seconds in the table of README.md.
"""

import numpy as np
from scipy import sparse

from kit.task.contract import Fitted
from kit.toolbox import estimators, texts_spectral
from kit.toolbox.texts_nbsvm import Terms, ratio

from ._reviews import cleaned, further
from ._terms import probability, regression, weighted

VARIANTS = {
    # The test reviews teach the vectors, as in the papers. A fold's held-out reviews never do, so that its score is
    # that of reviews which no part of the model has seen: the test's may be a little better.
    "transductive": {"unlabelled": "test.csv"},
}
SMOKE = {"rarest": 1, "common": 2, "width": 8, "unlabelled": ""}
RANGES = {"width": [100, 200, 300, 400], "common": [3, 5, 10], "share": (0.1, 1.0, "log")}


def fit(
    fold,
    *,
    width: int = 300,  # numbers of a vector
    common: int = 5,  # training reviews that must have a term for it to have a vector
    share: float = 0.3,  # length of a review's vector, beside its weighted terms of length 1
    unlabelled: str = "",  # reviews without labels: a table with a column `review`, or a folder of text files
    longest: int = 3,  # words in a row
    rarest: int = 2,  # training reviews that must have a term
    smoothing: float = 1.0,
    strength: float = 100.0,  # inverse of the regularisation, chosen for the terms alone (nbsvm)
):
    terms, x = Terms.learned(cleaned(fold.train.x), (1, longest), rarest)
    weights = ratio(x, fold.train.y, smoothing).astype(np.float32)
    held = np.flatnonzero(np.asarray(x.sum(0)).ravel() >= common)
    present = x[:, held].tocsr()
    others = [terms(further(unlabelled))[:, held]] if unlabelled else []
    documents = texts_spectral.learn(sparse.vstack([present, *others], "csr"), width=width, seed=fold.seed)
    # Half the bytes on disk. A vector's numbers are far from the limits of float16.
    documents = documents._replace(terms=documents.terms.astype(np.float16).astype(np.float32))
    vectors = documents(present)
    centre = vectors.mean(0)
    beside = sparse.csr_matrix(share * (vectors - centre))
    both = sparse.hstack([weighted(x, weights, True), beside], "csr")
    coefficients, intercept = regression(both, fold.train.y, strength)
    of_vectors = share * coefficients[len(weights) :]
    parts = {
        "longest": longest,
        "columns": terms.columns.astype(np.int32),
        "weights": weights,
        "coefficients": coefficients[: len(weights)],
        "held": held.astype(np.int32),
        "terms": documents.terms.astype(np.float16),
        "mean": documents.mean,
        "of_vectors": of_vectors,
        "intercept": intercept - float(centre @ of_vectors),
    }
    estimators.save(fold.dir, **parts)
    return _predictor(**parts)


def load(dir):
    return _predictor(**estimators.load(dir))


def _predictor(longest, columns, weights, coefficients, held, terms, mean, of_vectors, intercept):
    known = Terms((1, longest), columns)
    documents = texts_spectral.Documents(terms.astype(np.float32), mean)

    def predict(texts):
        if not len(texts):
            return np.zeros(0, np.float32)
        x = known(cleaned(texts))
        logits = weighted(x, weights, True) @ coefficients + documents(x[:, held].tocsr()) @ of_vectors + intercept
        return probability(logits)

    return Fitted(predict, len(coefficients) + terms.size + len(of_vectors) + 1)
