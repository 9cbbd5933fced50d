"""The whole leaderboard: one's place on it, and what of a score is more than the noise of the public rows."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from dataclasses import dataclass
from typing import Any

from kit.errors import KitError
from kit.judge.spread import UNKNOWN_SHARE, Spread
from kit.kaggle import client
from kit.kaggle.client import Client
from kit.train.runs import Run

NEEDED = ("Rank", "TeamId", "TeamName", "Score")
"""Columns without which the file cannot be read. Source: a third party's look at the live site on 2026-09-02."""

SURE = 2.0
"""Standard errors that a gap or gain must exceed to be called more than noise: chance exceeds them one time in 20."""


@dataclass(frozen=True)
class Row:
    """A team's place; `members` are user names, in lower case."""

    rank: int
    id: int
    team: str
    score: float | None
    count: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """A leaderboard without the host's baselines. `private` says that it is the final one."""

    rows: tuple[Row, ...]
    baselines: tuple[Row, ...]
    private: bool

    @property
    def teams(self) -> int:
        """The number of teams."""
        return len(self.rows)

    def own(self, user: str, team: int | None = None) -> Row | None:
        """The row of the team that has the number `team`, or `user` as a member; None where there is none."""
        for row in self.rows:
            if row.id == team or user.lower() in row.members:
                return row
        return None

    def tied(self, row: Row) -> int:
        """How many other teams have the same score; Kaggle ranks the earlier one first."""
        return sum(other.score == row.score for other in self.rows) - 1


def download(kaggle: Client, slug: str) -> Board:
    """The full leaderboard, not the page of twenty that the client's view gives.

    Raises KitError when it cannot be had or read.
    """
    return read(file(kaggle, slug))


def file(kaggle: Client, slug: str) -> bytes:
    """The bytes of the leaderboard file. Raises KitError when it cannot be had."""
    data: bytes = kaggle.ask(
        "Downloading the leaderboard",
        "competitions.download_leaderboard",
        safe=True,
        then=lambda answer: answer.content,
        competition_name=slug,
    )
    return data


def read(data: bytes, name: str = "") -> Board:
    """The leaderboard in a zip file with one CSV file, or in a CSV file; `name` is the file's, which says whether it is
    the private one.

    Raises KitError when it is neither or lacks a column.
    """
    if data[:2] == b"PK":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                name = next(member for member in archive.namelist() if member.endswith(".csv"))
                data = archive.read(name)
        except (zipfile.BadZipFile, StopIteration, EOFError) as error:
            raise KitError(f"The leaderboard file is damaged: {error}", "", "the same command again") from None
    try:
        lines = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))  # the file begins with a mark
        header = tuple(lines.fieldnames or ())
    except UnicodeDecodeError:
        header = ()
    if missing := [column for column in NEEDED if column not in header]:
        raise KitError(
            f"The leaderboard file has no column {missing[0]!r}.",
            f"Its columns: {', '.join(header) or 'none'}. Kaggle may have changed them.",
            "kit doctor --live",
        )
    rows = [_row(line) for line in lines]
    return Board(
        tuple(row for row in rows if row.rank > 0),
        tuple(row for row in rows if row.rank <= 0),
        "privateleaderboard" in name,
    )


def percentile(rank: int, teams: int) -> float:
    """The share of teams, in percent, that are ranked as high or higher: 1 of 200 is 0.5."""
    return 100 * rank / teams


def medal(rank: int, teams: int) -> str:
    """`gold`, `silver`, `bronze`, or nothing, by Kaggle's table for that many teams.

    Would-be, since not every competition gives medals. Source: kaggle.com/progression, and mle-bench's
    `grade_helpers.py`, which rounds down, with one place at least.
    """
    if teams < 100:
        last = [max(1, int(teams * share)) for share in (0.1, 0.2, 0.4)]
    elif teams < 250:
        last = [10, int(teams * 0.2), int(teams * 0.4)]
    elif teams < 1000:
        last = [10 + int(teams * 0.002), 50, 100]
    else:
        last = [10 + int(teams * 0.002), int(teams * 0.05), int(teams * 0.1)]
    for name, place in zip(("gold", "silver", "bronze"), last, strict=True):
        if rank <= place:
            return name
    return ""


@dataclass(frozen=True)
class Noise:
    """One standard error of a public score, and how it was computed."""

    value: float
    formula: str


def noise(run: Run, score: float, public_share: float | None, spread: Spread | None = None) -> Noise | None:
    """How far a public score lies from the score over endless rows by chance; None where nothing tells.

    An accuracy p over m rows has the binomial standard error sqrt(p (1 - p) / m); m are the public rows, the number of
    test rows times `public_share`. For other metrics `spread` resamples the run's out-of-fold rows, where they are
    here; else the spread of the run's fold scores stands in: each fold is a draw of rows too, though of another number.
    """
    record = run.record
    public = round(record.rows.test * (public_share or UNKNOWN_SHARE))
    if record.metric == "accuracy" and public_share and record.rows.test:
        value = math.sqrt(max(score * (1 - score), 0.0) / public)
        return Noise(value, f"sqrt(p (1 - p) / m) with m = {public:,} public rows")
    if spread is not None and (value := spread.of(run, public) or 0.0):
        guessed = "" if public_share else ", half of the test rows, since --public-share is not known"
        return Noise(value, f"out-of-fold rows resampled, for m = {public:,} public rows{guessed}")
    if record.sd:
        return Noise(record.sd, "standard deviation of the fold scores")
    return None


def judged(runs: list[Run], public_share: float | None, spread: Spread | None = None) -> list[dict[str, Any]]:
    """Runs with a public score, the oldest first: CV, public score, their gap, the gain over the best run before, and
    which of these are no more than noise (SURE standard errors).

    Both scores of a gap have noise, that of the held-out rows and that of the public ones. Of a gain `spread` knows how
    much two runs differ on the same rows, which is less the more they err alike; without it their errors count as
    independent, so that a difference has sqrt(2) times the noise of one.
    """
    rows: list[dict[str, Any]] = []
    best: float | None = None
    before: Run | None = None
    sent = [run for run in runs if run.finished and isinstance(run.kaggle().get("public_score"), (int, float))]
    for run in sorted(sent, key=lambda run: (run.kaggle().get("when", ""), run.name)):
        public: float = run.kaggle()["public_score"]
        sign = 1 if run.record.higher_is_better else -1
        error = noise(run, public, public_share, spread)
        gap = None if run.score is None else public - run.score
        gain = None if best is None else sign * (public - best)
        own = None if spread is None else spread.of(run, run.record.rows.out_of_fold)
        paired = None
        if spread is not None and before is not None:
            paired = spread.between(before, run, round(run.record.rows.test * (public_share or UNKNOWN_SHARE)))
        rows.append(
            {
                "run": run.name,
                "cv": run.score,
                "public": public,
                "private": run.kaggle().get("private_score"),
                "gap": gap,
                "gain": gain,
                "noise": error.value if error else None,
                "formula": error.formula if error else None,
                "gap_is_noise": _within(gap, None if error is None else math.hypot(error.value, own or 0.0)),
                "gain_is_noise": _within(
                    gain, paired if paired is not None else None if error is None else math.sqrt(2) * error.value
                ),
            }
        )
        if best is None or sign * (public - best) > 0:
            best, before = public, run
    return rows


def _within(value: float | None, error: float | None) -> bool | None:
    return None if value is None or error is None else abs(value) <= SURE * error


def _row(line: dict[str, str]) -> Row:
    members = tuple(name.strip().lower() for name in (line.get("TeamMemberUserNames") or "").split(",") if name.strip())
    return Row(
        _whole(line["Rank"]),
        _whole(line["TeamId"]),
        line["TeamName"],
        _decimal(line["Score"]),
        _whole(line.get("SubmissionCount")),
        members,
    )


def _whole(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0


def _decimal(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def summary(board: Board, own: Row | None) -> dict[str, Any]:
    """The board and one's place on it, for scripts."""
    facts: dict[str, Any] = {
        "teams": board.teams,
        "private": board.private,
        "first_score": board.rows[0].score if board.rows else None,
        "baselines": {row.team: row.score for row in board.baselines},
        "own": None,
    }
    if own:
        facts["own"] = {
            "rank": own.rank,
            "team_id": own.id,
            "team": own.team,
            "score": own.score,
            "percentile": round(percentile(own.rank, board.teams), 2),
            "tied_with": board.tied(own),
            "would_be_medal": medal(own.rank, board.teams) or None,
            "submissions": own.count,
        }
    return facts


def page(slug: str) -> str:
    """Where a person reads it."""
    return f"{client.site()}/competitions/{slug}/leaderboard"
