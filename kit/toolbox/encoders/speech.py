"""A pretrained speech encoder in Keras: log-mel spectrograms to 96 numbers every 80 ms, which tell what is said.

The network is Google's speech embedding, trained on YouTube to tell 5,000 key phrases apart. Source: Lin, Kilgour,
Roblek and Sharifi, Training keyword spotters with limited and synthesized speech data, ICASSP 2020; its weights,
Apache-2.0, come in the packages of openWakeWord as `embedding_model.tflite`.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.toolbox import networks, quiet
from kit.toolbox.encoders import handles

NAME = "speech-embedding"
"""What an imported one is called where its user does not say."""

MODEL = "model.keras"
"""The file in the folder of the part `encoder`."""

BANDS, LOWEST, HIGHEST = 32, 60.0, 3800.0
"""Mel bands of a spectrogram, and the hertz between which they lie."""

FRAME, HOP = 0.025, 0.01
"""Seconds that a frame sees, and from frame to frame."""

LOUDEST = 11.0
"""log10 of the power in the loudest frame and band of a spectrogram, as the network heard speech in its training: that
of a wave of 16 bits at 16,000 samples a second whose peak is a quarter of full scale."""

WINDOW, STEP = 76, 8
"""Frames that one embedding sees, and from one to the next."""

FILTERS = (24, 48, 72, 96, 96)
"""Channels of the five blocks, the last of which are the numbers of an embedding."""

POOLS = ((2, 2), (1, 2), (2, 2), (1, 2), (2, 2))
"""Frames and bands that become one after each block."""


def network(filters: Sequence[int] = FILTERS) -> Any:
    """The network with random weights: spectrograms `(n, frames, BANDS)`, log10 of power, to `(n, embeddings,
    filters[-1])` with `(frames - WINDOW) // STEP + 1` embeddings."""
    from keras import Input, Model, layers, ops

    def heard(x: Any) -> Any:
        return ops.maximum(layers.LeakyReLU(negative_slope=0.2)(x), -0.4)

    inputs = Input((None, BANDS), name="spectrogram")
    x = layers.Reshape((-1, BANDS, 1))(inputs)
    for block, (count, pool) in enumerate(zip(filters, POOLS, strict=True)):
        # Bands are padded and frames are not, so that an embedding sees its own window and nothing else.
        kernels = ((1, 3), (3, 1)) * 2 if block else ((3, 3), (1, 3), (3, 1))
        for kernel in kernels:
            if kernel[1] == 3:
                x = layers.ZeroPadding2D(((0, 0), (1, 1)))(x)
            x = heard(layers.Conv2D(count, kernel, kernel_initializer="he_normal")(x))
        x = layers.MaxPooling2D(pool)(x)
    x = layers.Conv2D(filters[-1], (3, 1))(x)
    return Model(inputs, layers.Reshape((-1, filters[-1]))(x), name="encoder")


def load(folder: Path | str) -> Any:
    """The network in the folder of the part `encoder`.

    Raises KitError where there is none, it is damaged, or it is another model.
    """
    import keras

    file, again = Path(folder) / MODEL, "kit encoder import embedding_model.tflite"
    if not file.is_file():
        raise KitError(
            f"{folder} holds no speech encoder.", f"One has a {MODEL}. A text encoder is another thing.", again
        )
    try:
        model = keras.saving.load_model(file, compile=False)
    # Keras says so of a file that is no archive, one that is cut, and one whose layers it does not know or trust.
    except (ValueError, TypeError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise KitError(
            f"{file} cannot be read: {str(error).splitlines()[0]}", "It may be cut or damaged.", again
        ) from error
    if getattr(model, "input_shape", None) != (None, None, BANDS) or len(model.output_shape) != 3:
        raise KitError(
            f"{file} is another model, of {getattr(model, 'input_shape', None)} to {model.output_shape}.",
            f"A speech encoder is one of spectrograms, (None, None, {BANDS}), to embeddings, (None, None, width).",
            again,
        )
    return model


def convert(file: Path, out: Path, name: str = "") -> dict[str, Any]:
    """Write the network in the TensorFlow Lite file `file` as an encoder into the folder `out`; what its card says.

    Raises KitError for a file that is damaged or holds another network, and where `out` holds something else.
    """
    quiet.begin()
    weights = read(file)
    model = network()
    model.set_weights(weights)
    card = {
        "name": name or out.name,
        "model": "google/speech_embedding",
        "weights": hashlib.sha256(file.read_bytes()).hexdigest(),
        "bands": BANDS,
        "width": FILTERS[-1],
    }
    with handles.writing(out, card) as part:
        (part / "encoder").mkdir()
        networks.write(model, part / "encoder" / MODEL)
    return card


def read(file: Path) -> list[np.ndarray]:
    """The kernels and biases of the network in the TensorFlow Lite file `file`, in the order of Keras's weights.

    The file is read as the data that it is; nothing in it is run. Raises KitError where it is not this network's.
    """
    if not file.is_file():
        raise KitError(f"There is no file {file}.", "The weights are called embedding_model.tflite.")
    data = file.read_bytes()
    if data[4:8] != b"TFL3":
        raise KitError(f"{file} is no TensorFlow Lite model.", "It may be cut, or another kind of file.")
    from tensorflow.lite.python import schema_py_generated as schema

    try:
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        graph = model.subgraphs[0]
        codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
        steps = [step for step in graph.operators if codes[step.opcodeIndex] == schema.BuiltinOperator.CONV_2D]
        weights = [_tensor(model, graph, index) for step in steps for index in step.inputs[1:3]]
    # What generated code and NumPy raise where an offset leads out of the file, or a table is not there.
    except (struct.error, IndexError, TypeError, ValueError, AttributeError) as error:
        raise KitError(f"{file} cannot be read: {error}", "The file is cut or damaged; its size tells.") from None
    # TensorFlow Lite has the channels that come out first, Keras has them last.
    weights = [np.transpose(each, (1, 2, 3, 0)) if each.ndim == 4 else each for each in weights]
    wanted = [tuple(weight.shape) for weight in network().weights]
    shapes = [each.shape for each in weights]
    if shapes != wanted:
        place = next((i for i, (a, b) in enumerate(zip(shapes, wanted, strict=False)) if a != b), len(shapes))
        raise KitError(
            f"{file} holds another network: {len(shapes)} weights of which number {place + 1} has the shape "
            f"{shapes[place] if place < len(shapes) else 'none'}.",
            f"The speech embedding has {len(wanted)}, and there {wanted[place] if place < len(wanted) else 'no more'}.",
        )
    if not all(np.isfinite(each).all() for each in weights):
        raise KitError(f"{file} holds numbers that are not finite.", "The file is damaged.")
    return weights


def _tensor(model: Any, graph: Any, index: int) -> np.ndarray:
    """A float32 tensor of the graph, by its index."""
    tensor = graph.tensors[index]
    return np.frombuffer(model.buffers[tensor.buffer].data.tobytes(), "<f4").reshape(tuple(tensor.shape))
