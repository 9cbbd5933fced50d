"""What each column of a table is worth to a run."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest

import kit as api
from kit.errors import KitError
from kit.judge import importance as judge
from kit.toolbox import estimators, gains

DECLARATION = '''\
"""Whether a sum is above zero."""

import numpy as np
import pandas as pd

from kit.task import metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import KaggleCompetition
from kit.task.targets import Labels


def table(seed, count):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "noise": random.normal(size=count),
            "strong": random.normal(size=count),
            "colour": random.choice(["red", "green"], count),
            "weak": random.normal(size=count),
        }
    )


def load(public):
    train, test = table(0, 400), table(1, 20)
    y = (3 * train["strong"] + train["weak"] + (train["colour"] == "red") > 0).astype(int)
    return Data(np.arange(400), train, y.to_numpy()), Data(np.arange(1000, 1020), test)


competition = Competition(
    source=KaggleCompetition("sums"),
    load=load,
    split=splits.Stratified(4),
    metric=metrics.accuracy,
    submission=Submission("id", "target", decide=metrics.labels, holds=Labels((0, 1))),
    default="linear",
)
'''

LINEAR = '''\
"""Logistic regression."""

from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from kit.task.contract import Fitted
from kit.toolbox import estimators


def fit(fold, *, strength: float = 1.0):
    features = make_column_transformer(
        (StandardScaler(), ["noise", "strong", "weak"]), (OneHotEncoder(), ["colour"]), sparse_threshold=0
    )
    model = make_pipeline(features, LogisticRegression(C=strength)).fit(fold.train.x.take(), fold.train.y)
    estimators.save(fold.dir, model=model)
    return Fitted(model.predict_proba)


def load(dir):
    return Fitted(estimators.load(dir)["model"].predict_proba)
'''

FORGETFUL = '''\
"""A model that is not stored."""

import numpy as np

from kit.task.contract import Fitted


def fit(fold):
    return Fitted(lambda x: np.tile([0.4, 0.6], (len(x), 1)))
'''


@pytest.fixture
def sums(workspace):
    """A competition of four columns, of which one is noise."""
    folder = workspace / "competitions" / "sums"
    folder.mkdir(parents=True)
    (folder / "competition.py").write_text(DECLARATION)
    (folder / "linear.py").write_text(LINEAR)
    (folder / "forgetful.py").write_text(FORGETFUL)
    public = workspace / "data" / "sums" / "public"
    public.mkdir(parents=True)
    lines = "".join(f"{number},0\n" for number in range(1000, 1020))
    (public / "sample_submission.csv").write_text(f"id,target\n{lines}")
    (public.parent / "manifest.json").write_text("{}")
    return folder


@pytest.fixture
def trained(sums):
    """A run of the linear recipe."""
    return api.train("sums", "linear", plots=False)


def test_columns_are_ordered_by_what_the_score_loses_without_them(trained):
    done = api.importance("sums", trained)
    assert next(one.name for one in done) == "strong"
    drops = {one.name: one.drop for one in done}
    assert drops["strong"] > 0.25 > drops["weak"] > 0.02
    assert abs(drops["noise"]) < 0.02
    assert all(one.sd is not None for one in done)
    assert (done.metric, done.rows) == ("accuracy", 400)
    assert done.score == pytest.approx(trained.record.mean)


def test_gain_is_traced_to_the_columns_and_shared_out(trained):
    shares = {one.name: one.gain for one in api.importance("sums", trained, repeats=1)}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["strong"] > shares["weak"] > shares["noise"]
    assert shares["colour"] > shares["noise"]


def test_the_same_call_gives_the_same_figures(trained):
    first, again = (api.importance("sums", trained, repeats=2) for _ in range(2))
    assert first.facts() == again.facts()


def test_a_table_and_a_picture_are_written(kit, trained):
    status, out, err = kit("importance", "sums", "last", "--repeats", "2")
    assert status == 0
    assert out.splitlines()[0].split() == ["column", "accuracy", "lost", "sd", "gain"]
    assert "On 400 held-out rows, where accuracy is 0." in err
    with (trained.folder / "plots" / "importance.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert next(row["name"] for row in rows) == "strong"
    assert (trained.folder / "plots" / "importance.png").read_bytes().startswith(b"\x89PNG")
    facts = json.loads(kit("importance", "sums", "last", "--repeats", "2", "--json")[1])
    assert facts["columns"][0]["name"] == "strong"


def test_at_most_so_many_rows_of_a_fold_are_predicted(trained, told):
    assert api.importance("sums", trained, repeats=1, rows=30).rows == 120
    assert "Judged by 120 of the 400 held-out rows; --rows takes more." in told


def test_rows_that_are_no_table_are_refused_in_a_sentence(kit, parity):
    kit("train", "parity", "--sample", "--no-plots")
    status, out, err = kit("importance", "parity", "last")
    assert (status, out) == (1, "")
    assert "The rows of parity are no table" in err
    assert "Try: kit explore parity --sample" in err


def test_a_recipe_that_stores_no_model_is_refused(sums):
    run = api.train("sums", "forgetful", plots=False)
    with pytest.raises(KitError, match="Recipe forgetful stores no model"):
        api.importance("sums", run)


def test_a_run_on_all_rows_is_refused(sums, kit):
    kit("train", "sums", "linear", "--full", "--no-plots")
    with pytest.raises(KitError, match="trained on all rows"):
        api.importance("sums", "last")


def test_a_blend_names_a_member(sums, trained, kit):
    other = api.train("sums", "linear", plots=False, strength=0.01)
    blend = api.ensemble("sums", [trained, other], method="mean").run
    with pytest.raises(KitError, match="is a blend") as refused:
        api.importance("sums", blend)
    assert refused.value.cure == f"kit importance sums {trained.name}"


def test_data_that_has_changed_is_refused(trained, workspace):
    facts = {"public": {"train.csv": {"sha256": "0" * 64}}}
    (workspace / "data" / "sums" / "manifest.json").write_text(json.dumps(facts))
    with pytest.raises(KitError, match="The data of sums has changed"):
        api.importance("sums", trained)


def test_weights_that_are_gone_are_named(trained):
    (trained.fold(1) / "done.json").unlink()
    with pytest.raises(KitError, match="The weights of run"):
        api.importance("sums", trained)


def test_the_rows_that_a_model_is_asked_about_are_not_changed(trained, monkeypatch):
    tables = []
    real = judge.predictions.run

    def kept(predict, rows, *rest):
        tables.append(rows)
        return real(predict, rows, *rest)

    monkeypatch.setattr(judge.predictions, "run", kept)
    api.importance("sums", trained, repeats=1)
    whole, *shuffled = tables[:5]
    for column, table in zip(whole.columns, shuffled, strict=True):
        assert list(table.dtypes) == list(whole.dtypes)
        assert not table[column].equals(whole[column])
        assert sorted(table[column]) == sorted(whole[column])
        pd.testing.assert_frame_equal(table.drop(columns=column), whole.drop(columns=column))


X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 3)), columns=["a", "b", "c"])
Y = (X["b"] > 0).astype(int)


def _forest(x):
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(10, random_state=0).fit(x, Y)


def _ridge(x):
    from sklearn.linear_model import Ridge

    return Ridge().fit(x, Y)


@pytest.mark.parametrize(
    ("fit", "x"),
    [(_forest, X), (_forest, X.to_numpy()), (_ridge, X)],
    ids=["forest", "forest without names", "linear"],
)
def test_stored_models_tell_their_gain(tmp_path, fit, x):
    estimators.save(tmp_path, model=fit(x))
    shares = gains.read(tmp_path, ["a", "b", "c"])
    assert max(shares, key=shares.__getitem__) == "b"
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("named", [True, False])
def test_xgboost_tells_its_gain(tmp_path, named):
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(X if named else X.to_numpy(), Y)
    estimators.save(tmp_path, model=model)
    shares = gains.read(tmp_path, ["a", "b", "c"])
    assert max(shares, key=shares.__getitem__) == "b"
    assert sum(shares.values()) == pytest.approx(1)


def test_features_that_cannot_be_traced_give_no_gain(tmp_path):
    from sklearn.linear_model import Ridge

    estimators.save(tmp_path, model=Ridge().fit(X.to_numpy(), Y))
    assert gains.read(tmp_path, ["a", "b"]) is None
    assert gains.read(tmp_path / "nowhere", ["a", "b", "c"]) is None
