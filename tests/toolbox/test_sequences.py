"""Texts as word numbers: the words of Keras's own text layer, batches of like length, LSTM layers as one operation."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the extra keras is not installed")

from kit.rows.views import Rows  # noqa: E402
from kit.toolbox import recurrent, sequences  # noqa: E402
from kit.toolbox.sequences import Vocabulary  # noqa: E402

TEXTS = ["It's GOOD, good\tfilm!", "Bad... film", "ÑOÑO good \U0001f600 x--y", "", "!!!"]


def fused(units: int = 6, **settings):
    return recurrent._fused()(units, **settings)


@pytest.fixture(scope="module")
def padded():
    """Random sequences of vectors with a mask: 5 rows of 1 to 12 steps."""
    random = np.random.default_rng(0)
    x = random.normal(size=(5, 12, 4)).astype(np.float32)
    return x, np.arange(12) < np.array([12, 1, 7, 3, 12])[:, None]


def test_words_are_numbered_as_keras_numbers_them():
    known = Vocabulary.learned(TEXTS, 6)
    assert known.words[:3] == ("good", "film", "bad") and known.counts[0] == 3 and len(known) == 6
    layer = keras.layers.TextVectorization(vocabulary=list(known.words))
    theirs = np.asarray(layer(np.array(TEXTS)[:, None]))
    for own, row in zip(known(TEXTS, 10).parts, theirs, strict=True):
        assert own.tolist() == row[row != 0].tolist()


def test_runs_of_words_are_numbered_as_keras_numbers_them():
    known = Vocabulary.learned(TEXTS, 30, ngrams=2)
    assert {"good", "good good", "its good"} < {*known.words}
    layer = keras.layers.TextVectorization(vocabulary=list(known.words), ngrams=2)
    theirs = np.asarray(layer(np.array(TEXTS)[:, None]))
    for own, row in zip(known(TEXTS, 30).parts, theirs, strict=True):
        assert own.tolist() == row[row != 0].tolist()


def test_a_longer_text_keeps_its_end():
    known = Vocabulary(["a", "b", "c"])
    assert known(["a b c"], 2).parts[0].tolist() == [3, 4]


def test_every_row_comes_once_an_epoch_in_batches_of_like_length():
    lengths = np.random.default_rng(0).integers(0, 200, 300)
    rows = sequences.Sequences([np.full(n, 2, np.int32) for n in lengths])
    batches = sequences.batches(rows, np.arange(300), 16, seed=0)
    before = None
    for _ in range(2):
        seen = [batches[number] for number in range(len(batches))]
        assert sorted(np.concatenate([y for _, y in seen]).tolist()) == list(range(300))
        assert all(((x != 0).sum(1) == lengths[y]).all() and x.shape[1] % sequences.STEP == 0 for x, y in seen)
        assert sum(x.size for x, _ in seen) < 1.35 * lengths.sum()
        assert seen[0][0].shape[1] != seen[1][0].shape[1]  # else Keras takes it for the length of all
        assert before is None or not np.array_equal(before, seen[2][1])
        before = seen[2][1]
        batches.on_epoch_end()


@pytest.mark.parametrize("settings", [{}, {"return_sequences": True}, {"go_backwards": True}])
def test_the_operation_computes_what_keras_computes_and_so_do_its_gradients(padded, settings):
    import tensorflow as tf

    x, mask = padded
    plain, one = keras.layers.LSTM(6, **settings), fused(**settings)
    plain(x), one(x)
    one.set_weights([weight + 0.1 for weight in plain.get_weights()])
    plain.set_weights(one.get_weights())
    results = []
    for layer in (plain, one):
        given = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(given)
            out = layer(given, mask=tf.constant(mask))
            if "return_sequences" in settings:
                out = out * tf.cast(mask[:, :, None], tf.float32)
            total = tf.reduce_sum(out**2)
        results.append([out, *tape.gradient(total, [given, *[w.value for w in layer.trainable_variables]])])
    for theirs, ours in zip(*results, strict=True):
        assert np.abs(theirs).max() > 0
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_layer_with_dropout_inside_is_keras_own():
    assert type(recurrent.lstm(4, recurrent_dropout=0.3)) is keras.layers.LSTM
    assert isinstance(recurrent.lstm(4), recurrent._fused() if recurrent.fuses() else keras.layers.LSTM)


def test_a_model_of_texts_needs_nothing_of_kit_and_predicts_the_same(tmp_path):
    known = Vocabulary(["good", "film", "bad", "the", "was"])
    words = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(len(known), 4)(words)

    def model(lstm):
        out = keras.layers.Bidirectional(lstm(3))(x, mask=keras.ops.not_equal(words, 0))
        return keras.Model(words, keras.layers.Dense(1, activation="sigmoid")(out))

    trained, plain = model(recurrent.lstm), model(keras.layers.LSTM)
    plain.set_weights(trained.get_weights())
    whole = sequences.of_texts(plain, known, 3)
    whole.save(tmp_path / "model.keras")
    texts = ["The film was good.", "bad", "", "\U0001f600 \U0001f600", "Was the film bad, bad, bad?"]
    predict = sequences.predictor(trained, known, 3, batch=4)
    pred = predict(texts)
    assert pred.shape == (5,) and pred.dtype == np.float32 and predict([]).shape == (0,)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(keras.ops.convert_to_tensor(texts)[:, None])[:, 0], pred, atol=1e-6)
    np.testing.assert_array_equal(predict(texts[::-1]), pred[::-1])
    np.testing.assert_array_equal(predict(Rows(texts)[:1]), pred[:1])


def test_an_embedding_begins_with_vectors_of_a_file_and_tells_how_many_words_it_has(tmp_path, told):
    (tmp_path / "glove.txt").write_text("good 1 2\nfilm 3 4\n")
    known = Vocabulary.learned(["good good film bad"], 10)
    matrix = sequences.embedding(known, str(tmp_path / "glove.txt"))
    assert matrix.tolist() == [[0, 0], [0, 0], [1, 2], [0, 0], [3, 4]]
    assert "66.7% of the 3 words, 75.0% of the texts" in told[-1]
