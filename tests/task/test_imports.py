"""What a file imports, followed through its text."""

from __future__ import annotations

import pytest

from kit.errors import KitError
from kit.task import imports


def test_names_that_only_a_type_checker_reads_are_left_out(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from kit.judge import choose\n"
        "def later():\n    import keras.layers\nfrom . import _own\n"
    )
    assert imports.names(path) == ("typing.TYPE_CHECKING", "keras.layers")


def test_files_of_kit_come_after_those_they_import_and_others_are_left_out():
    places = list(imports.kit_files([("kit.task.splits", "a.py"), ("numpy", "a.py")]))
    assert "kit/rows/views.py" in places
    assert places.index("kit/rows/views.py") < places.index("kit/task/contract.py") < places.index("kit/task/splits.py")
    assert all(place.startswith("kit/") for place in places)


def test_a_check_is_asked_about_every_module_on_the_way_and_may_refuse():
    asked = []
    imports.kit_files([("kit.task.splits", "a.py")], lambda name, importer: asked.append((name, importer)))
    assert ("kit.task.splits", "a.py") in asked
    assert any(importer == "kit/task/splits.py" for _, importer in asked)

    def refuse(name: str, importer: str) -> None:
        if name.startswith("kit.rows"):
            raise KitError(f"{importer} imports {name}.")

    with pytest.raises(KitError, match=r"kit/task/contract\.py imports kit\.rows"):
        imports.kit_files([("kit.task.splits", "a.py")], refuse)


def test_files_beside_come_after_those_they_import_even_in_a_circle(tmp_path):
    (tmp_path / "recipe.py").write_text("from ._one import x\n")
    (tmp_path / "_one.py").write_text("from . import _two\nfrom ._recipe_that_is_not_there import y\n")
    (tmp_path / "_two.py").write_text("from ._one import x\n")
    assert [path.name for path in imports.beside(tmp_path / "recipe.py")] == ["_two.py", "_one.py", "recipe.py"]


@pytest.mark.parametrize(("text", "why"), [(b"def (", r"bad\.py:1: "), (b"\xff\xfe", r"bad\.py")])
def test_a_file_that_is_no_python_is_one_clear_error(tmp_path, text, why):
    (tmp_path / "bad.py").write_bytes(text)
    with pytest.raises(KitError, match=why):
        imports.names(tmp_path / "bad.py")
