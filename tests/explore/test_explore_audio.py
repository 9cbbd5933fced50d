"""A look at recordings: how long and loud they are, who says what, and pictures of each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from kit.explore import audio as explore_audio
from kit.explore import overview
from kit.rows.clips import Clips
from kit.task.contract import Data

RATE = 8000


def tone(seconds: float, loud: int) -> np.ndarray:
    place = np.arange(int(seconds * RATE)) / RATE
    return np.rint(loud * np.sin(2 * np.pi * 400 * place)).astype(np.int16)


def data() -> tuple[Data, Data]:
    """Two classes by two people, of whom one is 20 dB louder; and two test clips."""
    waves = [tone(0.2 + 0.1 * number, 1000 if number % 2 else 10_000) for number in range(8)]
    people = np.array(["ann", "bob"] * 4)
    train = Data(np.array([f"clip-{i}" for i in range(8)]), Clips.of(waves, RATE), np.arange(8) // 4, people)
    return train, Data(np.arange(2), Clips.of([tone(0.5, 32_767), tone(1.0, 100)], RATE))


def look(tmp_path: Path, train: Data, test: Data) -> overview.Findings:
    return explore_audio.look(train, test, ["no", "yes"], tmp_path)


def test_durations_samples_loudness_and_groups_are_told(tmp_path):
    facts = look(tmp_path, *data()).facts
    assert facts["train sample rate"] == "8,000 Hz, mono, 16 bits"
    assert facts["train seconds"] == "0.20 to 0.90, median 0.55, 0.1 minutes together"
    assert facts["train samples"] == "-10,000 to 10,000"
    assert facts["test loudness"] == "-53.3 to -3.0 dB of full scale, median -28.2"
    assert facts["test clips that reach full scale"] == 1
    assert facts["group ann"] == "4 clips, median 0.50 s, -13.3 dB"
    assert facts["group bob"] == "4 clips, median 0.60 s, -33.3 dB"


def test_recordings_examples_groups_and_voices_are_drawn(tmp_path):
    pictures = look(tmp_path, *data()).pictures
    assert [picture.name for picture in pictures] == ["recordings.png", "examples.png", "groups.png", "voices.png"]
    assert all(imread(picture).size for picture in pictures)


def test_recordings_without_groups_or_labels_are_drawn_as_far_as_they_go(tmp_path):
    train, test = data()
    assert len(look(tmp_path, replace(train, group=None), test).pictures) == 2
    assert len(look(tmp_path, replace(train, y=None, group=None), test).pictures) == 1


def test_paths_are_not_looked_into(tmp_path):
    train, test = data()
    assert look(tmp_path, replace(train, x=np.array(["a.wav"] * 8)), test) == overview.Findings({}, [])


def test_an_empty_and_a_silent_clip_can_be_measured():
    measured = explore_audio.measure(Clips.of([np.zeros(0, np.int16), np.zeros(80, np.int16)], RATE))
    assert measured.seconds.tolist() == [0, 0.01]
    assert measured.loudness.tolist() == pytest.approx([-120.3, -120.3], abs=0.1)


def test_exploring_finds_clips_that_repeat_each_other(given):
    train, test = data()
    again = np.array([0, 0, 1])
    entry = given(Data(np.arange(3), train.x[again].take(), np.array([0, 1, 1])), test, kind="audio")
    facts = overview.explore(entry).facts
    assert facts["train rows that repeat another"] == 1
    assert facts["train rows with an equal of another label"] == 2
    assert facts["train missing values"] == 0
    assert facts["train sample rate"] == "8,000 Hz, mono, 16 bits"
