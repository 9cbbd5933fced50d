"""What is about to be pushed, on a card: machine, image, packages, data, time; and a warning where it is too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kit import words
from kit.kaggle.kernel.accelerators import Accelerator
from kit.kaggle.kernel.estimate import START, Estimate
from kit.predict.inference import LEFT, Inferred, speed
from kit.sandbox.images import Image


def lines(
    described: Mapping[str, Any],
    machine: Accelerator,
    image: Image,
    lacking: Mapping[str, str],
    time: Estimate | str | None,
    timeout: int,
) -> list[str]:
    """The card, a line each; `time` is an estimate, or what is told in its place."""
    named = [
        ref for key in ("competition", "dataset", "kernel", "model") for ref in described.get(f"{key}_sources", [])
    ]
    ours = [ref for ref in named if "/kit-wheels-" in ref]
    data = [ref for ref in named if ref not in ours]
    stop = words.duration(timeout)
    if time is None:
        took = "not known yet: it is told from earlier runs, or from a rehearsal where the data is here"
    elif isinstance(time, str):
        took = time
    else:
        said = [words.duration(round(seconds)) for seconds in (time.seconds, time.least, time.most)]
        took = f"about {said[0]}, between {said[1]} and {said[2]}, told from {time.basis}"
    return [
        f"kernel    {described['id']}",
        f"machine   {machine.word}: {machine.what}",
        f"image     {image.label}, Python {image.python}, {len(image.packages)} packages; {_whence(image)}",
        f"packages  {_added(lacking, ours)}",
        f"data      {', '.join(data) or 'none'}",
        f"time      {took}; Kaggle stops it after {stop}",
    ]


def room(seen: Inferred | None, rows: int, hours: float, words_: str) -> str:
    """How long a notebook predicts the `rows` of the visible test file, and how many it could in its `hours`, told from
    what a rehearsal has seen. `words_` are those by which commands name it."""
    if seen is None:
        return f"not known yet: kit kernel rehearse {words_} --hidden measures it"
    left = hours * 3600 - LEFT - START - seen.loading
    most = max(0, int(left * seen.rate))
    return (
        f"{rows:,} visible test rows take about {words.duration(round(START + seen.loading + rows / seen.rate))} and "
        f"{hours:g} h have room for {most:,} rows, {most / max(rows, 1):,.1f} times as many, at the "
        f"{speed(seen.rate)} rows a second that the rehearsal saw on this machine"
    )


def _whence(image: Image) -> str:
    return "as a probe saw it" if "kit kernel probe" in image.source else "by kit's own list"


def _added(lacking: Mapping[str, str], refs: Sequence[str]) -> str:
    if not lacking:
        return "none but the image's"
    return f"{', '.join(sorted({*lacking.values()}))} by {', '.join(refs)}"
