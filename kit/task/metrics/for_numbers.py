"""Metrics of numbers: how far predictions lie from the targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from kit.errors import KitError
from kit.task import merging, sums
from kit.task.contract import Metric

# RMSE, MSE and MAE take 0.01 ms for 7,600 rows, scikit-learn's 0.23 ms, and a blend of twelve runs asks 7,200 times.
# Of several target columns every cell counts alike.


def _squared(y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    return (y - pred) ** 2


def _mse(y: np.ndarray, pred: np.ndarray) -> float:
    return float(np.mean(_squared(y, pred)))


def _rmse(y: np.ndarray, pred: np.ndarray) -> float:
    return float(np.sqrt(np.mean(_squared(y, pred))))


def _absolute(y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    return np.abs(y - pred)


def _mae(y: np.ndarray, pred: np.ndarray) -> float:
    return float(np.mean(_absolute(y, pred)))


def _weighted_mae(y: np.ndarray, pred: np.ndarray, weight: np.ndarray) -> float:
    from sklearn.metrics import mean_absolute_error

    if not (weight >= 0).all() or not weight.sum() > 0:
        raise KitError("The weights are below 0, or all 0.", "Each must be 0 or more, and one above 0.")
    return float(mean_absolute_error(y, pred, sample_weight=weight))


def _rmsle(y: np.ndarray, pred: np.ndarray) -> float:
    """The RMSE of log(1 + value); of several target columns every cell counts alike."""
    return float(np.sqrt(np.mean(_squared_logarithms(y, pred))))


def _squared_logarithms(y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    return _logarithms("RMSLE", y, pred) ** 2


def _mean_columnwise_rmsle(y: np.ndarray, pred: np.ndarray) -> float:
    wrong = _logarithms("mean column-wise RMSLE", y, pred)
    return float(np.mean(np.sqrt(np.mean(wrong**2, axis=0))))


def _mean_columnwise_rmse(y: np.ndarray, pred: np.ndarray) -> float:
    return float(np.mean(np.sqrt(np.mean(_squared(y, pred), axis=0))))


def _rmspe(y: np.ndarray, pred: np.ndarray) -> float:
    """The root of the mean squared relative error, as a share: 0.1 is 10%. Rows whose target is 0 do not count.

    Source: Kaggle's evaluation page of rossmann-store-sales.
    """
    counted = y != 0
    if not counted.any():
        raise KitError("RMSPE cannot be computed: every target is 0.", "A relative error needs a target other than 0.")
    return float(np.sqrt(np.mean(((y[counted] - pred[counted]) / y[counted]) ** 2)))


def _squared_shares(y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """The squared relative error of each row, 0 where the target is 0."""
    return np.where(y != 0, (y - pred) / np.where(y != 0, y, 1), 0) ** 2


def _mape(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import mean_absolute_percentage_error

    return float(mean_absolute_percentage_error(y, pred))


def _absolute_shares(y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """As scikit-learn counts them: of a target of 0 the share is of the smallest difference that a float64 holds."""
    return np.abs(y - pred) / np.maximum(np.abs(y), np.finfo(np.float64).eps)


def _smape(y: np.ndarray, pred: np.ndarray) -> float:
    """The mean of 200 |y - pred| / (|y| + |pred|), from 0 to 200; a row in which both are 0 counts as 0.

    Source: Kaggle's evaluation page of web-traffic-time-series-forecasting.
    """
    return float(np.mean(_symmetric_shares(y, pred)))


def _symmetric_shares(y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    size = np.abs(y) + np.abs(pred)
    return 200 * np.abs(y - pred) / np.where(size == 0, 1, size)


def _r2(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import r2_score

    if len(y) < 2:
        raise KitError("R2 cannot be computed of one row.", "It needs two rows or more.")
    return float(r2_score(y, pred))


def _moments(y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """What R2 adds up: squared errors, distances of the targets from their mean here, and the squares of these; one
    column after the other."""
    targets, predicted = y.reshape(len(y), -1), pred.reshape(len(y), -1)
    distance = targets - targets.mean(0)
    return np.concatenate([(targets - predicted) ** 2, distance, distance**2], axis=1)


def _r2_of_sums(added: np.ndarray, count: Any) -> np.ndarray:
    wrong, distance, squared = np.split(added, 3, axis=-1)
    spread = squared - distance**2 / np.asarray(count)[..., None]
    # scikit-learn: targets that are all alike give 1 for predictions without an error, and 0 otherwise.
    shares = np.where(spread > 1e-12 * squared, 1 - sums.divided(wrong, spread), np.where(wrong == 0, 1.0, 0.0))
    return np.mean(shares, axis=-1)


def _median_absolute_error(y: np.ndarray, pred: np.ndarray) -> float:
    from sklearn.metrics import median_absolute_error

    return float(median_absolute_error(y, pred))


def _logarithms(name: str, y: np.ndarray, pred: np.ndarray) -> np.ndarray:
    """log(1 + y) - log(1 + pred). scikit-learn's RMSLE refuses by a ValueError what this refuses with a cure."""
    for what, values in (("targets", y), ("predictions", pred)):
        if (low := values <= -1).any():
            row = int(np.argmax(low.reshape(len(low), -1).any(1)))
            raise KitError(
                f"{name} is not defined for {what} of -1 or less; row {row + 1:,} holds {values.flat[low.argmax()]:g}.",
                "Predictions can be kept from falling below 0: np.maximum(pred, 0).",
            )
    return np.log1p(y) - np.log1p(pred)


mse = Metric(
    "MSE",
    _mse,
    higher_is_better=False,
    predictions="numbers",
    names=("mse", "Mean Squared Error"),
    sums=sums.mean(_squared),
)
rmse = Metric(
    "RMSE",
    _rmse,
    higher_is_better=False,
    predictions="numbers",
    names=("rmse", "Root Mean Squared Error", "Root Mean Square Error"),
    sums=sums.root_mean(_squared),
)
rmsle = Metric(
    "RMSLE",
    _rmsle,
    higher_is_better=False,
    predictions="numbers",
    merge=merging.log_mean,
    names=("rmsle", "Root Mean Squared Logarithmic Error", "Root Mean Squared Log Error"),
    sums=sums.root_mean(_squared_logarithms),
)
rmspe = Metric(
    "RMSPE",
    _rmspe,
    higher_is_better=False,
    predictions="numbers",
    names=("rmspe", "Root Mean Square Percentage Error", "Root Mean Squared Percentage Error"),
    sums=sums.ratio(_squared_shares, lambda y, pred: y != 0, root=True),
)
mae = Metric(
    "MAE",
    _mae,
    higher_is_better=False,
    predictions="numbers",
    names=("mae", "Mean Absolute Error"),
    sums=sums.mean(_absolute),
)
weighted_mae = Metric(
    "weighted MAE",
    _weighted_mae,
    higher_is_better=False,
    needs=("weight",),
    predictions="numbers",
    names=("weighted_mae", "WMAE", "Weighted Mean Absolute Error"),
    sums=sums.ratio(lambda y, pred, weight: weight * _absolute(y, pred), lambda y, pred, weight: weight),
)
mape = Metric(
    "MAPE",
    _mape,
    higher_is_better=False,
    predictions="numbers",
    names=("mape", "Mean Absolute Percentage Error"),
    sums=sums.mean(_absolute_shares),
)
smape = Metric(
    "SMAPE",
    _smape,
    higher_is_better=False,
    predictions="numbers",
    names=("smape", "Symmetric Mean Absolute Percentage Error"),
    sums=sums.mean(_symmetric_shares),
)
r2 = Metric(
    "R2",
    _r2,
    higher_is_better=True,
    predictions="numbers",
    names=("r2", "R2 Score", "R Squared", "Coefficient of Determination"),
    sums=sums.Sums(_moments, _r2_of_sums),
)
median_absolute_error = Metric(
    "median absolute error",
    _median_absolute_error,
    higher_is_better=False,
    predictions="numbers",
    names=("median_absolute_error", "MedAE"),
)
mean_columnwise_rmse = Metric(
    "mean column-wise RMSE",
    _mean_columnwise_rmse,
    higher_is_better=False,
    predictions="numbers",
    names=("mean_columnwise_rmse", "MCRMSE", "Mean Columnwise Root Mean Squared Error", "Mean Column RMSE"),
    sums=sums.columnwise_root_mean(_squared),
)
mean_columnwise_rmsle = Metric(
    "mean column-wise RMSLE",
    _mean_columnwise_rmsle,
    higher_is_better=False,
    predictions="numbers",
    merge=merging.log_mean,
    names=(
        "mean_columnwise_rmsle",
        "MCRMSLE",
        "Mean Columnwise Root Mean Squared Logarithmic Error",
        "Mean Column RMSLE",
    ),
    sums=sums.columnwise_root_mean(_squared_logarithms),
)
