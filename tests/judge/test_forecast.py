"""Where the scores of a run should fall."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kit.errors import KitError
from kit.judge import forecast
from kit.judge.repeats import KNOWN, Repeats, find
from kit.kaggle import leaderboard
from kit.task import metrics, targets
from kit.task.contract import Data
from kit.train import predictions, record, runs
from tests.judge.test_methods import competition

ROWS, TEST = 400, 200


@pytest.fixture
def sure(given, finished):
    """A competition of two classes and a run that is right in 80% of its rows, without predictions of its folds."""
    y = np.arange(ROWS) % 2
    entry = given(Data(np.arange(ROWS), np.arange(ROWS)[:, None], y), Data(np.arange(TEST) + 1000, np.zeros((TEST, 1))))
    right = np.where(np.arange(ROWS) % 5 < 4, y, 1 - y)
    pred = np.stack([1 - right, right], axis=1) * 0.6 + 0.2
    return entry, finished(entry, pred, np.full((TEST, 2), 0.5))


def folds(run, preds: list[np.ndarray]):
    """Store what each fold predicts for the test rows."""
    for number, pred in enumerate(preds):
        run.fold(number).mkdir()
        predictions.save(run.fold(number) / "test.npz", ids=np.arange(TEST) + 1000, pred=pred)
        (run.fold(number) / record.DONE).write_text("{}")


def test_a_forecast_of_one_model_is_its_score_and_the_noise_of_rows_on_both_sides(sure):
    made = forecast.forecast(*sure, public_share=0.25)
    assert made.parts["cv"] == made.public.expected == made.private.expected == 0.8
    assert made.parts["merging"] == made.parts["overlap"] == made.parts["folds"] == 0
    binomial = np.sqrt(0.8 * 0.2)
    assert made.parts["rows"] == pytest.approx(binomial / np.sqrt(ROWS), rel=0.1)
    assert made.parts["public_rows"] == pytest.approx(made.parts["rows"] * np.sqrt(ROWS / (TEST * 0.25)))
    assert made.parts["private_rows"] == pytest.approx(made.parts["rows"] * np.sqrt(ROWS / (TEST * 0.75)))
    whole = np.sqrt(sum(made.parts[name] ** 2 for name in ("rows", "public_rows", "folds", "gains", "unknown")))
    assert made.public_sd == pytest.approx(whole)
    assert (made.public.low, made.public.high) == (
        pytest.approx(0.8 - 1.6449 * whole, abs=1e-4),
        pytest.approx(0.8 + 1.6449 * whole, abs=1e-4),
    )


def test_a_larger_public_share_makes_the_public_interval_narrower_and_the_private_one_wider(sure):
    few, many = (forecast.forecast(*sure, public_share=share) for share in (0.2, 0.8))
    assert many.public_sd < few.public_sd
    assert many.private_sd > few.private_sd
    assert many.public_sd == pytest.approx(few.private_sd)


def test_no_forecast_is_above_a_perfect_score(given, finished):
    y = np.arange(ROWS) % 2
    entry = given(Data(np.arange(ROWS), np.zeros((ROWS, 1)), y), Data(np.arange(4), np.zeros((4, 1))))
    pred = np.stack([1 - y, y], axis=1).astype(float)
    pred[0] = pred[0, ::-1]
    made = forecast.forecast(entry, finished(entry, pred, np.full((4, 2), 0.5)))
    assert made.public.high == 1.0
    assert made.public.expected == pytest.approx(1 - 1 / ROWS)


def test_folds_that_disagree_gain_by_merging_and_folds_that_agree_do_not(sure):
    entry, run = sure
    random = np.random.default_rng(0)
    second = np.clip(0.5 + random.normal(0, 0.3, (3, TEST)), 0.02, 0.98)
    folds(run, [np.stack([1 - one, one], axis=1) for one in second])
    assert forecast.forecast(entry, run).parts["merging"] > 0.03
    for number in range(3):
        predictions.save(
            run.fold(number) / "test.npz", ids=np.arange(TEST) + 1000, pred=np.stack([1 - second[0], second[0]], axis=1)
        )
    assert forecast.forecast(entry, run).parts["merging"] == 0


def test_the_gain_of_squared_errors_is_the_ambiguity_of_the_folds(given, finished):
    random = np.random.default_rng(1)
    y = random.normal(0, 1, ROWS)
    entry = given(Data(np.arange(ROWS), np.zeros((ROWS, 1)), y), Data(np.arange(TEST) + 1000, np.zeros((TEST, 1))))
    run = finished(entry, y + random.normal(0, 1, ROWS), np.zeros(TEST))
    parts = [random.normal(0, 0.5, TEST) for _ in range(5)]
    folds(run, parts)
    made = forecast.forecast(entry, run)
    ambiguity = np.mean(np.var(parts, axis=0))
    assert made.parts["merging"] == pytest.approx(1 - np.sqrt(1 + ambiguity), rel=0.15)
    assert made.public.expected < made.parts["cv"]  # RMSE is better when lower


def test_the_gain_is_that_of_models_whose_answers_are_known(given, finished):
    """Five models of a fold each, which err by themselves: their mean is better by what the forecast says."""
    random = np.random.default_rng(2)
    height = random.normal(0, 1.5, ROWS + TEST)
    y = (random.random(ROWS + TEST) < 1 / (1 + np.exp(-height))).astype(int)

    def model() -> np.ndarray:
        p = 1 / (1 + np.exp(-(height + random.normal(0, 1.0, ROWS + TEST))))
        return np.stack([1 - p, p], axis=1)

    models = [model() for _ in range(5)]
    entry = given(
        Data(np.arange(ROWS), np.zeros((ROWS, 1)), y[:ROWS]), Data(np.arange(TEST) + 1000, np.zeros((TEST, 1)))
    )
    entry.competition.__dict__["metric"] = metrics.log_loss
    run = finished(entry, models[0][:ROWS], np.full((TEST, 2), 0.5))
    folds(run, [one[ROWS:] for one in models])
    made = forecast.forecast(entry, run)
    alone = np.mean([metrics.log_loss.score(y[ROWS:], one[ROWS:]) for one in models])
    together = metrics.log_loss.score(y[ROWS:], np.mean([one[ROWS:] for one in models], axis=0))
    assert made.parts["merging"] == pytest.approx(together - alone, rel=0.4)


def test_a_blend_gains_by_merging_as_its_members_folds_do(sure, finished):
    entry, run = sure
    random = np.random.default_rng(3)
    other = finished(entry, predictions.load(run.folder / "oof.npz")["pred"], np.full((TEST, 2), 0.5))
    for member in (run, other):
        second = np.clip(0.5 + random.normal(0, 0.3, (3, TEST)), 0.02, 0.98)
        folds(member, [np.stack([1 - one, one], axis=1) for one in second])
    plan = replace(run.plan, recipe="blend", variant="mean", settings={run.name: 0.5, other.name: 0.5})
    blend = replace(run, plan=plan)
    alone, together = (forecast.forecast(entry, one).parts["merging"] for one in (run, blend))
    assert 0.02 < together < alone  # two members agree more than one, since each is a mean already
    gone = replace(run, plan=replace(plan, settings={"gone": 1.0}))
    assert forecast.forecast(entry, gone).parts["merging"] == 0


def test_folds_that_differ_by_more_than_their_rows_make_the_forecast_wider():
    assert forecast._between([0.8, 0.8, 0.81, 0.79, 0.8], rows=0.01) == 0
    apart = [0.99, 0.80, 0.97, 0.85, 0.95]
    assert forecast._between(apart, rows=0.005) == pytest.approx(np.std(apart, ddof=1) * np.sqrt(1.2), rel=0.1)
    assert forecast._between([0.5, 0.9], rows=0.001) == 0  # of two folds nothing can be said


def test_rows_of_test_that_repeat_rows_of_train_are_counted():
    train = Data(np.arange(4), ["A fire", "a  Fire", "rain", "sun"], np.array([1, 1, 0, 0]))
    found = find(train, Data(np.arange(2), ["RAIN", "storm"]))
    assert found.share == 0.5
    assert found.key[0] == found.key[1] == "a fire"
    table = Data(np.arange(3), np.array([[1.0, 2], [3, 4], [1, 2]]), np.zeros(3))
    assert find(table, Data(np.arange(2), np.array([[1.0, 2], [9, 9]]))).share == 0.5
    lists = pd.DataFrame({"number": [1, 2], "parts": [["salt", "oil"], ["oil"]]})
    same = Data(np.arange(2), lists, np.zeros(2))
    assert find(same, Data(np.arange(1), pd.DataFrame({"number": [2], "parts": [["oil"]]}))).share == 1
    assert find(same, Data(np.arange(1), pd.DataFrame({"number": [2], "parts": [["salt"]]}))).share == 0
    pictures = Data(np.arange(2), np.zeros((2, 4, 4)), np.zeros(2))
    assert find(pictures, pictures) is None


def test_test_rows_that_repeat_training_rows_are_easier_than_grouped_folds_say():
    y = np.arange(ROWS) // 2 % 2
    keys = {row: f"pair {row // 2}" for row in range(ROWS)}
    wrong = np.where(np.arange(ROWS) % 10 < 4, 1 - y, y)  # two pairs of five are mistaken
    oof = {"ids": np.arange(ROWS), "fold": np.arange(ROWS) // 2 % 3, "y": y, "pred": wrong}
    task = competition(metrics.accuracy, targets.Labels((0, 1)))
    gain = Repeats(0.5, keys).gain(task, oof, wrong, (0, 1))
    assert gain == pytest.approx(KNOWN * 0.5 * 0.4, rel=0.2)
    assert Repeats(0.0, keys).gain(task, oof, wrong, (0, 1)) == 0
    shuffled = oof | {"fold": np.arange(ROWS) % 2}  # each row's like lies in the other fold
    assert Repeats(0.5, keys).gain(task, shuffled, wrong, (0, 1)) == 0
    chances = np.eye(2)[wrong] * 0.6 + 0.2
    assert Repeats(0.5, keys).gain(task, oof, chances, (0, 1)) == pytest.approx(gain, rel=0.01)


def test_ranks_follow_from_where_the_score_falls_among_those_of_the_board():
    scores = np.linspace(0.5, 0.9, 100)
    assert (forecast.ranks(scores, 2.0, 1e-9, True) == 1).all()
    assert (forecast.ranks(scores, 0.1, 1e-9, True) == 101).all()
    assert (forecast.ranks(scores, 0.1, 1e-9, False) == 1).all()
    told = forecast.places(scores, 0.7, 0.05, higher_is_better=True)
    assert told["median"] == pytest.approx(51, abs=2)
    assert told["low"] < 35 < 65 < told["high"]
    assert told["top 1%"] < told["top 25%"] < told["top 50%"] == pytest.approx(0.5, abs=0.05)


def test_two_hundred_thousand_teams_with_ties_are_ranked_at_once():
    scores = np.round(np.random.default_rng(0).normal(0.7, 0.1, 200_000), 3)
    told = forecast.places(scores, 0.7, 0.02, higher_is_better=True)
    assert told["median"] == pytest.approx(100_000, rel=0.03)
    assert forecast.ranks(np.full(5, 0.7), 0.7, 0.0, True).tolist()[:1] == [6]  # who was there first is ahead


def test_a_board_of_one_team_and_one_of_none(sure):
    assert forecast.places([0.5], 0.9, 0.01, higher_is_better=True) | {} == {
        "median": 1,
        "low": 1,
        "high": 1,
        "teams": 2,
        "top 1%": 1.0,
        "top 5%": 1.0,
        "top 10%": 1.0,
        "top 25%": 1.0,
        "top 50%": 1.0,
    }
    with pytest.raises(KitError, match="no team with a score"):
        forecast.places([], 0.9, 0.01, higher_is_better=True)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_a_share_that_is_none_is_refused(sure, share):
    with pytest.raises(KitError, match="A public share of"):
        forecast.forecast(*sure, public_share=share)


def test_the_command_tells_scores_and_ranks(kit, parity, tmp_path):
    for seed in "12":
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--seed", seed, "--set", "noise=0.6")
    kit("train", "parity", "--sample", "--no-plots", "--full")
    board = tmp_path / "parity-publicleaderboard.csv"
    board.write_text("Rank,TeamId,TeamName,Score\n" + "".join(f"{n},{n},team {n},{1 - n / 20}\n" for n in range(1, 11)))
    status, out, err = kit("forecast", "parity", "--sample", "--leaderboard", str(board), "--public-share", "0.3")
    assert status == 0
    first, second = [run for run in runs.every("parity") if run.score is not None]
    assert first.name in out
    assert second.name in out
    assert "top 10%" in out
    assert "by merging the folds" in err
    status, out, err = kit("forecast", "parity", first.name, "--json", "--leaderboard", str(board))
    assert (status, err) == (0, "")
    facts = json.loads(out)
    assert [one["run"] for one in facts] == [first.name]
    assert {*facts[0]} == {"run", "public", "private", "parts", "rank"}
    assert facts[0]["public"]["low"] <= facts[0]["public"]["expected"] <= facts[0]["public"]["high"]
    assert facts[0]["parts"]["cv"] == first.score
    assert facts[0]["rank"]["teams"] == 11


def test_runs_without_a_score_or_predictions_are_named(kit, parity, tmp_path):
    assert "No run of parity has a score and its predictions here." in kit("forecast", "parity", "--sample")[2]
    kit("train", "parity", "--sample", "--no-plots", "--full")
    kit("train", "parity", "--sample", "--no-plots")
    full, scored = sorted(runs.every("parity"), key=lambda run: run.plan.scheme != "full")
    assert "has no score on rows that it had not seen" in kit("forecast", "parity", full.name)[2]
    (scored.folder / "oof.npz").unlink()
    assert "oof.npz is missing" in kit("forecast", "parity", scored.name)[2]
    _, _, err = kit("forecast", "parity", "--sample")
    assert "Without predictions here, and so left out: 1 of 1 runs." in err
    status, _, err = kit("forecast", "parity", full.name, "--leaderboard", str(tmp_path / "none.csv"))
    assert (status, "none.csv cannot be read" in err) == (1, True)


def test_the_file_of_a_board_tells_whether_it_is_the_private_one():
    data = b"Rank,TeamId,TeamName,Score\n1,1,a,0.5\n"
    assert not leaderboard.read(data, name="x-publicleaderboard.csv").private
    assert leaderboard.read(data, name="x-privateleaderboard.csv").private
