"""Seconds of a fine-tuning step of a pretrained encoder, against PyTorch and transformers with dynamic padding.

    python -m benchmarks.bert_step CHECKPOINT --encoder NAME --torch-python PYTHON --competition imdb-sentiment

CHECKPOINT is the folder of Hugging Face's format that encoder NAME was imported from (`kit encoder import`), PYTHON one
with torch and transformers. The texts are those of recipe `bert` of disaster-tweets, cleaned tweets of at most 128 word
pieces, or of recipe `minilm` of imdb-sentiment, the ends of reviews of at most 256; `kit download` it first. Both sides
get the same weights, the same word pieces in the same batches of 32 texts, each padded to its longest, and do the same:
encoder, pooled output or mean of the outputs as the recipe has it, dropout, one logit, binary cross-entropy, gradients
clipped to norm 1, AdamW (PyTorch's fused one). Each is a process that stays and waits for its turn, so that one works
at a time; the first round warms up and is not counted. `own` are as many texts in the recipe's batches of like length.

Beside seconds of wall clock, processor seconds are told, which other work on the machine disturbs less; best with
--threads 1, for threads that wait for one another spend processor seconds too, PyTorch's the most.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

BATCH = 32
PRECISIONS = ("float32", "bfloat16")


class Job(NamedTuple):
    """What is trained: a recipe's texts, at most how many word pieces of them, and how the encoder's outputs are
    pooled."""

    texts: Callable[[Any, Any], list[str]]
    length: int
    pooling: str


JOBS = {
    "disaster-tweets": Job(
        lambda entry, x: entry.recipes["bert"].module().texts(x, clean=True, keyword=True), 128, "pooled"
    ),
    "imdb-sentiment": Job(
        lambda entry, x: entry.recipes["minilm"].module().texts({"length": 256, "first": 60})(x.take()), 256, "mean"
    ),
}

TORCH = """
import sys, time, numpy as np, torch
from transformers import AutoModel

folder, pooling, precision, file = sys.argv[1:]
with np.load(file) as held:
    batches = [(held[f"same-{n}"], held[f"y-{n}"]) for n in range(int(held["count"]))]
torch.manual_seed(0)
encoder = AutoModel.from_pretrained(folder).train()
head = torch.nn.Sequential(torch.nn.Dropout(0.1), torch.nn.Linear(encoder.config.hidden_size, 1))
weights = [*encoder.parameters(), *head.parameters()]
optimizer = torch.optim.AdamW(weights, lr=3e-5, weight_decay=0.01, fused=True)
loss = torch.nn.BCEWithLogitsLoss()
print("ready", flush=True)
for line in sys.stdin:
    begin = time.perf_counter(), time.process_time()
    for ids, y in batches:
        ids, y = torch.from_numpy(ids).long(), torch.from_numpy(y)
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            mask = (ids > 0).long()
            told = encoder(input_ids=ids, attention_mask=mask)
            mean = (told.last_hidden_state * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            logits = head(told.pooler_output if pooling == "pooled" else mean)
        loss(logits.float()[:, 0], y).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
    print(time.perf_counter() - begin[0], time.process_time() - begin[1], flush=True)
"""


def kit_worker(encoder: str, pooling: str, precision: str, file: str) -> None:
    """Take a turn for each line of standard input, `same` or `own`: one step on each batch, as the recipe trains."""
    _quiet()
    from kit.toolbox.encoders import finetuning, handles

    with np.load(file) as held:
        count = int(held["count"])
        batches = {kind: [(held[f"{kind}-{n}"], held[f"y-{n}"]) for n in range(count)] for kind in ("same", "own")}
    finetuning.begin(0)
    with finetuning.precision(precision):
        found = finetuning.pooled(handles.locate(encoder, "encoder"), pooling=pooling, seed=0, trainable=True)
        model = finetuning.classifier(found.input, found.output, dropout=0.1)
        finetuning.prepare(model, 1000, rate=3e-5, warmup=0.1)
        print("ready", flush=True)
        for line in sys.stdin:
            begin = time.perf_counter(), time.process_time()
            for ids, y in batches[line.strip()]:
                model.train_on_batch(_inputs(ids), y)
            print(time.perf_counter() - begin[0], time.process_time() - begin[1], flush=True)


def _inputs(ids: np.ndarray) -> dict[str, np.ndarray]:
    mask = (ids > 0).astype(np.int32)
    return {"input_word_ids": ids, "input_mask": mask, "input_type_ids": np.zeros_like(mask)}


def _quiet() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _write(file: Path, encoder: str, competition: str, steps: int) -> tuple[float, float]:
    """The batches of both kinds; how many word pieces a text is padded to in each."""
    _quiet()
    from kit.task import catalog
    from kit.toolbox.encoders import handles
    from kit.toolbox.encoders import pieces as inputs_of

    entry, job = catalog.find(competition), JOBS[competition]
    train = entry.competition.load(entry.public())[0].head(8000)
    pieces = inputs_of.Pieces(handles.locate(encoder, "preprocess"), length=job.length, bucket=True)
    inputs = pieces(job.texts(entry, train.x))
    order = np.random.default_rng(0).permutation(inputs.count)
    own = inputs_of.Batches(inputs, train.y, batch=BATCH, seed=0)
    held: dict[str, Any] = {"count": steps}
    for number in range(steps):
        rows = order[number * BATCH : (number + 1) * BATCH]
        ids = inputs.take(rows)["input_word_ids"]
        held[f"same-{number}"] = ids[:, : int((ids > 0).sum(axis=1).max())]
        held[f"own-{number}"] = own[number][0]["input_word_ids"]
        held[f"y-{number}"] = train.y[rows].astype(np.float32)
    np.savez(file, **held)
    widths = [np.mean([held[f"{kind}-{n}"].shape[1] for n in range(steps)]) for kind in ("same", "own")]
    return float(widths[0]), float(widths[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--encoder", default="minilm-l6-h384-uncased")
    parser.add_argument("--torch-python", required=True)
    parser.add_argument("--competition", choices=JOBS, default="disaster-tweets")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--rounds", type=int, default=3, help="turns that are counted")
    parser.add_argument("--steps", type=int, default=8, help="batches in a turn")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each side (default: one a core)")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return kit_worker(args.encoder, *args.worker)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "batches.npz")
        same, own = _write(file, args.encoder, args.competition, args.steps)
        print(f"{args.steps} batches of {BATCH} texts, padded to {same:.1f} word pieces; own batches to {own:.1f}")
        kit = [sys.executable, "-m", "benchmarks.bert_step", str(args.checkpoint), "--encoder", args.encoder]
        kit += ["--torch-python", args.torch_python, "--worker"]
        pooling = JOBS[args.competition].pooling
        torch = [args.torch_python, "-c", TORCH, str(args.checkpoint)]
        commands = {}
        for precision in args.precisions:
            commands[f"torch {precision}"] = [*torch, pooling, precision, str(file)]
            commands[f"kit {precision}"] = [*kit, pooling, precision, str(file)]
        pipes: dict[str, Any] = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.DEVNULL,
            "text": True,
        }
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        pipes["env"] = os.environ | dict.fromkeys(names, str(args.threads))
        workers = {name: subprocess.Popen(command, **pipes) for name, command in commands.items()}
        try:
            for name, worker in workers.items():
                if worker.stdout.readline() != "ready\n":
                    raise SystemExit(f"{name} did not start: {' '.join(commands[name][:3])}")
            _measure(workers, args.precisions, args.rounds, args.steps)
        finally:
            for worker in workers.values():
                worker.kill()
                worker.wait()


def _measure(workers: dict[str, Any], precisions: Sequence[str], rounds: int, steps: int) -> None:
    turns = [
        (f"{name}, {kind}", name, kind)
        for name in workers
        for kind in ("same", "own")
        if (name[0], kind) != ("t", "own")
    ]
    found: dict[str, list[tuple[float, float]]] = {turn: [] for turn, _, _ in turns}
    for number in range(rounds + 1):
        for turn, name, kind in turns:
            worker = workers[name]
            worker.stdin.write(f"{kind}\n")
            worker.stdin.flush()
            wall, processor = map(float, worker.stdout.readline().split())
            found[turn].append((wall / steps, processor / steps))
        told = ", ".join(f"{turn} {times[-1][0]:.2f}/{times[-1][1]:.2f}" for turn, times in found.items())
        print(f"round {number}, seconds/processor seconds: {told} (load {os.getloadavg()[0]:.1f})", flush=True)
    for precision in precisions:
        other = found[f"torch {precision}, same"][1:]
        for kind in ("same", "own"):
            mine = found[f"kit {precision}, {kind}"][1:]
            for unit, what in enumerate(("seconds", "processor seconds")):
                ratios = [one[unit] / two[unit] for one, two in zip(mine, other, strict=True)]
                middle = [statistics.median(times[unit] for times in each) for each in (mine, other)]
                print(
                    f"kit {precision}, {kind} batches: {middle[0]:.3f} {what} a step, PyTorch {middle[1]:.3f};"
                    f" ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                )


if __name__ == "__main__":
    main()
