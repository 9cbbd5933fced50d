"""Real competitions that kit does not know: told apart rightly, and trained to a better score than a quick model."""

from __future__ import annotations

import json

import pytest

from kit.new import guess, origin
from kit.new.guess import Answers
from kit.new.ready import ready

TOLD = {
    "titanic": "PassengerId; Survived; labels; accuracy; table; Stratified(5)",
    "nomad2018-predict-transparent-conductors": (
        "id; formation_energy_ev_natom, bandgap_energy_ev; numbers; mean_columnwise_rmse; table; Shuffled(5)"
    ),
    "ghouls-goblins-and-ghosts-boo": "id; type; labels; accuracy; table; Stratified(5)",
    "spooky-author-identification": "id; author; labels; log_loss; text; Stratified(5)",
    "bike-sharing-demand": "datetime; count; numbers; rmsle; table; Grouped(5)",
    "playground-series-s3e13": "id; prognosis; 3 guesses in a row; map@3; table; Stratified(5)",
    "whats-cooking": "id; cuisine; labels; accuracy; text; Stratified(5)",
}


@pytest.mark.realdata
@pytest.mark.parametrize("slug", TOLD)
def test_real_files_are_told_apart(slug, shared, tmp_path):
    (tmp_path / "raw").mkdir()
    origin.taken(origin.told(slug, [shared / "competitions" / f"{slug}.zip"]), slug, tmp_path / "raw")
    seen = ready(tmp_path / "raw", tmp_path, Answers()).look
    told = {each.what: each.answer for each in guess.draft(seen, Answers()).findings}
    assert "; ".join(told[what] for what in ("id", "target", "holds", "metric", "rows", "split")) == TOLD[slug]


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("slug", TOLD)
def test_a_real_competition_is_trained_to_a_better_score_than_a_quick_model(slug, shared):
    from benchmarks import any as benchmark

    task = json.loads((shared / "competitions" / "tasks.json").read_text())[slug]
    line = benchmark.run(slug, task, told=True)
    assert line[benchmark.HEADER.index("better")] == "yes"
