"""More made-up competitions, declared as in made_up.py: files in parts, pairs of texts, odd names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.new.made_up import WORDS, Truth, base, competition, cut, picture, rng, sentence, write


@competition
def fraud(folder: Path) -> Truth:
    """Train and test have two files each, joined by the key; few rows stand in the second ones."""
    table = base(400, 50)
    table["isFraud"] = (table.pop("z") > 7.5).astype(int)
    table.insert(0, "TransactionID", np.arange(2987000, 2987400))
    known = rng(51).random(400) < 0.4
    more = pd.DataFrame(
        {"TransactionID": table["TransactionID"], "DeviceType": rng(52).choice(["mobile", "desktop"], 400)}
    )
    more["id_01"] = table["isFraud"] * 3 + rng(53).normal(0, 1, 400).round(2)
    train, test = cut(table)
    answers = test[["TransactionID", "isFraud"]]
    write(
        folder,
        train_transaction=train,
        train_identity=more[known & more["TransactionID"].isin(train["TransactionID"])],
        test_transaction=test.drop(columns="isFraud"),
        test_identity=more[known & more["TransactionID"].isin(test["TransactionID"])],
        sample_submission=answers.assign(isFraud=0.5),
    )
    return Truth(
        "auc",
        ["TransactionID"],
        ["isFraud"],
        answers,
        0.8,
        ["--metric", "auc"],
        told="train_identity.csv and test_identity.csv",
    )


@competition
def sensors(folder: Path) -> Truth:
    """The training rows come in three files of the same columns, and so do the test rows."""
    table = base(360, 54)
    table["target"] = table.pop("z").round(3)
    table.insert(0, "id", np.arange(360))
    train, test = cut(table)
    answers = test[["id", "target"]]
    for name, whole, count in (("train", train, 3), ("test", test.drop(columns="target"), 2)):
        for number, part in enumerate(np.array_split(np.arange(len(whole)), count)):
            whole.iloc[part].to_csv(folder / f"{name}_{number + 1}.csv", index=False)
    write(folder, sample_submission=answers.assign(target=0.5))
    return Truth("rmse", ["id"], ["target"], answers, 1.5, told="train_1.csv and 2 more")


@competition
def duplicates(folder: Path) -> Truth:
    """Pairs of questions: whether they ask the same."""
    draw = rng(55)
    same = draw.integers(0, 2, 300)
    first = [sentence(draw, WORDS, 8) for _ in same]
    second = [
        " ".join(draw.permutation(text.split())) if yes else sentence(draw, WORDS, 8)
        for text, yes in zip(first, same, strict=True)
    ]
    rows = pd.DataFrame({"id": np.arange(300), "qid1": np.arange(300) * 2 + 1, "qid2": np.arange(300) * 2 + 2})
    rows["question1"], rows["question2"], rows["is_duplicate"] = first, second, same
    train, test = cut(rows)
    test = test.drop(columns=["qid1", "qid2"]).rename(columns={"id": "test_id"})
    answers = test[["test_id", "is_duplicate"]]
    write(
        folder, train=train, test=test.drop(columns="is_duplicate"), sample_submission=answers.assign(is_duplicate=0.5)
    )
    return Truth("log_loss", ["test_id"], ["is_duplicate"], answers, 0.69, ["--metric", "log_loss"], rows="text")


@competition
def cirrhosis(folder: Path) -> Truth:
    """One probability column a class, called after the target and the class; N/A and NaN stand in columns."""
    table = base(300, 56)
    table["Drug"] = rng(57).choice(["D-penicillamine", "Placebo", "NA"], 300)
    table["Status"] = pd.cut(table.pop("z"), 3, labels=["C", "CL", "D"]).astype(str)
    table.insert(0, "id", np.arange(300))
    train, test = cut(table)
    answers = pd.concat([test[["id"]], pd.get_dummies(test["Status"]).astype(int).add_prefix("Status_")], axis=1)
    write(
        folder,
        train=train,
        test=test.drop(columns="Status"),
        sample_submission=answers.assign(Status_C=0.6, Status_CL=0.1, Status_D=0.3),
    )
    return Truth("log_loss", ["id"], ["Status_C", "Status_CL", "Status_D"], answers, 0.95)


@competition
def obesity(folder: Path) -> Truth:
    """Labels with spaces; the sample is called so in capitals, and its id is spelled otherwise."""
    table = base(300, 58)
    table["Weight Class"] = pd.cut(
        table.pop("z"), 3, labels=["Normal Weight", "Over Weight I", "Obese Type II"]
    ).astype(str)
    table.insert(0, "ID", [f"ID_{n:05}" for n in range(300)])
    train, test = cut(table)
    answers = test[["ID", "Weight Class"]]
    for name, each in (
        ("Train", train),
        ("Test", test.drop(columns="Weight Class")),
        ("SampleSubmission", answers.assign(**{"Weight Class": "Normal Weight"})),
    ):
        each.to_csv(folder / f"{name}.CSV", index=False)
    return Truth("accuracy", ["ID"], ["Weight Class"], answers, 0.7)


@competition
def essays(folder: Path) -> Truth:
    """Grades 1 to 6 of texts, whose order counts."""
    draw = rng(59)
    grade = draw.integers(1, 7, 300)
    rows = pd.DataFrame({"essay_id": [f"{n:07x}" for n in draw.permutation(10**6)[:300]]})
    rows["full_text"] = [sentence(draw, WORDS[2 * g - 2 : 2 * g + 3], 30) for g in grade]
    rows["score"] = grade
    train, test = cut(rows)
    answers = test[["essay_id", "score"]]
    write(folder, train=train, test=test.drop(columns="score"), sample_submission=answers.assign(score=3))
    return Truth(
        "quadratic_weighted_kappa",
        ["essay_id"],
        ["score"],
        answers,
        0.7,
        ["--metric", "quadratic_weighted_kappa"],
        rows="text",
    )


@competition
def items(folder: Path) -> Truth:
    """Only a date, a store and an item; the test days follow the training days, and the file has no further column."""
    draw = rng(60)
    days = pd.date_range("2015-01-01", periods=120)
    level = {(s, i): 10 * s + 5 * i for s in (1, 2) for i in (1, 2, 3)}
    rows = [
        (d, s, i, max(0, int(n + 8 * (d.day_of_week > 4) + draw.normal(0, 2))))
        for d in days
        for (s, i), n in level.items()
    ]
    table = pd.DataFrame(rows, columns=["date", "store_nbr", "family", "sales"])
    train, test = table[table["date"] < days[104]].copy(), table[table["date"] >= days[104]].copy()
    train.insert(0, "id", np.arange(len(train)))
    test.insert(0, "id", np.arange(len(train), len(table)))
    answers = test[["id", "sales"]]
    write(folder, train=train, test=test.drop(columns="sales"), sample_submission=answers.assign(sales=0.0))
    return Truth("rmsle", ["id"], ["sales"], answers, 0.35, ["--metric", "Root Mean Squared Logarithmic Error"], "Time")


@competition
def energy(folder: Path) -> Truth:
    """Two targets with fractions, and features called so that they look like keys."""
    table = base(300, 61)
    z = table.pop("z")
    table["code_id"] = rng(62).integers(0, 5, 300)
    table["Heating Load"], table["Cooling Load"] = (z * 3 + 20).round(2), (30 - z * 2 + table["code_id"]).round(2)
    table.insert(0, "row_id", np.arange(300))
    train, test = cut(table)
    names = ["Heating Load", "Cooling Load"]
    answers = test[["row_id", *names]]
    write(
        folder,
        train=train,
        test=test.drop(columns=names),
        submission_format=answers.assign(**dict.fromkeys(names, 1.5)),
    )
    return Truth("mean_columnwise_rmse", ["row_id"], names, answers, 4.5)


@competition
def loans(folder: Path) -> Truth:
    """The target is Y or N in training rows and 0 or 1 in the sample; the id is the last column."""
    table = base(300, 63)
    table["loan_status"] = np.where(table.pop("z") > 5, "Y", "N")
    table["Loan_ID"] = [f"LP{n:06}" for n in range(300)]
    train, test = cut(table)
    answers = test[["Loan_ID", "loan_status"]].assign(loan_status=(test["loan_status"] == "Y").astype(int))
    write(folder, train=train, test=test.drop(columns="loan_status"), sample_submission=answers.assign(loan_status=0.5))
    return Truth("auc", ["Loan_ID"], ["loan_status"], answers, 0.8, ["--metric", "roc_auc"])


def _xrays(folder: Path) -> Truth:
    """The table has names without endings; the files lie in train_images/ and test_images/; grades 0 and 4."""
    draw = rng(64)
    which, names = draw.integers(0, 2, 60), [f"{n:012x}" for n in range(60)]
    for part, span in (("train_images", slice(0, 44)), ("test_images", slice(44, 60))):
        (folder / part).mkdir()
        for name, bright in zip(names[span], which[span], strict=True):
            picture(draw, bool(bright)).save(folder / part / f"{name}.png")
    grades = which * 4
    write(
        folder,
        train=pd.DataFrame({"id_code": names[:44], "diagnosis": grades[:44]}),
        test=pd.DataFrame({"id_code": names[44:]}),
        sample_submission=pd.DataFrame({"id_code": names[44:], "diagnosis": 0}),
    )
    answers = pd.DataFrame({"id_code": names[44:], "diagnosis": grades[44:]})
    return Truth("accuracy", ["id_code"], ["diagnosis"], answers, 0.7, ["--metric", "accuracy"], rows="image")


PICTURES = {"xrays": _xrays}
