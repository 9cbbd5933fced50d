"""`kit new NAME`: a competition in two files, to be changed to what it is."""

from __future__ import annotations

import re
from pathlib import Path

from kit import places
from kit.errors import KitError

DECLARATION = '''\
"""{title}: say in one line what is predicted from what."""

from pathlib import Path

from kit.task import metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import KaggleCompetition

ID, TARGET = "{id}", "{target}"


def load(public: Path) -> tuple[Data, Data]:
    """Train rows and test rows, as DataFrames."""
    import pandas as pd

    train, test = pd.read_csv(public / "train.csv"), pd.read_csv(public / "test.csv")
    y = train.pop(TARGET).to_numpy()
    return Data(train[ID].to_numpy(), train.drop(columns=ID), y), Data(test[ID].to_numpy(), test.drop(columns=ID))


competition = Competition(
    source=KaggleCompetition("{slug}", {{"train.csv": None, "test.csv": None, "{sample}": None}}),
    load=load,
    split=splits.Stratified(5),
    metric=metrics.accuracy,
    submission=Submission(ID, TARGET, decide=metrics.labels, sample="{sample}"),
    default="baseline",
)
'''

RECIPE = '''\
"""Gradient boosting on the numeric columns."""

from sklearn.ensemble import HistGradientBoostingClassifier

from kit.task.contract import Fitted


def fit(fold, *, rate=0.1, trees=100):
    """Missing values are allowed. Predicts (n, classes) probabilities."""
    rows = fold.train.x.take()
    columns = rows.select_dtypes("number").columns
    model = HistGradientBoostingClassifier(learning_rate=rate, max_iter=trees, random_state=fold.seed)
    model.fit(rows[columns], fold.train.y)
    return Fitted(lambda x: model.predict_proba(x[columns]))
'''

KNOWN = {
    "titanic": ("PassengerId", "Survived", "gender_submission.csv"),
}
"""Id column, target column and sample file of Kaggle's first competition, which the example in the README uses."""


def new(name: str, *, slug: str | None = None) -> Path:
    """Write `competition.py` and `baseline.py` into `competitions/<name>/` of the workspace; the folder.

    Raises KitError when the name is no word, or the folder is there already.
    """
    stem = name.replace("-", "_")
    if not stem.isidentifier() or stem != stem.lower():
        raise KitError(f"{name!r} cannot be a competition's name.", "Lower-case words with hyphens.", "kit new my-task")
    folder = places.workspace() / "competitions" / stem
    if folder.exists() and not _begun(folder):
        raise KitError(f"{folder} is already there.", "A new competition needs a new name.", f"kit list {name}")
    slug = slug or name
    id_, target, sample = KNOWN.get(slug, ("id", "target", "sample_submission.csv"))
    title = name.replace("-", " ").capitalize()
    files = {
        "baseline.py": RECIPE,
        # Last, since with it the folder is a competition: a call that was killed before is gone on with.
        "competition.py": DECLARATION.format(title=title, slug=slug, id=id_, target=target, sample=sample),
    }
    for file, text in files.items():
        with places.whole(folder / file) as part:
            part.write_text(text, encoding="utf-8")
    return folder


def _begun(folder: Path) -> bool:
    """Whether a folder holds nothing but what a killed call has written."""
    if not folder.is_dir():
        return False
    whole = [path for path in folder.iterdir() if not re.fullmatch(r"\..+\.\d+\.part", path.name)]
    return not whole or (
        [path.name for path in whole] == ["baseline.py"] and whole[0].read_text(encoding="utf-8") == RECIPE
    )
