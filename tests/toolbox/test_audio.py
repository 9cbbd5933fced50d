"""What augmentation does to a wave can be heard: pitch, tempo, loudness, noise, echo, and nothing else."""

import numpy as np
import pytest

from kit.toolbox import audio
from kit.toolbox.audio import Views

keras = pytest.importorskip("keras")

RATE = 8000


def tone(hertz: float = 400.0, seconds: float = 0.5) -> np.ndarray:
    return (1000 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def pitch(wave: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 65536)).argmax() * RATE / 65536)


def power(wave: np.ndarray) -> float:
    return float(np.mean(np.square(wave, dtype=np.float64)))


def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_speed_changes_length_and_pitch_alike(factor):
    changed = audio.speed(tone(), factor)
    assert len(changed) == round(4000 / factor)
    assert pitch(changed) == pytest.approx(400 * factor, abs=3)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_tempo_changes_length_and_keeps_pitch_and_loudness(factor):
    changed = audio.tempo(tone(), RATE, factor)
    assert len(changed) == round(4000 / factor)
    assert pitch(changed) == pytest.approx(400, abs=5)
    assert power(changed) == pytest.approx(power(tone()), rel=0.1)


def test_gain_is_in_decibels():
    assert power(audio.gain(tone(), -20)) == pytest.approx(power(tone()) / 100)


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_noise_has_the_power_asked_for(slope):
    added = audio.noise(tone(), 10, slope, random()) - tone()
    assert power(tone()) / power(added) == pytest.approx(10, rel=0.01)


def test_noise_slopes_down():
    added = [np.abs(np.fft.rfft(audio.noise(tone(), 0, slope, random()) - tone())) for slope in (0.0, 2.0)]
    white, brown = (changed[20:100].mean() / changed[1000:].mean() for changed in added)
    assert white < 2
    assert brown > 10


def test_an_echo_comes_after_the_sound_and_fades():
    click = np.zeros(4000, np.float32)
    click[1000] = 1
    changed = audio.reverb(click, RATE, 0.2, random())
    assert np.abs(changed[:1000]).max() < 1e-6
    assert changed[1000] == pytest.approx(1, abs=1e-5)
    assert power(changed[1001:1300]) > 10 * power(changed[2200:2500])


def test_band_limits_weaken_the_ends_of_the_spectrum():
    low, high = tone(70), tone(3800)
    kept = audio.equalise(tone(700), RATE, 0.0, random(), low=1, high=1)
    assert power(kept) == pytest.approx(power(tone(700)), rel=0.02)
    assert power(audio.equalise(low, RATE, 0.0, random(), low=1)) < power(low) / 10
    assert power(audio.equalise(high, RATE, 0.0, random(), high=1)) < power(high) / 10


def test_trimming_takes_off_what_is_quiet_at_both_ends():
    quiet = audio.gain(tone(seconds=0.2), -30)
    wave = np.concatenate([quiet, tone(), quiet])
    assert len(audio.trim(wave, RATE, 20)) == pytest.approx(4000, abs=160)
    assert len(audio.trim(wave, RATE, 40)) == len(wave)
    assert len(audio.trim(wave[:100], RATE, 20)) == 100


def test_views_differ_and_a_seed_repeats_them():
    views = Views(RATE, 0.2, 0.2, 0.1, 0.03, 30, 6, 0.7, 0.3, 8, 3)
    changed = [views(tone(), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(changed[0], changed[1])
    assert len(changed[0]) != len(changed[2])
    for seed in range(50):
        wave = views(tone(seconds=0.1), np.random.default_rng(seed))
        assert wave.dtype == np.float32
        assert np.isfinite(wave).all()
        assert len(wave)


def test_views_without_settings_change_nothing():
    assert np.array_equal(Views(RATE)(tone(), random()), tone())


def test_a_view_of_silence_is_finite():
    views = Views(RATE, 0.2, 0.2, 0.1, 0.03, 30, 6, 0.7, 0.3, 8, 3, share=1.0)
    assert np.isfinite(views(np.zeros(800, np.float32), random())).all()


def test_spec_augment_blanks_in_training_only_and_each_row_by_itself():
    layer = audio.spec_augment(bands=8, frames=0.2, seed=1)
    x = np.ones((16, 50, 40), np.float32)
    assert np.array_equal(np.asarray(layer(x)), x)
    changed = np.asarray(layer(x, training=True))
    assert changed.shape == x.shape
    assert set(np.unique(changed)) == {0.0, 1.0}
    blank = (changed == 0).all(axis=1).sum(axis=1)  # bands without any frame
    assert blank.max() <= 16
    assert len(set(blank.tolist())) > 3
    assert ((changed == 0).all(axis=2).sum(axis=1) <= 20).all()


def test_a_warp_bends_in_training_only_and_each_row_by_itself():
    layer = audio.spec_warp(bands=6.0, frames=0.2, seed=1)
    x = np.zeros((16, 50, 40), np.float32)
    x[:, 25, 20] = 1
    assert np.array_equal(np.asarray(layer(x)), x)
    changed = np.asarray(layer(x, training=True))
    frame, band = changed.sum(axis=2).argmax(axis=1), changed.sum(axis=1).argmax(axis=1)
    assert 0 < np.abs(frame - 25).max() <= 10
    assert 0 < np.abs(band - 20).max() <= 6
    assert len(set(frame)) > 3
    assert len(set(band)) > 3


def test_a_warp_by_nothing_changes_nothing():
    x = np.random.default_rng(0).normal(size=(2, 50, 40)).astype(np.float32)
    layer = audio.spec_warp(bands=0.0, frames=0.0, seed=1)
    np.testing.assert_array_equal(np.asarray(layer(x, training=True)), x)
