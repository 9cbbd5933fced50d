"""A run folder in MLflow: what the folder says is told to a tracking server, as far as it was not told before.

The folder is the queue. Whatever a server misses stays there, and is told the next time; what was told stands in
`tracking.json` in the folder. A run is a parent in MLflow with a child for each fold; a cell of a sweep is itself the
child of one for the sweep. Source: https://mlflow.org/docs/latest/ml/tracking.
"""

from __future__ import annotations

import hashlib
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from kit import records
from kit.task import catalog
from kit.train import progress, provenance, record, runs
from kit.train.runs import Run

FILE = "tracking.json"
"""In the run folder: the server, the ids there, and how many steps of each fold it knows."""

OURS = "kit.run"
"""The tag by which a run is known in MLflow: the name of its folder, and of a fold's run that with `/fold-0`."""

SWEEP = "KIT_SWEEP"
"""The variable that tells a run of which sweep it is a cell."""

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""What MLflow's pages show an experiment as: models that are trained, not prompts."""

LARGEST = 512 << 20
"""Bytes of a fold's model that are kept as artifacts; a larger one stays where it is."""

TEXT = 500
"""Characters of a parameter or a tag that every server takes."""


class Mirror:
    """Tells a server about one run. `client` is an MlflowClient; `folder` is where artifacts of a local store go, None
    where the server decides."""

    def __init__(self, client: Any, uri: str, run: Run, artifacts: Path | None, sweep: str = "") -> None:
        self.client, self.uri, self.folder, self.artifacts = client, uri, run.folder, artifacts
        known = records.read_json(self.folder / FILE)
        sweep = sweep or known.get("sweep", "")
        known = known if known.get("uri") == uri else {}
        self.told: dict[str, Any] = {"uri": uri, "steps": {}, "ended": [], "sent": []} | known | {"sweep": sweep}
        self._keep()  # of which sweep it is a cell is known now only, and a server may be away

    def tell(self) -> bool:
        """Tell what the server does not know yet; whether the run is finished and told in full. Raises what the
        client raises where the server is away; nothing is told twice."""
        run = runs.at(self.folder)
        experiment = self._experiment(run.plan.competition)
        parent = self._parent(run, experiment)
        for place in self._folds(run):
            self._fold(run, place, experiment, parent)
        self._files(run, parent)
        if run.recorded is None:
            return False
        if "run" not in self.told["ended"]:
            self._conclude(run, parent)
        return True

    def _experiment(self, name: str) -> str:
        if known := self.told.get("experiment"):
            return str(known)
        found = self.client.get_experiment_by_name(name)
        if found is None:
            place = None if self.artifacts is None else (self.artifacts / name).as_uri()
            made = self.client.create_experiment(name, place, KIND)
        self._keep(experiment=found.experiment_id if found else made)
        return str(self.told["experiment"])

    def _parent(self, run: Run, experiment: str) -> str:
        """The id of the run itself, made with parameters and tags where it is not there."""
        if known := self.told.get("run"):
            return str(known)
        plan = run.plan
        tags = {
            OURS: run.name,
            "competition": plan.competition,
            "recipe": plan.label,
            "data": _digest(plan.data),
            "code": plan.code,
            "device": provenance.device(),
            "mlflow.source.name": f"kit train {plan.competition} {plan.label}",
            "mlflow.source.type": "LOCAL",
        }
        if git := provenance.git(catalog.find(plan.competition).folder):
            tags |= {"mlflow.source.git.commit": git.commit, "dirty": str(git.dirty).lower()}
        if sweep := self.told["sweep"]:
            tags["mlflow.parentRunId"] = self._found(experiment, sweep, f"sweep of {plan.competition}", {}, None)
        said = {"recipe": plan.recipe, "variant": plan.variant or "-", "seed": plan.seed, "judged by": plan.scheme}
        made = self._found(experiment, run.name, run.name, tags, _started(run))
        self._batch(made, params={**said, **plan.settings})
        self._keep(run=made)
        return made

    def _found(self, experiment: str, name: str, title: str, tags: dict[str, str], started: int | None) -> str:
        """The id of the run of this name, which is made where there is none: what was made before an answer was lost is
        taken up."""
        known = self.client.search_runs([experiment], f"tags.`{OURS}` = '{name}'", max_results=1)
        if known:
            return str(known[0].info.run_id)
        made = self.client.create_run(experiment, started, {OURS: name, **tags}, title)
        return str(made.info.run_id)

    def _folds(self, run: Run) -> list[Path]:
        begun = (progress.HISTORY, record.DONE)  # a recipe without epochs has no history
        folders = [path for path in run.folder.glob("f*") if any((path / name).is_file() for name in begun)]
        return sorted(folders, key=lambda path: int(path.name.partition("-")[2] or -1))

    def _fold(self, run: Run, place: Path, experiment: str, parent: str) -> None:
        """The steps of a fold that the server lacks, and its score when it is done."""
        if place.name in self.told["ended"]:
            return
        key = f"id {place.name}"
        if key not in self.told:
            name, tags = f"{run.name}/{place.name}", {"mlflow.parentRunId": parent}
            self._keep(**{key: self._found(experiment, name, place.name.replace("-", " "), tags, None)})
        history = progress.read(place)
        sent, steps = self.told["steps"].get(place.name, 0), len(history.get("step", ()))
        if steps < sent:  # the fold began anew, as after a kill without a checkpoint
            sent = 0
        if steps > sent:
            began = (place / progress.HISTORY).stat().st_mtime - history["seconds"][-1]
            metrics = [
                (name, values[at], int(1000 * (began + history["seconds"][at])), int(history["step"][at]))
                for name, values in history.items()
                if name not in progress.TIMES
                for at in range(sent, steps)
                if values[at] == values[at]
            ]
            self._batch(self.told[key], metrics=metrics)
            self._keep(steps=self.told["steps"] | {place.name: steps})
        number = int(place.name.partition("-")[2] or -1)
        if (done := run.done(number)) is None:
            return
        now = int(1000 * (place / record.DONE).stat().st_mtime)
        figures = {"score": done.score, "fit seconds": done.seconds, "rows": done.rows}
        metrics = [(name, float(value), now, 0) for name, value in figures.items() if value is not None]
        self._batch(self.told[key], metrics=metrics)
        if done.score is not None:
            self._batch(parent, metrics=[("fold score", done.score, now, number)])
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        if size <= LARGEST:
            self.client.log_artifacts(self.told[key], str(place), "model")
        self.client.set_terminated(self.told[key], "FINISHED", now)
        self._keep(ended=[*self.told["ended"], place.name])

    def _files(self, run: Run, parent: str) -> None:
        """Plots, and the records of the run, when they are there."""
        files = [*sorted((run.folder / "plots").glob("*.png"))]
        files += [path for name in (record.PLAN, record.RUN) if (path := run.folder / name).is_file()]
        files += [run.submission] if run.recorded and run.submission.is_file() else []
        for path in files:
            stamp = f"{path.relative_to(run.folder).as_posix()} {path.stat().st_mtime_ns}"
            if stamp not in self.told["sent"]:
                self.client.log_artifact(parent, str(path), "plots" if path.suffix == ".png" else None)
                self._keep(sent=[*self.told["sent"], stamp])

    def _conclude(self, run: Run, parent: str) -> None:
        """The scores of a finished run."""
        kept = run.record
        now = int(1000 * datetime.fromisoformat(kept.finished.replace("Z", "+00:00")).timestamp())
        figures = {kept.metric: kept.oof_score, "mean of folds": kept.mean, "sd of folds": kept.sd, **kept.also}
        figures |= {"fit seconds": kept.fit_seconds, "peak GiB": kept.peak_memory_bytes / 2**30}
        figures |= {"parameters": kept.parameters, "train rows": kept.rows.train}
        metrics = [(name, float(value), now, 0) for name, value in figures.items() if value is not None]
        self._batch(parent, metrics=metrics, tags={"where": kept.where, "device": kept.device})
        self.client.set_terminated(parent, "FINISHED", now)
        self._keep(ended=[*self.told["ended"], "run"])

    def _batch(
        self,
        to: str,
        *,
        metrics: list[tuple[str, float, int, int]] | None = None,
        params: dict[str, Any] | None = None,
        tags: dict[str, Any] | None = None,
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        named = [Metric(_key(name), value, at, step) for name, value, at, step in metrics or ()]
        said = [Param(_key(name), _text(value)) for name, value in (params or {}).items()]
        marks = [RunTag(_key(name), _text(value)) for name, value in (tags or {}).items()]
        for start in range(0, max(len(named), 1), 500):  # a server takes 1,000 of all at once
            self.client.log_batch(to, named[start : start + 500], () if start else said, () if start else marks)

    def _keep(self, **facts: Any) -> None:
        self.told |= facts
        records.write_json(self.folder / FILE, self.told)


def _key(name: str) -> str:
    """A name as MLflow takes it: letters, digits, spaces and a few marks."""
    return "".join(mark if mark.isalnum() or mark in " _-./" else "_" for mark in name)


def _text(value: Any) -> str:
    return str(value)[:TEXT]


def _digest(data: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16] if data else "-"


def _started(run: Run) -> int:
    plan = run.folder / record.PLAN
    return int(1000 * (plan.stat().st_mtime if plan.is_file() else time.time()))
