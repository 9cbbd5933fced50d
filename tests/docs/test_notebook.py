"""The notebook of the pages: executed as a reader would, on the sample."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from tests.docs.pages import ROOT

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def outputs(notebook: Any) -> list[str]:
    """The texts of all outputs, cell by cell."""
    return [
        "".join(output.get("text", "") or output["data"]["text/plain"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
    ]


def scores(notebook: Any) -> list[str]:
    return re.findall(r"accuracy \d\.\d+|rank \d+ of \d+|Did you mean '\w+'", "\n".join(outputs(notebook)))


def test_the_notebook_runs_from_top_to_bottom_and_keeps_its_scores(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = nbformat.read(NOTEBOOK, 4)
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the sample is small: a second thread would mostly wait
    executed = nbclient.NotebookClient(nbformat.from_dict(kept), timeout=300, kernel_name="python3").execute()
    assert scores(executed) == scores(kept)
    assert len(scores(kept)) >= 5


def test_the_notebook_names_no_folder_of_the_machine_that_made_it() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    folders = set(re.findall(r"(?<![\w.])/(?:home|root|work|tmp|Users)/[\w./-]*", text))
    assert {folder for folder in folders if not folder.startswith("/tmp/kaggle")} == set()
    assert json.loads(text)["metadata"]["kernelspec"]["name"] == "python3"
