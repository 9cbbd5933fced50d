"""Texts that a run writes, by the command and by the function."""

import json

import numpy as np
import pytest

import kit as api
from kit.errors import KitError
from kit.predict import models
from kit.task.contract import Fitted


@pytest.fixture
def run(workspace):
    """A run of the n-gram recipe on the sample."""
    return api.train("ag-news", "ngram", sample=True, plots=False)


def text(**settings):
    return "".join(api.generate("ag-news", "last", "The president said", **settings))


def test_the_same_seed_writes_the_same_text_and_the_likeliest_text_hangs_on_none(run):
    assert text(seed=1, temperature=1.5) == text(seed=1, temperature=1.5)
    assert len({text(seed=seed, temperature=1.5) for seed in range(4)}) > 1
    assert len({text(seed=seed, temperature=0) for seed in range(3)}) == 1


def test_the_command_prints_the_prompt_and_what_follows(run, kit):
    status, out, _ = kit("generate", "ag-news", "last", "--prompt", "The president said", "--words", "5", "--seed", "1")
    assert status == 0
    assert out == f"The president said{text(words=5, seed=1)}\n"


def test_several_texts_have_the_seeds_that_follow(run, kit):
    _, out, _ = kit("generate", "ag-news", "last", "--prompt", "A group", "--seed", "4", "--samples", "2", "--json")
    said = json.loads(out)
    assert [each["seed"] for each in said] == [4, 5]
    assert said[1]["text"] == "".join(api.generate("ag-news", "last", "A group", seed=5))


def test_several_texts_are_written_by_a_model_that_was_loaded_once(run, kit, monkeypatch):
    loaded, load = [], models.load
    monkeypatch.setattr(models, "load", lambda entry, run: loaded.append(run.name) or load(entry, run))
    status, out, _ = kit("generate", "ag-news", "last", "--prompt", "A group", "--samples", "3")
    assert status == 0 and len(out.splitlines()) == 3
    assert loaded == [run.name]


def test_what_makes_no_sense_is_refused_in_a_sentence(run, kit):
    for words, wrong in (
        (("--prompt", ""), "prompt is empty"),
        (("--prompt", "A", "--temperature", "-1"), "temperature is -1"),
        (("--prompt", "A", "--temperature", "nan"), "temperature is nan"),
        (("--prompt", "A", "--top-p", "0"), "--top-p is 0"),
        (("--prompt", "A", "--top-k", "-3"), "--top-k is -3"),
        (("--prompt", "A", "--words", "0"), "--words is 0"),
    ):
        status, out, err = kit("generate", "ag-news", "last", *words)
        assert status == 1 and out == "" and wrong in err


def test_rows_of_whole_texts_tell_bits_and_perplexity(run, kit, tmp_path):
    file = tmp_path / "new.csv"
    file.write_text(
        '"1","The government said on Monday that","talks with Ostra over the border would go on in Oslo."\n'
    )
    rows = api.predict("ag-news", "last", rows=file, out=tmp_path / "out.csv")
    assert 0 < rows.known["bits_per_character"] < 4 and rows.known["perplexity"] > 1
    assert "bits a character" in rows.summary() and rows.facts()["perplexity"] == rows.known["perplexity"]


def test_a_model_that_is_none_of_texts_cannot_write(run, monkeypatch):
    monkeypatch.setattr(models, "load", lambda entry, run: Fitted(np.zeros))
    with pytest.raises(KitError, match="cannot write texts"):
        text()
