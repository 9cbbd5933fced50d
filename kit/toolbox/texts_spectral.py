"""Vectors of documents and of the terms in them, from which terms stand in which documents: no labels, no network.

Document vectors of n-grams are usually trained by negative sampling (Li et al., Learning Document Embedding by
Predicting N-grams, 2015; Thongtan and Phienthrakul, Sentiment Classification using Document Embeddings trained with
Cosine Similarity, 2019). What that seeks to factorise is the pointwise mutual information of documents and terms (Levy
and Goldberg, Neural Word Embedding as Implicit Matrix Factorization, NIPS 2014), of which the singular vectors are had
in a few products of a sparse matrix: seconds instead of minutes an epoch.

A term's vector is the direction of the sum of its documents' singular vectors. A document is then the direction of the
sum of its terms' vectors, less as many times their mean. So a new document is told like a training document, from the
terms' vectors alone. Terms count by their direction only, and so do documents: that is the cosine of the second paper,
and where it is better than the singular vectors themselves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

ROUNDS = 2
"""Power iterations for the singular vectors, which are seldom further off than the differences between seeds.
Source: Halko, Martinsson, Tropp, Finding Structure with Randomness, SIAM Review 2011."""

SMOOTHING = 0.75
"""Power of a term's frequency in the mean that is taken away, as for the negative samples of word2vec."""


class Documents(NamedTuple):
    """What makes vectors of documents: `terms`, float32 of (terms, width), rows of length 1 or 0, and their `mean`,
    float32 of (width,)."""

    terms: np.ndarray
    mean: np.ndarray

    def __call__(self, present: sparse.csr_matrix) -> np.ndarray:
        """The vectors of documents, float32 of (n, width), of length 1, or 0 without a known term. `present` are ones
        of (n, terms)."""
        counts = np.diff(present.indptr).astype(np.float32)[:, None]
        return unit(np.asarray(present @ self.terms, np.float32) - counts * self.mean)


def learn(present: sparse.csr_matrix, *, width: int, seed: int = 0) -> Documents:
    """Vectors of the terms of documents. `present`, float32 of (n, terms), has a one where a document has a term.

    With fewer documents or terms than `width`, that is the width. The same documents and seed give the same vectors.
    """
    documents, terms = present.shape
    width = min(width, documents, terms)
    frequency = np.asarray(present.sum(0), np.float64).ravel()
    weighted = _information(present, frequency)
    turned = weighted.T.tocsr()
    start = np.random.default_rng(seed).standard_normal((terms, width), dtype=np.float32)
    basis = np.linalg.qr(weighted @ start)[0]
    for _ in range(ROUNDS):
        basis = np.linalg.qr(weighted @ (turned @ basis))[0]
    turned.data[:] = 1
    vectors = unit(np.asarray(turned @ unit(basis - basis.mean(0)), np.float32))
    share = frequency**SMOOTHING
    return Documents(vectors, (share @ vectors / max(share.sum(), 1e-9)).astype(np.float32))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1, float32; those of no length stay zeros."""
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def _information(present: sparse.csr_matrix, frequency: np.ndarray) -> sparse.csr_matrix:
    """Positive pointwise mutual information of documents and terms, float32, rows of length 1."""
    counts = np.diff(present.indptr)
    expected = np.repeat(counts, counts) * frequency[present.indices]
    values = np.maximum(np.log(max(present.nnz, 1) / expected), 0).astype(np.float32)
    made = sparse.csr_matrix((values, present.indices, present.indptr), present.shape)
    lengths = np.sqrt(np.asarray(made.multiply(made).sum(1)).ravel())
    return (sparse.diags((1 / np.maximum(lengths, 1e-9)).astype(np.float32)) @ made).tocsr()
