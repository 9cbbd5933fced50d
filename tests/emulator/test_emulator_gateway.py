"""Competitions whose hidden rows come in batches: a notebook serves predictions, and a gateway asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.emulator import described, outcomes
from kit.emulator.local import Emulator
from kit.errors import KitError
from tests.emulator import titanic
from tests.emulator.test_emulator_reruns import LIMITS, Competitor

pytest.importorskip("grpc")
boxed = pytest.mark.usefixtures("namespaces")

SERVE = """
import os, time
from kaggle_evaluation.default_inference_server import DefaultInferenceServer
AGAIN = os.getenv("KAGGLE_IS_COMPETITION_RERUN")
seen = []
{body}
server = DefaultInferenceServer(predict)
if AGAIN:
    server.serve()
else:
    server.run_local_gateway()
"""

RIGHT = """
def predict(test, sample_submission):
    seen.extend(test["PassengerId"])
    assert list(sample_submission.columns) == ["PassengerId", "Survived"]
    sample_submission["Survived"] = test["PassengerId"] % 2
    return sample_submission
"""


@pytest.fixture
def host(tmp_path: Path, start: Callable[..., Emulator]) -> Callable[..., Competitor]:
    """Hosts the small Titanic with a gateway; keywords are those of `gateway`."""

    def begin(**told: Any) -> Competitor:
        titanic.write_code(tmp_path / "hosted", gateway={"rows": 100, **told}, rerun_hours=60 / 3600)
        emulator = start({"kernels": "sandbox", "limits": LIMITS})
        return Competitor(emulator, emulator.user.token)

    return begin


@boxed
def test_a_server_is_asked_batch_by_batch_and_scored_on_the_hidden_rows(host) -> None:
    call = host()
    look = "print(sorted(os.listdir('/kaggle/input/competitions/titanic')), open('submission.csv').read().count('\\n'))"
    version = call.push(SERVE.format(body=RIGHT) + look)
    output = call("ListKernelSessionOutput", userName="tester", kernelSlug="my-kernel").json
    printed = "".join(entry["data"] for entry in json.loads(output["log"]))
    files = ["kaggle_evaluation", "sample_submission.csv", "test.csv", "train.csv"]
    assert printed == f"{files} 21\n"  # the local gateway has asked for the 20 rows that everybody sees
    told = call.submission(call.send(version).json["ref"])
    assert (told["publicScore"], told["errorDescription"]) == ("1.00000", "")


@boxed
@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("def predict(test, sample):\n    return [0] * (len(test) - (1 if AGAIN else 0))", outcomes.SCORING),
        ("def predict(test, sample):\n    return [0] * (len(test) // (0 if AGAIN else 1))", outcomes.SERVER),
        ("def predict(test, sample):\n    if AGAIN: os._exit(0)\n    return [0] * len(test)", outcomes.SERVER),
        ("def predict(test, sample):\n    if AGAIN: time.sleep(30)\n    return [0] * len(test)", outcomes.SERVER),
        (f"{RIGHT}\nif AGAIN: raise SystemExit", outcomes.NEVER_STARTED),
        (f"{RIGHT}\nif AGAIN: time.sleep(30)", outcomes.NEVER_STARTED),
    ],
)
def test_what_goes_wrong_with_a_server_is_told_by_its_kind(host, body: str, outcome: outcomes.Outcome) -> None:
    call = host(answer=1 if "sleep" in body else 60, start=1 if outcome is outcomes.NEVER_STARTED else 60)
    told = call.rerun(SERVE.format(body=body))
    assert told["errorDescription"] == outcome.told
    assert call.limits()["numToday"] == 1


@boxed
def test_a_notebook_sees_no_hidden_row_before_it_is_asked_for_it(host) -> None:
    call = host()
    body = f"""{RIGHT}
def found():
    texts = []
    for place in ("/kaggle", "/tmp"):
        for folder, _, files in os.walk(place):
            texts += [open(os.path.join(folder, name), "rb").read() for name in files if name != "gateway"]
    return any(b"%d,30" % ({titanic.FIRST} + {titanic.ROWS} - 1) in text for text in texts)
right = predict
def predict(test, sample_submission):
    answer = right(test, sample_submission)
    peeked = found() or (len(seen) != test["PassengerId"].iloc[-1] - {titanic.FIRST - 1})
    answer["Survived"] = 1 - answer["Survived"] if peeked else answer["Survived"]
    return answer
"""
    assert call.rerun(SERVE.format(body=body))["publicScore"] == "1.00000"


@boxed
def test_a_link_in_the_place_of_the_socket_leads_nowhere(host, tmp_path) -> None:
    call = host(start=2)
    secret = tmp_path / "secret"
    body = f"""{RIGHT}
if AGAIN:
    while not os.path.exists("/tmp/gateway"): time.sleep(0.01)
    os.remove("/tmp/gateway")
    os.symlink({str(secret)!r}, "/tmp/gateway")
    time.sleep(30)
"""
    assert call.rerun(SERVE.format(body=body))["errorDescription"] == outcomes.NEVER_STARTED.told


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"rows": 0}, "'rows' of 'gateway' is 0"),
        ({"by": "day"}, "no column 'day'"),
        ({"frames": "spark"}, "'frames' is 'spark'"),
        ({"test": "none.csv"}, "none.csv"),
        ({"batch": 1}, "'gateway' is"),
    ],
)
def test_a_gateway_that_cannot_work_is_told_at_the_start(tmp_path: Path, told: dict[str, Any], wrong: str) -> None:
    titanic.write_code(tmp_path, gateway=told)
    with pytest.raises(KitError, match=wrong):
        described.user_made(tmp_path)
