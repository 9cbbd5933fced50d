"""Folds in kernels of their own, merged into one run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit import limits, records
from kit.emulator.local import Emulator
from kit.errors import KitError
from kit.kaggle import client
from kit.kaggle.kernel import accelerators, fanout, metadata, versions
from kit.task import catalog
from kit.train import loop, provenance, record, runs
from kit.train.runs import Plan, Run
from tests.kaggle.kernel.conftest import boxed

CPU = accelerators.find("cpu")


def planned(**changes) -> Run:
    """A new run of parity's recipe on its sample."""
    entry = catalog.find("parity", sample=True)
    recipe, _ = entry.recipe("table")
    plan = Plan("parity", "table", "", recipe.resolve("", {"noise": 0.2}), seed=1, sample=True)
    facts = {"data": provenance.data(entry.public()), "code": provenance.code(recipe.files)}
    return runs.create(Plan(**vars(plan) | facts | changes))


def fan_out(run: Run) -> Run:
    entry = catalog.find("parity", sample=True)
    described = metadata.first(entry, run.plan, CPU)
    engine = fanout.Kernels(client.connect(), lambda *_: (described, CPU))
    return loop.train(entry, run, executor=engine, quiet=True)


@boxed
def test_folds_that_were_fitted_in_kernels_make_the_run_that_one_machine_makes(emulator: Emulator, told):
    ours, theirs = loop.train(catalog.find("parity", sample=True), planned(), quiet=True), fan_out(planned())
    for name in ("submission.csv", "oof.npz", "test.npz"):
        assert (ours.folder / name).read_bytes() == (theirs.folder / name).read_bytes()
    assert (ours.record.where, theirs.record.where) == ("local", "kaggle")
    assert theirs.score == ours.score and len(theirs.record.fold_scores) == 3
    assert sum("is here" in line for line in told) == 3
    assert emulator.steps("SaveKernel") == 3
    refs = [kernel["ref"] for kernel in theirs.kaggle()["kernels"]]
    assert refs == [f"tester/parity-table-sample-fold-{number}" for number in range(3)]


@boxed
def test_no_more_kernels_run_at_once_than_kaggle_allows(emulator: Emulator, told, monkeypatch):
    monkeypatch.setitem(limits.AT_ONCE, "cpu", 1)
    fan_out(planned())
    steps = [line.split(":")[0] + (" ends" if "is here" in line else " starts") for line in told]
    assert steps == [f"Fold {n} {word}" for n in range(3) for word in ("starts", "ends")]


@boxed
def test_a_full_house_is_waited_for(emulator: Emulator, told, monkeypatch):
    monkeypatch.setitem(limits.AT_ONCE, "cpu", 1)
    another = {"slug": "tester/another", "new_title": "another", "text": "import time; time.sleep(2)"}
    another |= {"language": "python", "kernel_type": "script"}
    client.connect().ask("Pushing", "kernels.save_kernel", safe=False, **another)
    fan_out(planned())
    assert any("runs as many kernels of yours as it may" in line for line in told)
    assert sum("is here" in line for line in told) == 3


@boxed
def test_a_fold_that_fails_leaves_the_others_and_resuming_fits_it_alone(emulator: Emulator, parity: Path):
    table = parity / "table.py"
    whole = table.read_text()
    table.write_text(whole.replace("    random =", "    assert fold.number != 1 or not DOOMED\n    random =", 1))
    table.write_text("DOOMED = True\n" + table.read_text())
    run = planned()
    with pytest.raises(KitError, match="fold-1 v1 ended with ERROR"):
        fan_out(run)
    assert [number for number in range(3) if run.done(number)] == [0, 2]
    table.write_text(table.read_text().replace("DOOMED = True", "DOOMED = False"))
    recipe, _ = catalog.find("parity").recipe("table")
    mended = Run(run.folder, Plan(**vars(run.plan) | {"code": provenance.code(recipe.files)}))
    record.write(run.folder / record.PLAN, mended.plan)
    assert fan_out(mended).finished
    assert emulator.steps("SaveKernel") == 4


@boxed
def test_an_interrupted_fan_out_goes_on_with_the_kernels_that_run(emulator: Emulator, monkeypatch):
    run = planned()

    def interrupted(self, run, number, pushed):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(fanout.Kernels, "_land", interrupted)
        fan_out(run)
    assert fan_out(run).finished
    assert emulator.steps("SaveKernel") == 3


@boxed
def test_a_fold_whose_kernel_was_stopped_goes_on_with_its_checkpoint_in_the_next_kernel(
    emulator: Emulator, parity, told
):
    """The first attempt leaves a checkpoint and ends; the second one would fail without it."""
    table = parity / "table.py"
    lines = [
        "kept = fold.dir / 'checkpoint' / 'state.txt'",
        "if fold.number == 1 and not kept.exists():",
        "    kept.parent.mkdir()",
        "    kept.write_text('half of the work')",
        "    raise SystemExit(1)",
        "(fold.dir / 'taken-up.txt').write_text(kept.read_text() if kept.exists() else 'nothing')",
    ]
    text = "".join(f"    {line}\n" for line in lines)
    table.write_text(table.read_text().replace("    random =", f"{text}    random =", 1))
    run = planned()
    with pytest.raises(KitError, match="fold-1 v1 ended with ERROR"):
        fan_out(run)
    assert "Resumed, fold 1 goes on with the checkpoint that it has left." in told
    assert (run.fold(1) / "checkpoint" / "state.txt").read_text() == "half of the work"
    assert fan_out(run).finished
    assert [(run.fold(n) / "taken-up.txt").read_text() for n in range(3)] == ["nothing", "half of the work", "nothing"]
    (dataset,) = [
        name for name in json.loads((run.folder / "kernels/fold-1" / metadata.FILE).read_text())["dataset_sources"]
    ]
    assert dataset.startswith("tester/kit-begun-")
    assert emulator.steps("SaveKernel") == 4


@boxed
def test_folds_over_other_rows_are_not_merged(emulator: Emulator):
    manifest = catalog.find("parity", sample=True).data / "manifest.json"
    facts = records.read_json(manifest)
    facts["public"]["train.csv"]["sha256"] = "0" * 64
    records.write_json(manifest, facts)
    run = planned()
    with pytest.raises(KitError, match=r"has another train\.csv than this machine"):
        fan_out(run)
    assert not run.fold(0).exists()


@boxed
def test_the_verb_pushes_folds_and_reports_one_run(emulator: Emulator, kit):
    words = ("push", "parity", "table", "--sample", "--no-rehearse", "--folds-as-kernels", "--json")
    status, out, err = kit(*words)
    assert status == 0, err
    told = json.loads(out)
    assert told["rows"]["out_of_fold"] == 60 and told["where"] == "kaggle"
    folder = Path(told["folder"]) / "kernels" / "fold-0"
    assert json.loads((folder / metadata.FILE).read_text())["title"] == "parity table sample fold 0"
    assert json.loads((folder / versions.RECORD).read_text())["ref"] == "tester/parity-table-sample-fold-0"
