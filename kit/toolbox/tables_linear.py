"""Linear models on tables and texts, by scikit-learn, their strength chosen inside the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse

from kit.toolbox import texts_nbsvm
from kit.toolbox.goals import Goal
from kit.toolbox.problems import Learned, Prepared, Problem, loss, spread

MANY = 50_000
"""Rows from which ridge regression is solved step by step, and not at once."""


@dataclass(frozen=True)
class Linear:
    """Logistic regression for classes and flags, ridge regression for numbers.

    `strengths` are the inverses of the regularisation that are tried; the one that suits the rows set aside is taken.
    `form` is what of the rows is looked at: `scaled` columns, or the `terms` of texts. With `naive_bayes`, the
    smoothing, terms are multiplied by how much likelier they are in a class than elsewhere (NB-SVM).

    Source of NB-SVM: Wang and Manning, Baselines and Bigrams: Simple, Good Sentiment and Topic Classification, 2012.
    """

    strengths: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)
    form: Literal["scaled", "terms"] = "scaled"
    naive_bayes: float = 0.0

    def __call__(self, problem: Problem, fitted: np.ndarray, held: np.ndarray, seed: int) -> Learned:
        """A model for each class or column, of the strength whose loss on the rows `held` is least."""
        goal, y = problem.goal, problem.targets
        x, words = getattr(problem.rows, self.form), problem.rows.words.shape[1] if self.naive_bayes else 0
        weight = problem.weights(fitted)
        strengths = problem.chosen.get(self, self.strengths)
        models = [_Model.of(goal, x[fitted], y[fitted], weight, each, self.naive_bayes, words) for each in strengths]
        losses = [loss(goal, y[held], model(x[held])) for model in models] if len(models) > 1 else [0.0]
        best = models[int(np.argmin(losses))]
        problem.chosen[self] = (strengths[int(np.argmin(losses))],)
        return Learned(Lines(best, self.form), best.parameters, lambda all_: self(problem, all_, all_[:0], seed))


@dataclass
class Lines:
    """A linear model of one form of the rows."""

    model: _Model
    form: Literal["scaled", "terms"]

    def __call__(self, rows: Prepared) -> np.ndarray:
        """Probabilities (n, classes), or (n, columns)."""
        return self.model(getattr(rows, self.form))

    def gains(self) -> None:
        """Coefficients are of scaled columns and words, and are no gains."""


@dataclass
class _Model:
    """Estimators: one for all classes together, or one for each column, or with naive Bayes one for each class against
    the rest."""

    goal: Goal
    present: np.ndarray
    estimators: list[Any]
    ratios: list[np.ndarray | None]

    @classmethod
    def of(
        cls,
        goal: Goal,
        x: Any,
        y: np.ndarray,
        weight: np.ndarray | None,
        strength: float,
        naive_bayes: float = 0.0,
        words: int = 0,
    ) -> _Model:
        """The models of rows `x`, whose first `words` columns are words, with encoded targets `y`."""
        if goal.kind != "classes":
            present, columns = np.arange(goal.columns), list(y.T)
        elif len(present := np.unique(y)) == 2:
            columns = [y == present[1]]
        else:
            columns = [y == each for each in present] if naive_bayes else [y]
        told = naive_bayes if goal.kind != "numbers" else 0.0
        ratios = [_ratio(x, column, told, words) for column in columns]
        pairs = zip(columns, ratios, strict=True)
        estimators = [_estimator(goal, _times(x, ratio), column, weight, strength) for column, ratio in pairs]
        return cls(goal, present, estimators, ratios)

    @property
    def parameters(self) -> int:
        """How many coefficients there are."""
        return sum(int(np.size(getattr(each, "coef_", 0))) + 1 for each in self.estimators)

    def __call__(self, x: Any) -> np.ndarray:
        """Predictions of rows, (n, classes) or (n, columns)."""
        pred = np.concatenate([self._columns(number, x) for number in range(len(self.estimators))], axis=1)
        if self.goal.kind != "classes":
            return pred
        if len(self.present) == 2:
            pred = np.concatenate([1 - pred, pred], axis=1)
        return spread(pred / np.maximum(pred.sum(1, keepdims=True), 1e-12), self.present, len(self.goal.classes))

    def _columns(self, number: int, x: Any) -> np.ndarray:
        estimator = self.estimators[number]
        if isinstance(estimator, float):
            return np.full((x.shape[0], 1), estimator)
        values = _times(x, self.ratios[number])
        if self.goal.kind == "numbers":
            return estimator.predict(values)[:, None]
        shares = estimator.predict_proba(values)
        return shares if shares.shape[1] > 2 else shares[:, 1:]


def _estimator(goal: Goal, x: Any, y: np.ndarray, weight: np.ndarray | None, strength: float) -> Any:
    """One fitted estimator; the target itself where all rows have the same."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if goal.kind == "numbers":
        return Ridge(alpha=1 / strength, solver="sparse_cg" if x.shape[0] > MANY else "auto").fit(x, y, weight)
    if y.min() == y.max():
        return 1.0 if goal.kind == "classes" else float(y[0])
    if len(np.unique(y)) > 2:
        return LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(x, y, weight)
    # The dual problem is as large as the rows, the primal one as large as the columns.
    dual = x.shape[1] > x.shape[0]
    solver = LogisticRegression(C=strength, solver="liblinear", dual=dual, max_iter=300, tol=1e-3, random_state=0)
    return solver.fit(x, y.astype(np.int64), weight)


def _ratio(x: Any, y: np.ndarray, smoothing: float, words: int) -> np.ndarray | None:
    """How much likelier each word is in rows of 1 than in the others, as a logarithm, and 1 for columns that are no
    words, (1, columns); None where that does not count."""
    if not smoothing or y.min() == y.max():
        return None
    ratio = np.ones((1, x.shape[1]))
    ratio[0, :words] = texts_nbsvm.ratio(x[:, :words], y, smoothing)
    return ratio


def _times(x: Any, ratio: np.ndarray | None) -> Any:
    return x if ratio is None else sparse.csr_matrix(x.multiply(ratio))
