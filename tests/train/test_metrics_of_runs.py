"""Runs judged by metrics that need more than targets and predictions, and by labels of every kind."""

from __future__ import annotations

import numpy as np
import pytest

from kit.task import catalog, decisions, metrics
from kit.train import fold, predictions, runs


@pytest.fixture
def change(parity):
    """Changes the declaration and the recipe of parity by text."""

    def write(recipe: dict[str, str] | None = None, **declaration: str) -> None:
        texts = {
            "metric": "metrics.accuracy",
            "y": "train[:, 2]",
            "submission": 'Submission("id", "odd", decide=metrics.labels, holds=Labels((0, 1)))',
        }
        path = parity / "competition.py"
        text = path.read_text()
        for name, new in declaration.items():
            assert texts[name] in text
            text = text.replace(texts[name], new)
        path.write_text(text)
        path = parity / "table.py"
        text = path.read_text()
        for old, new in (recipe or {}).items():
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    return write


def last() -> runs.Run:
    return runs.find("parity", "last")


def train(kit, *words: str) -> tuple[int, str, str]:
    return kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "noise=0.4", *words)


PREDICTED = "np.stack([1 - share[x[:, 0] % base], share[x[:, 0] % base]], axis=1)"
ONE_NUMBER = {PREDICTED: "share[x[:, 0] % base]"}


def test_a_metric_that_needs_weights_gets_those_of_the_rows(kit, change):
    change(
        ONE_NUMBER,
        metric="metrics.weighted_mae",
        y="train[:, 2], weight=1.0 + train[:, 0] % 7",
        submission='Submission("id", "odd", decide=lambda pred: pred)',
    )
    assert train(kit)[0] == 0
    oof = predictions.load(last().folder / "oof.npz")
    assert oof["weight"].tolist() == (1.0 + oof["ids"] % 7).tolist()
    wrong = np.abs(oof["y"] - oof["pred"])
    assert last().score == pytest.approx(np.average(wrong, weights=oof["weight"]))
    assert last().score != pytest.approx(wrong.mean())
    for number, score in last().record.fold_scores.items():
        rows = oof["fold"] == int(number)
        assert score == pytest.approx(np.average(wrong[rows], weights=oof["weight"][rows]))


def test_a_weight_that_is_missing_is_told_before_anything_is_fitted(kit, change):
    change(ONE_NUMBER, metric="metrics.weighted_mae")
    status, _, err = train(kit)
    assert status == 1
    assert "weighted MAE needs the column 'weight' of each row, and there is none." in err
    assert "Data(..., weight=...)" in err
    assert runs.every("parity") == []


NUMBERED = {
    "share = np.array([fold.train.y[last == digit]": "y = fold.train.y == ODD\n    share = np.array([y[last == digit]",
}


@pytest.mark.parametrize("labels", ["('even', 'odd')", "(False, True)", "(1, 2)", "(7, 3)"])
def test_labels_are_texts_booleans_or_any_integers(kit, change, parity, labels):
    even, odd = eval(labels)
    change(
        {old: new.replace("ODD", repr(odd)) for old, new in NUMBERED.items()},
        y=f"np.where(train[:, 2], {odd!r}, {even!r})",
        submission=f"""Submission(
        "id", "odd", decide=lambda pred: metrics.labels(pred, {labels}), holds=Labels({labels})
    )""",
    )
    path = parity / "_sample.py"
    path.write_text(path.read_text().replace('{n},0\\n" for n in test', f'{{n}},{even}\\n" for n in test'))
    status, _, err = train(kit)
    assert status == 0, err
    oof = predictions.load(last().folder / "oof.npz")
    assert last().score == np.mean((oof["pred"][:, 1] > 0.5) == (oof["y"] == odd)) > 0.6
    sent = {line.split(",")[1] for line in last().submission.read_text().splitlines()[1:]}
    assert sent == {str(even), str(odd)}
    assert kit("submit", "parity", "last", "--sample", "--dry-run")[0] == 0


def test_probabilities_of_text_labels_are_judged_in_the_order_of_the_target_columns(kit, change, parity):
    text = (parity / "competition.py").read_text()
    (parity / "competition.py").write_text(text.replace('Csv(("id", "odd"), 20)', "None"))
    swapped = "[share[x[:, 0] % base], 1 - share[x[:, 0] % base]]"
    change(
        {old: new.replace("ODD", "'odd'") for old, new in NUMBERED.items()}
        | {"[1 - share[x[:, 0] % base], share[x[:, 0] % base]]": swapped},
        metric="metrics.log_loss",
        y="np.where(train[:, 2], 'odd', 'even')",
        submission='Submission("id", ("odd", "even"), decide=lambda pred: pred)',
    )
    path = parity / "_sample.py"
    text = path.read_text().replace('"id,odd\\n" + "".join(f"{n},0\\n"', '"id,odd,even\\n" + "".join(f"{n},0.5,0.5\\n"')
    path.write_text(text)
    status, _, err = train(kit)
    assert status == 0, err
    oof = predictions.load(last().folder / "oof.npz")
    p = np.clip(np.where(oof["y"] == "odd", oof["pred"][:, 0], oof["pred"][:, 1]), 1e-15, 1 - 1e-15)
    assert last().score == pytest.approx(-np.mean(np.log(p)))


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_a_fold_that_lacks_the_last_label_does_not_shift_the_columns(kit, change):
    # Labels 1 to 3, of which 3 is one row alone: in two of three folds no row has it.
    change(
        {PREDICTED: "np.eye(3)[np.where(x[:, 0] == 100, 2, x[:, 0] % 2)]"},
        y="np.where(train[:, 0] == 100, 3, 1 + train[:, 2])",
        submission='Submission("id", "odd", decide=metrics.labels)',
    )
    assert train(kit)[0] == 0
    assert last().score == 1.0


def test_a_metric_of_probabilities_beside_a_chosen_decision_judges_the_probabilities(kit, change, parity):
    change(metric="metrics.f1,\n    also=(metrics.accuracy, metrics.auc, metrics.log_loss)")
    path = parity / "competition.py"
    text = path.read_text().replace("import metrics, splits", "import decisions, metrics, splits")
    path.write_text(text.replace("decide=metrics.labels", "decide=decisions.Threshold()"))
    assert train(kit)[0] == 0
    entry = catalog.find("parity")
    oof = predictions.load(last().folder / "oof.npz")
    also = last().record.also
    assert also["AUC"] == pytest.approx(metrics.auc.score(oof["y"], oof["pred"]))
    assert also["log loss"] == pytest.approx(metrics.log_loss.score(oof["y"], oof["pred"]))
    decided = decisions.nested(entry.competition, oof["fold"], oof["y"], oof["pred"])
    assert also["accuracy"] == np.mean(decided == oof["y"])


def test_rows_know_the_labels_of_all_training_rows(kit, change):
    change(y="np.where(train[:, 2], 'odd', 'even')", submission='Submission("id", "odd", decide=metrics.labels)')
    assert kit("download", "parity", "--sample")[0] == 0
    entry = catalog.find("parity", sample=True)
    plan = runs.Plan("parity", "table", "", {}, sample=True)
    assert list(fold.load(entry, plan).labels) == ["even", "odd"]
