"""An encoder that is fine-tuned: its own dropout, and the lengths to which texts are padded."""

from __future__ import annotations

import numpy as np
import pytest

from kit.errors import KitError
from kit.toolbox.encoders import bert

for package in ("official", "tensorflow_text", "tensorflow_hub"):
    pytest.importorskip(package, reason="the extra bert is not installed")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The folder of the tiny encoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_HOME", str(tmp_path_factory.mktemp("home")))
        yield bert.tiny()


@pytest.mark.parametrize("inner_dropout", [True, False])
def test_without_inner_dropout_an_encoder_is_trained_as_it_predicts(tiny, inner_dropout):
    import tensorflow as tf

    from kit.toolbox.encoders import finetuning

    encoder = finetuning.pooled(
        str(tiny / "encoder"), pooling="mean", seed=0, trainable=True, inner_dropout=inner_dropout
    )
    ids = tf.constant([[2, 6, 5, 3, 0, 0], [2, 8, 9, 10, 11, 3]])
    mask = tf.cast(ids > 0, tf.int32)
    given = {"input_word_ids": ids, "input_mask": mask, "input_type_ids": tf.zeros_like(ids)}
    with tf.GradientTape() as tape:
        trained = encoder(given, training=True)
    assert np.allclose(trained, encoder(given, training=False), atol=1e-4) is not inner_dropout
    weights = encoder.trainable_variables
    assert len(weights) > 10
    assert all(gradient is not None for gradient in tape.gradient(trained, weights))


@pytest.mark.parametrize(("step", "wide"), [(8, [8, 16, 40]), (16, [16, 16, 40]), (64, [40, 40, 40])])
def test_a_batch_is_padded_to_the_next_multiple_of_step_and_to_the_length_at_most(tiny, step, wide):
    from kit.toolbox.encoders.pieces import Pieces

    pieces = Pieces(str(tiny / "preprocess"), length=40, bucket=True, step=step)
    read = pieces(["a" * 3, "b" * 10, "c" * 90])
    widths = [read.take(np.array([row]))["input_word_ids"].shape[1] for row in range(3)]
    assert widths == wide


def test_lengths_that_are_no_multiple_of_anything_are_one_error(tiny):
    from kit.toolbox.encoders.pieces import Pieces

    with pytest.raises(KitError, match="Texts cannot be padded to multiples of 0"):
        Pieces(str(tiny / "preprocess"), length=40, bucket=True, step=0)
