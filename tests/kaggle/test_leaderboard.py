"""The leaderboard: one's place, would-be medals, and what is more than noise."""

from __future__ import annotations

import io
import json
import math
import zipfile

import pytest

from kit import records
from kit.emulator.faults import Fault
from kit.errors import KitError
from kit.kaggle import leaderboard
from kit.train import runs
from kit.train.record import Plan, Rows
from tests.given import recorded

BOARD = """\ufeffRank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,TeamMemberUserNames
1,11,"First, the",2026-01-01 00:00:00,0.99000,3,"anna,Bert"
0,12,Baseline,2026-01-01 00:00:00,0.98000,1,
2,13,Second,2026-01-01 00:00:00,0.97000,2,carla
3,14,Third,2026-01-02 00:00:00,0.97000,2,dora
4,15,Fourth,2026-01-02 00:00:00,,1,emil
"""


def packed(text: str = BOARD, name: str = "titanic-publicleaderboard-2026.csv") -> bytes:
    """The file as Kaggle sends it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, text)
    return file.getvalue()


def test_the_mark_baselines_and_teams_of_several_are_read():
    board = leaderboard.read(packed())
    assert (board.teams, board.private) == (4, False)
    assert [row.team for row in board.baselines] == ["Baseline"]
    assert board.rows[0] == leaderboard.Row(1, 11, "First, the", 0.99, 3, ("anna", "bert"))
    assert board.rows[3].score is None


def test_ones_own_team_is_found_by_member_or_by_number_and_never_by_name():
    board = leaderboard.read(packed())
    assert [board.own(user).id for user in ("BERT", "carla")] == [11, 13]
    assert board.own("Second") is None
    assert board.own("nobody", 14).team == "Third"


def test_ties_are_counted_and_keep_their_ranks():
    board = leaderboard.read(packed())
    second, third = board.own("carla"), board.own("dora")
    assert (second.rank, board.tied(second), third.rank, board.tied(third)) == (2, 1, 3, 1)


def test_the_final_board_is_told_from_the_public_one():
    assert leaderboard.read(packed(name="titanic-privateleaderboard-2026.csv")).private


@pytest.mark.parametrize("data", [packed()[:-30], b"PK nothing", b"\xff\xfe", packed(BOARD.replace("TeamId", "Id"))])
def test_a_file_that_is_no_leaderboard_is_an_error(data):
    with pytest.raises(KitError, match="The leaderboard file"):
        leaderboard.read(data)


@pytest.mark.parametrize(
    ("teams", "last"),
    [
        (1, (1, 1, 1)),
        (50, (5, 10, 20)),
        (99, (9, 19, 39)),
        (100, (10, 20, 40)),
        (249, (10, 49, 99)),
        (250, (10, 50, 100)),
        (999, (11, 50, 100)),
        (1000, (12, 50, 100)),
        (3000, (16, 150, 300)),
    ],
)
def test_medals_follow_kaggles_table(teams, last):
    for name, place in zip(("gold", "silver", "bronze"), last, strict=True):
        assert leaderboard.medal(place, teams) == ("gold" if place <= last[0] else name)
        assert leaderboard.medal(place + 1, teams) != name
    assert leaderboard.medal(last[2] + 1, teams) == ""


def test_the_percentile_is_the_share_of_teams_ranked_as_high():
    assert leaderboard.percentile(1, 200) == 0.5
    assert leaderboard.percentile(200, 200) == 100.0


@pytest.fixture
def sent(workspace):
    """Writes a finished run of parity that was sent."""

    def write(name: str, cv: float | None, public: float | None, **record):
        run = runs.create(Plan("parity", "table", "", {}))
        run = runs.at(run.folder.rename(run.folder.with_name(name)))
        run.finish(recorded(run, **{"oof_score": cv, "sd": 0.01, "rows": Rows(42_000, 42_000, 28_000)} | record))
        records.write_json(run.folder / "kaggle.json", {"public_score": public, "when": name})

    return write


def test_the_noise_of_an_accuracy_is_its_binomial_standard_error(sent):
    sent("a", 0.99, 0.98)
    (row,) = leaderboard.judged(runs.every("parity"), 0.25)
    assert row["noise"] == pytest.approx(math.sqrt(0.98 * 0.02 / 7000))
    assert row["formula"] == "sqrt(p (1 - p) / m) with m = 7,000 public rows"
    assert (round(row["gap"], 5), row["gap_is_noise"]) == (-0.01, False)


def test_without_the_public_share_the_spread_of_folds_stands_in(sent):
    sent("a", 0.99, 0.98)
    sent("b", 0.99, 0.98, metric="log loss")
    rows = leaderboard.judged(runs.every("parity"), None)
    assert [(row["noise"], row["gap_is_noise"]) for row in rows] == [(0.01, True)] * 2
    sent("c", 0.99, 0.98, sd=None)
    assert leaderboard.judged(runs.every("parity"), None)[2]["gap_is_noise"] is None


def test_a_gain_is_measured_against_the_best_run_before(sent):
    for name, public in (("a", 0.9800), ("b", 0.9700), ("c", 0.9805), ("d", None), ("e", 0.9905)):
        sent(name, public, public)
    rows = leaderboard.judged(runs.every("parity"), 0.25)
    assert [row["run"] for row in rows] == ["a", "b", "c", "e"]
    assert [row["gain"] and round(row["gain"], 4) for row in rows] == [None, -0.01, 0.0005, 0.01]
    assert [row["gain_is_noise"] for row in rows] == [None, False, True, False]


def test_where_lower_is_better_a_fall_is_a_gain(sent):
    sent("a", 0.5, 0.5, metric="log loss", higher_is_better=False)
    sent("b", 0.4, 0.4, metric="log loss", higher_is_better=False)
    assert round(leaderboard.judged(runs.every("parity"), None)[1]["gain"], 5) == 0.1


def test_the_command_shows_ones_place_and_the_runs(run, site, mine):
    run("download", "parity")
    status, out, err = run("leaderboard", "parity")
    assert status == 0
    assert out == "9 teams on the public leaderboard; the first has 0.58000\ntester is not on it.\n"
    assert "No run was sent yet. Try: kit submit parity" in err
    run("train", "parity", "--no-plots")
    run("submit", "parity", "--yes")
    status, out, err = run("leaderboard", "parity", "--public-share", "0.5")
    lines = out.splitlines()
    assert lines[0] == "10 teams on the public leaderboard; the first has 1.00000"
    assert lines[1] == "tester: rank 1, top 10.0 %, score 1.00000"
    assert lines[2] == "Medal for this rank: gold. Not every competition gives medals."
    assert "Standard error: sqrt(p (1 - p) / m) with m = 10 public rows." in lines
    shown = json.loads(run("leaderboard", "parity", "--json")[1])
    assert (shown["teams"], shown["own"]["rank"], shown["own"]["would_be_medal"]) == (10, 1, "gold")
    assert shown["baselines"] == {"Baseline": 0.5}
    assert (shown["runs"][0]["cv"], shown["runs"][0]["public"], shown["runs"][0]["gap"]) == (1.0, 1.0, 0.0)


def test_a_board_that_breaks_off_is_asked_for_again(run, site):
    site.faults.add(Fault("DownloadLeaderboard", "lost"))
    assert run("leaderboard", "parity")[0] == 0
    assert site.steps("DownloadLeaderboard") == 2


def test_a_public_share_above_1_is_refused(run):
    status, _, err = run("leaderboard", "parity", "--public-share", "25")
    assert (status, "The public share cannot be 25.0." in err) == (1, True)
