"""Counted runs of tokens, against Kneser-Ney computed run by run with dictionaries."""

from collections import Counter

import numpy as np
import pytest

from kit.toolbox.language import counts

TOKENS = 6


@pytest.fixture(scope="module")
def texts():
    random = np.random.default_rng(3)
    return [random.integers(1, TOKENS, random.integers(0, 9)) for _ in range(60)]


def slowly(texts, order):
    """A function of a context and a token: interpolated modified Kneser-Ney as Chen and Goodman write it."""
    padded = [(0, *text.tolist(), 0) for text in texts]
    grams = {
        n: Counter(t[i : i + n] for t in padded for i in range(len(t) - n + 1) if n > 1 or i)
        for n in range(1, order + 1)
    }
    used = {order: dict(grams[order])}
    for n in range(1, order):
        used[n] = {
            gram: grams[n][gram] if n > 1 and gram[0] == 0 else len({g[0] for g in grams[n + 1] if g[1:] == gram})
            for gram in grams[n]
        }
    taken = {n: counts.discounts(np.array([*used[n].values()])) for n in used}

    def p(context, token):
        n = len(context) + 1
        lower = p(context[1:], token) if n > 1 else 1 / TOKENS
        same = {gram[-1]: c for gram, c in used[n].items() if gram[:-1] == context}
        if not same:
            return lower
        discount = {t: taken[n][min(c, 3) - 1] for t, c in same.items()}
        total = sum(same.values())
        left = sum(min(discount[t], c) for t, c in same.items()) / total
        return max(same.get(token, 0) - discount.get(token, 0), 0) / total + left * lower

    return p


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_are_those_of_kneser_ney_computed_run_by_run(texts, order):
    made, p = counts.count(texts, TOKENS, order), slowly(texts, order)
    asked = [np.array([1, 2, 3, 4, 5, 1]), np.array([5, 5, 5]), np.array([], int)]
    wanted = []
    for text in asked:
        padded = (0, *text.tolist(), 0)
        wanted += [p(padded[max(0, at - order + 1) : at], padded[at]) for at in range(1, len(padded))]
    np.testing.assert_allclose(made.probabilities(asked), wanted, rtol=1e-6)


@pytest.mark.parametrize("context", [(0,), (0, 1), (0, 5, 5, 5), (2, 4)])
def test_probabilities_behind_a_context_add_up_to_one_and_are_those_of_each_token(texts, context):
    made = counts.count(texts, TOKENS, 3)
    p = made.after(context)
    assert p.sum() == pytest.approx(1, abs=1e-6)
    if context[0] == 0:
        each = [made.probabilities([np.array([*context[1:], token])])[len(context) - 1] for token in range(1, TOKENS)]
        np.testing.assert_allclose(p[1:], each, rtol=1e-9)


def test_a_run_longer_than_every_text_is_not_counted():
    made = counts.count([np.array([1, 2])], TOKENS, 9)
    assert made.order == 4  # with the mark before the text and its end
    assert made.after((0, 1)).argmax() == 2


def test_discounts_that_cannot_be_estimated_are_the_usual_ones():
    assert counts.discounts(np.array([1, 1, 2])) == counts.USUAL
    many = np.repeat([1, 2, 3, 4], [100, 40, 20, 12])
    y = 100 / 180
    assert counts.discounts(many) == pytest.approx((1 - 2 * y * 0.4, 2 - 3 * y * 0.5, 3 - 4 * y * 0.6))


def test_stored_counts_are_memory_maps_of_the_same_numbers(texts, tmp_path):
    made = counts.count(texts, TOKENS, 3)
    made.save(tmp_path)
    again = counts.Counts.load(tmp_path, TOKENS)
    assert isinstance(again.keys[2], np.memmap)
    assert again.after((0, 1)).tolist() == made.after((0, 1)).tolist()


@pytest.mark.parametrize("order", [1, 3, 4])
def test_the_longest_counted_run_before_a_token_is_the_same_read_at_once_or_alone(texts, order):
    made = counts.count(texts, TOKENS, order)
    runs = {(0, *t.tolist(), 0)[i : i + n] for t in texts for n in range(1, order) for i in range(len(t) + 3 - n)}
    asked = [np.array([1, 2, 3, 4, 5, 1]), np.array([5, 5, 5]), np.array([], int)]
    wanted = []
    for text in asked:
        padded = (0, *text.tolist())
        for at in range(1, len(padded) + 1):
            before = padded[max(0, at - order + 1) : at] if order > 1 else ()
            wanted.append(max(n for n in range(len(before) + 1) if n == 0 or before[-n:] in runs))
            assert made.seen(before) == wanted[-1]
    assert made.foretold(asked).seen.tolist() == wanted
    assert order == 1 or len(set(wanted)) > 1


@pytest.mark.parametrize("order", [1, 3, 4])
def test_what_tokens_weigh_is_the_sum_of_their_probabilities_times_weights(texts, order):
    made, weights = counts.count(texts, TOKENS, order), np.arange(TOKENS) / 2
    asked = [np.array([1, 2, 3, 4, 5, 1]), np.array([5, 5, 5]), np.array([], int)]
    befores = [(0, *text[:end]) for text in asked for end in range(len(text) + 1)]
    np.testing.assert_allclose(made.foretold(asked, weights).weighted, [made.after(b) @ weights for b in befores])
