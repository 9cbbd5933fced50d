"""What recordings add to exploring: how long and loud they are, who says what how often, and how they look."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit.drawing import rows, sound, style
from kit.explore.overview import BARS, Findings
from kit.notes import tell
from kit.rows.clips import Clips
from kit.task.contract import Data

SHOWN = 12
"""Classes of which an example is drawn, the first."""

GROUPS = 30
"""Groups up to which rows are counted by class and group."""

FULL = 32768
"""Full scale of 16 bits."""


class Measured(NamedTuple):
    """Figures of each clip, `(n,)`: seconds; least and greatest sample; root mean square in decibels of full scale."""

    seconds: np.ndarray
    least: np.ndarray
    greatest: np.ndarray
    loudness: np.ndarray


def look(train: Data, test: Data, names: list[str], out: Path) -> Findings:
    """Facts and pictures of recordings that are held as Clips; of paths nothing."""
    clips, others = train.x.take(), test.x.take()
    if not all(isinstance(x, Clips) and len(x) for x in (clips, others)):
        return Findings({}, [])
    tell("Measuring recordings")
    measured = {"train": measure(clips), "test": measure(others)}
    facts: dict[str, str | int | float] = {}
    for what, data in (("train", train), ("test", test)):
        figures = measured[what]
        facts[f"{what} sample rate"] = f"{data.x.take().rate:,} Hz, mono, 16 bits"
        facts[f"{what} seconds"] = (
            f"{figures.seconds.min():.2f} to {figures.seconds.max():.2f}, median {np.median(figures.seconds):.2f}, "
            f"{figures.seconds.sum() / 60:.1f} minutes together"
        )
        facts[f"{what} samples"] = f"{figures.least.min():,.0f} to {figures.greatest.max():,.0f}"
        facts[f"{what} loudness"] = (
            f"{figures.loudness.min():.1f} to {figures.loudness.max():.1f} dB of full scale, "
            f"median {np.median(figures.loudness):.1f}"
        )
        facts[f"{what} clips that reach full scale"] = int(
            ((figures.least <= -FULL) | (figures.greatest >= FULL - 1)).sum()
        )
    pictures = [draw_spread(measured, out / "recordings.png")]
    if names and train.y is not None:
        y = train.y.astype(np.int64)
        pictures.append(draw_examples(train, y, names, out / "examples.png"))
        if train.group is not None:
            who, of = np.unique(train.group, return_inverse=True)
            for number, group in enumerate(who[:GROUPS]):
                mine = of == number
                facts[f"group {group}"] = (
                    f"{mine.sum():,} clips, median {np.median(measured['train'].seconds[mine]):.2f} s, "
                    f"{np.median(measured['train'].loudness[mine]):.1f} dB"
                )
            if len(who) <= GROUPS and len(names) <= BARS:
                pictures.append(draw_groups(y, of, names, who.astype(str).tolist(), out / "groups.png"))
                pictures.append(draw_voices(measured["train"], of, who.astype(str).tolist(), out / "voices.png"))
    return Findings(facts, pictures)


def measure(clips: Clips) -> Measured:
    """The figures of each clip."""
    extremes = np.zeros((len(clips), 3))
    for row, wave in enumerate(clips):
        samples = wave.astype(np.float64) if len(wave) else np.zeros(1)
        extremes[row] = samples.min(), samples.max(), np.square(samples).mean()
    loudness = 10 * np.log10(np.maximum(extremes[:, 2], 1e-3) / FULL**2)
    return Measured(clips.seconds, extremes[:, 0], extremes[:, 1], loudness)


def draw_spread(measured: dict[str, Measured], to: Path) -> Path:
    """Durations, loudness, and least and greatest samples, train against test."""
    made, charts = style.charts(4, "Recordings, train against test")
    figures = (
        ("seconds", lambda clips: clips.seconds),
        ("loudness, dB of full scale", lambda clips: clips.loudness),
        ("least sample of a clip", lambda clips: clips.least),
        ("greatest sample of a clip", lambda clips: clips.greatest),
    )
    for chart, (name, values) in zip(charts, figures, strict=True):
        edges = np.histogram_bin_edges(np.concatenate([values(clips) for clips in measured.values()]), bins=40)
        for (what, clips), colour in zip(measured.items(), (style.BLUE, style.RED), strict=True):
            share = np.histogram(values(clips), edges)[0] / len(clips.seconds) * 100
            chart.stairs(share, edges, color=colour, linewidth=1.4, label=f"{what}, {len(clips.seconds):,} clips")
        chart.locator_params(axis="x", nbins=5)
        style.label(chart, name, "share of clips, %")
    charts[0].legend(fontsize=style.SMALL, frameon=False)
    return style.save(made, to)


def draw_examples(train: Data, y: np.ndarray, names: list[str], to: Path) -> Path:
    """The wave form and the spectrogram of one clip of each class: the one of the class's median length."""
    known = [number for number in range(len(names)) if (y == number).any()][:SHOWN]
    columns = min(5, len(known))
    lines = -(-len(known) // columns)
    made = style.figure(2.1 * columns, 2.5 * lines + 0.4, "A clip of each class: wave form and spectrogram")
    grid = made.add_gridspec(2 * lines, columns, height_ratios=[1, 1.4] * lines)
    for i, number in enumerate(known):
        mine = np.flatnonzero(y == number)
        row = mine[np.argsort(train.x.take().length[mine], kind="stable")[len(mine) // 2]]
        above, below = (made.add_subplot(grid[2 * (i // columns) + half, i % columns]) for half in (0, 1))
        rows.draw(above, "audio", train.x[row])
        above.set_title(
            f"{style.short(names[number], 12)}: {style.short(train.ids[row], 22)}",
            fontsize=style.SMALL,
            loc="left",
            parse_math=False,
        )
        sound.spectrogram(below, train.x[row], train.x.take().rate)
        below.tick_params(labelsize=style.SMALL)
        style.label(below, "seconds" if i // columns == lines - 1 else "", "kHz" if i % columns == 0 else "")
    return style.save(made, to)


def draw_groups(y: np.ndarray, of: np.ndarray, names: list[str], who: list[str], to: Path) -> Path:
    """How many clips of each class each group has."""
    counts = np.zeros((len(who), len(names)), int)
    np.add.at(counts, (of, y), 1)
    made, (chart,) = style.charts(1, "Train clips by group and class", size=(0.5 * len(names) + 2, 0.34 * len(who) + 1))
    chart.imshow(counts, aspect="auto", cmap="Blues", vmin=0, vmax=2 * counts.max())
    chart.grid(visible=False)
    for (row, column), count in np.ndenumerate(counts):
        chart.text(column, row, f"{count:,}", ha="center", va="center", fontsize=style.SMALL)
    chart.set_xticks(range(len(names)), [style.short(name, 10) for name in names])
    chart.set_yticks(range(len(who)), [style.short(name, 20) for name in who])
    chart.tick_params(length=0)
    style.label(chart, "class", "group")
    return style.save(made, to)


def draw_voices(figures: Measured, of: np.ndarray, who: list[str], to: Path) -> Path:
    """How long and how loud the clips of each group are: groups that differ are harder to predict when held out."""
    made, charts = style.charts(2, "Train clips of each group", size=(4.6, 0.34 * len(who) + 1))
    for chart, values, name in (
        (charts[0], figures.seconds, "seconds"),
        (charts[1], figures.loudness, "loudness, dB of full scale"),
    ):
        chart.boxplot(
            [values[of == number] for number in range(len(who))],
            orientation="horizontal",
            showfliers=False,
            medianprops={"color": style.RED},
            whis=(5, 95),
        )
        chart.set_yticks(range(1, len(who) + 1), [style.short(group, 20) for group in who])
        chart.invert_yaxis()
        style.label(chart, f"{name} (boxes: half, whiskers: 90% of clips)", "")
    return style.save(made, to)
