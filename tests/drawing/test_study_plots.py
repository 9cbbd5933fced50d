"""The pictures of a study: what they show, and what is left out where there is nothing to show."""

from __future__ import annotations

import numpy as np
import pytest

from kit.drawing import study_plots
from kit.task.contract import Data
from kit.train import sweep

NAMES = ("en-dim50", "en-dim128", "es-dim50", "es-dim128")


@pytest.fixture
def study(given, finished):
    """A competition, and four cells of one run each with the history of a fold."""
    entry = given(Data(np.arange(8), np.arange(8), np.arange(8) % 2), Data(np.arange(4), np.arange(4)))
    cells = []
    for place, name in enumerate(NAMES):
        run = finished(entry, np.arange(8) % 2, np.arange(4) % 2)
        (run.folder / "fold-0").mkdir()
        lines = [f"{step},{step},{1 / step},{1.1 / step + place}\n" for step in (1, 2, 3)]
        (run.folder / "fold-0" / "history.csv").write_text("step,seconds,loss,val_loss\n" + "".join(lines))
        ((row, runs),) = sweep.cells([run])
        cells.append((row._replace(recipe=f"nnlm:{name}", mean=0.7 + place / 100), runs))
    return entry, cells


def test_every_picture_of_a_study_is_drawn(study, tmp_path):
    entry, cells = study
    for name, draw in study_plots.DRAWN.items():
        assert draw(entry, cells, tmp_path / name).read_bytes()[:4] == b"\x89PNG"


def test_lines_are_the_means_of_folds_and_points_the_last_losses(study, tmp_path, monkeypatch):
    entry, cells = study
    kept = []
    monkeypatch.setattr(study_plots.style, "save", lambda made, to: kept.append(made) or to)
    study_plots.curves(entry, cells, tmp_path / "curves.png")
    study_plots.loss(entry, cells, tmp_path / "loss.png")
    lines, points = (made.axes[0].get_lines() for made in kept)
    assert [list(line.get_ydata()) for line in lines] == [[1, 1 / 2, pytest.approx(1 / 3)]] * 4
    assert [float(np.ravel(point.get_xdata())[0]) for point in points] == pytest.approx(
        [1.1 / 3 + place for place in range(4)]
    )


def test_a_part_of_the_name_is_worth_the_mean_of_those_that_have_it(study, tmp_path, monkeypatch):
    entry, cells = study
    kept = []
    monkeypatch.setattr(study_plots.style, "save", lambda made, to: kept.append(made) or to)
    study_plots.parts(entry, cells, tmp_path / "parts.png")
    chart = kept[0].axes[0]
    assert [label.get_text() for label in chart.get_yticklabels()] == ["es", "dim128", "dim50", "en"]
    said = [text.get_text().strip() for text in chart.texts]
    assert said[:2] == ["0.7250", "0.7050"] and said[-2:] == ["0.7050", "0.7250"]


def test_nothing_is_drawn_of_runs_without_losses_and_without_parts(study, tmp_path):
    entry, cells = study
    for _, runs in cells:
        (runs[0].folder / "fold-0" / "history.csv").unlink()
    same = [(row._replace(recipe="svm", settings=""), runs) for row, runs in cells]
    made = {name: draw(entry, same, tmp_path / name) for name, draw in study_plots.DRAWN.items()}
    assert [name for name, path in made.items() if path] == ["time.png"]
    assert study_plots.time(entry, [], tmp_path / "none.png") is None
