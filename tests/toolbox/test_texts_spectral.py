"""Vectors of documents from which terms stand in which documents."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from kit.toolbox import texts_spectral


def present(*documents: tuple[int, ...], terms: int) -> sparse.csr_matrix:
    """Ones where a document has a term."""
    rows = np.repeat(np.arange(len(documents)), [len(each) for each in documents])
    columns = np.array([term for each in documents for term in each], np.int32)
    ones = np.ones(len(columns), np.float32)
    return sparse.csr_matrix((ones, (rows, columns)), (len(documents), terms))


CHAINS = present((0, 1), (1, 2), (2, 3), (3, 4), (5, 6), (6, 7), (7, 8), (8, 9), terms=10)
"""Two kinds of documents, which share no term."""


def test_terms_that_others_link_make_documents_alike():
    model = texts_spectral.learn(CHAINS, width=4)
    new = model(present((0, 2), (1, 3), (5, 7), (6, 8), terms=10))
    alike = new @ new.T
    assert alike[0, 1] > 0.5 and alike[2, 3] > 0.5
    assert (alike[:2, 2:] < 0).all()


def test_a_document_without_a_known_term_has_no_direction_and_others_have_length_1():
    told = texts_spectral.learn(CHAINS, width=3)(present((), (1, 7), terms=10))
    assert told.dtype == np.float32 and not told[0].any()
    np.testing.assert_allclose(np.linalg.norm(told[1]), 1, rtol=1e-6)


def test_a_term_that_no_document_has_has_no_vector():
    wide = sparse.hstack([CHAINS, sparse.csr_matrix((8, 1), dtype=np.float32)]).tocsr()
    assert not texts_spectral.learn(wide, width=3).terms[10].any()


def test_the_same_documents_and_seed_give_the_same_bytes_and_a_document_the_same_alone():
    first, second = (texts_spectral.learn(CHAINS, width=4, seed=7) for _ in range(2))
    assert first.terms.tobytes() == second.terms.tobytes() and first.mean.tobytes() == second.mean.tobytes()
    assert first(CHAINS)[2].tobytes() == first(CHAINS[2:3])[0].tobytes()


def test_no_more_numbers_than_documents_are_had():
    model = texts_spectral.learn(CHAINS[:2], width=50)
    assert model.terms.shape == (10, 2) and np.isfinite(model(CHAINS)).all()
