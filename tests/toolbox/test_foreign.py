"""Models in the formats of their libraries."""

from __future__ import annotations

import numpy as np
import pytest

from kit.toolbox import estimators
from kit.toolbox.foreign import Foreign


@pytest.fixture
def booster():
    xgboost = pytest.importorskip("xgboost")
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    return xgboost.train({"nthread": 1}, xgboost.DMatrix(x, np.arange(20)), 3)


def test_a_model_is_stored_in_its_own_format_and_predicts_the_same(booster, tmp_path):
    import xgboost

    rows = xgboost.DMatrix(np.ones((3, 2), np.float32))
    estimators.save(tmp_path, model=Foreign("xgboost", booster))
    loaded = estimators.load(tmp_path)["model"]
    np.testing.assert_array_equal(loaded.model.predict(rows), booster.predict(rows))
    again = Foreign("xgboost", booster)
    again.__setstate__(loaded.__getstate__())
    np.testing.assert_array_equal(again.model.predict(rows), booster.predict(rows))


def test_a_damaged_model_is_a_value_error(booster):
    state = Foreign("xgboost", booster).__getstate__()
    damaged = Foreign("xgboost", None)
    damaged.__setstate__(state | {"file": state["file"][:100]})
    with pytest.raises(ValueError, match="the stored model is damaged"):
        damaged.model  # noqa: B018
    with pytest.raises(ValueError, match="'pickle' is no kind of model that is stored"):
        damaged.__setstate__({"kind": "pickle", "file": state["file"]})
