"""What texts add to exploring: how long they are, their sentences, characters and vocabulary, the words, hashtags and
columns that tell labels apart, and texts that repeat each other, some under two labels."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit.drawing import style
from kit.explore import vocabulary, writing
from kit.explore.overview import Findings
from kit.notes import tell
from kit.rows.texts import hashtags, normalised
from kit.task.contract import Data

LOOKED = 200_000
"""Texts whose words are counted, evenly spread: shares of words settle long before."""

VALUES = 2_000
"""Distinct values above which a column is taken for text, not for a category."""

CLASSES = 10
"""Classes above which shares of labels cannot be told apart in a bar."""

SHOWN = 30
"""Values or hashtags in a picture; half as many words a label."""

TEXTS = 12
"""Repeated texts of two labels that are shown."""

BARS = 60
"""Bars of a picture of lengths."""

COLOURS = (
    style.BLUE,
    style.RED,
    style.ORANGE,
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#000000",
    "#999999",
    "#885511",
)
"""Of classes, told apart by the colour-blind. Source: Okabe and Ito, Color Universal Design, 2008."""


class Repeats(NamedTuple):
    """Texts that are the same but for links, mentions, case and spaces.

    `of` is the number of its text for each train row, `sizes` how many rows each text has, `mixed` whether they have
    more than one label; `known` says of each test row whether its text is a train row's.
    """

    of: np.ndarray
    sizes: np.ndarray
    mixed: np.ndarray
    known: np.ndarray


def look(train: Data, test: Data, names: list[str], out: Path) -> Findings:
    """Facts and pictures of texts: rows that are texts, or tables with a column of them."""
    table = train.x.take()
    column = text_column(table)
    texts, others = of_rows(table, column), of_rows(test.x.take(), column)
    if not len(texts) or not len(others):
        return Findings({}, [])
    facts: dict[str, str | int | float] = {} if column is None else {"text column": column}
    tell("Measuring texts")
    lengths = {"train": words(texts), "test": words(others)}
    for what, counts in lengths.items():
        facts[f"{what} words a text"] = _spread(counts)
    sentences = {"train": writing.sentences(texts), "test": writing.sentences(others)}
    for what, counts in sentences.items():
        facts[f"{what} sentences a text"] = _spread(counts)
    facts |= writing.facts(_some(texts), _some(others))
    counted = vocabulary.measure(_some(texts), _some(others))
    facts |= vocabulary.facts(counted, lengths["train"])
    tagged = [hashtags(text) for text in texts]
    facts["train texts with a hashtag"] = _share(sum(map(bool, tagged)), len(texts))
    facts["different hashtags"] = len({tag.lower() for tags in tagged for tag in tags})

    tell("Looking for repeated texts")
    same = repeats(texts, others, train.y)
    repeated = same.sizes > 1
    facts["texts of more than one train row"] = int(repeated.sum())
    facts["their rows"] = int(same.sizes[repeated].sum())
    facts["of them with more than one label"] = int(same.mixed.sum())
    facts["test texts that are a train row's"] = _share(int(same.known.sum()), len(others))
    facts["repeated means"] = "the same but for links, mentions, case and spaces"

    labels = train.y.astype(np.int64) if train.y is not None and 2 <= len(names) <= CLASSES else None
    some = slice(None, None, -(-len(texts) // LOOKED))
    pictures = [
        draw_lengths("words", lengths, train.y, names, out / "lengths.png"),
        draw_lengths("sentences", sentences, train.y, names, out / "sentences.png"),
        writing.draw(texts[some], None if labels is None else labels[some], names, COLOURS, out / "characters.png"),
        vocabulary.draw(counted, out / "vocabulary.png"),
    ]
    if labels is not None:
        tell("Counting words")
        at = np.arange(0, len(texts), -(-len(texts) // LOOKED))
        pictures.append(draw_words([normalised(texts[i]) for i in at], labels[at], names, out / "words.png"))
        if any(tagged):
            values = [(tag.lower(), label) for tags, label in zip(tagged, labels, strict=True) for tag in set(tags)]
            pictures.append(draw_values("hashtags", values, names, out / "hashtags.png"))
        for other in _categories(table, column):
            values = [(value, label) for value, label in zip(table[other], labels, strict=True) if value == value]
            facts[f"different values of {other}"] = len({value for value, _ in values})
            pictures.append(draw_values(other, values, names, out / f"{other}.png"))
        if same.mixed.any():
            pictures.append(draw_mixed(texts, labels, same, names, out / "conflicts.png"))
    return Findings(facts, pictures)


def text_column(x: Any) -> str | None:
    """The column of a table with the longest values; None where rows are texts themselves."""
    if not hasattr(x, "columns"):
        return None
    kept = [name for name in x.columns if not np.issubdtype(getattr(x[name].dtype, "type", object), np.number)]
    return max(kept, key=lambda name: x[name].astype(str).str.len().mean(), default=None)


def words(texts: list[str]) -> np.ndarray:
    """How many words each text has, parted by spaces."""
    return np.array([len(text.split()) for text in texts])


def repeats(texts: list[str], others: list[str], y: np.ndarray | None) -> Repeats:
    """Which train texts repeat each other, and which test texts repeat one of them."""
    number: dict[str, int] = {}
    of = np.array([number.setdefault(normalised(text), len(number)) for text in texts])
    sizes = np.bincount(of, minlength=len(number))
    mixed = np.zeros(len(number), bool)
    if y is not None and y.ndim == 1:
        pairs = np.unique(np.stack([of, np.unique(y, return_inverse=True)[1]]), axis=1)
        mixed = np.bincount(pairs[0], minlength=len(number)) > 1
    return Repeats(of, sizes, mixed, np.array([normalised(text) in number for text in others]))


def telling(texts: list[str], y: np.ndarray, classes: int, most: int) -> list[list[tuple[str, float]]]:
    """For each class the words that tell it from the others, and by how much, the most telling first.

    The figure is the log-odds ratio with an informative Dirichlet prior as a z score. Source: Monroe, Colaresi, Quinn,
    Fightin' Words, Political Analysis 2008, equations 16 to 22.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    nothing: list[list[tuple[str, float]]] = [[] for _ in range(classes)]
    try:
        counter = CountVectorizer(strip_accents="unicode", min_df=2)
        counts = counter.fit_transform(texts)
    except ValueError:  # no word stands in two texts
        return nothing
    vocabulary = counter.get_feature_names_out()
    if len(vocabulary) < 2:  # its share is 1 everywhere
        return nothing
    prior = np.asarray(counts.sum(0)).ravel().astype(float)
    words = []
    for label in range(classes):
        inside = np.asarray(counts[y == label].sum(0)).ravel() + prior
        outside = np.asarray(counts[y != label].sum(0)).ravel() + prior
        odds = np.log(inside / (inside.sum() - inside)) - np.log(outside / (outside.sum() - outside))
        z = odds / np.sqrt(1 / inside + 1 / outside)
        order = np.argsort(-z, kind="stable")[:most]
        words.append([(str(vocabulary[i]), float(z[i])) for i in order if z[i] > 0])
    return words


def draw_lengths(unit: str, lengths: dict[str, np.ndarray], y: np.ndarray | None, names: list[str], to: Path) -> Path:
    """Words or sentences a text: train against test, and the labels of train against each other."""
    classes = len(names) if y is not None and 2 <= len(names) <= CLASSES else 0
    made, charts = style.charts(1 + bool(classes), f"{unit.capitalize()} a text", size=(5.2, 3.4))
    longest = float(np.percentile(np.concatenate([*lengths.values()]), 99.5))
    # Each number has a bar of its own while there is room for so many.
    edges = np.arange(-0.5, longest + 1) if longest < BARS else np.linspace(0, longest, BARS)
    lines = [
        [(what, counts, hue) for (what, counts), hue in zip(lengths.items(), (style.BLUE, style.RED), strict=True)]
    ]
    if classes and y is not None:
        train = lengths["train"]
        lines.append([(style.short(names[label], 20), train[y == label], COLOURS[label]) for label in range(classes)])
    for chart, shown in zip(charts, lines, strict=True):
        for what, counts, colour in shown:
            if len(counts):
                share = np.histogram(counts, edges)[0] / len(counts) * 100
                chart.stairs(share, edges, color=colour, linewidth=1.4, label=f"{what}, median {np.median(counts):.0f}")
        chart.legend(fontsize=style.SMALL, frameon=False)
        style.label(chart, unit, "share of texts, %")
    if classes:
        charts[1].set_title("train, by label", fontsize=style.NORMAL, loc="left")
        charts[0].set_title("train and test", fontsize=style.NORMAL, loc="left")
    return style.save(made, to)


def draw_words(texts: list[str], y: np.ndarray, names: list[str], to: Path) -> Path:
    """The words that tell each label from the others."""
    words = telling(texts, y, len(names), SHOWN // 2)
    made, charts = style.charts(len(names), f"Words that tell a label, of {len(texts):,} train texts", size=(4.2, 3.6))
    for chart, label, pairs in zip(charts, range(len(names)), words, strict=True):
        style.plain(chart, grid="x")
        chart.grid(visible=False, axis="y")
        chart.barh(range(len(pairs)), [z for _, z in pairs], color=COLOURS[label], height=0.7)
        chart.set_yticks(range(len(pairs)), [style.short(word, 24) for word, _ in pairs], fontsize=style.SMALL)
        chart.tick_params(axis="y", length=0)
        chart.invert_yaxis()
        chart.set_title(f"label {style.short(names[label], 24)}", fontsize=style.NORMAL, loc="left", parse_math=False)
        style.label(chart, "log-odds against the others, in standard errors", "")
    return style.save(made, to)


def draw_values(what: str, values: list[tuple[Any, int]], names: list[str], to: Path) -> Path:
    """The values of a column that tell most of the label, and the share of each label among their rows.

    What a value tells is how many standard errors its rows' shares of labels lie from those of all rows.
    """
    counts, labelled = Counter(value for value, _ in values), Counter(values)
    every = Counter(label for _, label in values)
    base = np.array([every[label] / len(values) for label in range(len(names))])
    known = {
        value: np.array([labelled[value, label] / n for label in range(len(names))]) for value, n in counts.items()
    }
    top = sorted(counts, key=lambda value: -np.abs(known[value] - base).max() * counts[value] ** 0.5)[:SHOWN]
    shares = np.array([known[value] for value in top])
    order = np.argsort(shares[:, -1], kind="stable")
    called = what if what.endswith("s") else f"values of {what}"
    title = f"The {len(top)} of {len(counts):,} {called} that tell most of the label"
    made, (chart,) = style.charts(1, title, size=(7.2, 0.2 * len(top) + 1.0))
    style.plain(chart, grid="x")
    chart.grid(visible=False, axis="y")
    left = np.zeros(len(top))
    for label, name in enumerate(names):
        share = shares[order, label] * 100
        chart.barh(range(len(top)), share, left=left, color=COLOURS[label], height=0.75, label=f"label {name}")
        left += share
    said = [f"{style.short(str(top[i]).replace('%20', ' '), 28)} ({counts[top[i]]:,})" for i in order]
    chart.set_yticks(range(len(top)), said, fontsize=style.SMALL)
    chart.tick_params(axis="y", length=0)
    chart.set_xlim(0, 100)
    chart.margins(y=0.01)
    style.label(chart, "share of train rows, %", "")
    chart.legend(fontsize=style.SMALL, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=5)
    return style.save(made, to)


def draw_mixed(texts: list[str], y: np.ndarray, same: Repeats, names: list[str], to: Path) -> Path:
    """Texts that stand under more than one label, the most frequent first."""
    from kit.drawing import rows

    numbers = np.flatnonzero(same.mixed)
    numbers = numbers[np.argsort(-same.sizes[numbers], kind="stable")]
    title = f"{len(numbers):,} repeated texts have more than one label; the most frequent"
    made, cells = style.cells(min(TEXTS, len(numbers)), 3, rows.SIZES["text"], title)
    for cell, number in zip(cells, numbers, strict=False):
        held = np.flatnonzero(same.of == number)
        rows.draw(cell, "text", texts[held[0]])
        counts = np.bincount(y[held], minlength=len(names))
        said = ", ".join(f"{style.short(names[i], 16)}: {counts[i]}" for i in np.flatnonzero(counts))
        cell.set_title(f"rows by label  {said}", fontsize=style.SMALL, loc="left", parse_math=False)
    return style.save(made, to)


def _spread(counts: np.ndarray) -> str:
    low, middle, high = np.percentile(counts, (5, 50, 95))
    return f"median {middle:.0f}, 5% to 95% {low:.0f} to {high:.0f}, most {counts.max():,}"


def _some(texts: list[str]) -> list[str]:
    """At most LOOKED of the texts, evenly spread."""
    return texts[:: -(-len(texts) // LOOKED)]


def of_rows(x: Any, column: str | None) -> list[str]:
    values = x[column] if column is not None else np.asarray(x).ravel() if not hasattr(x, "columns") else ()
    return ["" if value is None or value != value else str(value) for value in values]


def _categories(x: Any, text: str | None) -> list[str]:
    """The other columns of a table whose values come back often enough to be looked at one by one."""
    if not hasattr(x, "columns"):
        return []
    return [name for name in x.columns if name != text and 1 < x[name].nunique() <= min(VALUES, len(x) // 4)]


def _share(count: int, of: int) -> str:
    return f"{count:,} ({count / of:.1%})"
