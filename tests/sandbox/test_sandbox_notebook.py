"""How notebooks are executed: by Jupyter as on Kaggle, or plainly where that is not installed."""

from __future__ import annotations

import json

import nbformat
import pytest

from kit.sandbox import kernel


def book(*cells: str, **metadata: object) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": text} for text in cells], "metadata": metadata})


@pytest.fixture(params=["namespaces", "audit hook"])
def kept(request: pytest.FixtureRequest) -> kernel.Kept:
    if request.param == "namespaces":
        request.getfixturevalue("namespaces")
    return request.param


@pytest.fixture(params=["Jupyter", "plain Python"])
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to execute a notebook."""
    monkeypatch.setattr(kernel, "has_jupyter", lambda: request.param == "Jupyter")
    return request.param


def test_jupyter_is_used_where_it_is_installed(tmp_path):
    assert kernel.has_jupyter()  # the extra `test` brings it
    assert kernel.prepare(tmp_path, book(), {}, kept="nothing").runner == "Jupyter"


def test_cells_share_names_write_files_and_call_the_shell(run, runner):
    cells = ["%%writefile part.py\nX = 41", "import sys; sys.path.insert(0, '.')\n%matplotlib inline", "import part"]
    done = run(
        book(*cells, "!echo from the shell", "%%bash\necho from bash", "print(part.X + 1)"),
        kind="notebook",
        kept="nothing",
    )
    assert done.ending.code == 0, done.err
    assert all(text in done.out for text in ("from the shell", "from bash", "42\n"))


def test_the_first_cell_that_fails_ends_the_run(run, runner):
    done = run(book("print('before')", "raise ValueError('broken')", "print('after')"), kind="notebook", kept="nothing")
    assert done.ending.code == 1
    assert done.out == "before\n"
    assert "ValueError: broken" in done.err and "\x1b" not in done.err


def test_what_a_cell_prints_appears_at_once_and_once(run, kept):
    cell = "import os, sys\nprint('python')\nos.system('echo native')\nprint('warned', file=sys.stderr)"
    done = run(book(cell), kind="notebook", kept=kept)
    assert sorted(done.out.splitlines()) == ["native", "python"]
    assert done.err == "warned\n"


def test_the_executed_notebook_holds_displays_results_pictures_and_counts(run, kept):
    picture = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    table = "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))"
    done = run(
        book("get_ipython().run_line_magic('pwd', '')", table, picture, "%%time\n1 + 1"), kind="notebook", kept=kept
    )
    assert done.ending.code == 0, done.err
    read = nbformat.read(done.folder / kernel.EXECUTED, 4)
    nbformat.validate(read)
    assert [cell.execution_count for cell in read.cells] == [1, 2, 3, 4]
    assert (
        read.cells[0].outputs[0].data["text/plain"]
        == f"'{'/kaggle/working' if kept == 'namespaces' else done.folder / 'working'}'"
    )
    assert read.cells[1].outputs[0].data["text/html"] == "<b>bold</b>"
    assert read.cells[2].outputs[0].data["image/png"].startswith("iVBOR")
    assert read.cells[3].outputs[-1].data["text/plain"] == "2"


def test_the_executed_notebook_ends_with_the_error(run):
    done = run(book("1 / 0", "print('never')"), kind="notebook", kept="nothing")
    read = nbformat.read(done.folder / kernel.EXECUTED, 4)
    assert read.cells[0].outputs[0].ename == "ZeroDivisionError"
    assert read.cells[1].outputs == []


def test_a_cell_that_may_fail_is_marked_as_on_kaggle(run):
    cell = {"cell_type": "code", "source": ["1 / 0\n"], "metadata": {"tags": ["raises-exception"]}}
    done = run(json.dumps({"cells": [cell]}), kind="notebook", kept="nothing")
    assert done.ending.code == 0


def test_a_notebook_whose_python_dies_fails_and_says_so(run):
    done = run(book("import os; os._exit(0)", "print('never')"), kind="notebook", kept="nothing")
    assert done.ending.code == 1
    assert done.err == "The notebook's Python has died: a crash, or no memory was left.\n"


def test_the_kernel_that_a_notebook_names_is_not_looked_for(run):
    spec = {"kernelspec": {"name": "conda-env-mine", "display_name": "Mine", "language": "python"}}
    assert run(book("print(1)", **spec), kind="notebook", kept="nothing").out == "1\n"


def test_a_flood_of_output_is_not_kept_in_the_executed_notebook(run):
    done = run(book("for n in range(40):\n    print('x' * (1 << 20))", "print('end')"), kind="notebook", kept="nothing")
    assert (done.ending.code, done.ending.failure) == (0, "")
    assert done.out.endswith("end\n")
    assert 15 << 20 < (done.folder / kernel.EXECUTED).stat().st_size < 18 << 20


def test_text_cells_and_others_stay_where_they_are(run):
    cells = [{"cell_type": "markdown", "source": "# Head"}, {"cell_type": "raw", "source": "raw"}]
    cells.append({"cell_type": "code", "source": "print(1)", "outputs": [{"output_type": "stream"}]})
    done = run(json.dumps({"cells": cells, "nbformat": 4}), kind="notebook", kept="nothing")
    read = nbformat.read(done.folder / kernel.EXECUTED, 4)
    assert [(cell.cell_type, cell.source) for cell in read.cells] == [
        ("markdown", "# Head"),
        ("raw", "raw"),
        ("code", "print(1)"),
    ]
    assert read.cells[2].outputs[0].text == "1\n"


def test_nothing_of_jupyter_lies_among_the_outputs(run, kept):
    done = run(book("open('mine.csv', 'w').close()"), kind="notebook", kept=kept)
    assert [path.name for path in (done.folder / "working").iterdir()] == ["mine.csv"]


def test_under_the_hook_there_is_no_way_out_and_inputs_cannot_be_written(run, runner, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").write_text("1")
    cell = """
import os, socket, subprocess, sys
place = os.environ["KIT_KAGGLE_ROOT"] + "/input/me/data/a.csv"
for act in (lambda: open(place, "w"), lambda: socket.create_connection(("192.0.2.1", 80), 5)):
    try:
        act()
        print("done")
    except OSError as error:
        print(error.errno)
print(subprocess.run([sys.executable, "-c", f"open({place!r}, 'w')"], capture_output=True).returncode)
"""
    done = run(book(cell), kind="notebook", kept="audit hook", inputs={"me/data": data})
    assert done.out.split() == ["30", "101", "1"], done.err
    assert (data / "a.csv").read_text() == "1"
