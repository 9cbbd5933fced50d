"""Leaderboards: order, ranks, baselines, the file, and what counts at the end."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

from kit.emulator import described, hosting, standings
from kit.emulator.local import Emulator
from tests.emulator import titanic
from tests.emulator.conftest import Caller


def names(call: Caller, **asked: object) -> list[str]:
    return [row["teamName"] for row in call("GetLeaderboard", competitionName="titanic", **asked).json["submissions"]]


def table(call: Caller) -> list[dict[str, str]]:
    answer = call("DownloadLeaderboard", competitionName="titanic")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.body))
    data = archive.read(archive.namelist()[0])
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_teams_are_ordered_by_their_best_public_score(emulator, call) -> None:
    call.submit(titanic.right_but(100))
    call.submit(titanic.right_but(21))
    call.submit(titanic.right_but(209))
    emulator.settle()
    assert names(call) == ["ahead", "tester", "Host Benchmark", "behind"]
    assert names(call, pageSize=2) == ["ahead", "tester"]
    assert names(call, pageSize=2, pageToken="2") == ["Host Benchmark", "behind"]


def test_the_file_has_kaggles_columns_and_baselines_have_rank_0(emulator, call) -> None:
    emulator.clock.set(datetime(2030, 1, 1, 12, tzinfo=UTC))
    call.submit(titanic.right_but(21))
    call.submit(titanic.right_but(30))
    emulator.settle()
    rows = table(call)
    assert tuple(rows[0]) == (
        "Rank",
        "TeamId",
        "TeamName",
        "LastSubmissionDate",
        "Score",
        "SubmissionCount",
        "TeamMemberUserNames",
    )
    assert [(row["Rank"], row["TeamName"], row["Score"]) for row in rows] == [
        ("1", "ahead", "0.99000"),
        ("2", "tester", "0.89952"),
        ("0", "Host Benchmark", "0.50000"),
        ("3", "behind", "0.10000"),
    ]
    mine = rows[1]
    assert (mine["SubmissionCount"], mine["TeamMemberUserNames"]) == ("2", "tester")
    assert mine["LastSubmissionDate"].startswith("2030-01-01 12:00:")
    assert len({row["TeamId"] for row in rows}) == 4


def test_of_equal_scores_the_earlier_is_ahead(emulator, call) -> None:
    emulator.accept("titanic", "second")
    call.submit(titanic.right_but(21))
    emulator.settle()
    Caller(emulator, emulator.store.user("second").token).submit(titanic.right_but(21))
    emulator.settle()
    assert names(call)[1:3] == ["tester", "second"]


def test_a_lower_score_is_ahead_where_lower_is_better(start: Callable[..., Emulator]) -> None:
    emulator = start(metric="mae")
    call = Caller(emulator, emulator.user.token)
    call.submit(titanic.right_but(21))
    emulator.settle()
    assert names(call) == ["behind", "tester", "Host Benchmark", "ahead"]


def test_after_the_deadline_the_private_scores_of_the_two_best_public_ones_count(
    start: Callable[..., Emulator],
) -> None:
    emulator = start(deadline="2031-01-01T00:00:00.000Z")
    call = Caller(emulator, emulator.user.token)
    for wrong, at in ((0, 209), (21, 209), (0, 0)):  # wrong private rows, wrong private rows, all right
        call.submit(titanic.right_but(wrong, start=at))
    call.submit(titanic.right_but(1))
    emulator.settle()
    emulator.clock.set(datetime(2031, 2, 1, tzinfo=UTC))
    assert names(call) == ["tester", "ahead", "Host Benchmark", "behind"]
    assert call("GetLeaderboard", competitionName="titanic").json["submissions"][0]["score"] == "1.00000"
    public = call("GetLeaderboard", competitionName="titanic", overridePublic=True).json["submissions"]
    assert [row["score"] for row in public] == ["1.00000", "0.99000", "0.50000", "0.10000"]


def test_only_two_submissions_are_selected_for_the_private_board(start: Callable[..., Emulator]) -> None:
    emulator = start(deadline="2031-01-01T00:00:00.000Z")
    call = Caller(emulator, emulator.user.token)
    for wrong in (50, 60):
        call.submit(titanic.right_but(wrong, start=209))  # public 1.00000, private poor
    values = [row % 2 for row in range(titanic.ROWS)]
    call.submit(titanic.submission([1 - values[0], *values[1:]]))  # public worse, private perfect: not selected
    emulator.settle()
    emulator.clock.set(datetime(2031, 2, 1, tzinfo=UTC))
    rows = call("GetLeaderboard", competitionName="titanic").json["submissions"]
    assert next(row["score"] for row in rows if row["teamName"] == "tester") == f"{159 / 209:.5f}"


def test_made_up_rivals_have_scores_that_the_metric_gives(tmp_path) -> None:
    titanic.write(tmp_path)
    told = described.user_made(tmp_path)[0]
    hosted = hosting.Hosted(told.slug, told.title, told.files, told.solution, told.form, told.metric)
    teams = standings._made_up(hosted)
    assert teams[0] == hosting.Team("sample_submission.csv", "0.50239", "0.49761", baseline=True)
    rivals = [float(team.public) for team in teams[1:]]
    assert len(rivals) == hosting.RIVALS
    assert rivals[0] > 0.9 > rivals[-1] > 0.4


def test_files_are_listed_and_downloaded_one_by_one_and_all_together(emulator, call) -> None:
    files = call("ListDataFiles", competitionName="titanic", pageSize=2).json
    assert [file["name"] for file in files["files"]] == ["sample_submission.csv", "test.csv"]
    assert files["nextPageToken"] == "2"
    moved = call("DownloadDataFile", competitionName="titanic", fileName="train.csv")
    assert moved.status == 302
    assert moved.headers["location"].endswith("/train.csv")
    assert call.http("GET", moved.headers["location"]).body.startswith(b"PassengerId,Survived,Age\n")
    moved = call("DownloadDataFiles", competitionName="titanic")
    archive = zipfile.ZipFile(io.BytesIO(call.http("GET", moved.headers["location"]).body))
    assert archive.namelist() == ["sample_submission.csv", "test.csv", "train.csv"]
    assert call("DownloadDataFile", competitionName="titanic", fileName="../private/solution.csv").status == 404


def test_a_download_goes_on_where_it_stopped(emulator, call) -> None:
    place = call("DownloadDataFile", competitionName="titanic", fileName="test.csv").headers["location"]
    whole = call.http("GET", place)
    part = call.http("GET", place, headers={"Range": "bytes=1000-"})
    assert (part.status, part.body) == (206, whole.body[1000:])
    assert part.headers["content-range"] == f"bytes 1000-{len(whole.body) - 1}/{len(whole.body)}"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["last-modified"].endswith("GMT")
    assert call.http("GET", place, headers={"Range": "bytes=99999-"}).status == 416
    assert call.http("HEAD", place).headers["content-length"] == str(len(whole.body))


def test_an_address_that_the_server_did_not_sign_is_refused(emulator, call) -> None:
    place = call("DownloadDataFile", competitionName="titanic", fileName="test.csv").headers["location"]
    _, signature, rest = place.removeprefix(emulator.url).split("/", 3)[1:]
    assert call.http("GET", f"/storage/{'0' * len(signature)}/{rest}").status == 403
    assert call.http("GET", "/storage/x").status == 403
