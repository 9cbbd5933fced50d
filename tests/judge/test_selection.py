"""Which runs to send, and which two to select."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kit import records
from kit.errors import KitError
from kit.judge import forecast, selection
from kit.judge.selection import Drawn
from kit.task.contract import Data
from kit.train import runs

ROWS, TEST, DRAWS = 1000, 500, 4000


@pytest.fixture
def candidates(given, finished):
    """Three runs of labels: two alike that are right in 80%, and one that is right in 79% of other rows."""
    y = np.zeros(ROWS, int)
    entry = given(Data(np.arange(ROWS), np.zeros((ROWS, 1)), y), Data(np.arange(TEST) + 5000, np.zeros((TEST, 1))))
    place = np.arange(ROWS) * 7 % ROWS
    wrong = [place < 200, (place < 198) | (place == 300) | (place == 301), place >= 790]
    members = [finished(entry, one.astype(int), np.zeros(TEST, int)) for one in wrong]
    return entry, members, [forecast.forecast(entry, run) for run in members]


def chosen(candidates, **given) -> selection.Choice:
    entry, members, forecasts = candidates
    return selection.choose(
        entry, members, forecasts, given.pop("publics", {}), **{"slots": 2, "public_share": 0.5} | given
    )


def test_two_runs_that_err_on_other_rows_are_worth_more_than_two_that_are_alike(candidates):
    _, members, _ = candidates
    choice = chosen(candidates)
    assert {choice.select.first, choice.select.second} & {members[0].name, members[1].name}
    assert members[2].name in (choice.select.first, choice.select.second)
    assert choice.select.correlation < 0
    assert choice.select.expected > choice.select.alone + 0.003
    assert [one.run for one in choice.spend][1] == members[2].name
    assert choice.spend[1].gain > 0


def test_the_expected_best_is_that_of_the_closed_form(candidates):
    select = chosen(candidates).select
    assert select.expected == pytest.approx(select.clark, abs=5e-4)


def test_what_is_selected_was_sent_or_is_to_be_sent(candidates):
    _, members, _ = candidates
    choice = chosen(candidates, publics={members[1].name: 0.8}, slots=0)
    assert (choice.spend, choice.sent) == ((), (members[1].name,))
    assert (choice.select.first, choice.select.second) == (members[1].name, None)
    # No run is sent twice.
    assert len(chosen(candidates, publics={members[1].name: 0.8}, slots=9).spend) == 2


def test_a_public_score_changes_what_is_expected_but_less_than_its_own_noise(candidates):
    entry, members, forecasts = candidates
    before = selection.draw(entry, members, forecasts, 0.5, 0).private.mean(1)
    worlds = selection.given(selection.draw(entry, members, forecasts, 0.5, 0), [0], np.array([0.9]))
    moved = worlds.private.mean(1) - before
    assert 0 < moved[0] < 0.1
    assert moved[1] == pytest.approx(moved[0], rel=0.1)  # it errs on the same rows
    assert moved[2] < 0  # and this one where those do not
    assert worlds.public[0].std() < 1e-9


def test_nothing_sent_and_no_slot_is_refused(candidates):
    with pytest.raises(KitError, match="has a public score, and there is no slot"):
        chosen(candidates, slots=0)


def test_clark_gives_the_expected_greater_of_two_normal_values():
    random = np.random.default_rng(0)
    for means, sds, correlation in (((0, 0), (1, 1), 0), ((0.3, 0), (1, 2), 0.5), ((0, 1), (1, 1), -0.9)):
        both = np.array([[sds[0] ** 2, correlation * sds[0] * sds[1]], [correlation * sds[0] * sds[1], sds[1] ** 2]])
        drawn = random.multivariate_normal(means, both, 400_000).max(1).mean()
        assert selection.clark(*means, *sds, correlation) == pytest.approx(drawn, abs=0.01)
    assert selection.clark(0, 0, 1, 1, 0) == pytest.approx(1 / np.sqrt(np.pi))
    assert selection.clark(2, 1, 1, 1, 1) == 2


def test_a_slot_goes_to_the_run_that_may_turn_out_well_and_not_to_one_that_is_like_what_was_sent():
    random = np.random.default_rng(1)
    sent = random.normal(0.8, 0.01, DRAWS)
    alike, other = sent + 0.0005, random.normal(0.799, 0.01, DRAWS)
    true = np.stack([sent, alike, other])
    worlds = Drawn(true + random.normal(0, 0.002, true.shape), true + random.normal(0, 0.002, true.shape))
    assert selection.value(worlds, [0, 2], [0]) > selection.value(worlds, [0, 1], [0]) + 0.002
    assert selection.value(worlds, [], []) == -np.inf


def test_the_lower_score_is_the_better_one_where_the_metric_says_so(given, finished):
    random = np.random.default_rng(2)
    y = random.normal(0, 1, ROWS)
    entry = given(Data(np.arange(ROWS), np.zeros((ROWS, 1)), y), Data(np.arange(TEST) + 5000, np.zeros((TEST, 1))))
    members = [finished(entry, y + random.normal(0, sd, ROWS), np.zeros(TEST)) for sd in (1.0, 0.5, 2.0)]
    choice = chosen((entry, members, [forecast.forecast(entry, run) for run in members]), slots=1)
    assert choice.spend[0].run == choice.select.first == members[1].name
    assert choice.select.expected == pytest.approx(0.5, abs=0.03)


def test_the_command_tells_slots_and_pair(kit, parity):
    for seed in "123":
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--seed", seed, "--set", "noise=0.6")
    kit("train", "parity", "--sample", "--no-plots", "--holdout")
    status, out, err = kit("choose", "parity", "--sample", "--slots", "2")
    assert status == 0
    holdout = next(run for run in runs.every("parity") if run.plan.scheme == "holdout")
    assert f"Left out, since fewer rows judged them: {holdout.name}." in err
    assert "Slot 1: kit submit parity" in out
    assert "Slot 2: kit submit parity" in out
    assert "Select " in out
    assert "the better one should have accuracy" in out
    facts = json.loads(kit("choose", "parity", "--sample", "--slots", "2", "--json")[1])
    assert {*facts} == {"spend", "select", "sent", "forecasts"}
    assert len(facts["forecasts"]) == 3
    assert {facts["select"]["first"], facts["select"]["second"]} == {one["run"] for one in facts["spend"]}


def test_the_command_without_a_run_says_what_to_do(kit, parity):
    status, _, err = kit("choose", "parity", "--sample")
    assert (status, "kit train parity --sample" in err) == (1, True)


def test_a_score_of_an_emulator_is_none_of_kaggles(kit, parity):
    from kit.kaggle import client

    for seed in "12":
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--seed", seed, "--set", "noise=0.6")
    one, other = runs.every("parity")
    records.write_json(one.folder / "kaggle.json", {"public_score": 0.9, "server": client.server()})
    records.write_json(other.folder / "kaggle.json", {"public_score": 0.9, "server": "http://127.0.0.1:1"})
    facts = json.loads(kit("choose", "parity", "--sample", "--slots", "0", "--json")[1])
    assert (facts["sent"], facts["select"]["second"]) == ([one.name], None)
