"""Batch normalisation as one operation gives Keras's numbers, in training only, and leaves nothing behind."""

import numpy as np
import pytest

from kit.toolbox import networks, normalising
from tests.toolbox.test_networks import fold

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

# A bfloat16 has 8 bits of a number, so that two roundings of it may be 1/128 apart.
NEAR = {"float32": 1e-5, "mixed_bfloat16": 0.02}


def model_of(shape, **settings):
    inputs = keras.Input(shape[1:])
    return keras.Model(inputs, keras.layers.BatchNormalization(**settings)(inputs))


def trained_once(model, batch, weights):
    """What a step of training sees: outputs, the gradients of inputs, scale and offset, and the moving statistics."""
    layer = model.layers[-1]

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(batch)
            outputs = model(batch, training=True)
            total = tf.reduce_sum(tf.cast(outputs, tf.float32) * weights)
        return outputs, *tape.gradient(total, [batch, layer.gamma.value, layer.beta.value])

    found = [np.asarray(tf.cast(part, tf.float32)) for part in step()]
    kinds = {node.type for node in step.get_concrete_function().graph.get_operations()}
    return [*found, np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)], "FusedBatchNormV3" in kinds


@pytest.fixture(autouse=True)
def policy():
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("precision", NEAR)
@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (5, 7, 3), (9, 3), (2, 3, 2, 2, 3)])
def test_outputs_gradients_and_moving_statistics_are_keras_s(shape, precision):
    keras.config.set_dtype_policy(precision)
    random = np.random.default_rng(0)
    batch = tf.constant(random.normal(1.5, 2.0, shape), tf.float32)
    weights = tf.constant(random.normal(size=shape), tf.float32)
    plain, was_fused = trained_once(model_of(shape, momentum=0.9), batch, weights)
    assert not was_fused
    model = model_of(shape, momentum=0.9)
    with normalising.fused(networks.layers(model)):
        ours, is_fused = trained_once(model, batch, weights)
    assert is_fused
    for one, other in zip(ours, plain, strict=True):
        np.testing.assert_allclose(one, other, atol=NEAR[precision] * max(1.0, np.abs(other).max()))


def test_one_row_and_a_small_epsilon_are_normalised_as_keras_does():
    batch = tf.constant(np.random.default_rng(0).normal(size=(1, 3)) * 1e-4, tf.float32)
    near = tf.constant(np.random.default_rng(1).normal(size=(8, 2, 2, 3)) * 1e-4, tf.float32)
    for rows in (batch, near):
        weights = tf.ones_like(rows)
        plain, _ = trained_once(model_of(rows.shape, epsilon=1e-8), rows, weights)
        model = model_of(rows.shape, epsilon=1e-8)
        with normalising.fused(networks.layers(model)):
            ours, is_fused = trained_once(model, rows, weights)
        assert is_fused
        for at in (
            0,
            3,
            4,
            5,
        ):  # outputs, the offset's gradient and the moving statistics; the others are next to 0 here
            np.testing.assert_allclose(ours[at], plain[at], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "settings", [{"axis": 1}, {"scale": False}, {"center": False}, {"renorm": True}, {"trainable": False}], ids=str
)
def test_a_layer_that_the_operation_cannot_do_is_keras_s_own(settings):
    inputs = keras.Input((4, 4, 4))
    model = keras.Model(inputs, keras.layers.BatchNormalization(**settings)(inputs))
    batch = np.random.default_rng(0).normal(size=(3, 4, 4, 4)).astype(np.float32)
    plain = np.asarray(keras.models.clone_model(model)(batch, training=True))
    with normalising.fused(networks.layers(model)):
        np.testing.assert_array_equal(np.asarray(model(batch, training=True)), plain)


def test_layers_of_a_model_in_a_model_are_reached_and_are_themselves_again_afterwards():
    inner = model_of((1, 4))
    inputs = keras.Input((4,))
    model = keras.Model(inputs, inner(inputs))
    layer, before = inner.layers[-1], dict(vars(inner.layers[-1]))
    with pytest.raises(ZeroDivisionError), normalising.fused(networks.layers(model)):
        assert "call" in vars(layer)
        raise ZeroDivisionError
    assert vars(layer).keys() == before.keys()


def test_a_batch_is_predicted_and_judged_with_keras_s_own_layer():
    model = model_of((1, 4))
    batch = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    plain = model.predict(batch, verbose=0)
    with normalising.fused(networks.layers(model)):
        np.testing.assert_array_equal(np.asarray(model(batch, training=False)), plain)


def test_a_network_trains_so_and_is_stored_as_keras_s(tmp_path, monkeypatch):
    seen = []
    normalised = normalising._normalised

    def watched(layer, call, inputs, **given):
        seen.append(given["training"])
        return normalised(layer, call, inputs, **given)

    monkeypatch.setattr(normalising, "_normalised", watched)
    of = fold(tmp_path)
    networks.begin(of)
    inputs = keras.Input((4,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(8)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(hidden))
    networks.fit(model, of, epochs=1, batch=32, optimizer=networks.optimizer("adam", 0.05))
    assert True in seen
    networks.save(model, of.dir)
    stored, _ = networks.load(of.dir)
    assert [type(layer) for layer in stored.layers][2] is keras.layers.BatchNormalization
    x = of.valid.x
    np.testing.assert_array_equal(networks.predictor(stored)(x), networks.predictor(model)(x))
