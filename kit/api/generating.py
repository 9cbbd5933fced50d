"""What a run writes: generate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kit.api.training import named
from kit.predict import generate as writing
from kit.task import catalog
from kit.task.sampling import Sampling
from kit.train.runs import Run


def generate(
    competition: str,
    run: str | Run,
    prompt: str,
    *,
    temperature: float = 0.7,
    top_k: int = 0,
    top_p: float = 1.0,
    words: int = 60,
    seed: int = 0,
) -> Iterator[str]:
    """What a run's model writes behind `prompt`, piece by piece: characters or words, as the model has them, until the
    text ends or has `words` more words. The same seed gives the same text.

    `temperature` 0 takes the likeliest each time, 1 draws as the model says; `top_k` keeps so many of the likeliest,
    and `top_p` those that together have that probability. `run` is a run, its name, enough of its beginning or end, or
    `"last"`. Raises KitError for a run whose model is none of texts, an empty prompt, and settings that make no sense.

    >>> "".join(kit.generate("ag-news", "last", "The president"))    # doctest: +SKIP
    """
    sampling = Sampling(temperature, top_k, top_p)
    return next(several(competition, run, prompt, sampling, words, [seed]))


def several(
    competition: str, run: str | Run, prompt: str, sampling: Sampling, words: int, seeds: Iterable[int]
) -> Iterator[Iterator[str]]:
    """What `generate` gives, for each of `seeds`. The model is loaded once, and each text written as it is read."""
    entry = catalog.find(competition)
    run = named(entry, run)
    language = writing.language(replace(entry, sample=run.plan.sample), run)
    for seed in seeds:
        yield language.write(prompt, sampling, words, seed)
