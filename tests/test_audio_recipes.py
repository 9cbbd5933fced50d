"""Every speech recipe keeps the contract, and the task is prepared to the byte."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.rows.clips import Clips
from kit.task import splits
from kit.task.catalog import find
from kit.task.contract import Data, Fold
from tests import cut_off

keras = pytest.importorskip("keras")

ENTRY = find("audio-mnist")
QUICK = "cnn"
RECIPES = [pytest.param(name, marks=() if name == QUICK else pytest.mark.slow) for name in ENTRY.recipes]


def prepared(to: Path) -> Path:
    """The sample as a task: raw, public and private files in the folder `to`."""
    for name in ("raw", "public", "private"):
        (to / name).mkdir(parents=True)
    ENTRY.write_sample(to / "raw")
    ENTRY.competition.prepare(to / "raw", to / "public", to / "private")
    return to


@functools.cache
def sample() -> tuple[Data, Data]:
    return ENTRY.competition.load(prepared(Path(tempfile.mkdtemp())) / "public")


def fold(dir: Path, valid: int = 40, seed: int = 3, **rest) -> Fold:
    """Training rows of four voices and held-out rows of the fifth."""
    train, _ = sample()
    held = train.rows(train.group == "eve").head(valid)
    return Fold(0, train.rows(np.flatnonzero(train.group != "eve")[::3]), held, seed, dir, **rest)


def fitted(name: str, of: Fold, **overrides):
    recipe = ENTRY.recipes[name]
    return recipe.module().fit(of, **recipe.resolve("", {"epochs": 1} | overrides, smoke=True))


@pytest.fixture(scope="module", params=RECIPES)
def trained(request, tmp_path_factory):
    """A recipe's name, its Predict and its fold's folder."""
    dir = tmp_path_factory.mktemp(request.param)
    return request.param, fitted(request.param, fold(dir)), dir


def test_predictions_are_probabilities_of_ten_digits(trained):
    _, predict, _ = trained
    pred = predict(sample()[1].x)
    assert pred.shape == (50, 10)
    assert pred.dtype == np.float32
    np.testing.assert_allclose(pred.sum(axis=1), 1, atol=1e-5)
    assert predict(sample()[1].x[:0]).shape == (0, 10)
    assert predict.parameters > 0


def test_a_clip_alone_is_predicted_as_beside_longer_ones(trained):
    _, predict, _ = trained
    short = sample()[1].x[:6].take()
    long = Clips.of([np.tile(wave, 4) for wave in sample()[1].x[6:9]], short.rate)
    together = predict(Clips.of([*short, *long], short.rate))
    np.testing.assert_allclose(predict(short[2:3]), together[2:3], atol=1e-5)
    np.testing.assert_allclose(predict(short), together[:6], atol=1e-5)


def test_neither_zeros_after_a_clip_nor_its_loudness_change_what_is_predicted(trained):
    _, predict, _ = trained
    clips = sample()[1].x[:6].take()
    louder = Clips.of([np.pad(wave // 8 * 8, (0, 3000)) for wave in clips], clips.rate)
    quieter = Clips.of([wave // 8 for wave in clips], clips.rate)
    np.testing.assert_allclose(predict(louder), predict(quieter), atol=1e-5)


def test_a_stored_model_predicts_the_same(trained):
    name, predict, dir = trained
    clips = sample()[1].x.take()
    stored = ENTRY.recipes[name].module().load(dir)
    np.testing.assert_array_equal(stored(clips), predict(clips))
    np.testing.assert_array_equal(stored.unlike(clips), predict.unlike(clips))


def test_the_stored_model_is_plain_keras_and_takes_a_wave(trained):
    _, predict, dir = trained
    model = keras.saving.load_model(dir / "model.keras", compile=False)
    wave = sample()[1].x[0]
    np.testing.assert_allclose(model(wave[None].astype(np.float32)), predict(sample()[1].x[:1]), atol=1e-5)


def test_hardly_a_held_out_clip_is_unlike_the_rest(trained):
    _, predict, dir = trained
    # Of 40, the farthest and the most doubtful are beyond a limit that 99 in 100 keep to.
    assert np.sum(predict.unlike(fold(dir).valid.x.take()) > 1) <= 2
    silence = Clips.of([np.zeros(4000, np.int16)], 8000)
    assert np.isfinite(predict.unlike(silence)).all()


@pytest.mark.parametrize("name", ENTRY.recipes)
def test_every_variant_and_the_smoke_settings_are_settings_of_the_recipe(name):
    recipe = ENTRY.recipes[name]
    assert recipe.smoke
    for variant in recipe.variants:
        recipe.resolve(variant, smoke=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENTRY.recipes)
def test_more_is_learned_than_chance(name, tmp_path):
    of = fold(tmp_path)
    epochs = ENTRY.recipes[name].smoke["epochs"]
    assert (fitted(name, of, epochs=epochs)(of.valid.x).argmax(axis=1) == of.valid.y).mean() > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [True, False])
def test_a_pretrained_encoder_is_trained_on_unless_frozen(frozen, tmp_path):
    from kit.toolbox.encoders import handles, speech

    keras.utils.set_random_seed(0)
    first = speech.network((2, 2, 2, 2, 4))
    (tmp_path / "mine").mkdir()
    first.save(tmp_path / "mine" / speech.MODEL)
    of = fold(tmp_path / "fold")
    settings = {"encoder": str(tmp_path / "mine"), "frozen": frozen, "rate": 1e-3}
    fitted("pretrained", of, **settings)
    trained = keras.saving.load_model(of.dir / "model.keras", compile=False)
    kept = speech.load(handles.locate(settings["encoder"], "encoder")).get_weights()
    after = trained.get_layer("network").get_layer("encoder").get_weights()
    same = [np.array_equal(a, b) for a, b in zip(kept, after, strict=True)]
    assert all(same) if frozen else not any(same)


def test_a_pretrained_encoder_that_is_not_here_is_named(kit, workspace):
    assert kit("download", "audio-mnist", "--sample")[0] == 0
    status, _, err = kit("train", "audio-mnist", "pretrained", "--sample", "--set", "encoder=speech-embedding")
    assert status == 1
    assert "There is no encoder 'speech-embedding'" in err
    assert "Try: kit encoder import ~/models/speech-embedding --name speech-embedding" in err


@pytest.mark.slow
def test_the_same_seed_gives_the_same_predictions(tmp_path):
    clips = sample()[1].x[:20].take()
    first, again, other = (fitted(QUICK, fold(tmp_path / str(i), seed=s))(clips) for i, s in enumerate((3, 3, 4)))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.slow
def test_a_model_of_all_rows_says_of_none_that_it_is_unlike(tmp_path):
    figures = []
    of = fold(tmp_path, 0, report=lambda done, of, **each: figures.append(each))
    assert not hasattr(fitted(QUICK, of), "unlike")
    assert set(figures[0]) == {"loss", "accuracy"}


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_recordings_give_the_same_bytes(tmp_path):
    assert digests(prepared(tmp_path / "a")) == digests(prepared(tmp_path / "b"))


def test_test_clips_are_a_tenth_of_what_each_speaker_says_under_anonymous_ids(tmp_path):
    folder = prepared(tmp_path / "task")
    train, test = ENTRY.competition.load(folder / "public")
    assert (len(train.ids), len(test.ids)) == (450, 50)
    assert test.ids.tolist() == list(range(1, 51))
    assert test.y is None and test.group is None
    assert not any(name.endswith("_0") for name in train.ids)
    answers = (folder / "private" / "solution.csv").read_text().split()
    assert answers[0] == "id,digit"
    assert sorted(line.split(",")[1] for line in answers[1:]) == [str(i // 5) for i in range(50)]
    assert answers[1:] != [f"{i + 1},{i // 5}" for i in range(50)]
    public = "".join((folder / "public" / name).read_text() for name in ("test.csv", "sample_submission.csv"))
    assert not any(voice in public for voice in ("ada", "ben", "cleo", "dan", "eve"))


def test_each_clip_is_its_recording(tmp_path):
    from scipy.io import wavfile

    folder = prepared(tmp_path / "task")
    train, _ = ENTRY.competition.load(folder / "public")
    for row in (0, 77, 449):
        _, samples = wavfile.read(folder / "raw" / "recordings" / f"{train.ids[row]}.wav")
        assert np.array_equal(train.x[row], samples)
        assert train.ids[row].startswith(f"{train.y[row]}_{train.group[row]}_")


def rows_of(path: Path, most: int | None = None) -> list[Data]:
    return list(ENTRY.competition.rows(path, most))


def zipped(folder: Path, to: Path) -> Path:
    import zipfile

    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*.wav")):
            archive.write(path, f"set-1.0/{path.relative_to(folder)}")
        archive.writestr("set-1.0/__MACOSX/recordings/._0_ada_0.wav", b"no sound")
    return to


@pytest.mark.parametrize("most", [None, 64])
def test_a_folder_and_a_zip_file_of_recordings_are_rows_with_their_digits(tmp_path, most):
    raw = prepared(tmp_path / "task") / "raw"
    train, _ = ENTRY.competition.load(tmp_path / "task" / "public")
    for source in (raw, zipped(raw, tmp_path / "set.zip")):
        parts = rows_of(source, most)
        assert [len(part) for part in parts] == ([500] if most is None else [64] * 7 + [52])
        whole = {name: wave for part in parts for name, wave in zip(part.ids, part.x, strict=True)}
        assert all(np.array_equal(whole[name], train.x[row]) for row, name in enumerate(train.ids))
        digits = [digit for part in parts for digit in part.y]
        assert digits == [int(name[0]) for name in whole]


def test_clips_of_a_table_lie_in_the_wav_file_beside_it(tmp_path):
    public = prepared(tmp_path) / "public"
    (part,) = rows_of(public / "test.csv")
    assert (len(part), part.y, part.ids.tolist()) == (50, None, [*range(1, 51)])
    answered = [len(part.y) for part in rows_of(public / "train.csv", 300)]
    assert answered == [300, 150]
    (public / "test.wav").write_bytes((public / "test.wav").read_bytes()[:9000])
    with pytest.raises(KitError, match=r"test\.wav"):
        rows_of(public / "test.csv")
    (public / "test.wav").unlink()
    with pytest.raises(KitError, match=r"test\.wav does not exist"):
        rows_of(public / "test.csv")


def test_recordings_of_other_names_and_none_at_all_are_refused(tmp_path):
    with pytest.raises(KitError, match="holds no recordings"):
        rows_of(tmp_path)
    (tmp_path / "me.wav").write_bytes(b"")
    with pytest.raises(KitError, match=r"holds me\.wav") as refused:
        rows_of(tmp_path)
    assert "kit predict audio-mnist last me.wav" in refused.value.cure
    (tmp_path / "me.wav").rename(tmp_path / "7_ann_3.wav")
    with pytest.raises(KitError, match=r"7_ann_3\.wav cannot be read"):
        rows_of(tmp_path)


def test_each_fold_of_the_split_is_a_speaker_and_the_practical_s_split_cuts_speakers():
    train, _ = sample()
    column = splits.column(ENTRY.competition.split, train)
    assert {len(set(train.group[column == number])) for number in range(5)} == {1}
    random = splits.column(ENTRY.competition.splits["random"], replace(train, group=None))
    assert (random == 0).mean() == pytest.approx(0.2)
    assert len(set(train.group[random == 0])) == 5


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(KitError, match="no recordings"):
        ENTRY.competition.prepare(tmp_path, tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("data", "wrong"), [(b"", "cannot be read"), (b"RIFF", "cannot be read"), ("stereo", "has 2 channels of 16 bits")]
)
def test_a_damaged_recording_is_refused_and_named(tmp_path, data, wrong):
    import wave

    file = tmp_path / "7_ann_3.wav"
    if data == "stereo":
        with wave.open(str(file), "wb") as made:
            made.setparams((2, 2, 8000, 0, "NONE", ""))
            made.writeframes(bytes(400))
    else:
        file.write_bytes(data)
    with pytest.raises(KitError, match=f"7_ann_3.wav {wrong}"):
        ENTRY.competition.prepare(tmp_path, tmp_path, tmp_path)


@pytest.mark.realdata
def test_the_real_recordings_become_2250_train_and_250_test_clips(kit, workspace, shared):
    status, _, err = kit("download", "audio-mnist", "--from", str(shared / "free-spoken-digit-dataset.zip"))
    assert status == 0, err
    train, test = ENTRY.competition.load(workspace / "data" / "audio-mnist" / "public")
    assert (len(train.ids), len(test.ids), train.x.take().rate) == (2250, 250, 8000)
    assert np.bincount(train.y).tolist() == [225] * 10
    assert np.unique(train.group, return_counts=True)[1].tolist() == [450] * 5
    digest = hashlib.sha256((workspace / "data" / "audio-mnist" / "public" / "train.wav").read_bytes()).hexdigest()
    assert digest.startswith("e274c4c585ced856")


@pytest.mark.slow
def test_a_trained_run_predicts_files(kit, workspace, tmp_path):
    import json

    soundfile = pytest.importorskip("soundfile")
    assert kit("train", "audio-mnist", QUICK, "--sample", "--folds", "2")[0] == 0
    train, _ = sample()
    names = []
    for row in (0, 100, 200):
        names.append(str(tmp_path / f"{row}.flac"))
        soundfile.write(names[-1], np.pad(train.x[row], 8000), 8000)
    status, out, err = kit("predict", "audio-mnist", "last", *names, "--json")
    assert status == 0, err
    assert [item["file"] for item in json.loads(out)] == names


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ENTRY.recipes))
def test_a_training_that_was_cut_off_goes_on_and_ends_with_the_same_bytes(name, tmp_path, monkeypatch):
    def predictions(dir, report):
        return fitted(name, fold(dir, report=report), epochs=3)(sample()[1].x)

    assert cut_off.goes_on(monkeypatch, tmp_path, 2, predictions) == [2, 3]
