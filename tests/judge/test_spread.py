"""How far scores lie apart by chance."""

from __future__ import annotations

import numpy as np
import pytest

from kit import records
from kit.judge.spread import Spread
from kit.kaggle import leaderboard
from kit.task.contract import Data
from kit.train import predictions, runs

ROWS = 1000


@pytest.fixture
def numbers(given, finished):
    """A competition scored by RMSE, and runs: one, one that errs alike, and one that errs by itself."""
    random = np.random.default_rng(0)
    y = random.normal(0, 1, ROWS)
    entry = given(Data(np.arange(ROWS), np.zeros((ROWS, 1)), y), Data(np.arange(500) + 5000, np.zeros((500, 1))))
    error = random.normal(0, 1, ROWS)
    errors = (error, error + random.normal(0, 0.05, ROWS), random.normal(0, 1, ROWS))
    return entry, [finished(entry, y + one, np.zeros(500)) for one in errors]


def test_the_spread_of_a_score_falls_with_the_root_of_the_rows(numbers):
    entry, (run, *_) = numbers
    spread = Spread(entry)
    assert spread.of(run, 250) == pytest.approx(2 * spread.of(run, 1000))
    # The RMSE of n normal errors has the standard error sd / sqrt(2 n).
    assert spread.of(run, 1000) == pytest.approx(1 / np.sqrt(2000), rel=0.15)


def test_runs_that_err_alike_differ_by_less_than_runs_that_do_not(numbers):
    entry, (run, alike, other) = numbers
    spread = Spread(entry)
    assert spread.between(run, alike, 1000) < spread.between(run, other, 1000) / 5
    assert spread.between(run, other, 1000) == pytest.approx(np.sqrt(2) * spread.of(run, 1000), rel=0.2)
    assert spread.between(run, run, 1000) == 0


def test_rows_in_another_order_are_joined_by_id(numbers):
    entry, (run, alike, _) = numbers
    before = Spread(entry).between(run, alike, 1000)
    oof = predictions.load(alike.folder / "oof.npz")
    predictions.save(alike.folder / "oof.npz", **{name: column[::-1] for name, column in oof.items()})
    assert Spread(entry).between(run, alike, 1000) == pytest.approx(before, rel=0.1)
    predictions.save(alike.folder / "oof.npz", **oof | {"ids": oof["ids"] + 9000})
    assert Spread(entry).between(run, alike, 1000) is None


def test_predictions_that_are_gone_damaged_or_judged_otherwise_tell_nothing(numbers):
    entry, members = numbers
    (members[0].folder / "oof.npz").unlink()
    (members[1].folder / "oof.npz").write_bytes(b"PK")
    other = members[2].__class__(
        members[2].folder, members[2].plan, members[2].record.__class__(**vars(members[2].record) | {"metric": "MAE"})
    )
    spread = Spread(entry)
    assert [spread.of(run, 100) for run in (*members[:2], other)] == [None, None, None]
    assert spread.between(members[0], members[2], 100) is None
    assert spread.of(members[2], 0) is None


def sent(members, publics: list[float]) -> None:
    for at, (run, public) in enumerate(zip(members, publics, strict=True)):
        records.write_json(run.folder / "kaggle.json", {"public_score": public, "when": f"2026-01-0{at + 1}"})


def test_the_leaderboard_uses_that_noise_whatever_the_metric(numbers):
    entry, members = numbers
    sent(members, [1.0, 0.996, 0.99])
    spread = Spread(entry)
    rows = leaderboard.judged(runs.every(entry.name), 0.5, spread)
    assert rows[0]["noise"] == spread.of(members[0], 250)
    assert rows[0]["formula"] == "out-of-fold rows resampled, for m = 250 public rows"
    gains = [row["gain"] for row in rows]
    assert gains[1:] == [pytest.approx(0.004), pytest.approx(0.006)]
    # The first gain is of a run that errs alike, the second, larger one of a run that errs by itself.
    errors = [spread.between(members[0], members[1], 250), spread.between(members[1], members[2], 250)]
    assert [row["gain_is_noise"] for row in rows] == [None, 2 * errors[0] >= 0.004, True]
    assert errors[0] * 5 < errors[1]


def test_without_the_public_share_half_of_the_rows_are_taken_and_that_is_told(numbers):
    entry, members = numbers
    sent(members, [1.0, 1.0, 1.0])
    (first, *_) = leaderboard.judged(runs.every(entry.name), None, Spread(entry))
    assert first["noise"] == Spread(entry).of(members[0], 250)
    assert first["formula"].endswith("m = 250 public rows, half of the test rows, since --public-share is not known")


def test_a_gap_has_the_noise_of_both_scores(numbers):
    entry, members = numbers
    spread = Spread(entry)
    one, own = spread.of(members[0], 250), spread.of(members[0], ROWS)
    score = members[0].score
    sent(members, [score + 2 * np.hypot(one, own) * 0.99, score + 2 * np.hypot(one, own) * 1.5, 1.0])
    rows = leaderboard.judged(runs.every(entry.name), 0.5, spread)
    assert [row["gap_is_noise"] for row in rows[:2]] == [True, False]
    assert rows[0]["gap"] > 2 * one


def test_a_board_of_two_hundred_thousand_teams_with_ties_is_read_and_searched():
    scores = np.sort(np.round(np.random.default_rng(0).normal(0.7, 0.1, 200_000), 2))[::-1]
    lines = [f"{at + 1},{at + 1},team {at},{score:.2f},1,user{at}" for at, score in enumerate(scores)]
    board = leaderboard.read(
        ("Rank,TeamId,TeamName,Score,SubmissionCount,TeamMemberUserNames\n" + "\n".join(lines)).encode()
    )
    own = board.own("user150000")
    assert (board.teams, own.rank) == (200_000, 150_001)
    assert board.tied(own) == np.sum(scores == scores[150_000]) - 1
    assert leaderboard.summary(board, None)["own"] is None


def test_a_board_of_one_team_and_one_without_oneself():
    board = leaderboard.read(b"Rank,TeamId,TeamName,Score\n1,7,alone,0.5\n")
    assert leaderboard.summary(board, board.own("me", 7))["own"]["percentile"] == 100
    assert board.own("me") is None
    empty = leaderboard.read(b"Rank,TeamId,TeamName,Score\n")
    assert (empty.teams, leaderboard.summary(empty, None)["first_score"]) == (0, None)
