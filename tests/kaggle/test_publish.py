"""Publishing: the public files, never the answers, and a new version only when bytes changed."""

from __future__ import annotations

import json

import pytest

from kit.emulator.faults import Fault


@pytest.fixture
def ready(run, site):
    """The competition's data is here, downloaded from the site."""
    assert run("download", "parity")[0] == 0


def dataset(site):
    """What the server holds."""
    return site.store.get("dataset", "tester/kit-parity")


def test_a_private_dataset_is_made_of_the_public_files(run, site, ready, workspace):
    status, out, err = run("publish", "parity")
    assert (status, out) == (0, "tester/kit-parity  ready\n")
    assert dataset(site)["private"] is True
    kept = json.loads((workspace / "data" / "parity" / "published.json").read_text())
    assert kept["ref"] == "tester/kit-parity"
    assert sorted(kept["files"]) == ["extra.bin", "sample_submission.csv", "test.csv", "train.csv"]
    assert "Making tester/kit-parity: 4 files" in err


def test_a_new_version_is_made_only_when_bytes_changed(run, site, ready, workspace):
    run("publish", "parity")
    status, _, err = run("publish", "parity")
    assert (status, len(dataset(site)["versions"])) == (0, 1)
    assert "holds these bytes already; nothing was sent." in err
    (workspace / "data" / "parity" / "public" / "extra.bin").write_bytes(b"other")
    published = json.loads(run("publish", "parity", "--json", "--message", "smaller")[1])
    assert (published["changed"], len(dataset(site)["versions"])) == (True, 2)


def test_a_dataset_that_was_deleted_is_made_again(run, site, ready):
    run("publish", "parity")
    site.store.run("DELETE FROM documents WHERE kind = 'dataset'")
    assert run("publish", "parity")[0] == 0
    assert len(dataset(site)["versions"]) == 1


@pytest.mark.parametrize("name", ["answers.csv", "solution.csv"])
def test_private_answers_are_never_sent(run, site, ready, workspace, hosted, name):
    data = workspace / "data" / "parity"
    answers = (hosted / "private" / "solution.csv").read_bytes()
    (data / "private" / "solution.csv").write_bytes(answers)
    # By their bytes under another name, and by their name with other bytes.
    (data / "public" / name).write_bytes(answers + b"\n" * (name == "solution.csv"))
    before = len(site.seen)
    status, _, err = run("publish", "parity")
    assert (status, f"{name} among the public files of parity holds private answers." in err) == (1, True)
    assert [seen.step for seen in site.seen[before:] if seen.step in ("StartBlobUpload", "Upload")] == []


def test_folders_are_sent_as_archives(run, site, ready, workspace):
    folder = workspace / "data" / "parity" / "public" / "images"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"png")
    assert run("publish", "parity")[0] == 0
    files = site.store.all("SELECT name FROM blobs")
    assert "images.zip" in [row["name"] for row in files]


def test_a_version_whose_answer_was_lost_is_not_made_twice(run, site, ready, workspace):
    site.faults.add(Fault("CreateDataset", "lost"))
    assert run("publish", "parity")[0] == 0
    assert len(dataset(site)["versions"]) == 1
    (workspace / "data" / "parity" / "public" / "extra.bin").write_bytes(b"other")
    site.faults.add(Fault("CreateDatasetVersion", "lost"))
    assert run("publish", "parity")[0] == 0
    assert len(dataset(site)["versions"]) == 2


@pytest.mark.parametrize("step", ["StartBlobUpload", "Upload", "GetDataset", "CreateDataset", "GetDatasetStatus"])
@pytest.mark.parametrize("kind", ["status", "cut", "lost"])
def test_a_fault_that_lasts_is_one_error_and_the_next_call_does_it(run, site, ready, step, kind):
    site.faults.add(Fault(step, kind, times=0))
    status, _, err = run("publish", "parity")
    assert (status, err.count("kit: ")) in ((0, 0), (1, 1))
    site.faults.clear()
    assert run("publish", "parity")[0] == 0
    assert dataset(site)["private"] is True


def test_an_upload_that_breaks_off_goes_on(run, site, ready):
    site.faults.add(Fault("Upload", "upload", bytes=300_000))
    assert run("publish", "parity")[0] == 0


def test_the_sample_does_not_take_the_place_of_the_real_files(kit, parity, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_ENVIRONMENT", raising=False)
    status, _, err = kit("publish", "parity", "--sample")
    assert (status, "The embedded sample would take the place of the real files" in err) == (1, True)
