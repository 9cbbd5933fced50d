"""How a token is drawn."""

import numpy as np
import pytest

from kit.errors import KitError
from kit.task.sampling import Sampling

P = np.array([0.1, 0.4, 0.3, 0.2])


def drawn(sampling, p=P, times=400):
    random = np.random.default_rng(0)
    return np.bincount([sampling.draw(p, random) for _ in range(times)], minlength=len(p)) / times


def test_temperature_0_takes_the_likeliest():
    assert drawn(Sampling(0)).tolist() == [0, 1, 0, 0]


def test_temperature_1_draws_as_the_model_says_and_a_low_one_sharpens():
    np.testing.assert_allclose(drawn(Sampling(1), times=4000), P, atol=0.02)
    np.testing.assert_allclose(drawn(Sampling(0.5), times=4000), P**2 / (P**2).sum(), atol=0.02)


def test_only_the_likeliest_are_drawn():
    assert (drawn(Sampling(1, top_k=2)) > 0).tolist() == [False, True, True, False]
    assert (drawn(Sampling(1, top_p=0.71)) > 0).tolist() == [False, True, True, True]
    assert (drawn(Sampling(1, top_p=0.69)) > 0).tolist() == [False, True, True, False]
    assert (drawn(Sampling(1, top_p=1e-9)) > 0).tolist() == [False, True, False, False]


def test_a_token_of_no_probability_is_never_drawn():
    assert drawn(Sampling(100), np.array([0.0, 1e-9, 0.0])).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"temperature": -0.1}, "temperature is -0.1"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"temperature": float("inf")}, "temperature is inf"),
        ({"top_k": -1}, "--top-k is -1"),
        ({"top_p": 0.0}, "--top-p is 0"),
        ({"top_p": 1.1}, "--top-p is 1.1"),
        ({"top_p": float("nan")}, "--top-p is nan"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(settings, wrong):
    with pytest.raises(KitError, match=wrong):
        Sampling(**settings)
