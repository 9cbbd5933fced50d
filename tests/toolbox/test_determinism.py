"""TensorFlow's determinism can be turned on and off in one process."""

from __future__ import annotations

import os

import pytest

from kit.toolbox import determinism

pytest.importorskip("tensorflow")


@pytest.fixture(autouse=True)
def afterwards():
    yield
    determinism.switch(True)


def test_a_run_is_deterministic_or_not_whatever_the_one_before_was():
    from tensorflow.python.framework import config

    for on in (True, False, True):
        determinism.switch(on)
        assert config.is_op_determinism_enabled() == on
        assert os.environ[determinism.VARIABLE] == ("1" if on else "0")


def test_a_run_that_may_sum_in_any_order_does_so_after_one_that_may_not(kit, parity):
    from tensorflow.python.framework import config

    seen = parity / "seen.txt"
    line = f"    print(os.environ[{determinism.VARIABLE!r}], end=' ', file=open({str(seen)!r}, 'a'))\n    random ="
    recipe = (parity / "table.py").read_text().replace("    random =", line, 1)
    (parity / "table.py").write_text(f"import os\n{recipe}")
    kit("train", "parity", "--sample", "--no-plots", "--fold", "0")
    kit("train", "parity", "--sample", "--no-plots", "--fold", "0", "--no-deterministic")
    assert seen.read_text() == "1 0 "
    assert not config.is_op_determinism_enabled()
