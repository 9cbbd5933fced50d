"""Networks over tokens: what NumPy computes is what Keras has learned, whatever is read before or beside it."""

import itertools

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from kit.errors import KitError  # noqa: E402
from kit.task.contract import Data, Fold  # noqa: E402
from kit.toolbox.language import attention, lanes, learning, recurrent, vocabulary  # noqa: E402
from kit.toolbox.language.model import Language  # noqa: E402

TEXTS = ["The cat sat on the mat.", "A dog sat.", "The dog's bowl was empty, and the cat had gone."]
LETTERS = vocabulary.of_characters(TEXTS)
TRAINING = {"epochs": 2, "steps": 3, "batch": 2, "length": 8, "rate": 1e-2, "precision": "float32"}
SHAPES = {
    "recurrent": {"units": 6, "depth": 2, "width": 5, "dropout": 0.1},
    "attention": {"width": 12, "depth": 2, "heads": 3, "dropout": 0.1},
    "convolution": {"width": 12, "depth": 2, "heads": 3, "dropout": 0.1, "convolution": 4},
}


def moved(model):
    """The model with weights that are not those it began with, so that no two layers have the same."""
    random = np.random.default_rng(0)
    model.set_weights([w + random.normal(0, 0.3, w.shape) for w in model.get_weights()])
    return model


def inside(kind, window=32):
    """A network computed by NumPy, and the Keras model with the same weights, of one lane of 32 tokens."""
    keras.utils.set_random_seed(1)
    if kind == "recurrent":
        model = moved(recurrent.network(len(LETTERS), 1, 32, **SHAPES[kind]))
        for layer in model.layers:
            if hasattr(layer, "reset_states"):
                layer.reset_states()
        return recurrent.Recurrent(LETTERS, recurrent.weights(model)), model
    model = moved(attention.network(len(LETTERS), 32, **SHAPES[kind]))
    return attention.Attention(LETTERS, attention.weights(model), SHAPES[kind]["heads"], window), model


KINDS = pytest.mark.parametrize("kind", [*SHAPES])
HEARING = pytest.mark.parametrize("kind", ["attention", "convolution"])


@KINDS
def test_numpy_computes_what_keras_does(kind):
    made, model = inside(kind)
    tokens = np.append(0, LETTERS.encode(TEXTS[0]))
    given = np.zeros((1, 32), int)
    given[0, : len(tokens)] = tokens
    logits = np.asarray(model(given, training=False), np.float64)[0, : len(tokens)]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    wanted = p[np.arange(len(tokens)), np.append(tokens[1:], 0)]
    np.testing.assert_allclose(made.likely([LETTERS.encode(TEXTS[0])]), wanted, rtol=1e-4)


@KINDS
def test_a_text_read_token_by_token_is_the_text_read_at_once(kind):
    made, _ = inside(kind)
    tokens = [LETTERS.encode(text) for text in TEXTS]
    whole = made.likely(tokens)
    at = 0
    for text in tokens:
        state, p = made.read([text[:0]])
        each = []
        for token in (*text, 0):
            each.append(p[0, token])
            state, p = made.step(state, np.array([token]))
        np.testing.assert_allclose(each, whole[at : at + len(text) + 1], rtol=1e-4)
        at += len(text) + 1


@KINDS
def test_what_tokens_weigh_is_the_sum_of_their_probabilities_times_weights(kind):
    made, _ = inside(kind)
    tokens, weights = [LETTERS.encode(text) for text in TEXTS], np.linspace(0, 1, len(LETTERS))
    p, weighted = made.weighed(tokens, weights)
    np.testing.assert_array_equal(p, made.likely(tokens))
    befores = [text[:end] for text in tokens for end in range(len(text) + 1)]
    np.testing.assert_allclose(weighted, made.read(befores)[1] @ weights, rtol=1e-4)


@KINDS
def test_texts_of_different_lengths_are_read_side_by_side(kind):
    made, _ = inside(kind)
    tokens = [LETTERS.encode(text) for text in TEXTS]
    state, p = made.read(tokens)
    for row, text in enumerate(tokens):
        alone, q = made.read([text])
        np.testing.assert_allclose(p[row], q[0], rtol=1e-4)
        _, p_next = made.step(made.pick(state, np.array([row, row])), np.array([2, 3]))
        for branch, token in enumerate((2, 3)):
            _, q_next = made.step(made.pick(alone, np.array([0])), np.array([token]))
            np.testing.assert_allclose(p_next[branch], q_next[0], rtol=1e-4)


@HEARING
def test_attention_hears_its_window_only_however_a_text_is_read(kind):
    made, _ = inside(kind, window=4)
    text = LETTERS.encode(TEXTS[2])
    whole = made.likely([text])
    state, p = made.read([text[:9]])
    each = []
    for token in (*text[9:], 0):
        each.append(p[0, token])
        state, p = made.step(state, np.array([token]))
    np.testing.assert_allclose(each, whole[9:], rtol=1e-4)
    assert state.keys.shape[3] == 4  # no more is kept than can be heard


@HEARING
def test_room_for_keys_grows_with_the_text(kind):
    made, _ = inside(kind, window=200)
    state, _ = made.read([LETTERS.encode("The")])
    assert state.keys.shape[3] == attention.GROWN
    for _ in range(attention.GROWN):
        state, p = made.step(state, np.array([2]))
    assert state.keys.shape[3] == 2 * attention.GROWN
    np.testing.assert_allclose(p, made.read([np.append(LETTERS.encode("The"), np.full(64, 2))])[1], rtol=1e-4)


def test_lanes_go_on_from_batch_to_batch_and_each_token_is_foretold_once_a_pass():
    texts = [LETTERS.encode(text) for text in TEXTS * 4]
    stream = lanes.Stream(texts, lanes=3, length=10, seed=5)
    batches = [stream.batch(number) for number in range(stream.batches + 1)]
    for (_, before), (now, _) in itertools.pairwise(batches[:-1]):
        assert before[:, -1].tolist() == now[:, 0].tolist()
    for given, wanted in batches:
        assert given[:, 1:].tolist() == wanted[:, :-1].tolist()
    again = lanes.Stream(texts, lanes=3, length=10, seed=5)
    assert again.batch(stream.batches)[0].tolist() == batches[-1][0].tolist() != batches[0][0].tolist()


@pytest.mark.parametrize("texts", [[np.array([2])], [np.array([], int)], [np.array([2, 3, 4])] * 2])
def test_few_texts_fill_fewer_lanes(texts):
    given, wanted = lanes.Stream(texts, lanes=64, length=128, seed=0).batch(3)
    assert given.shape == wanted.shape and given.size >= 1


def fold(dir, seed=3, report=lambda *_, **__: None):
    rows = Data(np.arange(3), np.array(TEXTS, object), np.array(["a", "b", "c"]))
    dir.mkdir(exist_ok=True)
    return Fold(0, rows, rows.head(0), seed, dir, report)


@pytest.mark.parametrize(("kind", "optimizer"), [("recurrent", "adamw"), ("attention", "muon")])
def test_a_training_that_was_cut_off_goes_on_to_the_same_bytes(kind, optimizer, tmp_path):
    def trained(dir, **rest):
        return learning.train(fold(dir, **rest), TEXTS, LETTERS, kind, SHAPES[kind], optimizer=optimizer, **TRAINING)

    whole = trained(tmp_path / "whole")

    told = []

    def cut(done, of, **_):
        told.append(done)
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "cut", report=cut)
    told.clear()
    again = trained(tmp_path / "cut", report=lambda done, of, **_: told.append(done))
    assert told == [2]  # the first epoch was not trained again
    for name, array in whole.held.items():
        assert array.tobytes() == again.held[name].tobytes()
    stored = learning.load(tmp_path / "cut" / "network")
    assert Language(stored).bits(TEXTS).tolist() == Language(whole).bits(TEXTS).tolist()


def test_an_unknown_optimizer_is_told(tmp_path):
    with pytest.raises(KitError, match="no optimizer 'sgd'"):
        learning.train(fold(tmp_path), TEXTS, LETTERS, "recurrent", SHAPES["recurrent"], optimizer="sgd", **TRAINING)


def test_a_convolution_of_fewer_than_no_tokens_is_told(tmp_path):
    shape = SHAPES["attention"] | {"convolution": -1}
    with pytest.raises(KitError, match="A convolution of -1 tokens is none"):
        learning.train(fold(tmp_path), TEXTS, LETTERS, "attention", shape, optimizer="adamw", **TRAINING)
