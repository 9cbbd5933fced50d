"""Models cross versions: what was stored with the Keras of Kaggle's image loads with today's here, and the other way.

Each direction trains all networks in one process and loads them in another, since starting TensorFlow takes longest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kit import places
from kit.data import fetch
from kit.kaggle.kernel import notebook
from kit.sandbox import environments, images, imported
from kit.task import catalog
from kit.train.runs import Plan

pytestmark = pytest.mark.slow

ENCODER = "speech-encoder"
STORE = """
import json, sys
from pathlib import Path
import numpy as np
from kit.task import catalog
from kit.train import loop, runs

stored = {}
for name, word in json.loads(sys.argv[1]):
    entry = catalog.find(name, sample=True)
    recipe, _ = entry.recipe(word)
    settings = recipe.resolve("", {"epochs": 1}, smoke=True)
    plan = loop.planned(entry, recipe, "", settings, folds=2, only=0)
    run = loop.train(entry, runs.create(plan), quiet=True)
    stored[f"{name} {word}"] = str(run.fold(0))
    loop.fold.forget()
import keras
from kit.toolbox import networks
from kit.toolbox.encoders import speech
encoder = speech.network((4, 4, 8, 8, 8))
part = Path(sys.argv[2], "encoder")
part.mkdir(parents=True)
networks.write(encoder, part / speech.MODEL)
np.save(part / "given.npy", np.asarray(encoder(np.ones((2, 100, speech.BANDS), "float32"))))
print(json.dumps({"keras": keras.__version__, "stored": stored}))
"""
LOAD = """
import json, sys
from pathlib import Path
import numpy as np
from kit.task import catalog, checks

for key, place in json.loads(sys.argv[1]).items():
    name, word = key.split()
    entry = catalog.find(name, sample=True)
    _, test = checks.load(entry)
    fitted = entry.recipe(word)[0].module().load(Path(place))
    np.save(Path(place, "elsewhere.npy"), entry.competition.keep(fitted.predict(test.x.take())))
import keras
from kit.toolbox.encoders import speech
part = Path(sys.argv[2], "encoder")
np.save(part / "elsewhere.npy", np.asarray(speech.load(part)(np.ones((2, 100, speech.BANDS), "float32"))))
print(json.dumps({"keras": keras.__version__}))
"""


def networks() -> list[tuple[str, str]]:
    """The recipes of Keras, those that keep plain arrays of it too, and BERT, whose weights are numbers by layer."""
    return [
        (entry.name, name)
        for entry in catalog.entries()
        for name, recipe in entry.recipes.items()
        if recipe.extra in ("keras", "bert", "language")
    ]


def call(python: Path, home: Path, code: str, *words: str) -> dict:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KAGGLE", "PYTHON"))}
    environment |= {"KIT_HOME": str(home), "PYTHONPATH": str(places.KIT.parent), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [str(python), "-c", code, *words]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def image_python() -> Path:
    """A Python with the packages of the image that any network imports."""
    image = images.known("cpu")
    if why := environments.lacking(image):
        pytest.skip(why.wrong)
    names: set[str] = set()
    for name, word in networks():
        entry = catalog.find(name)
        text = notebook.build(entry, Plan(name, word, "", entry.recipes[word].resolve()))
        names |= imported.packages(text, image)
    return environments.made(image, names)


@pytest.fixture(scope="module", params=["stored_there", "stored_here"])
def crossed(request, image_python, tmp_path_factory) -> tuple[dict, Path]:
    """The folders of the folds that one Keras stored, after the other one has loaded them and predicted."""
    home = tmp_path_factory.mktemp("home")
    pythons = [image_python, Path(sys.executable)]
    if request.param == "stored_here":
        pythons.reverse()
    with places.environment({"KIT_HOME": str(home)}):
        for name in {name for name, _ in networks()}:
            fetch.sample(catalog.find(name, sample=True))
    call(Path(sys.executable), home, "from kit.toolbox.encoders import bert; bert.tiny(); print('{}')")
    stored = call(pythons[0], home, STORE, json.dumps(networks()), str(home / ENCODER))
    loaded = call(pythons[1], home, LOAD, json.dumps(stored["stored"]), str(home / ENCODER))
    assert stored["keras"] != loaded["keras"]
    return stored["stored"], home / ENCODER / "encoder"


@pytest.mark.parametrize("recipe", [" ".join(each) for each in networks()])
def test_what_one_keras_stored_predicts_the_same_with_the_other(crossed, recipe):
    folder = Path(crossed[0][recipe])
    with np.load(folder / "test.npz", allow_pickle=False) as file:
        stored, elsewhere = file["pred"], np.load(folder / "elsewhere.npy", allow_pickle=False)
    assert stored.dtype.kind == elsewhere.dtype.kind and stored.shape == elsewhere.shape
    if stored.dtype.kind == "f":
        np.testing.assert_allclose(elsewhere, stored, atol=1e-4)
    elif stored.dtype.names:  # the likeliest categories with their probabilities, of which two may be nearly equal
        np.testing.assert_allclose(elsewhere["p"], stored["p"], atol=1e-3)
        assert (elsewhere["label"][:, 0] == stored["label"][:, 0]).mean() > 0.98
    else:  # guesses in the order of their probabilities
        assert (elsewhere == stored).mean() > 0.98


def test_an_encoder_of_speech_crosses_versions(crossed):
    part = crossed[1]
    np.testing.assert_allclose(np.load(part / "elsewhere.npy"), np.load(part / "given.npy"), atol=1e-4)
