"""The page about runs: what it shows, what it must not hold, and what it does with bad input."""

from __future__ import annotations

import base64
import io
import json
import re
import wave
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import kit as api
from kit.errors import KitError
from kit.report import charts, media, svg
from kit.rows.clips import Clips
from kit.task import outputs
from kit.task.contract import Data
from kit.train import predictions
from tests.report import made

ROWS = 400
EMPTY = {"area", "br", "col", "hr", "img", "input", "link", "meta"}


class Read(HTMLParser):
    """What a page holds: tags with their attributes, texts of scripts and styles; it must be well-formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.within: list[str] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.within

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.within.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.within.pop() == tag

    def handle_data(self, data):
        if self.within and self.within[-1] in self.texts:
            self.texts[self.within[-1]].append(data)
        else:
            self.words.append(data)

    def values(self, attribute: str) -> list[str]:
        return [held[attribute] or "" for _, held in self.tags if attribute in held]

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def images(given, finished):
    """Images of three classes, and four runs: one best, one within its noise, two far behind."""
    random = np.random.default_rng(0)
    y = np.arange(ROWS) % 3
    train = Data(np.arange(ROWS), random.integers(0, 256, (ROWS, 8, 8), np.uint8), y)
    entry = given(train, train.head(50), kind="image", labels=("cat", "dog", "emu"))
    members = made.several(entry, finished, y, 3, 50, [0.93, 0.88, 0.6, 0.5])
    made.trained(members[0])
    made.sent(members[0], 0.88, 0.87)
    made.sent(members[2], 0.95)
    made.noted(members[1], "a second try", "baseline")
    return entry, members


def page(entry, **options) -> tuple[str, Read]:
    text = api.report(entry.name, **options).path.read_text(encoding="utf-8")
    return text, Read(text)


def test_the_page_shows_runs_charts_curves_confusions_and_mistakes(images):
    entry, members = images
    text, read = page(entry)
    for run in members:
        assert run.name in read.said
    assert "The best is 20260101-000000-model0, accuracy" in read.said
    assert "1 of 3 other runs differs from it by no more than noise: 20260102-000000-model1." in read.said
    assert "It is the best of 4 that were tried on the same rows." in read.said
    assert "a second try" in read.said
    labels = read.values("aria-label")
    assert "accuracy of 4 runs with intervals, the best on top" in labels
    assert "CV against public score of 2 runs" in labels
    assert "loss over the epochs of 20260101-000000-model0" in labels
    assert "best epoch 4: 0.20000" in read.said
    assert f"Confusions of {members[0].name}" in labels
    assert "Whose errors are alike" in read.said
    pictures = [source for source in read.values("src") if source.startswith("data:image/png")]
    assert len(pictures) == 12
    assert Image.open(io.BytesIO(base64.b64decode(pictures[0].partition(",")[2]))).size == (8, 8)
    assert len(text) < 200_000


def test_the_page_is_one_file_that_asks_nobody_for_anything(images):
    _, read = page(images[0])
    for address in (*read.values("src"), *read.values("href")):
        assert address.startswith(("data:", "#"))
    for rule in read.texts["style"]:
        assert "url(" not in rule and "@import" not in rule
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?:", "".join(read.texts["script"]))
    assert [held for _, held in read.tags if any(name.startswith("on") or name == "style" for name in held)] == []
    policy = next(held["content"] for tag, held in read.tags if held.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:; media-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_script_is_short_and_its_numbers_are_one_island_of_columns(images):
    entry, members = images
    _, read = page(entry)
    scripts = [held.get("type") for tag, held in read.tags if tag == "script"]
    assert scripts == ["application/json", None]
    island, script = read.texts["script"]
    assert len(script.splitlines()) <= 300
    (columns,) = json.loads(island)
    assert columns["run"] == [run.name for run in members]
    assert columns["public"] == [0.88, None, 0.95, None]
    assert {len(column) for column in columns.values() if isinstance(column, list)} == {4}


def test_ids_are_unique_and_every_link_leads_somewhere(images):
    _, read = page(images[0])
    ids = read.values("id")
    assert len(ids) == len(set(ids))
    links = [address for address in read.values("href") if address.startswith("#")]
    assert len(links) == 4
    assert {link[1:] for link in links} <= set(ids)


def test_what_can_be_opened_sorted_and_scrolled_is_a_button_a_summary_or_a_named_region(images):
    _, read = page(images[0])
    for tag, held in read.tags:
        if held.get("role") == "region":
            assert held["tabindex"] == "0" and held["aria-label"]
        if tag == "svg":
            assert held["role"] == "img" and held["aria-label"]
        if tag == "img":
            assert held["alt"] and held["loading"] == "lazy"
    assert len([held for tag, held in read.tags if tag == "th" and "data-key" in held]) == 13


@pytest.mark.parametrize("hostile", ["<script>alert(1)", "</script><img src=x onerror=alert(1)>".replace("/", "∕")])
def test_a_run_that_is_named_like_a_script_is_text(images, hostile):
    entry, members = images
    made.changed(members[1], hostile)
    text, read = page(entry)
    assert hostile in read.said
    assert hostile not in text
    assert len([tag for tag, _ in read.tags if tag == "script"]) == 2
    assert hostile in json.loads(read.texts["script"][0])[0]["run"]


def test_settings_notes_classes_and_rows_that_look_like_html_are_text(given, finished):
    bad = '"><script>alert(1)</script>'
    y = np.arange(60) % 2
    train = Data(np.array([f"{bad}{i}" for i in range(60)]), np.array([bad] * 60, object), y)
    entry = given(train, train.head(5), kind="text", labels=(bad, "b"))
    (run,) = made.several(entry, finished, y, 2, 5, [0.7])
    made.noted(run, bad, "x")
    text, read = page(entry)
    assert "<script>alert" not in text
    assert len([tag for tag, _ in read.tags if tag == "script"]) == 2
    assert read.said.count("<script>alert(1)</script>") > 12


def test_recordings_are_played_and_not_loaded_before(given, finished):
    y = np.arange(80) % 2
    waves = [np.full(400, number * 10, np.int16) for number in range(80)]
    train = Data(np.arange(80), Clips.of(waves, 8000), y)
    entry = given(train, train.head(5), kind="audio")
    made.several(entry, finished, y, 2, 5, [0.8])
    _, read = page(entry)
    sounds = [held for tag, held in read.tags if tag == "audio"]
    assert len(sounds) == 12
    assert {held["preload"] for held in sounds} == {"none"}
    with wave.open(io.BytesIO(base64.b64decode(sounds[0]["src"].partition(",")[2]))) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (8000, 400)


def test_values_show_the_rows_that_are_furthest_off(given, finished):
    train = Data(np.arange(40), pd.DataFrame({"rooms": np.arange(40)}), np.linspace(1e5, 9e5, 40))
    entry = given(train, train.head(5))
    finished(entry, (train.y * 1.1)[:, None], train.y[:5])
    _, read = page(entry)
    assert "The rows that are furthest from their true value." in read.said
    assert "rooms: 39" in read.said
    assert "900,000 taken for 990,000" in read.said


def test_of_many_runs_the_details_of_the_last_are_left_out_so_that_the_page_stays_small(images, monkeypatch):
    entry, members = images
    whole, _ = page(entry)
    monkeypatch.setattr("kit.report.page.BUDGET", 6_000)
    text, read = page(entry)
    assert len(text) < len(whole)
    assert members[3].name in read.said
    shown = len([address for address in read.values("href") if address.startswith("#r")])
    assert 1 <= shown <= 3
    assert f"The details of {4 - shown} more run" in read.said


def test_a_damaged_prediction_is_told_and_the_run_is_shown_by_its_folds(images, told):
    entry, members = images
    (members[1].folder / "oof.npz").write_bytes(b"nonsense")
    oof = predictions.load(members[2].folder / "oof.npz")
    predictions.save(members[2].folder / "oof.npz", **oof | {"pred": oof["pred"] * np.nan})
    _, read = page(entry)
    assert members[1].name in read.said and members[2].name in read.said
    assert any("oof.npz cannot be read" in line for line in told)
    assert any("it holds predictions that are not finite" in line for line in told)


def test_without_the_data_the_page_lacks_the_rows_only(images, workspace):
    entry, members = images
    (workspace / "data" / entry.name / "manifest.json").unlink()
    _, read = page(entry)
    assert f"{members[0].name}: The data of {entry.name} is not here." in read.said
    assert f"Confusions of {members[0].name}" in read.values("aria-label")
    assert [tag for tag, _ in read.tags if tag == "img"] == []


def test_of_runs_that_git_has_kept_the_page_shows_what_their_records_say(images, told):
    entry, members = images
    for run in members:
        for name in ("oof.npz", "test.npz", "plan.json"):
            (run.folder / name).unlink()
    _, read = page(entry)
    assert "Dots are CV scores, lines their 95% intervals by rows; orange dots are public scores" in read.said
    assert [line for line in told if line.startswith("Passed over")] == []


def test_all_competitions_stand_on_one_page_and_one_that_cannot_be_read_is_left_out(
    images, parity, workspace, told, kit
):
    entry, _ = images
    kit("train", "parity", "table", "--sample", "--no-plots")
    written = api.report()
    assert written.path == workspace / "submissions" / "report.html"
    assert written.runs == {entry.name: 4, "parity": 1}
    read = Read(written.path.read_text())
    assert "embedded sample" in read.said
    assert [address for address in read.values("href") if address in ("#c0", "#c1")] == ["#c0", "#c1"]
    (parity / "competition.py").write_text("nonsense(")
    assert api.report().runs == {entry.name: 4}
    assert any(line.startswith("parity is left out") for line in told)


def test_studies_and_pictures_of_the_data_are_on_the_page(images, workspace):
    entry, members = images
    sweep = members[0].folder.parent / "sweep-20260101"
    sweep.mkdir()
    (sweep / "table.csv").write_text("recipe,mean\n" + "cnn,0.987654321\n" * 60)
    Image.new("RGB", (9, 9)).save(sweep / "by-module.png")
    (sweep.parent / "tune-cnn").mkdir()
    (sweep.parent / "tune-cnn" / "trials.csv").write_text("trial,mean\n1\n")
    explored = workspace / "data" / entry.name / "explore"
    explored.mkdir()
    Image.new("RGB", (9, 9)).save(explored / "class_sizes.png")
    (explored / "large.png").write_bytes(b"0" * (media.LARGEST + 1))
    _, read = page(entry)
    assert "sweep-20260101 recipe mean cnn 0.98765" in read.said
    assert "and 10 more" in read.said
    assert "tune-cnn" not in read.said
    assert f"class sizes of {entry.name}" in read.values("alt")
    assert "by module of sweep-20260101" in read.values("alt")
    assert f"large of {entry.name}" not in read.values("alt")


def test_the_command_says_where_the_page_is(kit, images, tmp_path):
    entry, _ = images
    status, out, err = kit("report", entry.name, "--out", str(tmp_path / "mine.html"))
    assert (status, out) == (0, "")
    assert err.splitlines()[-1] == f"Page: {tmp_path / 'mine.html'}"
    facts = json.loads(kit("report", entry.name, "--json")[1])
    assert Path(facts["path"]).stat().st_size == facts["bytes"]


def test_without_a_finished_run_it_is_refused(kit, parity):
    status, _, err = kit("report", "parity")
    assert status == 1
    assert err == "kit: parity has no finished run.\nTrain one first.\nTry: kit train parity\n"
    assert "There is no finished run yet." in kit("report")[2]
    with pytest.raises(KitError, match="The public share cannot be 2"):
        api.report("parity", public_share=2)


def test_a_chart_has_round_ticks_and_breaks_a_line_where_a_value_is_missing():
    assert [said for _, said in svg.Axis(0.971, 0.998, 0, 100).ticks()] == ["0.975", "0.980", "0.985", "0.990", "0.995"]
    assert svg.Axis(1, 3, 0, 100, whole=True).ticks() == [(1, "1"), (2, "2"), (3, "3")]
    assert [said for _, said in svg.Axis(0, 2e5, 0, 100).ticks()] == ["0", "50,000", "100,000", "150,000", "200,000"]
    chart = svg.Chart("three", (0, 2), (0, 1))
    chart.line([(0, 0.5), (1, float("nan")), (2, 0.5)], "s1")
    assert re.search(r'class="line s1" d="M[\d. ]+M[\d. ]+"', chart.svg())
    assert svg.span([]) == (-0.06, 1.06)
    assert svg.span([float("nan"), 5.0]) == pytest.approx((4.95, 5.05))


def test_the_best_epoch_is_the_lowest_loss_or_the_highest_score():
    figures = [0.3, float("nan"), 0.1, 0.4]
    assert charts.best_epoch("loss", figures) == 2
    assert charts.best_epoch("accuracy", figures) == 3
    assert charts.best_epoch("loss", [float("nan")]) is None


@pytest.mark.parametrize(
    ("kind", "row", "shown"),
    [
        ("image", np.zeros((300, 600, 3), np.uint8), "image"),
        ("image", np.zeros((9, 9, 1), np.float32), "image"),
        ("image", "gone.png", "text"),
        ("image", np.zeros(7), "text"),
        ("audio", np.zeros(9, np.int16), "text"),
        ("text", "words", "text"),
    ],
)
def test_rows_of_every_kind_are_shown(kind, row, shown):
    told = media.show(kind, row)
    assert told.kind == shown
    assert bool(told.source) == (shown != "text")
    assert shown != "text" or told.text


def test_a_row_of_a_table_shows_whole_texts_and_no_missing_values():
    row = pd.Series({"keyword": np.nan, "text": "a long tweet " * 9} | {f"c{at}": at for at in range(20)})
    said = media.show("text", row).text.splitlines()
    assert said[0] == "text: " + ("a long tweet " * 9).strip()
    assert said[-1] == "and 9 more columns"


def test_an_image_file_is_read_and_made_small(tmp_path):
    Image.new("RGB", (1000, 500)).save(tmp_path / "wide.jpg")
    told = media.show("image", str(tmp_path / "wide.jpg"))
    assert Image.open(io.BytesIO(base64.b64decode(told.source.partition(",")[2]))).size == (256, 128)
    assert told.text == "wide.jpg"


def test_of_many_classes_the_pairs_that_are_confused_most_are_listed(given, finished):
    y = np.arange(500) % 25
    train = Data(np.arange(500), np.array([f"title {at}" for at in range(500)], object), y)
    entry = given(train, train.head(5), kind="text")
    pred = outputs.top(5)(np.eye(25, dtype=np.float32)[np.where(y == 7, 8, y)])
    finished(entry, pred, pred[:5])
    _, read = page(entry)
    assert "20 mistakes in 500 held-out rows." in read.said
    assert "True Predicted Rows Of 7 8 20 20" in read.said


def test_what_are_no_classes_and_no_numbers_has_no_mistakes(given, finished):
    train = Data(np.arange(6), np.array(["a"] * 6, object), np.array([f"answer {at}" for at in range(6)]))
    entry = given(train, train.head(2), kind="text")
    said = np.array(["something else"] * 6)
    finished(entry, said, said[:2])
    _, read = page(entry)
    assert "Worst mistakes" not in read.said
