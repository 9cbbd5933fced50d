"""A run in a code competition whose test rows are hidden: its notebook predicts those that it is run again on."""

from __future__ import annotations

from pathlib import Path

from kit.emulator.local import Emulator
from kit.kaggle import ledger
from kit.task import catalog
from kit.train import runs
from tests.kaggle.kernel.test_kernel_rerun import Kit, boxed, host  # noqa: F401  (a fixture)
from tests.predict.test_rows import LOAD, ROWS


@boxed
def test_the_notebook_of_a_run_predicts_the_hidden_rows(host: Emulator, kit: Kit, parity: Path) -> None:  # noqa: F811
    declared = parity / "competition.py"
    text = declared.read_text().replace("from pathlib", "from dataclasses import replace\nfrom pathlib", 1)
    declared.write_text(text + ROWS)
    (parity / "table.py").write_text((parity / "table.py").read_text() + LOAD)
    assert kit("train", "parity", "table", "--no-plots")[0] == 0
    status, _, err = kit("push", "parity", "--from", "last", "--code", "--no-rehearse")
    assert status == 0, err
    (attempt,) = ledger.read(catalog.find("parity"))
    assert (attempt.kernel, attempt.public_score) == ("tester/parity-table-inference/1", 1.0)
    assert attempt.path.read_text().count("\n") == 21  # what it left for the 20 rows that are visible
    status, out, err = kit("why", str(attempt.ref))
    assert status == 0 and "left on the visible rows by tester/parity-table-inference/1" in out, out + err
    assert runs.find("parity", "last").kaggle()["public_score"] == 1.0
