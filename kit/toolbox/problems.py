"""The training rows of a fold as learners take them, and several fits, of one learner or of several, as one model.

A learner is fitted on a part of the training rows and may look at the rest of them to stop in time. Nothing here sees
the rows that the fold is judged by. What was fitted is stored in the fold's folder, from which `load` gives it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from scipy import sparse

from kit.task.contract import Competition, Fitted, Fold, Report
from kit.toolbox import estimators, goals, tables, terms
from kit.toolbox.featured import Featured, Features
from kit.toolbox.goals import Goal
from kit.toolbox.scaling import Scaled

SMALL = 20_000
"""Rows up to which a learner is fitted several times, each stopped by another part of the rows, and averaged. More rows
need it less, and it takes that many times as long."""

AGAIN = 200_000
"""Rows up to which what was fitted once, stopped by a tenth of them, is fitted again on all; it takes twice as long."""

STEPS = 40
"""Members of a blend are counted in this many parts."""


class Forms(Protocol):
    """What turns rows into the forms that learners ask for, as learned from the training rows."""

    @property
    def encoder(self) -> tables.Encoder:
        """Tables to matrices."""

    @property
    def scaling(self) -> Scaled:
        """Matrices for linear models."""

    @property
    def vocabulary(self) -> terms.Vocabulary:
        """Texts to terms."""


class Prepared:
    """Rows after `features`, in the forms that learners ask for; each form is made when it is asked for."""

    def __init__(self, forms: Forms, table: pd.DataFrame) -> None:
        self._forms, self.table = forms, table

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def matrix(self) -> np.ndarray:
        """float32 of (n, columns): numbers, and the numbers of categories; missing values are NaN."""
        return self._forms.encoder.matrix(self.table)

    @cached_property
    def scaled(self) -> sparse.csr_matrix:
        """The matrix for linear models: scaled numbers, one-hot categories, nothing missing."""
        return self._forms.scaling(self.matrix)

    @cached_property
    def terms(self) -> sparse.csr_matrix:
        """TF-IDF of the words and letters of the texts, beside the other columns scaled."""
        others = self._forms.vocabulary.others
        return sparse.hstack([self.words, self.scaled * terms.BESIDE], "csr") if others else self.words

    @cached_property
    def words(self) -> sparse.csr_matrix:
        """TF-IDF of the words and letters of the texts, 0 or more."""
        return self._forms.vocabulary(self.table)


class Predictor(Protocol):
    """A fitted model, an object of arrays, estimators and `foreign` models, which `estimators.save` can store."""

    def __call__(self, rows: Prepared) -> np.ndarray:
        """Rows to predictions as the goal encodes targets: probabilities (n, classes), or (n, columns)."""

    def gains(self) -> np.ndarray | None:
        """What each column of the matrix gained, float of (columns,); None where the model cannot tell."""


class Learned(NamedTuple):
    """What a learner gives: predictions of any rows, how many numbers were fitted, and how to fit once more on other
    training rows, with what the rows set aside have chosen, such as a number of trees."""

    predict: Predictor
    parameters: int
    again: Callable[[np.ndarray], Learned]


Learner = Callable[["Problem", np.ndarray, np.ndarray, int], Learned]
"""Fits on the training rows at the first array of indices; those at the second may say when to stop. The integer is a
seed."""


@dataclass
class Problem:
    """The training rows of a fold and what is asked of them.

    `targets` are as the goal encodes them, `weight`, `group` and `time` those of the rows, None where they have none.
    """

    goal: Goal
    targets: np.ndarray
    featured: Featured
    train: pd.DataFrame
    weight: np.ndarray | None
    group: np.ndarray | None
    time: np.ndarray | None
    seed: int
    report: Report
    dir: Path

    @classmethod
    def of(cls, fold: Fold, competition: Competition, features: Features) -> Problem:
        """The training rows of `fold`. Raises KitError for targets that cannot be learned."""
        data = fold.train
        assert data.y is not None  # The loop refuses training rows without targets.
        goal = goals.of(competition, data.y)
        targets = goal.encoded(data.y)
        weight = goal.weights(targets, data.weight)
        train = data.x.take()
        more = (weight, data.group, data.time, fold.seed, fold.report, fold.dir)
        return cls(goal, targets, Featured(features, train), train, *more)

    def __post_init__(self) -> None:
        self.chosen: dict[Any, Any] = {}
        """What learners chose on their first part, and need not choose again on the others."""

    def __len__(self) -> int:
        return len(self.targets)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The training rows after `features`."""
        return self.featured(self.train)

    @cached_property
    def _encoded(self) -> tuple[tables.Encoder, np.ndarray]:
        return tables.fit(self.table, self.goal, self.targets, group=self.group, seed=self.seed)

    @cached_property
    def encoder(self) -> tables.Encoder:
        """Tables to matrices, as learned from the training rows."""
        return self._encoded[0]

    @cached_property
    def scaling(self) -> Scaled:
        """Matrices for linear models, as learned from the training rows."""
        return Scaled.of(self._encoded[1], self.encoder.categories)

    @cached_property
    def vocabulary(self) -> terms.Vocabulary:
        """Texts to terms, as learned from the training rows."""
        return terms.Vocabulary(self.table)

    @cached_property
    def rows(self) -> Prepared:
        """The training rows, in which means of targets are cross-fitted."""
        return _Training(self)

    def weights(self, rows: np.ndarray) -> np.ndarray | None:
        """The weights of the training rows at `rows`."""
        return None if self.weight is None else self.weight[rows]

    def inner(self, folds: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Parts of the training rows to fit on and to stop by, as indices, `folds` times.

        Rows of one group stay together; where rows have a time there is one part to stop by, the latest tenth. Classes
        are spread evenly, and rows of a class with fewer rows than folds are always fitted on.
        """
        from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

        rows = np.arange(len(self))
        if self.time is not None:
            order = np.argsort(self.time, kind="stable")
            cut = len(order) - max(1, len(order) // 10)
            yield order[:cut], order[cut:]
        elif self.group is not None and len(np.unique(self.group)) > 1:
            count = min(folds, len(np.unique(self.group)))
            yield from GroupKFold(count).split(rows, groups=self.group)
        elif self.goal.kind == "classes":
            often = np.bincount(self.targets, minlength=len(self.goal.classes))[self.targets] >= folds
            if often.sum() < 2 * folds:
                yield from KFold(min(folds, len(rows)), shuffle=True, random_state=self.seed).split(rows)
                return
            splitter = StratifiedKFold(folds, shuffle=True, random_state=self.seed)
            for fitted, held in splitter.split(rows[often], self.targets[often]):
                yield np.concatenate([rows[often][fitted], rows[~often]]), rows[often][held]
        else:
            yield from KFold(min(folds, len(rows)), shuffle=True, random_state=self.seed).split(rows)

    def parts(self, models: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """The parts of the training rows for `models` fits of a learner; just one, of more than SMALL rows."""
        count = models if len(self) <= SMALL else 1
        return list(self.inner(count if count > 1 else 10))[: max(count, 1)]

    def bagged(self, learner: Learner, models: int) -> Fitted:
        """The mean of `models` fits, each stopped by another part of the training rows; errors as the learner's."""
        parts = self.parts(models)
        learned = []
        for number, (fitted, held) in enumerate(parts):
            learned.append(learner(self, fitted, held, self.seed * 100 + number))
            self.report(number + 1, len(parts), parameters=learned[-1].parameters)
        return self._stored(self._whole(learned), np.full(len(learned), 1 / len(learned)))

    def blended(self, learners: Mapping[str, Learner], models: int) -> Fitted:
        """The blend of several learners, each fitted `models` times; their shares are those that suit the rows which
        each fit has not seen.

        Source: Caruana et al., Ensemble Selection from Libraries of Models, ICML 2004.
        """
        parts = self.parts(models)
        learned: list[list[Learned]] = [[] for _ in learners]
        unseen = [self._blank() for _ in learners]
        for number, (fitted, held) in enumerate(parts):
            some = _Part(self, held)
            for place, learner in enumerate(learners.values()):
                learned[place].append(learner(self, fitted, held, self.seed * 100 + number))
                unseen[place][held] = learned[place][-1].predict(some)
            self.report(number + 1, len(parts), parameters=sum(each[-1].parameters for each in learned))
        seen = np.concatenate([held for _, held in parts])
        shares = chosen_shares(self.goal, self.targets[seen], [pred[seen] for pred in unseen])
        fits = [self._whole(each) if share > 0 else each for each, share in zip(learned, shares, strict=True)]
        each_share = [share / len(parts) for share in shares for _ in parts]
        return self._stored([each for some in fits for each in some], np.array(each_share))

    def _whole(self, learned: list[Learned]) -> list[Learned]:
        """Fits that saw different parts of the rows; a single one is fitted again on all, unless they are too many."""
        if len(learned) > 1 or len(self) > AGAIN:
            return learned
        return [learned[0].again(np.arange(len(self)))]

    def _stored(self, learned: Sequence[Learned], shares: np.ndarray) -> Fitted:
        """The weighted sum of what was learned, in the fold's folder and as a recipe returns it; learners without a
        share are left out."""
        used = [(each, float(share)) for each, share in zip(learned, shares, strict=True) if share > 0]
        made = {name: getattr(self, name) for name in ("encoder", "scaling", "vocabulary") if name in vars(self)}
        model = Model(
            self.goal,
            Learnt(**made),
            [each.predict for each, _ in used],
            [share for _, share in used],
            sum(each.parameters for each, _ in used),
        )
        estimators.save(self.dir, model=model, train=self.featured.state())
        return model.fitted(self.featured)

    def _blank(self) -> np.ndarray:
        width = len(self.goal.classes) if self.goal.kind == "classes" else self.goal.columns
        return np.zeros((len(self), width))


@dataclass
class Learnt:
    """The forms that a stored model asks for; others are None."""

    encoder: tables.Encoder = None  # type: ignore[assignment]
    scaling: Scaled = None  # type: ignore[assignment]
    vocabulary: terms.Vocabulary = None  # type: ignore[assignment]


@dataclass
class Model:
    """What a fold has fitted: the weighted sum of its members, and what they look at."""

    goal: Goal
    forms: Learnt
    members: list[Predictor]
    shares: list[float]
    parameters: int

    def fitted(self, featured: Featured) -> Fitted:
        """The model as a recipe returns it, on what `featured` gives of rows."""

        def predict(x: Any) -> np.ndarray:
            rows = Prepared(self.forms, featured(x))
            parts = [share * member(rows) for share, member in zip(self.shares, self.members, strict=True)]
            return self.goal.decoded(sum(parts[1:], start=parts[0]))

        return Fitted(predict, self.parameters)

    def gains(self) -> tuple[list[str], np.ndarray] | None:
        """The table column that each column of the matrix was made of, and the share of it in what the members gained;
        None where no member tells."""
        told = [(share, member.gains()) for share, member in zip(self.shares, self.members, strict=True)]
        parts = [share * gain / gain.sum() for share, gain in told if gain is not None and gain.sum() > 0]
        return (self.forms.encoder.sources, np.sum(parts, axis=0)) if parts else None


def load(dir: Path, features: Features) -> Fitted:
    """What `bagged` or `blended` stored in the folder of a fold. Errors as `estimators.load`."""
    parts = estimators.load(dir)
    return parts["model"].fitted(Featured.restored(features, parts["train"]))


class _Training(Prepared):
    """The training rows; their matrix has cross-fitted means."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem, problem.table)
        self._problem = problem

    @cached_property
    def matrix(self) -> np.ndarray:
        return self._problem._encoded[1]

    @cached_property
    def words(self) -> sparse.csr_matrix:
        return self._problem.vocabulary.matrix


class _Part(Prepared):
    """Some of the training rows, in forms that were made for all of them."""

    def __init__(self, problem: Problem, at: np.ndarray) -> None:
        self._problem, self._at = problem, at

    def __len__(self) -> int:
        return len(self._at)

    @cached_property
    def table(self) -> pd.DataFrame:  # type: ignore[override]
        return self._problem.table.iloc[self._at]

    @cached_property
    def matrix(self) -> np.ndarray:
        return self._problem.rows.matrix[self._at]

    @cached_property
    def scaled(self) -> sparse.csr_matrix:
        return self._problem.rows.scaled[self._at]

    @cached_property
    def words(self) -> sparse.csr_matrix:
        return self._problem.rows.words[self._at]

    @cached_property
    def terms(self) -> sparse.csr_matrix:
        return self._problem.rows.terms[self._at]


def chosen_shares(goal: Goal, targets: np.ndarray, preds: Sequence[np.ndarray]) -> np.ndarray:
    """The share of each learner in a blend, (learners,), chosen on predictions of rows that it was not fitted on.

    Starting from none, the learner that lowers the loss of the blend most gets a part more, STEPS times.
    """
    taken = np.zeros(len(preds))
    total = np.zeros_like(preds[0])
    for step in range(1, STEPS + 1):
        losses = [loss(goal, targets, (total + pred) / step) for pred in preds]
        best = int(np.argmin(losses))
        taken[best] += 1
        total = total + preds[best]
    return taken / STEPS


def loss(goal: Goal, targets: np.ndarray, pred: np.ndarray) -> float:
    """What a learner of this goal makes small: log loss of classes and flags, squared or absolute error of numbers."""
    if goal.kind == "classes":
        return float(-np.mean(np.log(np.clip(pred[np.arange(len(targets)), targets], 1e-6, 1))))
    if goal.kind == "flags":
        p = np.clip(pred, 1e-6, 1 - 1e-6)
        return float(-np.mean(np.where(targets > 0.5, np.log(p), np.log1p(-p))))
    # Of several columns each counts alike, whatever it is measured in.
    spread = np.maximum(targets.std(0), 1e-12)
    wrong = np.abs(pred - targets) / spread
    return float(np.mean(wrong if goal.absolute else wrong**2))


def spread(shares: np.ndarray, present: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of the classes `present`, as (n, classes) in which the others have none."""
    pred = np.zeros((len(shares), classes))
    pred[:, present] = shares
    return pred
