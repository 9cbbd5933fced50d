"""One chain from a score to what it was made of, and where it breaks."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import kit as api
from kit import records
from kit.errors import KitError
from kit.kaggle import ledger
from kit.train import predictions, record, runs


@pytest.fixture
def run(kit, parity):
    """A run of parity on the sample, and its submission, which was sent and scored."""
    assert kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "noise=0.4")[0] == 0
    return runs.find("parity", "last")


@pytest.fixture
def attempt(run, workspace):
    """What the ledger says of it."""
    with ledger.locked("parity") as book:
        begun = book.begin(
            server="https://www.kaggle.com",
            user="ann",
            sha256=records.sha256(run.submission),
            bytes=run.submission.stat().st_size,
            name="submission.csv",
            file=str(run.submission.relative_to(workspace)),
            message="",
            sample=True,
            run=run.name,
        )
        scored = {"public_score": 0.98765, "private_score": 0.9761, "rank": 3, "teams": 40}
        return book.change(begun, state=ledger.COMPLETE, ref=4711, **scored)


def links(chain) -> dict[str, tuple[str, str]]:
    return {one.what: (one.state, one.why) for one in chain}


@pytest.mark.parametrize("word", ["4711", "0.98765", "0.988", "0.976", "last", "file", "name"])
def test_a_score_a_number_a_file_and_a_run_lead_to_the_same_chain(run, attempt, word):
    chain = api.why({"file": run.submission, "name": run.name}.get(word, word))
    assert chain.run.name == run.name
    assert chain.breaks == ()
    told = {one.what: one.said for one in chain}
    if word not in ("last", "name"):
        assert told["score"] == "public 0.98765, private 0.97610, rank 3 of 40, on https://www.kaggle.com as ann"
        assert told["submission"].startswith("4711, sent ")
    assert told["settings"] == "epochs=1, noise=0.4, base=10"
    assert told["seed"] == "0"
    assert told["folds"] == "Stratified(folds=3, seed=0)"
    assert told["out-of-fold"].startswith("accuracy ")
    assert told["predictions"] == "test.npz gives submission.csv, to the byte"
    assert [one.said.split()[0] for one in chain if one.what == "data"] == [*run.plan.data]


def test_each_break_is_named(kit, run, attempt, parity):
    oof = predictions.load(run.folder / "oof.npz")
    predictions.save(run.folder / "oof.npz", **oof | {"pred": oof["pred"][:, ::-1]})
    test = predictions.load(run.folder / "test.npz")
    predictions.save(run.folder / "test.npz", **test | {"pred": test["pred"][:, ::-1]})
    run.submission.write_text("id,odd\n200,1\n")
    dirty = replace(run.record, git=record.Git("0" * 40, dirty=True), where="kaggle")
    data = {**run.plan.data, "train.csv": "f" * 64}
    run.finish(replace(dirty, plan=replace(run.plan, data=data)))
    record.write(run.folder / record.PLAN, replace(run.plan, data=data))
    chain = api.why(4711)
    told = links(chain)
    assert told["submission"] == ("broken", f"{attempt.file} holds other bytes now than were sent")
    assert told["run"] == ("broken", "its submission.csv is another file than the one that was sent")
    assert told["kernel"] == ("broken", "the run was made on Kaggle, and no kernel version is recorded")
    assert told["commit"] == ("broken", "the commit does not hold the files that were run")
    assert told["out-of-fold"][0] == "broken" and told["out-of-fold"][1].startswith("oof.npz gives 0.")
    assert told["predictions"] == ("broken", "it gives another submission.csv")
    assert "data" in [one.what for one in chain.breaks]
    status, _, err = kit("why", "4711")
    assert status == 1
    assert "The chain is broken at commit: the commit does not hold the files that were run." in err
    facts = json.loads(kit("why", "4711", "--json")[1])
    assert facts["run"] == run.name and "submission" in facts["breaks"]


def test_a_device_that_was_asked_for_and_not_seen_is_a_break(run):
    kernel = {"ref": "ann/parity", "version": 7, "url": "", "accelerator": "NvidiaTeslaT4"}
    records.write_json(run.folder / "kaggle.json", {"kernel": kernel})
    run.finish(replace(run.record, device="Intel(R) Xeon(R), 4 cores", where="kaggle"))
    assert links(api.why(run.name))["kernel"] == ("broken", "it did not see the GPU that it asked for")
    run.finish(replace(run.record, device="Tesla T4, Tesla T4", where="kaggle"))
    (link,) = [one for one in api.why(run.name) if one.what == "kernel"]
    assert link.state == "ok"
    assert link.said == "ann/parity version 7, NvidiaTeslaT4 asked for, Tesla T4, Tesla T4 (kaggle) seen"


def test_what_is_not_here_is_no_break(run, attempt):
    for name in ("oof.npz", "test.npz", "submission.csv"):
        (run.folder / name).unlink()
    run.finish(replace(run.record, git=None))
    chain = api.why(4711)
    told = links(chain)
    assert chain.breaks == ()
    assert told["submission"] == ("not here", f"{attempt.file} is gone")
    assert told["run"] == ("not here", "its submission.csv is gone")
    assert told["out-of-fold"] == ("not here", "oof.npz is gone; git does not keep it")
    assert told["commit"] == ("not here", "it was trained outside a checkout")


def test_a_blend_whose_member_is_gone_is_broken(kit, run):
    kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--seed", "1")
    members = runs.every("parity")
    assert kit("ensemble", "parity", *(one.name for one in members), "--method", "mean")[0] == 0
    blended = runs.find("parity", "blend-mean")
    assert [one.what for one in api.why(blended.name)].count("member") == 2
    kit("delete", "parity", members[0].name, "--yes", "--force")
    (broken,) = api.why(blended.name).breaks
    assert (broken.what, broken.why) == ("member", "the run that it was made of is gone")


def test_a_run_that_is_gone_and_one_that_is_unfinished_are_told(kit, run, attempt):
    kit("delete", "parity", run.name, "--yes", "--force")
    (broken,) = api.why(4711).breaks
    assert (broken.what, broken.why) == ("run", "its folder is gone, and with it all that the score was made of")
    unfinished = runs.create(runs.Plan("parity", "table", "", {}))
    assert api.why(unfinished.name).breaks[0].why.startswith("it is unfinished")


def test_what_fits_nothing_or_several_is_refused(kit, run, attempt):
    with pytest.raises(KitError, match="Nothing that was sent or trained here is 'nobody'"):
        api.why("nobody")
    with ledger.locked("parity") as book:
        begun = book.begin(
            server="https://www.kaggle.com",
            user="ann",
            sha256="0" * 64,
            bytes=1,
            name="mine.csv",
            file="mine.csv",
            message="",
        )
        book.change(begun, state=ledger.COMPLETE, ref=4712, public_score=0.98765)
    _, _, err = kit("why", "0.98765")
    assert f"'0.98765' fits 2: submission 4711 ({run.name}), submission 4712 (mine.csv)." in err
    told = links(api.why(4712))
    assert told["run"] == ("not here", "the file was made without kit")
    assert kit("why", "0.98765", "--competition", "nothing")[0] == 1
