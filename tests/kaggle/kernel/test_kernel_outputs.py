"""What a kernel left: names that it chose, page by page, and the one finished run among them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kit.errors import KitError
from kit.kaggle.kernel import outputs
from kit.kaggle.kernel.versions import Pushed

PUSHED = Pushed("me/kernel", 3, "https://example.org/kernel", "cpu", 60, "", "")
RUN = "submissions/digits/20260101-120000-cnn"


class Client:
    """Answers with pages of two names."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def ask(self, what: str, method: str, *, safe: bool, page_token: str = "0", **fields: Any) -> SimpleNamespace:
        start = int(page_token)
        files = [SimpleNamespace(file_name=name, url=f"u/{name}") for name in self.names[start : start + 2]]
        return SimpleNamespace(files=files, next_page_token=str(start + 2) if start + 2 < len(self.names) else "")


def test_every_page_is_read():
    names = ["a", "b", "c/d", "e"]
    assert [one.name for one in outputs.listing(Client(*names), PUSHED)] == names


@pytest.mark.parametrize(
    "name",
    [
        "../a",
        "a/../../b",
        "/etc/passwd",
        "..\\a",
        "a\nb",
        "a\0",
        "\udcff",
        "a/" + "n" * 221,
        "é" * 111,
        "a/" * 500 + "b",
    ],
)
def test_a_name_that_leads_out_or_cannot_be_written_is_refused(name):
    with pytest.raises(KitError, match=r"outside its folder|cannot be used here"):
        outputs.listing(Client("fine.csv", "also.csv", name), PUSHED)


def test_names_may_be_long_and_in_any_language():
    assert len(outputs.listing(Client("n" * 220, "año/日本.csv"), PUSHED)) == 2


def test_the_one_finished_run_is_told_from_all_other_files():
    names = [
        "submission.csv",
        f"{RUN}/run.json",
        f"{RUN}/fold-0/done.json",
        "submissions/other/x/run.json",
        f"{RUN}/plan.json",
        f"{RUN}-2/plan.json",
    ]
    name, files = outputs.run_files(Client(*names), PUSHED, "digits", lambda path: path.endswith("run.json"))
    assert name == "20260101-120000-cnn"
    assert list(files) == ["run.json"]


@pytest.mark.parametrize(
    ("names", "left"),
    [
        ([], "no finished run"),
        ([f"{RUN}{n}/{name}.json" for n in ("", "-2") for name in ("plan", "run")], "2 finished runs"),
    ],
)
def test_none_and_several_finished_runs_are_refused(names, left):
    with pytest.raises(KitError, match=f"me/kernel v3 left {left} of digits"):
        outputs.run_files(Client(*names), PUSHED, "digits")


def test_a_run_that_was_only_begun_is_told_from_a_finished_one():
    names = [f"{RUN}/plan.json", f"{RUN}/run.json", f"{RUN}-2/plan.json", f"{RUN}-2/fold-0/done.json"]
    name, files = outputs.run_files(Client(*names), PUSHED, "digits", finished=False)
    assert (name, list(files)) == ("20260101-120000-cnn-2", ["plan.json", "fold-0/done.json"])
    with pytest.raises(KitError, match="left no unfinished run of digits"):
        outputs.run_files(Client(*names[:2]), PUSHED, "digits", finished=False)
