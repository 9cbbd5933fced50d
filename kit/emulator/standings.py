"""The leaderboard: users' teams by their best submissions, made-up rivals, and the host's baselines."""

from __future__ import annotations

import csv
import io
import zlib
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from kit.emulator import clock, grading
from kit.emulator.hosting import RIVALS, Hosted, Team
from kit.emulator.store import Store

COLUMNS = ("Rank", "TeamId", "TeamName", "LastSubmissionDate", "Score", "SubmissionCount", "TeamMemberUserNames")
"""The header of the leaderboard file. Source: a third party's look at the live site on 2026-09-02."""

SELECTED = 2
"""Submissions of a team that count at the end: the best by public score. Source: kaggle.com, automatic selection."""


@dataclass(frozen=True)
class Place:
    """A row of the leaderboard; a baseline has rank 0."""

    rank: int
    id: int
    name: str
    at: str
    score: str
    count: int
    members: str


def team(store: Store, slug: str, user: str, at: str) -> int:
    """The id of a user's team, which is made with the first submission."""
    with store.change():
        row = store.one("SELECT id FROM teams WHERE slug = ? AND name = ?", slug, user)
        if row is not None:
            return int(row["id"])
        sql = "INSERT INTO teams (slug, name, member, kind, count, at) VALUES (?, ?, ?, 'user', 0, ?)"
        return store.run(sql, slug, user, user, at)


def board(store: Store, hosted: Hosted, *, private: bool, now: str) -> list[Place]:
    """The leaderboard, best first: public scores, or `private` ones as they count after the deadline.

    Of equal scores the earlier one is ahead. Late submissions do not count.
    """
    seed(store, hosted, now)
    sign = -1 if hosted.metric.higher_is_better else 1
    rows = []
    for team in store.all("SELECT * FROM teams WHERE slug = ?", hosted.slug):
        if team["kind"] != "user":
            rows.append((team, team["private" if private else "public"], team["at"], team["at"], team["count"]))
            continue
        sql = """SELECT public, private, at FROM submissions
                 WHERE slug = ? AND user = ? AND status = 'COMPLETE' AND at <= ? ORDER BY at"""
        sent = store.all(sql, hosted.slug, team["member"], hosted.deadline)
        if not sent:
            continue
        best = sorted(sent, key=lambda row: _number(row["public"], sign))
        if private:
            best = sorted(best[:SELECTED], key=lambda row: _number(row["private"], sign))
        rows.append((team, best[0]["private" if private else "public"], best[0]["at"], sent[-1]["at"], len(sent)))
    rows.sort(key=lambda row: (_number(row[1], sign), row[2]))
    places, rank = [], 0
    for team, score, _, last, count in rows:
        baseline = team["kind"] == "baseline"
        rank += not baseline
        place = Place(0 if baseline else rank, team["id"], team["name"], last, score, count, team["member"] or "")
        places.append(place)
    return places


def table(places: list[Place]) -> bytes:
    """The leaderboard as the CSV file that Kaggle sends, with its byte order mark."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for place in places:
        at = clock.moment(place.at).strftime("%Y-%m-%d %H:%M:%S")
        lines.writerow((place.rank, place.id, place.name, at, place.score, place.count, place.members))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def seed(store: Store, hosted: Hosted, now: str) -> None:
    """Put rivals and baselines on a leaderboard that has none yet."""
    if store.get("seeded", hosted.slug) is not None:
        return
    teams = _made_up(hosted) if hosted.teams is None else hosted.teams
    with store.change():
        if store.get("seeded", hosted.slug) is not None:
            return
        store.put("seeded", hosted.slug, {"teams": len(teams)})
        for number, team in enumerate(teams):
            at = clock.text(clock.moment(now) - timedelta(hours=1 + number))
            store.run(
                "INSERT INTO teams (slug, name, member, kind, public, private, count, at) VALUES (?,?,?,?,?,?,?,?)",
                hosted.slug,
                team.name,
                "" if team.baseline else team.name.replace(" ", "-").lower(),
                "baseline" if team.baseline else "rival",
                team.public,
                team.private,
                1 + number % 9,
                at,
            )


def count(store: Store, hosted: Hosted) -> int:
    """Teams on the leaderboard, known without grading any."""
    rivals = RIVALS if hosted.teams is None else sum(not team.baseline for team in hosted.teams)
    row = store.one("SELECT count(*) AS n FROM teams WHERE slug = ? AND kind = 'user'", hosted.slug)
    return rivals + (row["n"] if row else 0)


def _made_up(hosted: Hosted) -> tuple[Team, ...]:
    """The sample submission as the host's baseline, and rivals with the answers of some rows swapped, more of them
    with every rival: scores that the metric really gives, whatever the metric."""
    answers = hosted.answers
    teams = []
    if hosted.sample.is_file():
        try:
            graded = grading.grade(hosted, hosted.sample.read_bytes())
            teams.append(Team("sample_submission.csv", graded.public, graded.private, baseline=True))
        except grading.Rejected:
            pass  # a sample that cannot be scored makes no baseline
    draw = np.random.default_rng(zlib.crc32(hosted.slug.encode()))
    for number in range(RIVALS):
        wrong = draw.random(len(answers.y)) < 0.01 + 0.6 * (number / RIVALS) ** 2
        pred = np.where(_like(wrong, answers.y), draw.permutation(answers.y), answers.y)
        try:
            public, private = (grading.score(hosted, pred, part) for part in (answers.public, answers.private))
        except grading.Rejected:
            continue  # swapped answers may be what the metric cannot score
        teams.append(Team(f"Rival {number + 1:02d}", public, private))
    return tuple(teams)


def _like(rows: np.ndarray, y: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, *[1] * (y.ndim - 1))


def _number(score: str, sign: int) -> float:
    return sign * float(score) if score else float("inf")
