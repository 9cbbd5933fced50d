"""What the recipes share: texts of a fold, a Fitted that guesses the next word, and what a fold leaves to be read."""

from __future__ import annotations

import json

import numpy as np

from kit.task.contract import Fitted
from kit.task.sampling import Sampling
from kit.toolbox.language import measures
from kit.toolbox.language.model import Language

from .competition import whole

GUESSES = 5
TEMPERATURES = (0.4, 0.7, 1.0)
PROMPTS = ("The president said", "Oil prices", "The team won", "A new study shows", "Microsoft has")
WORDS = 40
PLACEHOLDER = "the"


def texts(data) -> list[str]:
    """The whole texts of training rows."""
    return whole(data.x.take())


def fitted(language: Language, parameters: int | None = None) -> Fitted:
    """A model that guesses the next word of what a row shows; it never looks at what follows."""

    def predict(x) -> np.ndarray:
        guessed = language.guesses(list(x["text"]), GUESSES)
        return np.array([" ".join(words or [PLACEHOLDER]) for words in guessed], dtype=str)

    return Fitted(predict, parameters, language=language)


def finished(fold, language: Language, parameters: int | None = None, members=None) -> Fitted:
    """The Fitted, after `samples.txt` and `language.json` were written into the fold's folder: texts that the model
    writes, unpicked, and how well it, and each of its `members` by name, knows the held-out ones."""
    trained = texts(fold.train)
    lines, figures = [], {}
    for temperature in TEMPERATURES:
        written = [
            prompt + "".join(language.write(prompt, Sampling(temperature), WORDS, fold.seed + at))
            for at, prompt in enumerate(PROMPTS)
        ]
        figures[f"temperature {temperature:g}"] = measures.written(written, trained)
        said = ", ".join(f"{name} {value:.3f}" for name, value in figures[f"temperature {temperature:g}"].items())
        lines += [f"Temperature {temperature:g}, seeds from {fold.seed} on: {said}", *written, ""]
    (fold.dir / "samples.txt").write_text("\n".join(lines), encoding="utf-8")
    if len(fold.valid):
        held = texts(fold.valid)
        sizes = (sum(map(measures.characters, held)), sum(map(measures.words, held)))
        for name, model in {"held out": language, **(members or {})}.items():
            figures[name] = measures.known(float(model.bits(held).sum()), *sizes)
    (fold.dir / "language.json").write_text(json.dumps(figures, indent=2) + "\n")
    return fitted(language, parameters)
