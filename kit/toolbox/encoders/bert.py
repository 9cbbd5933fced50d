"""A BERT as two SavedModels, `preprocess` and `encoder`, made of its tensors.

Both load with `hub.KerasLayer(path)` and are called as TensorFlow Hub's BERT is: `preprocess` takes texts to
`input_word_ids`, `input_mask` and `input_type_ids`, int32 of (n, length); `encoder` takes these to `pooled_output`,
float32 of (n, width), `sequence_output`, (n, length, width), and `encoder_outputs`, one a layer.

Source of the interface: github.com/tensorflow/models, official/nlp/tools/export_tfhub_lib.py, whose preprocessing is
used as it is.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit import places
from kit.errors import KitError
from kit.toolbox import quiet
from kit.toolbox.encoders import handles

LENGTH = 128
"""Tokens that a text is padded or cut to where the caller does not say; that of TensorFlow Hub's preprocessing."""

ACTIVATIONS = {"gelu": False, "gelu_new": True, "gelu_pytorch_tanh": True, "gelu_fast": True, "relu": None}
"""What `hidden_act` may be, and whether its GELU is the tanh approximation."""

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def save(
    out: Path,
    config: Mapping[str, Any],
    vocab: Sequence[str],
    tensors: Mapping[str, np.ndarray],
    *,
    lower: bool,
    card: Mapping[str, Any],
) -> None:
    """Write the two SavedModels of a BERT, and `card` as JSON, into the folder `out`; an earlier encoder there stays
    until the new one is whole.

    `config` and the names in `tensors` are those of Hugging Face's BertModel; `vocab` is its word pieces in order.
    Raises KitError for a config, a vocabulary or tensors that make no BERT which can be written so, naming the first
    that is wrong, and where `out` holds something else than an encoder.
    """
    checked(config, vocab)
    weights = {place: _weight(name, shape, tensors) for place, (name, shape) in _named(config).items()}
    with handles.writing(out, card) as part:
        _save_preprocess(part / "preprocess", vocab, lower)
        _save_encoder(part / "encoder", config, weights)


def checked(config: Mapping[str, Any], vocab: Sequence[str]) -> None:
    """Raises KitError where `config` is no BERT that TensorFlow's official models know, or `vocab` does not fit it."""
    kind = config.get("model_type")
    if kind != "bert":
        raise KitError(f"The model is of type {kind!r}.", "Only 'bert' can be imported, as model_type in config.json.")
    for key in _SIZES:
        if not isinstance(config.get(key), int) or config[key] < 1:
            raise KitError(f"{key} in config.json is {config.get(key)!r}.", "It must be a whole number above 0.")
    if config["hidden_size"] % config["num_attention_heads"]:
        raise KitError(
            f"hidden_size {config['hidden_size']} is no multiple of num_attention_heads"
            f" {config['num_attention_heads']}.",
            "Each head gets an equal part of the width.",
        )
    for key, known in (("hidden_act", list(ACTIVATIONS)), ("position_embedding_type", ["absolute"])):
        if config.get(key, known[0]) not in known:
            raise KitError(f"{key} in config.json is {config[key]!r}.", f"Known ones: {', '.join(known)}.")
    if config.get("is_decoder"):
        raise KitError("The model is a decoder (is_decoder in config.json).", "Only encoders can be imported.")
    if missing := [word for word in SPECIAL[:4] if word not in vocab]:
        raise KitError(f"vocab.txt has no {', '.join(missing)}.", "A BERT's vocabulary has them.")
    if twice := [word for word, count in Counter(vocab).items() if count > 1]:
        raise KitError(f"vocab.txt holds {twice[0]!r} more than once.", "Each line is a word piece of its own.")
    # Some models pad their table of embeddings to a number that suits the hardware.
    if config["vocab_size"] not in {-(-len(vocab) // to) * to for to in (1, 8, 64, 128)}:
        raise KitError(
            f"vocab.txt has {len(vocab):,} lines, and vocab_size in config.json is {config['vocab_size']:,}.",
            "One of the files is cut, or they belong to different models.",
        )


_SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)


def _named(config: Mapping[str, Any]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Each variable of `networks.BertEncoderV2` to the tensor of Hugging Face's BertModel, with that tensor's shape."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    names: dict[str, tuple[str, tuple[int, ...]]] = {
        "word_embeddings/embeddings": ("embeddings.word_embeddings.weight", (config["vocab_size"], width)),
        "position_embedding/embeddings": (
            "embeddings.position_embeddings.weight",
            (config["max_position_embeddings"], width),
        ),
        "type_embeddings/embeddings": ("embeddings.token_type_embeddings.weight", (config["type_vocab_size"], width)),
    }

    def dense(place: str, name: str, outputs: int, inputs: int) -> None:
        names[f"{place}/kernel"] = (f"{name}.weight", (outputs, inputs))
        names[f"{place}/bias"] = (f"{name}.bias", (outputs,))

    def norm(place: str, name: str) -> None:
        names[f"{place}/gamma"] = (f"{name}.weight", (width,))
        names[f"{place}/beta"] = (f"{name}.bias", (width,))

    norm("embeddings/layer_norm", "embeddings.LayerNorm")
    for number in range(config["num_hidden_layers"]):
        place, name = f"transformer/layer_{number}", f"encoder.layer.{number}"
        for head in ("query", "key", "value"):
            dense(f"{place}/self_attention/{head}", f"{name}.attention.self.{head}", width, width)
        dense(f"{place}/self_attention/attention_output", f"{name}.attention.output.dense", width, width)
        norm(f"{place}/self_attention_layer_norm", f"{name}.attention.output.LayerNorm")
        dense(f"{place}/intermediate", f"{name}.intermediate.dense", inner, width)
        dense(f"{place}/output", f"{name}.output.dense", width, inner)
        norm(f"{place}/output_layer_norm", f"{name}.output.LayerNorm")
    dense("pooler_transform", "pooler.dense", width, width)
    return names


def _weight(name: str, shape: tuple[int, ...], tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    """The tensor `name`, under the names it has in older checkpoints too, float32."""
    # Models with a head call the encoder `bert`; checkpoints converted from TensorFlow 1 call a norm's weights so.
    old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    for key in (name, f"bert.{name}", old, f"bert.{old}"):
        if key in tensors:
            if tensors[key].shape != shape:
                raise KitError(
                    f"Tensor {key} has the shape {tensors[key].shape}.", f"By config.json it must have {shape}."
                )
            if not np.isfinite(tensors[key]).all():
                raise KitError(f"Tensor {key} holds numbers that are not finite.", "The checkpoint is damaged.")
            return tensors[key].astype(np.float32)
    raise KitError(
        f"Tensor {name} is missing from the checkpoint.",
        "A BertModel with its pooler is needed."
        if name.startswith("pooler")
        else "A BertModel of Hugging Face has it.",
    )


def _save_preprocess(out: Path, vocab: Sequence[str], lower: bool) -> None:
    # TensorFlow's start-up notes, and its warning that a model which is only written was never trained.
    quiet.begin()
    try:
        from official.nlp.tools import export_tfhub_lib
    except ModuleNotFoundError as error:
        raise needs(error.name or "tf-models-official") from None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "vocab.txt")
        file.write_text("".join(f"{word}\n" for word in vocab), encoding="utf-8", newline="\n")
        export_tfhub_lib.export_preprocessing(
            str(out),
            vocab_file=str(file),
            do_lower_case=lower,
            tokenize_with_offsets=False,
            default_seq_length=LENGTH,
        )


def _save_encoder(out: Path, config: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> None:
    import tf_keras
    from official.nlp.modeling import networks

    # Random operations get numbers of their own, without which TensorFlow refuses to run them deterministically.
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(0)
    approximate = ACTIVATIONS[config.get("hidden_act", "gelu")]
    encoder = networks.BertEncoderV2(
        vocab_size=config["vocab_size"],
        hidden_size=config["hidden_size"],
        num_layers=config["num_hidden_layers"],
        num_attention_heads=config["num_attention_heads"],
        max_sequence_length=config["max_position_embeddings"],
        type_vocab_size=config["type_vocab_size"],
        inner_dim=config["intermediate_size"],
        inner_activation="relu" if approximate is None else _gelu(approximate),
        output_dropout=config.get("hidden_dropout_prob", 0.1),
        attention_dropout=config.get("attention_probs_dropout_prob", 0.1),
    )
    outputs = encoder(encoder.inputs)
    for layer in encoder.submodules:
        if isinstance(layer, tf_keras.layers.LayerNormalization):
            layer.epsilon = config.get("layer_norm_eps", 1e-12)
    for variable in encoder.weights:
        place = variable.name.partition("/")[2].removesuffix(":0")
        weight = weights[place]
        variable.assign((weight.T if place.endswith("/kernel") else weight).reshape(variable.shape))
    # A dict goes in and comes out, as with TensorFlow Hub's; `default` is what any text encoder there gives.
    model = tf_keras.Model(encoder.inputs, {**outputs, "default": outputs["pooled_output"]})
    model.save(out, include_optimizer=False, save_format="tf")


def _gelu(approximate: bool) -> Any:
    import tf_keras

    return lambda x: tf_keras.activations.gelu(x, approximate=approximate)


def tiny() -> Path:
    """The folder of the tiny encoder, written on the first call through the same steps as an imported one.

    Its word pieces are the printable characters of ASCII, its weights are random: it is for samples and tests, where
    the path counts and not the score.
    """
    out = places.encoders() / handles.TINY
    if (out / handles.CARD).is_file():
        return out
    letters = [letter for letter in map(chr, range(33, 127)) if not letter.isupper()]
    vocab = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    sizes = dict.fromkeys(_SIZES, 2) | {"vocab_size": len(vocab), "hidden_size": 32, "intermediate_size": 64}
    config = {**sizes, "model_type": "bert", "num_hidden_layers": 1, "max_position_embeddings": LENGTH}
    random = np.random.default_rng(0)
    tensors = {
        name: np.full(shape, float(name.endswith("weight")), np.float32)
        if "LayerNorm" in name
        # Wider than the 0.02 of pretraining, with which nothing is learnt in the few steps of a test.
        else random.normal(0, 0.1, shape).astype(np.float32)
        for name, shape in _named(config).values()
    }
    save(out, config, vocab, tensors, lower=True, card={"name": handles.TINY})
    return out


def needs(package: str) -> KitError:
    """The error where `package` of the extra `bert` is missing."""
    return KitError(
        f"Encoders need the package {package!r}, which is not installed.",
        "It comes with the extra 'bert'.",
        places.install("bert"),
    )
