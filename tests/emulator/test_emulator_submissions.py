"""Submissions: states, scores, limits, deadlines, and who may submit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from kit.emulator.grading import Grader
from kit.emulator.local import Emulator
from tests.emulator import titanic
from tests.emulator.conftest import Caller

Start = Callable[..., Emulator]


def user(emulator: Emulator, name: str = "") -> Caller:
    return Caller(emulator, emulator.store.user(name).token if name else emulator.user.token)


def test_a_submission_is_pending_until_it_is_graded_and_then_complete(emulator, call) -> None:
    emulator.site.grader.hold()
    sent = call.submit(titanic.right_but(0), "first entry")
    assert sent.json["message"] == "Successfully submitted to Titanic"
    pending = call("GetSubmission", ref=sent.json["ref"]).json
    assert (pending["status"], pending["publicScore"], pending["errorDescription"]) == ("PENDING", "", "")
    emulator.site.grader.release()
    done = call.submission(sent.json["ref"])
    assert (done["status"], done["publicScore"], done["description"]) == ("COMPLETE", "1.00000", "first entry")
    assert (done["submittedBy"], done["teamName"], done["fileName"]) == ("tester", "tester", "submission.csv")
    assert done["totalBytes"] == len(titanic.right_but(0))


def test_a_submission_to_what_is_hosted_no_longer_stays_pending(emulator, call) -> None:
    ref = call.submit(titanic.right_but(0)).json["ref"]
    emulator.settle()
    emulator.store.run("UPDATE submissions SET status = 'PENDING' WHERE ref = ?", ref)
    grader = Grader(emulator.store, {})
    for number in (ref, 10**6):  # one that nobody has sent too
        grader.add(number)
    grader.settle()
    grader.stop()
    assert call("GetSubmission", ref=ref).json["status"] == "PENDING"


def test_the_public_score_counts_public_rows_only(emulator, call) -> None:
    ref = call.submit(titanic.right_but(21)).json["ref"]
    assert call.submission(ref)["publicScore"] == f"{188 / 209:.5f}" == "0.89952"
    ref = call.submit(titanic.right_but(21, start=209)).json["ref"]
    assert call.submission(ref)["publicScore"] == "1.00000"


def test_private_scores_are_hidden_until_the_deadline(start: Start) -> None:
    emulator = start(deadline="2031-06-01T00:00:00.000Z")
    call = user(emulator)
    ref = call.submit(titanic.right_but(21, start=209)).json["ref"]
    assert call.submission(ref)["privateScore"] == ""
    emulator.clock.set(datetime(2031, 6, 2, tzinfo=UTC))
    assert call.submission(ref)["privateScore"] == "0.89952"


def test_private_scores_can_be_shown_at_once(start: Start) -> None:
    call = user(start({"private_scores": True}))
    assert call.submission(call.submit(titanic.right_but(0)).json["ref"])["privateScore"] == "1.00000"


def test_a_file_that_cannot_be_scored_ends_in_error_with_kaggles_words(emulator, call) -> None:
    ref = call.submit(titanic.submission([0, 1])).json["ref"]
    graded = call.submission(ref)
    assert (graded["status"], graded["errorDescription"]) == ("ERROR", "Submission must have 418 rows")
    assert (graded["publicScore"], graded["privateScore"]) == ("", "")


def test_the_sixth_submission_of_a_day_is_refused_until_midnight_utc(emulator, call) -> None:
    emulator.clock.set(datetime(2030, 3, 1, 21, 30, tzinfo=UTC))
    for left in (4, 3, 2, 1, 0):
        assert call.submit(titanic.right_but(1)).status == 200
        limits = call("GetSubmissionLimits", competitionName="titanic").json
        assert limits == {"numToday": 5 - left, "numTotal": 5 - left, "numAllowedNow": left, "limitedByTotal": False}
    refused = call.submit(titanic.right_but(1))
    assert refused.status == 400
    assert refused.reason == (
        "Your team has used its daily Submission allowance (5) today, please try again tomorrow UTC "
        "(2.5 hours from now)."
    )
    emulator.clock.set(datetime(2030, 3, 2, 0, 0, 1, tzinfo=UTC))
    limits = call("GetSubmissionLimits", competitionName="titanic").json
    assert limits == {"numToday": 0, "numTotal": 5, "numAllowedNow": 5, "limitedByTotal": False}
    assert call.submit(titanic.right_but(1)).status == 200


def test_submissions_that_end_in_error_do_not_count(emulator, call) -> None:
    for _ in range(3):
        call.submission(call.submit("nonsense").json["ref"])
    limits = call("GetSubmissionLimits", competitionName="titanic").json
    assert (limits["numToday"], limits["numTotal"], limits["numAllowedNow"]) == (0, 0, 5)


def test_a_total_limit_is_said_to_be_the_one_that_binds(start: Start) -> None:
    emulator = start(total=1)
    call = user(emulator)
    assert call.submit(titanic.right_but(0)).status == 200
    limits = call("GetSubmissionLimits", competitionName="titanic").json
    assert limits == {"numToday": 1, "numTotal": 1, "numAllowedNow": 0, "limitedByTotal": True}
    emulator.clock.advance(days=2)
    assert call.submit(titanic.right_but(0)).reason == "Your team has used its total Submission allowance (1)."


def test_every_user_has_limits_and_submissions_of_their_own(emulator, call) -> None:
    emulator.accept("titanic", "rival")
    other = user(emulator, "rival")
    ref = call.submit(titanic.right_but(0)).json["ref"]
    assert other("GetSubmissionLimits", competitionName="titanic").json["numToday"] == 0
    assert other("ListSubmissions", competitionName="titanic").json["submissions"] == []
    assert other("GetSubmission", ref=ref).status == 404
    assert other("DownloadSubmission", submissionId=ref).status == 404


def test_late_submissions_are_scored_but_not_ranked(start: Start) -> None:
    emulator = start(deadline="2020-01-01T00:00:00.000Z")
    call = user(emulator)
    assert call.submission(call.submit(titanic.right_but(0)).json["ref"])["privateScore"] == "1.00000"
    board = call("GetLeaderboard", competitionName="titanic").json["submissions"]
    assert [row["teamName"] for row in board] == ["ahead", "Host Benchmark", "behind"]


def test_a_competition_can_close_at_its_deadline(start: Start) -> None:
    call = user(start(deadline="2020-01-01T00:00:00.000Z", late=False))
    refused = call.submit(titanic.right_but(0))
    assert (refused.status, refused.reason) == (400, "The competition deadline has passed: submissions are closed.")


def test_submissions_are_listed_newest_first_in_pages(emulator, call) -> None:
    refs = [call.submit(titanic.right_but(n), f"entry {n}").json["ref"] for n in range(3)]
    emulator.settle()
    first = call("ListSubmissions", competitionName="titanic", page=-1, pageSize=2).json
    assert [row["ref"] for row in first["submissions"]] == [refs[2], refs[1]]
    assert first["nextPageToken"] == "2"
    rest = call("ListSubmissions", competitionName="titanic", pageSize=2, pageToken="2").json
    assert ([row["ref"] for row in rest["submissions"]], rest["nextPageToken"]) == ([refs[0]], "")
    good = call("ListSubmissions", competitionName="titanic", sortBy="SUBMISSION_SORT_BY_PUBLIC_SCORE").json
    assert [row["description"] for row in good["submissions"]] == ["entry 0", "entry 1", "entry 2"]


def test_a_submission_can_be_downloaded_again(emulator, call) -> None:
    text = titanic.right_but(3)
    ref = call.submit(text).json["ref"]
    moved = call("DownloadSubmission", submissionId=ref)
    assert moved.status == 302
    assert call.http("GET", moved.headers["location"]).body == text.encode()


def test_an_unfinished_upload_cannot_be_submitted_and_spends_nothing(emulator, call) -> None:
    told = call("StartSubmissionUpload", competitionName="titanic", contentLength=100, fileName="a.csv").json
    refused = call("CreateSubmission", competitionName="titanic", blobFileTokens=told["token"])
    assert (refused.status, refused.reason) == (400, "The upload of a.csv is incomplete")
    assert call("CreateSubmission", competitionName="titanic", blobFileTokens="guess").status == 400
    assert call("GetSubmissionLimits", competitionName="titanic").json["numToday"] == 0


def test_anothers_upload_cannot_be_submitted(emulator, call) -> None:
    emulator.accept("titanic", "rival")
    token = user(emulator, "rival").upload(titanic.right_but(0))
    assert call("CreateSubmission", competitionName="titanic", blobFileTokens=token).status == 400


def test_nothing_works_before_the_rules_are_accepted(start: Start) -> None:
    emulator = start({"accepted": False})
    call = user(emulator)
    cannot = "You cannot submit until you accept the competition rules"
    download = "You must accept this competition's rules before you'll be able to download files."
    for method, reason in {
        "ListDataFiles": download,
        "DownloadDataFiles": download,
        "DownloadDataFile": download,
        "StartSubmissionUpload": cannot,
        "CreateSubmission": cannot,
        "ListSubmissions": cannot,
        "GetSubmissionLimits": cannot,
    }.items():
        refused = call(method, competitionName="titanic", fileName="train.csv", contentLength=1)
        assert (refused.status, refused.reason) == (403, reason), method
    assert call("ListCompetitions").json["competitions"][0]["userHasEntered"] is False
    emulator.accept("titanic")
    assert call("ListDataFiles", competitionName="titanic").status == 200
    assert call("ListCompetitions").json["competitions"][0]["userHasEntered"] is True


def test_an_unknown_competition_is_a_403_as_on_kaggle(call) -> None:
    refused = call("ListDataFiles", competitionName="titanik")
    assert (refused.status, refused.reason) == (403, "Permission 'competitions.get' was denied")


def test_a_competition_for_notebooks_takes_no_files(start: Start) -> None:
    call = user(start(kernels_only=True))
    refused = call.submit(titanic.right_but(0))
    assert (refused.status, refused.reason) == (400, "This competition only accepts Submissions from Notebooks.")


def test_errors_can_have_the_code_on_top(start: Start) -> None:
    call = user(start({"flat_errors": True}))
    body = call("ListDataFiles", competitionName="nope").json
    assert body == {"code": 403, "message": "Permission 'competitions.get' was denied"}


def test_errors_are_nested_by_default(call) -> None:
    body = json.loads(call("ListDataFiles", competitionName="nope").body)
    message = "Permission 'competitions.get' was denied"
    assert body == {"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED"}}
