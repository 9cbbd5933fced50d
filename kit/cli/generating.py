"""The verb generate: what a run writes."""

from __future__ import annotations

import click

from kit.cli import completing
from kit.cli.declaring import as_json, competition, verb
from kit.cli.printing import dump


@verb()
@competition
@click.argument("run", shell_complete=completing.runs)
@click.option("--prompt", required=True, help="How the text begins.")
@click.option(
    "--temperature", type=float, default=0.7, show_default=True, help="0: always the likeliest; 1: as the model says."
)
@click.option("--top-k", type=int, default=0, help="Draw from this many of the likeliest only (0: from all).")
@click.option(
    "--top-p", type=float, default=1.0, show_default=True, help="Draw from the likeliest that have this probability."
)
@click.option("--words", type=int, default=60, show_default=True, help="Words to write at most.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same text.")
@click.option("--samples", type=click.IntRange(1, 1000), default=1, help="Write several, with the seeds that follow.")
@as_json
def generate(
    competition: str,
    run: str,
    prompt: str,
    temperature: float,
    top_k: int,
    top_p: float,
    words: int,
    seed: int,
    samples: int,
    as_json: bool,
) -> None:
    """Write texts with the model of a run.

    RUN is the name of a run, the beginning or the end of its name, or `last`. The text appears as it is written.

    Example:
      kit generate ag-news last --prompt "Oil prices" --temperature 0.7 --words 40 --seed 1
      kit generate ag-news last --prompt "The president" --top-k 40 --samples 5
    """
    from kit.api import generating
    from kit.task.sampling import Sampling

    sampling = Sampling(temperature, top_k, top_p)  # refused before a model is loaded
    seeds = range(seed, seed + samples)
    written = []
    for number, pieces in zip(seeds, generating.several(competition, run, prompt, sampling, words, seeds), strict=True):
        if as_json:
            written.append({"seed": number, "prompt": prompt, "text": "".join(pieces)})
            continue
        print(prompt, end="", flush=True)
        for piece in pieces:
            print(piece, end="", flush=True)
        print()
    if as_json:
        dump(written)
