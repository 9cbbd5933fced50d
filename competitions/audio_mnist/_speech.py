"""What the speech recipes share: the features that every network computes from a wave, and the steps around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kit.rows.clips import Clips
from kit.task.contract import Fitted, Fold
from kit.toolbox import audio, clips, networks, novelty

RATE, CLASSES = 8000, 10
HOP = 80  # samples from frame to frame, 10 ms
FRAME = 200  # samples that a frame sees, 25 ms
# Samples of silence, 0.1 s, before a wave: on held-out speakers `resnet` had 0.912 with it, 0.892 without.
LEAD = 800

VARIANTS = {
    # For speakers who were heard in training; the defaults are for others.
    "mild": {"augment": 0.4, "warp": 1.0, "masks": 0.1},
    "no_augmentation": {"augment": 0.0, "warp": 0.0, "masks": 0.0},
}
"""The variants of the recipes whose networks learn from these recordings alone."""

Network = Callable[[Any, Any], Any]
"""Spectrograms `(n, frames, bands)` and `(n, frames, 1)`, 1 in sound and 0 after its end, to features `(n, d)`."""


def features(bands: int) -> Any:
    """A model from waves `(n, samples)` to log-mel spectrograms `(n, frames, bands)` and what of them is no padding.

    Neither loudness nor a microphone that makes some bands louder changes them: each band has mean 0 over the frames of
    the wave, and all together deviation 1.
    """
    wave = keras.Input((None,), name="wave")
    # Frames behind the wave keep its end from being dropped where a network halves their number three times.
    mel, sound = power(wave, bands=bands, hertz=(100, 3800), lead=LEAD, tail=8 * HOP)
    # 50 dB below the loudest: what is quieter is the room, not the voice.
    log = ops.log(mel + 1e-5)
    count = ops.sum(sound, axis=1, keepdims=True)
    # One mean for all bands instead of one for each had 0.829 instead of 0.853 for the hardest speaker, held out.
    centred = (log - ops.sum(log * sound, axis=1, keepdims=True) / count) * sound
    deviation = ops.sqrt(ops.sum(ops.square(centred), axis=(1, 2), keepdims=True) / (count * bands))
    return keras.Model(wave, [centred / ops.maximum(deviation, 1e-3), sound], name="features")


def power(wave: Any, *, bands: int, hertz: tuple[float, float], lead: int, tail: int) -> tuple[Any, Any]:
    """Waves `(n, samples)` as mel spectrograms `(n, frames, bands)`, shares of the loudest power in the wave, and 1 for
    each frame that is no padding, `(n, frames, 1)`.

    A wave ends with its last sample that is not 0, so that zeros after it change nothing. It gets `lead` samples of
    silence before and `tail` behind; those before count as the wave's.
    """
    place = ops.cumsum(ops.ones_like(wave), axis=1)
    end = ops.max(ops.where(ops.not_equal(wave, 0.0), place, 0.0), axis=1, keepdims=True)
    loudest = ops.max(ops.abs(wave), axis=1, keepdims=True)
    level = ops.divide(wave, ops.where(loudest > 0, loudest, 1.0))
    # Keras mirrors a wave at its ends to fill the first and last frame, which zeros of a frame make silence.
    level = ops.pad(level, ((0, 0), (FRAME + lead, FRAME + tail)))
    mel = layers.MelSpectrogram(
        fft_length=256,
        sequence_length=FRAME,
        sequence_stride=HOP,
        sampling_rate=RATE,
        num_mel_bins=bands,
        min_freq=hertz[0],
        max_freq=hertz[1],
        # Keras's own decibels are relative to the loudest of the batch, by which a row would depend on those beside it.
        power_to_db=False,
    )(level)
    mel = ops.transpose(mel, (0, 2, 1))
    frame = ops.cumsum(ops.ones_like(mel[:, :, :1]), axis=1)
    sound = ops.cast(frame * HOP <= end[:, :, None] + FRAME + lead + HOP, "float32")
    loudest = ops.max(mel, axis=(1, 2), keepdims=True)
    return mel / ops.where(loudest > 0, loudest, 1.0), sound


def mean_and_maximum(x: Any, sound: Any) -> Any:
    """The mean and the maximum over the frames that are no padding: `(n, frames, channels)` to `(n, 2 channels)`."""
    mean = ops.sum(x * sound, axis=1) / ops.sum(sound, axis=1)
    return ops.concatenate([mean, ops.max(x * sound - 1e4 * (1 - sound), axis=1)], axis=1)


def pooled(spectrogram: Any, sound: Any, filters: tuple[int, ...]) -> tuple[Any, Any]:
    """A spectrogram through 3x3 convolutions, each of which halves its frames and bands: frames as vectors, `(n,
    frames, bands x channels)`, and which of them are sound."""
    x = layers.Reshape((-1, spectrogram.shape[2], 1))(spectrogram)
    for count in filters:
        x = layers.Conv2D(count, 3, padding="same", use_bias=False)(x)
        # ReLU of a maximum is the maximum of ReLUs, and a quarter of the numbers is normalised.
        x = layers.BatchNormalization(momentum=0.95)(layers.MaxPooling2D(2)(x))
        sound = layers.MaxPooling1D(2)(sound)
        # What a convolution writes behind the end of a wave would come back in the next one.
        x = layers.ReLU()(x) * sound[:, :, :, None]
    return layers.Reshape((-1, x.shape[2] * x.shape[3]))(x), sound


def both_ways(x: Any, sound: Any, units: int, depth: int, dropout: float) -> tuple[Any, Any]:
    """A sequence read by `depth` bidirectional LSTM layers, which start at the end of its sound, not of its padding."""
    for _ in range(depth):
        lstm = layers.LSTM(units, return_sequences=True)
        x = layers.Bidirectional(lstm)(layers.Dropout(dropout)(x), mask=sound[:, :, 0] > 0.5)
    return x, sound


def views(strength: float) -> audio.Views:
    """The training augmentation of waves, milder or stronger."""
    return audio.Views(
        RATE,
        tempo=0.3 * strength,
        pitch=0.18 * strength,
        shift=0.15 * strength,
        cut=0.03 * strength,
        # Some speakers' clips are cut so close that the hisses of six are gone.
        trim=36.0,
        equalise=6.0 * strength,
        band=0.7 * strength,
        reverb=0.4 * strength,
        snr=6.0,
        share=min(1.0, 0.5 * strength),
    )


def train(
    fold: Fold,
    front: Any,
    network: Network,
    *,
    epochs: int = 20,
    rate: float = 3e-3,
    batch: int = 32,
    augment: float = 1.0,  # strength of the augmentation of waves; 0 is none
    masks: float = 0.2,  # share of bands and frames that SpecAugment may blank
    warp: float = 3.0,  # bands by which a spectrogram is bent, as by another vocal tract
    smoothing: float = 0.1,
    dropout: float = 0.3,
    decay: float = 1e-3,
) -> Fitted:
    """Train `network` between `front`, such as `features`, and ten probabilities, store it, and give its Fitted.

    The defaults are settings of every speech recipe that does not name them itself.
    """
    bands = front.output_shape[0][-1]
    inputs, sound = keras.Input((None, bands)), keras.Input((None, 1))
    last = layers.Identity(name="penultimate")(network(inputs, sound))
    probabilities = layers.Dense(CLASSES, activation="softmax", dtype="float32")(layers.Dropout(dropout)(last))
    back = keras.Model([inputs, sound], probabilities, name="network")
    wave = keras.Input((None,), name="wave")
    spectrogram, heard = front(wave)
    model = keras.Model(wave, back([spectrogram, heard]))
    masked = spectrogram
    if warp:
        masked = audio.spec_warp(bands=warp, frames=0.02 * warp, seed=fold.seed)(masked)
    if masks:
        masked = audio.spec_augment(bands=int(bands * masks / 2), frames=masks / 2, seed=fold.seed)(masked)
    total = networks.steps(fold, batch, epochs)
    networks.fit(
        model,
        fold,
        epochs=epochs,
        batch=batch,
        optimizer=keras.optimizers.AdamW(networks.one_cycle(rate, total), weight_decay=decay, clipnorm=1.0),
        loss=_smoothed(smoothing),
        trained=keras.Model(wave, back([masked, heard])),
        train=clips.batches(
            fold.train.x, fold.train.y, batch, seed=fold.seed, change=views(augment) if augment else None
        ),
        valid=clips.batches(fold.valid.x, fold.valid.y, 64) if len(fold.valid.ids) else None,
    )
    networks.save(model, fold.dir)
    if len(fold.valid.ids):
        whole = _whole(model)
        held = whole(fold.valid.x)
        usual = novelty.fit(whole(fold.train.x)[:, CLASSES:], fold.train.y, held[:, CLASSES:], held[:, :CLASSES])
        novelty.save(usual, fold.dir)
    return predictor(model, fold.dir)


def load(dir: Path) -> Fitted:
    """The Fitted of a network that `train` stored."""
    model, _ = networks.load(dir)
    return predictor(model, dir)


def predictor(model: Any, dir: Path) -> Fitted:
    """A Fitted for Clips. Where rows were held out to tell by, it also says how unlike the fitted rows others are."""
    whole = _whole(model)
    usual = novelty.load(dir)

    def predict(x: Clips) -> np.ndarray:
        return whole(x)[:, :CLASSES]

    def unlike(x: Clips) -> np.ndarray:
        both = whole(x)
        return usual(both[:, CLASSES:], both[:, :CLASSES])

    return Fitted(predict, model.count_params(), unlike if usual else None)


def _whole(model: Any) -> Fitted:
    """A Fitted that gives the probabilities and, beside them, the features that they were decided by.

    One model gives both, because TensorFlow takes a second to compile one.
    """
    back = model.get_layer("network")
    wave = keras.Input((None,), name="wave")
    both = keras.Model(back.inputs, [back.output, back.get_layer("penultimate").output])
    return clips.predictor(keras.Model(wave, layers.Concatenate()(both(model.get_layer("features")(wave)))))


def _smoothed(smoothing: float) -> Any:
    """Cross-entropy of labels `(n,)` of which a share `smoothing` is spread over all classes."""

    def loss(y: Any, pred: Any) -> Any:
        wanted = ops.one_hot(ops.reshape(ops.cast(y, "int32"), (-1,)), CLASSES) * (1 - smoothing) + smoothing / CLASSES
        return keras.losses.categorical_crossentropy(wanted, pred)

    return loss
