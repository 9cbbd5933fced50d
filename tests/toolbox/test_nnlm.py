"""A text embedding made of texts: the vectors that it says it has, and a SavedModel that hub.KerasLayer takes."""

from __future__ import annotations

import numpy as np
import pytest

from kit.errors import KitError
from kit.rows.views import Rows
from kit.toolbox import cooccurrence
from kit.toolbox.encoders import handles, nnlm

TEXTS = ["Café rico, negro", "café RICO negro", "té verde rico", "té verde frío", "mesa de roble", "silla de roble"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Both kinds of module, loaded by TensorFlow Hub."""
    pytest.importorskip("tensorflow_hub")
    import tensorflow_hub as hub

    loaded = {}
    for normalised in (True, False):
        out = tmp_path_factory.mktemp("modules") / "module"
        card = nnlm.write(TEXTS, out, width=4, normalised=normalised)
        loaded[normalised] = (hub.load(str(out / nnlm.PART)), card, out)
    return loaded


def vectors(module, *texts):
    import tensorflow as tf

    return module(tf.constant(texts)).numpy()


def test_texts_become_vectors_of_the_width_and_an_empty_text_zeros(made):
    pred = vectors(made[True][0], "café", "", "té verde")
    assert pred.shape == (3, 4) and pred.dtype == np.float32
    assert not pred[1].any() and pred[0].any()


def test_fine_tuning_changes_the_vectors_and_freezing_keeps_them(made):
    import tensorflow as tf
    import tensorflow_hub as hub
    import tf_keras

    tf_keras.utils.set_random_seed(0)

    for trainable in (True, False):
        layer = hub.KerasLayer(str(made[True][2] / nnlm.PART), trainable=trainable, input_shape=[], dtype=tf.string)
        model = tf_keras.Sequential([layer, tf_keras.layers.Dense(1)])
        model.compile(tf_keras.optimizers.SGD(1.0), "mse")
        before = vectors(layer, "café", "té verde")
        model.fit(tf.constant(["café", "té"]), tf.constant([[5.0], [-5.0]]), epochs=2, verbose=0)
        assert len(layer.trainable_weights) == trainable
        assert (vectors(layer, "café", "té verde") != before).any() == trainable


def test_a_text_is_the_sum_of_its_words_over_the_root_of_their_number(made):
    module = made[True][0]
    one, other, both, four = vectors(module, "té", "verde", "té verde", "té verde té verde")
    assert np.allclose(both, (one + other) / np.sqrt(2), atol=1e-6)
    assert np.allclose(four, (one + other) * 2 / np.sqrt(4), atol=1e-6)


def test_marks_and_capitals_count_only_without_normalisation(made):
    assert np.allclose(*vectors(made[True][0], "negro", "Negro,"))
    assert not np.allclose(*vectors(made[False][0], "rico", "RICO"))


def test_an_unknown_word_has_the_vector_of_its_bucket_and_always_the_same(made):
    one, same = vectors(made[True][0], "desconocida", "desconocida")
    assert np.array_equal(one, same)


def test_a_rare_word_lends_its_place_to_its_bucket(made):
    import tensorflow as tf

    module, card, _ = made[True]
    assert card["words"] == 7  # café, rico, negro, té, verde, de and roble stand there twice
    bucket = int(tf.strings.to_hash_bucket_fast("mesa", nnlm.BUCKETS))
    assert np.allclose(vectors(module, "mesa")[0], module.embeddings[card["words"] + bucket].numpy())
    assert vectors(module, "mesa")[0].any()


def test_python_parts_words_as_the_module_does(made):
    for normalised, (module, _, _) in made.items():
        split = nnlm.splitter(normalised)
        for text in (*TEXTS, "  dos  espacios ", "a-b_c", "15x20"):
            words = split(text)
            whole = vectors(module, text)[0]
            each = vectors(module, *words).sum(0) / np.sqrt(len(words))
            assert np.allclose(whole, each, atol=1e-5), (normalised, text)


def test_the_handle_of_a_module_is_its_name_and_another_folder_is_not_overwritten(made, tmp_path):
    folder = made[True][2]
    assert handles.locate(str(folder), nnlm.PART) == str(folder / nnlm.PART)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x")
    with pytest.raises(KitError, match="something else than an encoder"):
        nnlm.write(TEXTS, tmp_path / "mine", width=2, normalised=True)


def test_words_of_one_company_have_like_vectors():
    texts = ["perro gato pez"] * 5 + ["perro gato ave"] * 5 + ["mesa silla cama"] * 5 + ["mesa silla sofa"] * 5
    made = cooccurrence.learn(texts, width=3)
    place = {word: number for number, word in enumerate(made.words)}
    like = made.matrix @ made.matrix.T
    assert like[place["pez"], place["ave"]] > 0.9 > 0.1 > abs(like[place["pez"], place["mesa"]])
    assert made.counts[place["perro"]] == 10 and len(made.words) == 8


def test_vectors_are_written_in_gloves_format_and_read_again(tmp_path):
    from kit.toolbox import vectors as glove

    made = cooccurrence.learn(TEXTS, width=3, least=1)
    cooccurrence.write(made, tmp_path / "mine.txt")
    read = glove.read(tmp_path / "mine.txt", made.words)
    assert read.coverage == 1.0 and np.allclose(read.matrix, made.matrix, atol=1e-5)


def test_a_table_begins_with_padding_of_zeros_and_tells_its_coverage(tmp_path, told):
    (tmp_path / "few.txt").write_text("rico 1 2 3\nnada 0 0 1\n")
    table = cooccurrence.table(TEXTS, str(tmp_path / "few.txt"), width=9, special=2, seed=1)
    assert table.table.shape == (len(table.words) + 2, 3) and not table.table[0].any()
    assert table.table[2 + table.words.index("rico")].tolist() == [1, 2, 3]
    assert 0 < table.coverage < 1 and "of what is said" in told[-1]


def test_vectors_are_learned_from_texts_drawn_evenly_of_too_many_rows(monkeypatch):
    rows = Rows([f"text {number}" for number in range(10)])
    assert cooccurrence.drawn(rows) == list(rows)
    monkeypatch.setattr(cooccurrence, "ENOUGH", 4)
    assert cooccurrence.drawn(rows[1:]) == ["text 1", "text 3", "text 6", "text 9"]


def test_texts_without_words_give_no_vectors():
    made = cooccurrence.learn(["", "!"], width=3)
    assert made.words == () and made.matrix.shape == (0, 3)
