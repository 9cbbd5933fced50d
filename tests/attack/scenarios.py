"""The commands of the kill matrix, what each needs, and how it is seen that it has ended right."""

from __future__ import annotations

import importlib
import json
import pkgutil
import shutil
import sqlite3
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import kit
from kit import places
from tests.attack import doors, kills
from tests.attack.kills import How, Outcome, Scenario, Stage

RIGHT = "id,odd\n" + "".join(f"{number},{number % 2}\n" for number in range(200, 220))
"""The submission that parity's recipe makes."""


def ready() -> None:
    """Import all that commands need, and make waits short; before the first fork."""
    programs = ("kit.__main__", "kit.competitions", "kit.sandbox.jupyter", "kit.toolbox.encoders")
    for module in pkgutil.walk_packages(kit.__path__, "kit."):
        if not module.name.startswith(programs):
            importlib.import_module(module.name)
    with places.environment({"KAGGLE_API_TOKEN": "none"}):  # the client looks for one when it is imported
        for name in ("pandas", "kaggle", "matplotlib.pyplot", "requests", "filelock", "rich.progress"):
            importlib.import_module(name)
    from kit.kaggle import client, publish, score, send
    from kit.kaggle.kernel import push, sessions
    from kit.train import executors, sweep

    client.FIRST_WAIT, client.TIMEOUT, client.ATTEMPTS = 0.02, (2.0, 5.0), 3
    score.WAITS, score.LAG = (0.02,), 0.5
    send.LOOKS, send.LATEST, send.PAUSE = (0.0, 0.05), 0.5, 0.1
    publish.LOOKS, publish.WAITS = (0.0, 0.05), (0.02,)
    push.LOOKS, sessions.PAUSE = (0.0, 0.1), 0.1

    sweep.apart = lambda: executors.local  # a process of its own would not have the hook


def parity(stage: Stage) -> None:
    """A workspace with parity and its raw files, a submission, and what the emulator hosts."""
    stage.workspace.mkdir()
    raw = doors.workspace(stage.workspace)
    (stage.workspace / "mine.csv").write_text(RIGHT)
    folder = stage.root / "hosted" / "parity"
    (folder / "private").mkdir(parents=True)
    shutil.copytree(raw, folder / "public")
    (folder / "public" / "solution.csv").rename(folder / "private" / "solution.csv")
    told = {"title": "Parity", "metric": "accuracy", "id": "id", "target": "odd", "labels": [0, 1]}
    (folder / "competition.json").write_text(json.dumps(told))


def data(stage: Stage, name: str = "parity") -> None:
    """The data is there, whole, and alone."""
    assert [path.name for path in (stage.workspace / "data").iterdir() if path.name != ".downloads"] == [name]
    folder = stage.workspace / "data" / name
    listed = json.loads((folder / "manifest.json").read_text())["public"]
    assert sorted(listed) == ["sample_submission.csv", "test.csv", "train.csv"]
    assert {path.name: path.stat().st_size for path in (folder / "public").iterdir()} == {
        name: facts["bytes"] for name, facts in listed.items()
    }
    assert not list((stage.workspace / "data").rglob(".*.part"))


def runs_of(stage: Stage, recipe: str = "table") -> list[Path]:
    """The folders of finished runs of a recipe, the oldest first."""
    stored = (stage.workspace / "submissions" / "parity").glob(f"*-{recipe}*/run.json")
    return sorted(path.parent for path in stored)


def trained(stage: Stage) -> None:
    """The newest run is finished and right, and what the kill has left unfinished can be gone on with."""
    for plan in sorted((stage.workspace / "submissions" / "parity").glob("*/plan.json")):
        if not (plan.parent / "run.json").exists():
            status, _ = stage.kit(f"train parity --resume {plan.parent.name} --no-plots")
            assert status == 0, f"{plan.parent.name} cannot be gone on with"
    assert runs_of(stage)
    for run in runs_of(stage):
        assert (run / "submission.csv").read_text() == RIGHT
        assert not [path for path in run.rglob("*.part")]
    assert stage.kit("runs parity")[0] == 0


def swept(stage: Stage) -> None:
    """Just one finished run for each cell."""
    assert len(runs_of(stage)) == 2
    assert [path for path in (stage.workspace / "submissions" / "parity").glob("sweep-*/table.csv")]


def blended(stage: Stage) -> None:
    """A finished blend that can be submitted."""
    blends = runs_of(stage, "blend")
    assert blends and all((run / "submission.csv").read_text() == RIGHT for run in blends)
    assert stage.kit(f"submit parity {blends[-1].name} --dry-run")[0] == 0


def rows(stage: Stage, sql: str) -> list[Any]:
    """What the emulator remembers."""
    (file,) = (stage.root / "state").glob("*.db")
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        return database.execute(sql).fetchall()


def submitted(stage: Stage) -> None:
    """The server has the file once, and the ledger knows it with its score."""
    assert len(rows(stage, "SELECT ref FROM submissions")) == 1
    stage_ledger = stage.workspace / "submissions" / "parity" / "ledger.jsonl"
    facts: dict[str, Any] = {}
    for line in stage_ledger.read_text().splitlines():
        told = json.loads(line)
        facts.setdefault(told["id"], {}).update(told)
    assert [one["public_score"] for one in facts.values() if one["state"] == "complete"] == [1.0]


def published(stage: Stage) -> None:
    """One version, and the record of it."""
    ((body,),) = rows(stage, "SELECT body FROM documents WHERE kind = 'dataset'")
    assert len(json.loads(body)["versions"]) <= 2
    assert (
        json.loads((stage.workspace / "data" / "parity" / "published.json").read_text())["ref"] == "tester/kit-parity"
    )


def built(stage: Stage) -> None:
    """The notebook is what today's files build."""
    folder = stage.workspace / "kernels" / "parity-table"
    json.loads((folder / "kernel.ipynb").read_text()), json.loads((folder / "kernel-metadata.json").read_text())
    assert not list(folder.rglob(".*.part"))


def pushed(stage: Stage) -> None:
    """The kernel is there, and its newest version is remembered."""
    record = json.loads((stage.workspace / "kernels" / "parity-table" / "output" / "pushed.json").read_text())
    assert record["version"] in (1, 2)


def pulled(stage: Stage) -> None:
    """The kernel's run is here, once and whole."""
    (run,) = runs_of(stage)
    assert (run / "submission.csv").read_text() == RIGHT and json.loads((run / "kaggle.json").read_text())["kernel"]


def noted(stage: Stage) -> None:
    """The note is written."""
    (file,) = (stage.workspace / "submissions" / "parity").glob("*/notes.json")
    assert json.loads(file.read_text()) == {"text": "the-best", "tags": ["best"]}


def begun(stage: Stage) -> None:
    """A competition whose rows load, and nothing half-written beside it."""
    assert (stage.workspace / "competitions" / "a_task" / "competition.py").exists()
    assert [path.name for path in (stage.workspace / "data").iterdir()] == ["a-task"]
    assert stage.kit("list a-task")[0] == 0


def rehearsed(stage: Stage) -> None:
    """Both layouts left what they should, and no folder of a sandbox stayed."""
    assert (
        stage.workspace / "kernels" / "parity-table-sample" / "output" / "rehearsal" / "new" / "submission.csv"
    ).exists()
    assert not list((stage.root / "tmp").glob("kit-rehearsal-*"))


HERE = "download parity --from {workspace}/raw"

SCENARIOS = (
    Scenario("download --sample", "download parity --sample", check=lambda stage: data(stage, "parity-sample")),
    Scenario("download --from", HERE, check=data),
    Scenario("download --from --force", f"{HERE} --force", before=(HERE,), again=HERE, check=data),
    Scenario("download", "download parity", server=True, check=data),
    Scenario("train", "train parity --no-plots", before=(HERE,), check=trained),
    Scenario(
        "ensemble",
        "ensemble parity table noisy",
        before=(HERE, "train parity --no-plots", "train parity table:noisy --no-plots"),
        check=blended,
    ),
    Scenario("submit a file", "submit parity {workspace}/mine.csv --yes", before=(HERE,), server=True, check=submitted),
    Scenario(
        "submit a run", "submit parity --yes", before=(HERE, "train parity --no-plots"), server=True, check=submitted
    ),
    Scenario("publish", "publish parity", before=(HERE,), server=True, check=published),
    Scenario("kernel build", "kernel build parity table", before=(HERE,), check=built),
    Scenario(
        "kernel push",
        "kernel push parity table",
        before=(HERE, "kernel build parity table"),
        server=True,
        check=pushed,
    ),
    Scenario(
        "kernel pull",
        "kernel pull parity table",
        before=(HERE, "kernel build parity table", "kernel push parity table", "kernel status parity table --wait"),
        server=True,
        running={"kernels": "unsafe"},
        check=pulled,
    ),
    Scenario("note", "note parity last the-best --tag best", before=(HERE, "train parity --no-plots"), check=noted),
    Scenario("sweep", "sweep parity table --set epochs=1,2", before=(HERE,), check=swept, every=4),
    Scenario("new", "new a-task --from {workspace}/raw", check=begun, every=3),
)
"""The quick ones: a point takes a few tenths of a second."""

SLOW = (
    Scenario(
        "kernel rehearse",
        "kernel rehearse parity table --sample",
        before=("download parity --sample", "kernel build parity table --sample"),
        check=rehearsed,
        every=6,
    ),
)
"""A point takes a notebook's run under two layouts."""


def server_killed(*, step: int = 1, until: float = float("inf")) -> Outcome:
    """The server is killed before each change that a submission makes in what it remembers, and started again: the
    submission is there once, with its score."""
    outcome, began = Outcome("server with a submission", "kill"), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kit-kill-") as place:
        root, kept = Path(place, "stage"), Path(place, "kept")
        stage = kills.staged(root)
        parity(stage)
        assert stage.kit(HERE)[0] == 0, stage.printed
        with stage.emulator():
            pass
        shutil.copytree(root, kept, symlinks=True)
        with stage.emulator(at=-1):
            assert stage.kit("submit parity {workspace}/mine.csv --yes")[0] == 0, stage.printed
        changes = (root / "changes").stat().st_size
        for at in range(1, changes + 1, step):
            if time.monotonic() > until:
                break
            shutil.rmtree(root)
            shutil.copytree(kept, root, symlinks=True)
            with stage.emulator(at=at):
                status, _ = stage.kit("submit parity {workspace}/mine.csv --yes")
            problem = "" if status in (0, 1) else f"the client ended with status {status}"
            with stage.emulator():
                status, _ = stage.kit("submit parity {workspace}/mine.csv --yes")
                problem = problem or ("" if status == 0 else f"again it ended with status {status}")
                try:
                    submitted(stage)
                except Exception as error:
                    problem = problem or repr(error)
            outcome.points += 1
            if problem:
                outcome.losses.append(f"server killed at change {at} of {changes}: {problem}\n{stage.printed[-2500:]}")
    outcome.seconds = time.monotonic() - began
    return outcome


WAYS: tuple[How, ...] = ("kill", "full disk", "unwritable")


def matrix(
    *,
    step: int = 1,
    slow: bool = True,
    only: str = "",
    seconds: float = float("inf"),
    ways: tuple[How, ...] = WAYS,
) -> list[Outcome]:
    """Every scenario, disturbed in every way at every `step`-th point; by kills at three times as many as by others."""
    ready()
    until = time.monotonic() + seconds
    outcomes = []
    for scenario in (*SCENARIOS, *(SLOW if slow else ())):
        for how in ways if scenario in SCENARIOS else ways[:1]:
            if only in scenario.name:
                outcome = Outcome(scenario.name, how)
                outcomes.append(outcome)
                try:
                    kills.disturb(outcome, scenario, parity, step=step if how == "kill" else 3 * step, until=until)
                except Exception:
                    outcome.losses.append(f"{scenario.name} undisturbed: {traceback.format_exc()}")
    if only in "server":
        outcomes.append(server_killed(step=step, until=until))
    return outcomes


def table(outcomes: list[Outcome]) -> str:
    """The outcomes as a table in Markdown."""
    lines = ["| command | disturbed by | points | losses | s |", "| --- | --- | --: | --: | --: |"]
    for one in outcomes:
        lines.append(f"| {one.name} | {one.how} | {one.points:,} | {len(one.losses):,} | {one.seconds:.0f} |")
    points, losses = sum(one.points for one in outcomes), sum(len(one.losses) for one in outcomes)
    seconds = sum(one.seconds for one in outcomes)
    return "\n".join([*lines, f"| **all** | | {points:,} | {losses:,} | {seconds:.0f} |"])
