"""The speech encoder: weights of a TensorFlow Lite file become a Keras model that computes what they compute there."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.toolbox.encoders import handles, speech

keras = pytest.importorskip("keras")

SMALL = (2, 2, 3, 3, 4)


@pytest.fixture(autouse=True)
def small(request, monkeypatch):
    """A network of few channels, but for the test of the real weights."""
    if "real" not in request.node.name:
        monkeypatch.setattr(speech, "FILTERS", SMALL)
        monkeypatch.setattr(speech.network, "__defaults__", (SMALL,))


@pytest.fixture(scope="module")
def lite(tmp_path_factory) -> tuple[Path, object]:
    """A TensorFlow Lite file of a network with random weights, and that network."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    made = speech.network(SMALL)
    made.set_weights([np.random.default_rng(i).normal(0, 0.4, w.shape) for i, w in enumerate(made.weights)])
    file = tmp_path_factory.mktemp("lite") / "embedding_model.tflite"
    fixed = keras.Input((100, speech.BANDS), batch_size=1)
    function = tf.function(keras.Model(fixed, made(fixed)), autograph=False)
    concrete = function.get_concrete_function(tf.TensorSpec((1, 100, speech.BANDS)))
    frozen = convert_variables_to_constants_v2(concrete)
    file.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert())
    return file, made


def spectrogram(frames: int, rows: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(4, 2, (rows, frames, speech.BANDS)).astype(np.float32)


def test_an_imported_file_computes_what_its_network_computes(lite, tmp_path):
    file, made = lite
    card = speech.convert(file, tmp_path / "mine")
    assert card == json.loads((tmp_path / "mine" / handles.CARD).read_text())
    assert (card["name"], card["width"], card["bands"]) == ("mine", 4, 32)
    model = speech.load(handles.locate(str(tmp_path / "mine"), "encoder"))
    np.testing.assert_allclose(model(spectrogram(100)), made(spectrogram(100)), atol=1e-5)


def test_an_embedding_sees_its_window_and_nothing_else():
    model = speech.network()
    x = spectrogram(100, 2)
    whole = np.asarray(model(x))
    assert whole.shape == (2, (100 - 76) // 8 + 1, 4)
    for place in range(whole.shape[1]):
        window = x[:, 8 * place : 8 * place + 76]
        np.testing.assert_allclose(model(window)[:, 0], whole[:, place], atol=1e-5)


def test_a_file_cut_anywhere_is_refused(lite, tmp_path):
    data = lite[0].read_bytes()
    file = tmp_path / "cut.tflite"
    for count in (0, 6, 40, 1000, len(data) // 2, len(data) - 400):
        file.write_bytes(data[:count])
        with pytest.raises(KitError, match=r"cut\.tflite (cannot be read|is no TensorFlow Lite|holds another)"):
            speech.convert(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_network_and_numbers_that_are_not_finite_are_refused(lite, tmp_path, monkeypatch):
    weights = speech.read(lite[0])
    place = lite[0].read_bytes().index(weights[1].tobytes())
    broken = bytearray(lite[0].read_bytes())
    broken[place : place + 4] = np.float32(np.nan).tobytes()
    (tmp_path / "nan.tflite").write_bytes(broken)
    with pytest.raises(KitError, match="not finite"):
        speech.read(tmp_path / "nan.tflite")
    monkeypatch.setattr(speech.network, "__defaults__", ((2, 2, 3, 3, 5),))
    with pytest.raises(KitError, match="holds another network: 40 weights of which number 31 has the shape"):
        speech.read(lite[0])


def test_a_missing_file_and_a_text_encoder_are_refused(tmp_path):
    with pytest.raises(KitError, match="There is no file"):
        speech.read(tmp_path / "none.tflite")
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(KitError, match="holds no speech encoder"):
        speech.load(tmp_path)


def test_a_damaged_model_and_another_one_are_refused(tmp_path):
    file = tmp_path / speech.MODEL
    speech.network().save(file)
    whole = file.read_bytes()
    for count in (0, 100, len(whole) // 2):
        file.write_bytes(whole[:count])
        with pytest.raises(KitError, match=r"model\.keras cannot be read"):
            speech.load(tmp_path)
    inputs = keras.Input((None, 40))
    keras.Model(inputs, keras.layers.Dense(3)(inputs)).save(file)
    with pytest.raises(KitError, match=r"is another model, of \(None, None, 40\)"):
        speech.load(tmp_path)


@pytest.mark.parametrize("name", ["model.onnx", "weights.whl"])
def test_a_file_that_is_neither_is_refused_by_the_command(name, kit, tmp_path):
    (tmp_path / name).write_bytes(b"x")
    status, _, err = kit("encoder", "import", str(tmp_path / name))
    assert status == 1
    assert f"{tmp_path / name} is not a folder." in err
    assert "a speech encoder is a file, .tflite" in err


def test_the_command_imports_it_under_its_own_name(lite, kit, workspace):
    status, out, err = kit("encoder", "import", str(lite[0]))
    assert (status, out) == (0, f"{workspace}/data/encoders/speech-embedding\n")
    assert "--set encoder=speech-embedding" in err
    status, out, err = kit("encoder", "import", str(workspace / "none.tflite"))
    assert (status, out) == (1, "")
    assert "There is no file" in err


def real() -> bytes | None:
    """The real weights: $KIT_SPEECH names the file, or a wheel of pyopen-wakeword."""
    named = os.environ.get("KIT_SPEECH")
    if named and named.endswith(".whl"):
        with zipfile.ZipFile(named) as wheel:
            return wheel.read("pyopen_wakeword/models/embedding_model.tflite")
    return Path(named).read_bytes() if named else None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_the_real_weights_give_what_tensorflow_lite_gives(tmp_path):
    data = real()
    if data is None:
        pytest.skip("no real weights: KIT_SPEECH=embedding_model.tflite, or a wheel of pyopen-wakeword")
    import tensorflow as tf

    (tmp_path / "real.tflite").write_bytes(data)
    speech.convert(tmp_path / "real.tflite", tmp_path / "real")
    embeddings = np.asarray(speech.load(tmp_path / "real" / "encoder")(spectrogram(100)))
    lite = tf.lite.Interpreter(str(tmp_path / "real.tflite"))
    lite.allocate_tensors()
    for place in range(embeddings.shape[1]):
        lite.set_tensor(lite.get_input_details()[0]["index"], spectrogram(100)[:, 8 * place : 8 * place + 76, :, None])
        lite.invoke()
        wanted = lite.get_tensor(lite.get_output_details()[0]["index"]).ravel()
        # Of numbers up to 60; float32 sums of 7,000 products in another order.
        np.testing.assert_allclose(embeddings[0, place], wanted, atol=2e-4)
