"""Recordings are read whatever their format, cut where nobody speaks, and refused one by one when broken."""

from __future__ import annotations

import struct
import sys
import types
import wave
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.predict import read_audio
from kit.predict.read_audio import utterances
from kit.rows.clips import Clips

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("soxr")

RATE = 8000
LIKE = Clips.of([np.zeros(1, np.int16)], RATE)


def word(seconds: float = 0.4, rate: int = RATE) -> np.ndarray:
    """A vowel that swells and fades, between -0.5 and 0.5."""
    place = np.arange(int(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * 150 * harmonic * place) / harmonic for harmonic in range(1, 12))
    made = tones * np.sin(np.pi * place / seconds) ** 0.5
    return (0.5 * made / np.abs(made).max()).astype(np.float32)


def silence(seconds: float, rate: int = RATE) -> np.ndarray:
    return np.zeros(int(seconds * rate), np.float32)


def said(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts)


def written(path: Path, samples: np.ndarray, rate: int = RATE, **form) -> Path:
    soundfile.write(path, samples, rate, **form)
    return path


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_any_rate_and_format_becomes_mono_at_the_rate_of_the_competition(tmp_path, rate, name):
    if name == "a.mp3" and "MP3" not in soundfile.available_formats():
        pytest.skip("this libsndfile writes no MP3")
    sound = read_audio.load(written(tmp_path / name, word(0.5, rate), rate), RATE)
    assert sound.rate == RATE
    assert sound.wave.dtype == np.float32
    assert abs(len(sound.wave) / RATE - 0.5) < 0.11  # MP3 and Ogg pad to whole frames
    assert np.abs(sound.wave).max() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("depth", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_any_depth_gives_the_same_wave(tmp_path, depth):
    sound = read_audio.load(written(tmp_path / "a.wav", word(), subtype=depth), RATE)
    np.testing.assert_allclose(sound.wave, word(), atol=0.01)


def test_channels_are_averaged(tmp_path):
    both = np.stack([word(), np.zeros_like(word())], axis=1)
    sound = read_audio.load(written(tmp_path / "a.wav", both, subtype="FLOAT"), RATE)
    np.testing.assert_allclose(sound.wave, word() / 2, atol=1e-6)


def test_silence_around_a_word_is_cut_off():
    (place,) = utterances(said(silence(1), word(), silence(1)), RATE)
    assert place[0] / RATE == pytest.approx(0.9, abs=0.03)
    assert place[1] / RATE == pytest.approx(1.5, abs=0.05)


def test_a_word_without_silence_is_kept_whole():
    assert utterances(word(), RATE) == [(0, len(word()))]


def test_words_with_pauses_are_cut_apart():
    places = utterances(said(word(), silence(0.5), word(0.3), silence(0.5), word(0.6)), RATE)
    assert len(places) == 3
    assert all(first < middle * RATE < last for (first, last), middle in zip(places, (0.2, 1.05, 2.0), strict=True))


def test_a_pause_within_a_word_does_not_cut_it():
    assert len(utterances(said(silence(0.5), word(0.3), silence(0.15), word(0.1), silence(0.5)), RATE)) == 1


def test_margins_of_neighbours_do_not_overlap():
    first, second = utterances(said(word(), silence(0.3), word()), RATE)
    assert first[1] <= second[0]


def test_a_click_and_a_breath_are_no_words():
    click, breath = silence(0.3), silence(0.3)
    click[1000:1010] = 0.5
    breath += (0.004 * np.random.default_rng(0).standard_normal(len(breath))).astype(np.float32)
    places = utterances(said(click, silence(0.5), word(), silence(0.5), breath, silence(0.3)), RATE)
    assert len(places) == 1
    assert places[0][0] / RATE == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize("decibels", [0, -20, -40])
def test_quiet_recordings_are_cut_as_loud_ones_are(decibels):
    wave = said(silence(1), word(), silence(1))
    assert utterances(wave * 10 ** (decibels / 20), RATE) == utterances(wave, RATE)


@pytest.mark.parametrize("decibels", [30, 20, 10])
def test_a_word_in_noise_is_found(decibels):
    wave = said(silence(1), word(), silence(1))
    loud = np.sqrt(np.mean(word() ** 2))
    noise = np.random.default_rng(0).standard_normal(len(wave)) * loud / 10 ** (decibels / 20)
    (place,) = utterances((wave + noise).astype(np.float32), RATE)
    assert place[0] / RATE == pytest.approx(0.95, abs=0.07)
    assert place[1] / RATE == pytest.approx(1.45, abs=0.07)


def test_hum_and_an_offset_are_silence():
    hum = 0.02 * np.sin(2 * np.pi * 50 * np.arange(3 * RATE) / RATE) + 0.2
    wave = hum.astype(np.float32)
    wave[RATE : RATE + len(word())] += word()
    assert len(utterances(wave, RATE)) == 1


def test_a_row_is_16_bit_at_half_of_full_scale(tmp_path):
    file = written(tmp_path / "a.wav", said(silence(1), 0.01 * word(), silence(0.5), word()))
    _, parts = read_audio.read(file, LIKE)
    assert [part.row.dtype for part in parts] == [np.int16]  # the first word is 40 dB weaker: a breath
    assert np.abs(parts[0].row).max() == 16384
    rows = read_audio.rows(parts, LIKE)
    assert (len(rows), rows.rate) == (1, RATE)


def header(rate: int = RATE, length: int = 1000, kind: int = 1, bits: int = 16) -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, kind, 1, rate, rate * bits // 8, bits // 8, bits)
    return b"RIFF" + struct.pack("<I", (36 + length) % 2**32) + b"WAVE" + form + struct.pack("<4sI", b"data", length)


def nan() -> bytes:
    samples = word()
    samples[100] = np.nan
    return header(length=4 * len(samples), kind=3, bits=32) + samples.tobytes()


BROKEN = {
    "empty": (b"", "is empty"),
    "a header cut off": (header()[:30], "is cut off: its header"),
    "only the first letters": (b"RIFF", "is cut off: its header ends"),
    "samples cut off": (header(length=20_000) + bytes(6000), "promises 20,000 bytes of 'data', and 6,000 are there"),
    "a header of 4 GB": (header(length=2**32 - 1) + bytes(6000), "promises 4,294,967,295 bytes"),
    "another format": (b"\x89PNG\r\n\x1a\n" + bytes(500), "cannot be read as sound"),
    "text": (b"seven" * 100, "cannot be read as sound"),
    "no samples": (header(length=0), "holds no samples"),
    "not a number": (nan(), "NaN or infinite"),
    "0 Hz": (header(rate=0, length=1000) + bytes(1000), "0 samples a second|cannot be read as sound"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_refused_and_named(tmp_path, what):
    data, wrong = BROKEN[what]
    file = tmp_path / "me.wav"
    file.write_bytes(data)
    with pytest.raises(KitError, match=wrong) as refused:
        read_audio.read(file, LIKE)
    assert str(file) in refused.value.wrong
    assert refused.value.right


def test_a_sound_with_the_name_of_another_format_is_read(tmp_path):
    file = written(tmp_path / "a.wav", word()).rename(tmp_path / "a.mp3")
    assert len(read_audio.load(file, RATE).wave) == len(word())


@pytest.mark.parametrize("loud", [0.0, 1e-3])
def test_ten_minutes_of_silence_or_noise_hold_no_speech(tmp_path, loud):
    samples = np.random.default_rng(0).standard_normal(600 * RATE) * loud
    with pytest.raises(KitError, match=r"no speech in .*long.wav: 600.0 seconds"):
        read_audio.read(written(tmp_path / "long.wav", samples), LIKE)


def test_what_is_longer_than_an_hour_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(read_audio, "LONGEST", 60)
    with pytest.raises(KitError, match="is 2 minutes long"):
        read_audio.load(written(tmp_path / "a.wav", silence(120)), RATE)


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path):
    with pytest.raises(KitError, match="does not exist"):
        read_audio.load(tmp_path / "none.wav", RATE)
    with pytest.raises(KitError, match="is not a file"):
        read_audio.load(tmp_path, RATE)


def test_a_missing_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(KitError, match="'soundfile', which is not installed") as refused:
        read_audio.load(tmp_path / "a.wav", RATE)
    assert "soundfile soxr" in refused.value.cure


def microphone(**parts) -> types.SimpleNamespace:
    class PortAudioError(Exception):
        pass

    return types.SimpleNamespace(PortAudioError=PortAudioError, wait=lambda: None, **parts)


def test_recording_without_the_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(KitError, match="'sounddevice', which is not installed") as refused:
        read_audio.record(1, RATE)
    assert "sounddevice" in refused.value.cure


def test_recording_without_a_microphone_is_refused(monkeypatch):
    device = microphone()

    def none(kind):
        raise device.PortAudioError("Error querying device -1")

    device.query_devices = none
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    with pytest.raises(KitError, match="There is no microphone that can be used: Error querying device -1"):
        read_audio.record(1, RATE)


@pytest.mark.parametrize("seconds", [0, -1, 1e9])
def test_an_odd_length_cannot_be_recorded(seconds):
    with pytest.raises(KitError, match="seconds cannot be recorded"):
        read_audio.record(seconds, RATE)


def test_what_the_microphone_hears_is_brought_to_the_rate(monkeypatch, told):
    device = microphone(
        query_devices=lambda kind: {"default_samplerate": 16000.0},
        rec=lambda count, samplerate, channels, dtype: word(count / samplerate, samplerate)[:, None],
    )
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    sound = read_audio.record(0.5, RATE)
    assert (len(sound.wave), sound.rate) == (4000, RATE)
    assert told == ["Speak now, for 0.5 seconds"]


def test_the_wave_module_of_python_agrees(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((word() * 32767).astype("<i2").tobytes())
    np.testing.assert_allclose(read_audio.load(tmp_path / "a.wav", RATE).wave, word(), atol=1e-4)
