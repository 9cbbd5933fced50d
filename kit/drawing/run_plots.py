"""Pictures of a finished run: how it learned, how folds differ, what it takes for what, and its worst mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kit.drawing import curves_plot, judgement, rows, style
from kit.drawing.judgement import Classes, Mistake, Values
from kit.errors import KitError
from kit.task import decisions, outputs
from kit.task.catalog import Entry
from kit.task.contract import Competition, Data
from kit.train import predictions
from kit.train.runs import Run

MATRIX = 30
"""Classes above which a confusion matrix cannot be read and the most confused pairs are shown instead."""

PAIRS = 25
"""Confused pairs that are shown."""

CELLS = {"image": 30, "audio": 16, "text": 15, "table": 16}
"""Worst mistakes that are shown."""


def run(entry: Entry, run: Run) -> list[Path]:
    """Draw a finished run into its folder `plots/`; the files written.

    Curves are left out where the recipe reported nothing, all that judges where no row was held out. A picture that
    cannot be drawn is left out too, and a person is told. Raises KitError when the run is unfinished or its predictions
    or data are not here.
    """
    if not run.finished:
        raise KitError(
            f"Run {run.name} is unfinished.",
            "Only a finished run can be drawn.",
            f"kit train {entry.name} --resume {run.name}",
        )
    folder = run.folder / "plots"
    drawn = [
        style.attempt(curves_plot.of_run, run, folder / "curves.png"),
        style.attempt(folds, run, folder / "folds.png"),
    ]
    if run.record.rows.out_of_fold:
        oof = predictions.load(run.folder / "oof.npz", *predictions.OOF)
        train, _ = entry.competition.load(entry.public())
        drawn += style.attempt(_judged, entry.competition, run, oof, train, folder) or []
    return [path for path in drawn if path is not None]


def folds(run: Run, to: Path) -> Path | None:
    """The score of each fold against their mean; None where there are fewer than two."""
    record, scores = run.record, run.record.fold_scores
    if record.mean is None or record.sd is None:
        return None
    middle, spread = record.mean, record.sd
    better = "higher" if record.higher_is_better else "lower"
    made, (chart,) = style.charts(
        1, f"{run.plan.competition} {run.plan.label}: folds score {_score(middle)} ± {_score(spread)}"
    )
    at = np.arange(len(scores))
    chart.axhspan(middle - spread, middle + spread, color=style.LINE, alpha=0.5, lw=0)
    chart.axhline(middle, color=style.GREY, linewidth=1, label="mean of folds ± sd")
    if record.oof_score is not None:
        chart.axhline(record.oof_score, color=style.RED, linewidth=1, linestyle="--", label="all rows pooled")
    chart.plot(at, list(scores.values()), "o", color=style.BLUE)
    for x, score in zip(at, scores.values(), strict=True):
        chart.annotate(_score(score), (float(x), score), (0, 7), textcoords="offset points", ha="center", fontsize=7)
    chart.set_xticks(at, list(scores))
    chart.margins(x=0.12, y=0.2)
    style.label(chart, "fold", f"{record.metric}, {better} is better")
    chart.legend(fontsize=style.SMALL, frameon=False)
    return style.save(made, to)


def _judged(
    competition: Competition, run: Run, oof: dict[str, np.ndarray], train: Data, folder: Path
) -> list[Path | None]:
    """What is drawn of predictions: classes, or values; nothing of free texts."""
    judged = judgement.of(competition, run.chosen, oof)
    title = f"{run.plan.competition} {run.plan.label}"
    if judged is None:
        return []
    if isinstance(judged, Values):
        drawn = [style.attempt(residuals, judged.y.ravel(), judged.pred.ravel(), title, folder / "residuals.png")]
        title = f"{title}: the rows furthest from their true value"
    else:
        drawn = _classes(competition, run, judged, folder)
        title = f"{title}: the surest of {len(judged.wrong):,} mistakes, each with its probability"
    worst = judged.worst(CELLS[competition.kind])
    most = 14 if competition.kind == "image" else 30
    ids = oof["ids"][[one.at for one in worst]]
    said = [_said(one, name, most) for one, name in zip(worst, ids, strict=True)]
    mistakes = (competition, train, ids, said, title, folder / "mistakes.png")
    return [*drawn, style.attempt(_grid, *mistakes)]


def _said(one: Mistake, name: object, most: int) -> str:
    """The two lines above a mistake."""
    if one.surety is None:
        return f"id {name}, true {one.true}\npredicted {one.predicted}"
    true, predicted = style.short(one.true, most), style.short(one.predicted, most)
    return f"true {true}, id {name}\npredicted {predicted}, {one.surety:.2f}"


def _classes(competition: Competition, run: Run, judged: Classes, folder: Path) -> list[Path | None]:
    """What is taken for what, and where the decision is a threshold, how the score follows it."""
    y, label, names = judged.y, judged.label, judged.names
    title = f"{run.plan.competition} {run.plan.label}: {len(judged.wrong):,} mistakes in {len(y):,} held-out rows"
    confused = matrix if len(names) <= MATRIX else pairs
    drawn = [style.attempt(confused, y, label, names, title, folder / "confusion.png")]
    if isinstance(competition.submission.decide, decisions.Threshold) and run.chosen:
        where = run.chosen["at"], folder / "threshold.png"
        drawn.append(style.attempt(threshold, competition, run, y, judged.pred, *where))
    return drawn


def threshold(competition: Competition, run: Run, y: np.ndarray, pred: np.ndarray, chosen: float, to: Path) -> Path:
    """The metric by the probability from which a row counts as positive, and the one that was chosen."""
    metric = competition.metric
    p = outputs.positive(pred)
    steps = np.unique(np.quantile(p, np.linspace(0, 1, 200)))
    title = f"{run.plan.competition} {run.plan.label}: {metric.name} by threshold\n{chosen:.3f} chosen; {metric.name} "
    title += f"{run.score:.4f} when each fold is decided by the others"
    made, (chart,) = style.charts(1, title, size=(5.6, 3.6))
    chart.plot(steps, [metric.score(y, (p >= step).astype(np.int64)) for step in steps], color=style.BLUE)
    chart.axvline(chosen, color=style.RED, linewidth=1.2)
    chart.axhline(run.score or 0.0, color=style.GREY, linewidth=1, linestyle="--")
    style.label(chart, "threshold on the predicted probability of class 1", metric.name)
    return style.save(made, to)


def matrix(y: np.ndarray, label: np.ndarray, names: list[str], title: str, to: Path) -> Path:
    """How often each true class was predicted as each class: counts and, up to 12 classes, shares of the true class.

    Mistakes are shaded against each other, without the diagonal, which would outshine them.
    """
    many = len(names)
    counts = np.bincount(y * many + label, minlength=many * many).reshape(many, many)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    roomy = many <= 12
    cell = 0.62 if roomy else 0.42
    longest = max(len(style.short(name, 20)) for name in names)
    made = style.figure(max(cell * many + 0.07 * longest + 1.2, 0.085 * len(title), 4.4), cell * many + 1.6, title)
    chart = made.subplots()
    mistakes = np.where(np.eye(many, dtype=bool) | (counts == 0), np.nan, shares)
    most = np.max(mistakes, where=~np.isnan(mistakes), initial=0.0)
    chart.imshow(
        mistakes, cmap="Oranges", vmin=0, vmax=most * 1.4 or 1, aspect="equal"
    )  # 1.4: black text stays readable
    for i in range(many):
        chart.fill_between((i - 0.5, i + 0.5), i - 0.5, i + 0.5, color=style.LINE, linewidth=0)
    for i, j in zip(*np.nonzero(counts), strict=True):
        text = f"{counts[i, j]:,}" + (f"\n{_share(shares[i, j])}" if roomy else "")
        chart.text(j, i, text, ha="center", va="center", fontsize=style.SMALL, weight="bold" if i == j else "normal")
    short = [style.short(name, 20) for name in names]
    chart.set_xticks(range(many), short, rotation=0 if longest <= 4 else 60, ha="center" if longest <= 4 else "right")
    chart.set_yticks(range(many), short)
    chart.tick_params(length=0, labelsize=style.NORMAL)
    for side in chart.spines.values():
        side.set_color(style.LINE)
    below = "\n\nrows, and their share of the true class;\nmistakes are shaded by that share" if roomy else "\nrows"
    style.label(chart, "predicted" + below, "true")
    return style.save(made, to)


def pairs(y: np.ndarray, label: np.ndarray, names: list[str], title: str, to: Path) -> Path | None:
    """The pairs of true and predicted class that are confused most often; None where there is no mistake."""
    wrong = y != label
    if not wrong.any():
        return None
    codes, counts = np.unique(y[wrong] * len(names) + label[wrong], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:PAIRS]
    true, predicted = np.divmod(codes[order], len(names))
    sizes = np.bincount(y, minlength=len(names))
    made = style.figure(
        9, 0.26 * len(order) + 1.2, f"{title}\nthe {len(order)} most confused pairs of {len(names):,} classes"
    )
    chart = made.subplots()
    style.plain(chart, grid="x")
    at = np.arange(len(order))
    chart.barh(at, counts[order], color=style.BLUE, height=0.7)
    for i, count, size in zip(at, counts[order], sizes[true], strict=True):
        chart.annotate(
            f"{count:,} of {size:,}, {_share(count / size)}",
            (float(count), float(i)),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.SMALL,
        )
    chart.set_yticks(
        at, [f"{style.short(names[a], 28)} → {style.short(names[b], 28)}" for a, b in zip(true, predicted, strict=True)]
    )
    chart.tick_params(axis="y", length=0, labelsize=style.SMALL)
    chart.invert_yaxis()
    chart.margins(x=0.2, y=0.02)
    style.label(chart, "rows of the true class that were predicted as the other", "true → predicted")
    return style.save(made, to)


def residuals(y: np.ndarray, pred: np.ndarray, name: str, to: Path) -> Path:
    """Predicted against true values, and how errors are distributed."""
    error = pred - y
    made, (left, right) = style.charts(
        2, f"{name}: {len(y):,} held-out rows, median error {style.number(float(np.median(error)))}"
    )
    low, high = min(y.min(), pred.min()), max(y.max(), pred.max())
    left.plot([low, high], [low, high], color=style.GREY, linewidth=1, label="predicted = true")
    if len(y) <= 2000:
        left.plot(y, pred, ".", color=style.BLUE, alpha=0.5, markersize=4)
    else:  # points would hide how many lie under them
        left.hexbin(y, pred, gridsize=60, bins="log", cmap="viridis_r", mincnt=1, linewidths=0)
    left.legend(fontsize=style.SMALL, frameon=False)
    style.label(left, "true value", "predicted value")
    right.hist(error, bins=50, color=style.BLUE)
    right.axvline(0, color=style.GREY, linewidth=1)
    for chart in (left, right):
        chart.locator_params(axis="x", nbins=5)
    style.label(right, "error, predicted − true", "rows")
    return style.save(made, to)


def _grid(competition: Competition, train: Data, ids: np.ndarray, said: list[str], title: str, to: Path) -> Path | None:
    """The train rows of `ids`, each below its line of `said`; None where there are none."""
    if not len(ids):
        return None
    kind = competition.kind
    made, cells = style.cells(len(ids), rows.COLUMNS[kind], rows.SIZES[kind], title)
    for cell, name, text in zip(cells, ids, said, strict=True):
        rows.draw(cell, kind, train.x[rows.place(train.ids, name)])
        cell.set_title(text, fontsize=style.SMALL, loc="left", parse_math=False)
    return style.save(made, to)


def _score(score: float) -> str:
    return f"{score:.5f}" if abs(score) < 1000 else style.number(score)


def _share(share: float) -> str:
    """A share as text that is 0% or 100% only where it is."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return ">99.9%" if 0.9995 < share < 1 else f"{share:.1%}"
