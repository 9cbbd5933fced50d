"""Which packages a notebook can import, by its text."""

from __future__ import annotations

import json

import pytest

from kit.sandbox import images, imported

SHARED = """
import numpy as np

def save(model):
    from skops import io
    return io.dump(model)

def network():
    import keras
    return keras.Model()
"""


def book(*cells: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]})


def test_cells_count_whole_and_pythons_own_modules_do_not():
    text = book(
        "import os, cv2\n%matplotlib inline\n!pip list\ndef later():\n    import sklearn.svm", "from PIL import Image"
    )
    assert imported.modules_of(text) == {"cv2", "sklearn", "PIL"}


def test_of_a_shared_file_the_functions_count_that_something_names():
    shared = "%%writefile kit/shared.py\n" + SHARED
    plain = "%%writefile competitions/a/forest.py\nfrom kit import shared\n\ndef fit():\n    return {}"
    init = "%%writefile kit/__init__.py\n\n"
    assert imported.modules_of(book(init, shared, plain.format("shared.np"))) == {"numpy"}
    assert imported.modules_of(book(init, shared, plain.format("shared.save(1)"))) == {"numpy", "skops"}


def test_a_learning_framework_within_a_shared_function_counts_where_a_recipe_imports_it():
    shared = "%%writefile competitions/a/_shared.py\n" + SHARED
    recipe = "%%writefile competitions/a/{}.py\n{}from ._shared import network\n\ndef fit():\n    return network()"
    assert "keras" not in imported.modules_of(book(shared, recipe.format("forest", "")))
    assert "keras" in imported.modules_of(book(shared, recipe.format("cnn", "import keras\n")))


def test_a_recipe_brings_a_framework_along_by_its_extra():
    shared = "%%writefile competitions/a/_shared.py\n" + SHARED
    recipe = "%%writefile competitions/a/{}.py\n{}from ._shared import network\n\ndef fit():\n    return network()"
    for extra, brought in (("keras", True), ("language", True), ("boosted", False)):
        text = book(shared, recipe.format("lstm", f'EXTRA = "{extra}"\n'))
        assert ("keras" in imported.needed(text)) is brought


def test_a_module_that_is_imported_by_its_name_counts_whole():
    shared = "%%writefile kit/shared.py\n" + SHARED
    cell = 'import importlib\nimportlib.import_module("kit.shared")'
    assert "skops" in imported.modules_of(book(shared, cell))


def test_what_a_notebook_can_do_without_is_not_needed():
    text = book("try:\n    import timm\nexcept ImportError:\n    timm = None\nimport polars")
    assert imported.modules_of(text) == {"timm", "polars"}
    assert imported.needed(text) == {"polars"}
    assert imported.needed(book("try:\n    import timm\nexcept ValueError:\n    pass")) == {"timm"}


def test_a_cell_that_is_not_python_is_read_line_by_line():
    assert imported.modules_of(book("import torch\nx = ?")) == {"torch"}


@pytest.mark.parametrize(
    ("kind", "backend"), [("cpu", {"tensorflow"}), ("gpu", {"tensorflow"}), ("tpu", {"jax", "tensorflow-cpu"})]
)
def test_keras_brings_its_backend_on_that_image_and_what_its_layers_of_texts_take(workspace, kind, backend):
    assert imported.packages(book("import keras"), images.known(kind)) == {"keras", *backend}


def test_what_the_image_does_not_have_is_left_out(workspace):
    text = book("import official, yaml, tf_keras")
    assert imported.packages(text, images.known("gpu")) == {"pyyaml", "tf-keras"}
