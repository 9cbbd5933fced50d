"""Small made-up competitions of the kinds that Kaggle has, each as a stranger would bring its files.

Every function writes files into a folder and gives what is true of them: the answers of the test rows, by which a
submission is scored, and what `kit new` should have told.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

WORDS = [
    "river",
    "stone",
    "candle",
    "harvest",
    "window",
    "orbit",
    "velvet",
    "engine",
    "meadow",
    "copper",
    "lantern",
    "saddle",
    "thunder",
    "ribbon",
]


@dataclass
class Truth:
    """What is true of a competition: the metric, the keys and targets of its submissions, the answers of its test rows,
    and a bound that predictions must keep to be better than a guess; `options` are what `kit new` must be told."""

    metric: str
    id: list[str]
    targets: list[str]
    answers: pd.DataFrame
    bound: float
    options: list[str] = field(default_factory=list)
    split: str = ""
    rows: str = "table"
    told: str = ""


Maker = Callable[[Path], Truth]
MAKERS: dict[str, Maker] = {}


def competition(make: Maker) -> Maker:
    """Declare a competition by its function's name."""
    MAKERS[make.__name__.replace("_", "-")] = make
    return make


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def base(count: int, seed: int = 0) -> pd.DataFrame:
    """Numbers, categories and gaps, and a hidden number `z` that they tell."""
    draw = rng(seed)
    table = pd.DataFrame(
        {
            "length": draw.normal(5, 2, count).round(3),
            "width": draw.exponential(3, count).round(3),
            "colour": draw.choice(["red", "green", "blue"], count),
            "rooms": draw.integers(1, 7, count),
        }
    )
    table["z"] = table["length"] - 3 * (table["colour"] == "red") + 0.5 * table["rooms"] + draw.normal(0, 0.4, count)
    table.loc[draw.random(count) < 0.1, "width"] = np.nan
    return table


def cut(table: pd.DataFrame, share: float = 0.25) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training rows and test rows, drawn at random."""
    held = rng(1).permutation(len(table)) < share * len(table)
    return table[~held].reset_index(drop=True), table[held].reset_index(drop=True)


def write(folder: Path, **tables: pd.DataFrame) -> None:
    """Plain CSV files."""
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)


def sentence(draw: np.random.Generator, words: list[str], length: int = 12) -> str:
    return " ".join(draw.choice(words, length))


@competition
def houses(folder: Path) -> Truth:
    """Prices with a long tail; NA is a category; the key is called Id."""
    table = base(240)
    table["SalePrice"] = np.exp(table.pop("z") / 2 + 8).round().astype(int)
    table["PoolQC"] = np.where(rng(2).random(240) < 0.9, "NA", "Gd")
    table.insert(0, "Id", np.arange(1, 241))
    train, test = cut(table)
    answers = test[["Id", "SalePrice"]]
    write(
        folder, train=train, test=test.drop(columns="SalePrice"), sample_submission=answers.assign(SalePrice=180000.5)
    )
    return Truth("rmsle", ["Id"], ["SalePrice"], answers, 0.5)


@competition
def access(folder: Path) -> Truth:
    """The target comes first, training rows have no id, and the sample spells it in other capitals; few are 0."""
    table = base(400, 3)
    table.insert(0, "ACTION", (table.pop("z") > 2.6).astype(int))
    train, test = cut(table)
    test.insert(0, "id", np.arange(1, len(test) + 1))
    answers = test[["id", "ACTION"]].rename(columns={"id": "Id", "ACTION": "Action"})
    write(folder, train=train, test=test.drop(columns="ACTION"), sampleSubmission=answers.assign(Action=0))
    return Truth("auc", ["Id"], ["Action"], answers, 0.8, ["--metric", "auc"])


@competition
def pixels(folder: Path) -> Truth:
    """Test rows without an id: the sample file numbers them."""
    draw = rng(4)
    label = draw.integers(0, 4, 240)
    table = pd.DataFrame(draw.integers(0, 30, (240, 16)), columns=[f"pixel{n}" for n in range(16)])
    for row, at in enumerate(label):
        table.iloc[row, at * 4 : at * 4 + 4] += 180
    table.insert(0, "label", label)
    train, test = cut(table)
    answers = pd.DataFrame({"ImageId": np.arange(1, len(test) + 1), "Label": test.pop("label")})
    write(folder, train=train, test=test, sample_submission=answers.assign(Label=0))
    return Truth("accuracy", ["ImageId"], ["Label"], answers, 0.8)


@competition
def claims(folder: Path) -> Truth:
    """The sample asks for PredictedProb, the training rows have target; the target lies in the middle."""
    table = base(300, 5)
    table.insert(2, "target", (table.pop("z") > 5).astype(int))
    table.insert(0, "ID", np.arange(3, 303))
    train, test = cut(table)
    answers = test[["ID", "target"]].rename(columns={"target": "PredictedProb"})
    write(folder, train=train, test=test.drop(columns="target"), sample_submission=answers.assign(PredictedProb=0.5))
    return Truth("log_loss", ["ID"], ["PredictedProb"], answers, 0.6, ["--metric", "Log Loss"])


@competition
def products(folder: Path) -> Truth:
    """A column of probability for each class, called as the classes are; files are zipped one by one."""
    table = base(300, 6)
    table["target"] = "Class_" + pd.cut(table.pop("z"), 3, labels=["1", "2", "3"]).astype(str)
    table.insert(0, "id", np.arange(1, 301))
    train, test = cut(table)
    answers = pd.concat([test[["id"]], pd.get_dummies(test["target"]).astype(int)], axis=1)
    files = {
        "train": train,
        "test": test.drop(columns="target"),
        "sampleSubmission": answers.assign(Class_1=1, Class_2=0, Class_3=0),
    }
    with zipfile.ZipFile(folder / "all.zip", "w") as whole:
        for name, each in files.items():
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w") as packed:
                packed.writestr(f"{name}.csv", each.to_csv(index=False))
            whole.writestr(f"{name}.csv.zip", inner.getvalue())
    return Truth("log_loss", ["id"], ["Class_1", "Class_2", "Class_3"], answers, 0.9)


@competition
def faults(folder: Path) -> Truth:
    """Classes 0 to 2 asked for as predict_0 to predict_2; what tells them stands in a table of several rows each."""
    draw = rng(7)
    severity = draw.integers(0, 3, 240)
    rows = pd.DataFrame({"id": draw.permutation(1000)[:240], "location": draw.integers(1, 30, 240)})
    rows["fault_severity"] = severity
    events = [(key, f"event {draw.integers(1, 4) + 3 * kind}") for key, kind in zip(rows["id"], severity, strict=True)
              for _ in range(1 + draw.integers(0, 3))]  # fmt: skip
    train, test = cut(rows)
    one_hot = pd.get_dummies(test["fault_severity"]).astype(int).add_prefix("predict_")
    answers = pd.concat([test[["id"]], one_hot], axis=1)
    write(
        folder,
        train=train,
        test=test.drop(columns="fault_severity"),
        event_type=pd.DataFrame(events, columns=["id", "event_type"]),
        sample_submission=answers.assign(predict_0=0, predict_1=1, predict_2=0),
    )
    return Truth("log_loss", ["id"], ["predict_0", "predict_1", "predict_2"], answers, 0.9, told="event_type.csv")


@competition
def shops(folder: Path) -> Truth:
    """Sales by day: the test days come last; store.csv has a row for each store; Customers is known too late."""
    draw = rng(8)
    days = pd.date_range("2015-01-01", periods=60)
    stores = pd.DataFrame({"Store": range(1, 9), "Type": list("abcabcab"), "Distance": draw.integers(50, 900, 8)})
    size = {"a": 300, "b": 500, "c": 900}
    rows = [(store, day, int(size[kind] * (1 + 0.3 * (day.day_of_week < 5)) * draw.uniform(0.9, 1.1)))
            for day in days for store, kind in zip(stores["Store"], stores["Type"], strict=True)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["Store", "Date", "Sales"])
    table["Open"] = 1
    train, test = (part.copy() for _, part in table.groupby(table["Date"] >= "2015-02-20"))
    train["Customers"] = train["Sales"] // 8
    test.insert(0, "Id", np.arange(1, len(test) + 1))
    answers = test[["Id", "Sales"]]
    write(folder, train=train, test=test.drop(columns="Sales"), store=stores, sample_submission=answers.assign(Sales=0))
    return Truth("rmspe", ["Id"], ["Sales"], answers, 0.25, ["--metric", "rmspe"], "Time", told="store.csv")


@competition
def departments(folder: Path) -> Truth:
    """The id of the sample is put together from three columns; features.csv is joined by two."""
    draw = rng(9)
    days = pd.date_range("2012-01-06", periods=30, freq="7D").strftime("%Y-%m-%d")
    warmth = [(s, d, round(draw.normal(60, 15), 2)) for s in (1, 2) for d in days]
    features = pd.DataFrame(warmth, columns=["Store", "Date", "Temperature"])
    rows = [
        (s, dept, d, dept * 1000 + 500 * s + draw.normal(0, 90)) for d in days for s in (1, 2) for dept in (1, 2, 3)
    ]
    table = pd.DataFrame(rows, columns=["Store", "Dept", "Date", "Weekly_Sales"])
    late = table["Date"] >= days[24]
    train, test = table[~late], table[late]
    ids = test["Store"].astype(str) + "_" + test["Dept"].astype(str) + "_" + test["Date"]
    answers = pd.DataFrame({"Id": ids, "Weekly_Sales": test["Weekly_Sales"]})
    write(
        folder,
        train=train,
        test=test.drop(columns="Weekly_Sales"),
        features=features,
        sampleSubmission=answers.assign(Weekly_Sales=0),
    )
    return Truth("mae", ["Id"], ["Weekly_Sales"], answers, 500, ["--metric", "mae"], "Time", told="features.csv")


@competition
def spaceships(folder: Path) -> Truth:
    """True and False; ids such as 0013_02, of which the first part is a party that travels together."""
    draw = rng(10)
    party = np.repeat(np.arange(1, 121), draw.integers(1, 4, 120))
    table = base(len(party), 10)
    table["Transported"] = (table.pop("z") + draw.normal(0, 1, 121)[party] > 5).astype(bool)
    number = pd.Series(party).groupby(party).cumcount() + 1
    table.insert(0, "PassengerId", [f"{p:04}_{n:02}" for p, n in zip(party, number, strict=True)])
    held = party % 4 == 0
    train, test = table[~held], table[held]
    answers = test[["PassengerId", "Transported"]]
    write(
        folder, train=train, test=test.drop(columns="Transported"), sample_submission=answers.assign(Transported=False)
    )
    return Truth("accuracy", ["PassengerId"], ["Transported"], answers, 0.6, split="StratifiedGrouped")


@competition
def pizza(folder: Path) -> Truth:
    """JSON with a true or false target, fields that only training rows have, ids that are texts, a sample of 0."""
    draw = rng(11)
    given = draw.random(240) < 0.4
    rows = [
        {
            "request_id": f"t3_{draw.integers(16**5, 16**6):x}",
            "request_text": sentence(draw, WORDS[:7] if yes else WORDS[5:], 9),
            "account": {"age": round(float(draw.exponential(100) + 80 * yes), 2), "posts": int(draw.integers(0, 50))},
            "giver": "N/A" if not yes else "somebody",
            "requester_received_pizza": bool(yes),
        }
        for yes in given
    ]
    test = [{key: row[key] for key in ("request_id", "request_text", "account")} for row in rows[180:]]
    (folder / "train.json").write_text(json.dumps(rows[:180]))
    (folder / "test.json").write_text(json.dumps(test))
    answers = pd.DataFrame(rows[180:])[["request_id", "requester_received_pizza"]]
    answers["requester_received_pizza"] = answers["requester_received_pizza"].astype(int)
    write(folder, sampleSubmission=answers.assign(requester_received_pizza=0))
    return Truth("auc", ["request_id"], ["requester_received_pizza"], answers, 0.8, ["--metric", "auc"], rows="text")


@competition
def phrases(folder: Path) -> Truth:
    """Texts in tab-separated files, zipped; grades 0 to 4 that a person may read as numbers."""
    draw = rng(12)
    grade = draw.integers(0, 5, 300)
    rows = pd.DataFrame({"PhraseId": np.arange(1, 301), "SentenceId": np.arange(300) // 3})
    rows["Phrase"] = [sentence(draw, WORDS[2 * g : 2 * g + 5], 7) for g in grade]
    rows["Sentiment"] = grade
    train, test = cut(rows)
    for name, table in (("train", train), ("test", test.drop(columns="Sentiment"))):
        with zipfile.ZipFile(folder / f"{name}.tsv.zip", "w") as packed:
            packed.writestr(f"{name}.tsv", table.to_csv(index=False, sep="\t"))
    answers = test[["PhraseId", "Sentiment"]]
    write(folder, sampleSubmission=answers.assign(Sentiment=2))
    return Truth("accuracy", ["PhraseId"], ["Sentiment"], answers, 0.6, rows="text")


@competition
def reviews(folder: Path) -> Truth:
    """labeledTrainData beside unlabeledTrainData; quoted ids."""
    draw = rng(13)
    liked = draw.integers(0, 2, 240)
    rows = pd.DataFrame({"id": [f"{n}_{draw.integers(1, 10)}" for n in range(240)], "sentiment": liked})
    rows["review"] = [sentence(draw, WORDS[:8] if yes else WORDS[6:], 15) + ' <br /> "so it goes"' for yes in liked]
    train, test = cut(rows)
    for name, table in (
        ("labeledTrainData", train),
        ("unlabeledTrainData", train.drop(columns="sentiment")),
        ("testData", test.drop(columns="sentiment")),
    ):
        table.to_csv(folder / f"{name}.tsv", index=False, sep="\t", quoting=2)
    answers = test[["id", "sentiment"]]
    write(folder, sampleSubmission=answers.assign(sentiment=0))
    return Truth("auc", ["id"], ["sentiment"], answers, 0.8, ["--metric", "auc"], rows="text")


@competition
def insults(folder: Path) -> Truth:
    """Several columns of 0 and 1 a text, each asked for as a probability."""
    draw = rng(14)
    flags = (draw.random((300, 3)) < (0.5, 0.3, 0.2)).astype(int)
    names = ["toxic", "severe", "threat"]
    texts = [" ".join([sentence(draw, WORDS[8:], 6)] + [WORDS[i] for i in range(3) if row[i]] * 2) for row in flags]
    rows = pd.DataFrame({"id": [f"{n:016x}" for n in draw.integers(0, 2**60, 300)], "comment_text": texts})
    rows[names] = flags
    train, test = cut(rows)
    answers = test[["id", *names]]
    write(
        folder,
        train=train,
        test=test.drop(columns=names),
        sample_submission=answers.assign(**dict.fromkeys(names, 0.5)),
    )
    return Truth("mean_columnwise_auc", ["id"], names, answers, 0.8, rows="text")


@competition
def market(folder: Path) -> Truth:
    """train_id beside test_id, prices told by texts."""
    draw = rng(15)
    dear = draw.integers(0, 6, 240)
    rows = pd.DataFrame({"name": [sentence(draw, WORDS[k : k + 4], 4) for k in dear]})
    rows["item_description"] = [sentence(draw, WORDS[k : k + 5], 10) for k in dear]
    rows["shipping"] = draw.integers(0, 2, 240)
    rows["price"] = (3 * 2.0**dear * draw.uniform(0.8, 1.2, 240)).round()
    train, test = cut(rows)
    train.insert(0, "train_id", np.arange(len(train)))
    test.insert(0, "test_id", np.arange(len(test)))
    train.to_csv(folder / "train.tsv", index=False, sep="\t")
    test.drop(columns="price").to_csv(folder / "test.tsv", index=False, sep="\t")
    answers = test[["test_id", "price"]]
    write(folder, sample_submission=answers.assign(price=26.7))
    return Truth("rmsle", ["test_id"], ["price"], answers, 0.9, ["--metric", "rmsle"], rows="text")


@competition
def shots(folder: Path) -> Truth:
    """One table: test rows are those without a target."""
    table = base(300, 16)
    table["shot_made_flag"] = (table.pop("z") > 5).astype(float)
    table["shot_id"] = np.arange(1, 301)
    held = rng(1).permutation(300) < 75
    answers = table.loc[held, ["shot_id", "shot_made_flag"]].astype({"shot_made_flag": int})
    table.loc[held, "shot_made_flag"] = np.nan
    write(folder, data=table, sample_submission=answers.assign(shot_made_flag=0.5))
    return Truth("log_loss", ["shot_id"], ["shot_made_flag"], answers, 0.6, ["--metric", "log_loss"])


@competition
def demand(folder: Path) -> Truth:
    """A forecast: day, shop and item, test days after all training days, dates written the American way."""
    draw = rng(17)
    days = pd.date_range("2016-03-01", periods=80)
    rows = [
        (d, s, i, int(20 * s + 7 * i + 10 * (d.day_of_week > 4) + draw.normal(0, 2)))
        for d in days
        for s in (1, 2)
        for i in (1, 2, 3)
    ]
    table = pd.DataFrame(rows, columns=["date", "store", "item", "sales"])
    late = table["date"] >= days[65]
    table["date"] = table["date"].dt.strftime("%m/%d/%Y")
    train, test = table[~late], table[late].copy()
    test.insert(0, "id", range(len(test)))
    answers = test[["id", "sales"]]
    write(folder, train=train, test=test.drop(columns="sales"), sample_submission=answers.assign(sales=52))
    return Truth("smape", ["id"], ["sales"], answers, 25, ["--metric", "smape"], "Time")


@competition
def outbreak(folder: Path) -> Truth:
    """Two counts that grow from day to day; keys and rows named by ForecastId."""
    draw = rng(18)
    days = pd.date_range("2020-02-01", periods=50)
    rows = [
        (region, d, int(10 + 3 * n * k), int(1 + n * k / 4))
        for k, region in enumerate(["north", "south", "east"], 1)
        for n, d in enumerate(days)
    ]
    table = pd.DataFrame(rows, columns=["Region", "Date", "ConfirmedCases", "Fatalities"])
    table["Wind"] = draw.normal(5, 1, len(table)).round(2)
    late = table["Date"] >= days[40]
    train, test = table[~late].copy(), table[late].copy()
    train.insert(0, "Id", range(1, len(train) + 1))
    test.insert(0, "ForecastId", range(1, len(test) + 1))
    answers = test[["ForecastId", "ConfirmedCases", "Fatalities"]]
    blank = answers.assign(ConfirmedCases=1, Fatalities=1)
    write(folder, train=train, test=test.drop(columns=["ConfirmedCases", "Fatalities"]), submission=blank)
    return Truth(
        "mean_columnwise_rmsle", ["ForecastId"], ["ConfirmedCases", "Fatalities"], answers, 1.0,
        ["--metric", "mean_columnwise_rmsle"], "Time",
    )  # fmt: skip


@competition
def phones(folder: Path) -> Truth:
    """Two key columns and two targets."""
    table = base(240, 19)
    table.insert(0, "phone", [f"Pixel{n % 4}" for n in range(240)])
    table.insert(1, "millis", 1273529403442 + 1000 * (np.arange(240) // 4))
    z = table.pop("z")
    table["lat"], table["lng"] = (37 + z / 100).round(6), (-122 - z / 50).round(6)
    train, test = cut(table)
    answers = test[["phone", "millis", "lat", "lng"]]
    write(
        folder,
        train=train,
        test=test.drop(columns=["lat", "lng"]),
        sample_submission=answers.assign(lat=37.9, lng=-122.4),
    )
    return Truth("mean_columnwise_rmse", ["phone", "millis"], ["lat", "lng"], answers, 0.025)


@competition
def places(folder: Path) -> Truth:
    """Three guesses of labels that are long numbers."""
    draw = rng(20)
    names = draw.integers(10**9, 10**10, 5)
    which = draw.integers(0, 5, 300)
    table = pd.DataFrame(
        {"row_id": np.arange(300), "x": which * 2 + draw.normal(0, 0.6, 300), "y": draw.normal(0, 1, 300)}
    )
    table["place_id"] = names[which]
    train, test = cut(table)
    answers = test[["row_id", "place_id"]]
    write(
        folder,
        train=train,
        test=test.drop(columns="place_id"),
        sample_submission=answers.assign(place_id=" ".join(map(str, names[:3]))),
    )
    return Truth("map@3", ["row_id"], ["place_id"], answers.astype({"place_id": str}), 0.7)


@competition
def european(folder: Path) -> Truth:
    """Semicolons, decimal commas, Latin-1 letters, a byte order mark; the sample is plain."""
    table = base(240, 21)
    table["Größe"] = table.pop("z").round(3)
    table["colour"] = table["colour"].replace({"red": "röt", "blue": "bläu"})
    table.insert(0, "id", np.arange(240))
    train, test = cut(table)
    (folder / "train.csv").write_bytes(train.to_csv(index=False, sep=";", decimal=",").encode("latin-1"))
    (folder / "test.csv").write_bytes(
        b"\xef\xbb\xbf" + test.drop(columns="Größe").to_csv(index=False, sep=";", decimal=",").encode()
    )
    answers = test[["id", "Größe"]]
    write(folder, sample_submission=answers.assign(**{"Größe": 0.5}))
    return Truth("rmse", ["id"], ["Größe"], answers, 1.5)


@competition
def mixed_formats(folder: Path) -> Truth:
    """Parquet, JSON lines, and a sample that is gzipped and parted by tabs."""
    table = base(240, 22)
    table["kind"] = np.where(table.pop("z") > 5, "late", "early")
    table.insert(0, "key", [f"k{n:04}" for n in range(240)])
    train, test = cut(table)
    train.to_parquet(folder / "train.parquet")
    test.drop(columns="kind").to_json(folder / "test.jsonl", orient="records", lines=True)
    answers = test[["key", "kind"]]
    (folder / "sample_submission.tsv.gz").write_bytes(
        gzip.compress(answers.assign(kind="late").to_csv(index=False, sep="\t").encode())
    )
    return Truth("accuracy", ["key"], ["kind"], answers, 0.75)


@competition
def wide(folder: Path) -> Truth:
    """A thousand columns called 0 to 999, one of which says something."""
    draw = rng(23)
    values = draw.normal(0, 1, (160, 1000)).round(3)
    table = pd.DataFrame(values, columns=[str(n) for n in range(1000)])
    table.insert(0, "target", (values[:, 7] > 0).astype(float))
    table.insert(0, "id", np.arange(160))
    train, test = cut(table)
    answers = test[["id", "target"]]
    write(folder, train=train, test=test.drop(columns="target"), sample_submission=answers.assign(target=0.0))
    return Truth("auc", ["id"], ["target"], answers, 0.7, ["--metric", "auc"])


@competition
def ratings(folder: Path) -> Truth:
    """Grades 1 to 4 whose order counts, beside their variance, which only training rows have."""
    table = base(300, 24)
    table["median_relevance"] = pd.cut(table.pop("z"), 4, labels=[1, 2, 3, 4]).astype(int)
    table["relevance_variance"] = rng(25).random(300).round(3)
    table.insert(0, "id", np.arange(1, 301))
    train, test = cut(table)
    answers = test[["id", "median_relevance"]].rename(columns={"median_relevance": "prediction"})
    write(
        folder,
        train=train,
        test=test.drop(columns=["median_relevance", "relevance_variance"]),
        sampleSubmission=answers.assign(prediction=2),
    )
    return Truth(
        "quadratic_weighted_kappa", ["id"], ["prediction"], answers, 0.4, ["--metric", "Quadratic Weighted Kappa"]
    )


@competition
def gaps(folder: Path) -> Truth:
    """Targets 0.0 and 1.0 with gaps; constant, empty, mixed and index columns; test rows with a column more."""
    table = base(300, 26)
    draw = rng(27)
    table["target"] = (table.pop("z") > 5).astype(float)
    table["same"], table["empty"] = 7, np.nan
    table["mixed"] = np.where(draw.random(300) < 0.1, "unknown", draw.integers(0, 99, 300).astype(str))
    table["code"] = [f"c{n}" for n in draw.integers(0, 150, 300)]
    table.insert(0, "id", [f"{n:06}" for n in range(300)])
    train, test = cut(table)
    answers = test[["id", "target"]].astype({"target": int})
    train.loc[::15, "target"] = np.nan
    train.to_csv(folder / "train.csv")
    test.drop(columns="target").assign(later=1.5).to_csv(folder / "test.csv")
    write(folder, sample_submission=answers.assign(target=0))
    return Truth("accuracy", ["id"], ["target"], answers, 0.75, ["--metric", "accuracy"])


@competition
def weighted(folder: Path) -> Truth:
    """Each training row has a weight; the sample's columns are in another order."""
    table = base(240, 28)
    table["loss"] = table.pop("z").round(3)
    table["weight"] = rng(29).choice([1.0, 5.0], 240)
    table.insert(0, "id", np.arange(240))
    train, test = cut(table)
    answers = test[["loss", "id"]]
    write(folder, train=train, test=test.drop(columns=["loss", "weight"]), sample_submission=answers.assign(loss=0.5))
    return Truth("mae", ["id"], ["loss"], answers, 1.2, ["--metric", "weighted_mae"], told="weight")


@competition
def labels_apart(folder: Path) -> Truth:
    """Targets of the training rows in a table of their own; labels are texts, one of them None."""
    table = base(240, 30)
    table["state"] = pd.cut(table.pop("z"), 3, labels=["None", "Low", "High"]).astype(str)
    table.insert(0, "uid", [f"u-{n}" for n in range(240)])
    train, test = cut(table)
    answers = test[["uid", "state"]]
    write(
        folder,
        train=train.drop(columns="state"),
        train_labels=train[["uid", "state"]],
        test=test.drop(columns="state"),
        sample_submission=answers.assign(state="None"),
    )
    return Truth("macro_f1", ["uid"], ["state"], answers, 0.4, ["--metric", "macro_f1"], told="train_labels.csv")


@competition
def leaves(folder: Path) -> Truth:
    """Columns of 0 and 1 of which each row has one, as training rows have them too."""
    table = base(240, 31)
    names = ["healthy", "rust", "scab"]
    table = pd.concat([table, pd.get_dummies(pd.cut(table.pop("z"), 3, labels=names)).astype(int)], axis=1)
    table.insert(0, "image_id", [f"Test_{n}" for n in range(240)])
    train, test = cut(table)
    answers = test[["image_id", *names]]
    write(
        folder,
        train=train,
        test=test.drop(columns=names),
        sample_submission=answers.assign(**dict.fromkeys(names, 0.25)),
    )
    return Truth("log_loss", ["image_id"], names, answers, 0.9)


@competition
def headless(folder: Path) -> Truth:
    """No headers, labels apart in a file of one column, as in data-science-london."""
    draw = rng(32)
    values = draw.normal(0, 1, (240, 6)).round(4)
    label = (values[:, 0] + values[:, 1] > 0).astype(int)
    pd.DataFrame(values[:180]).to_csv(folder / "train.csv", index=False, header=False)
    pd.DataFrame(values[180:]).to_csv(folder / "test.csv", index=False, header=False)
    pd.DataFrame(label[:180]).to_csv(folder / "trainLabels.csv", index=False, header=False)
    answers = pd.DataFrame({"Id": np.arange(1, 61), "Solution": label[180:]})
    write(folder, sampleSubmission=answers.assign(Solution=0))
    return Truth("accuracy", ["Id"], ["Solution"], answers, 0.75)


@competition
def without_sample(folder: Path) -> Truth:
    """No sample submission: one is written."""
    table = base(240, 33)
    table["churn"] = np.where(table.pop("z") > 5, "Yes", "No")
    table.insert(0, "customer", [f"C{n}" for n in range(240)])
    train, test = cut(table)
    write(folder, train=train, test=test.drop(columns="churn"))
    return Truth("accuracy", ["customer"], ["churn"], test[["customer", "churn"]], 0.75)


@competition
def dated_ids(folder: Path) -> Truth:
    """The id is the hour, and test days lie between training days."""
    hours = pd.date_range("2011-01-01", periods=24 * 40, freq="h")
    table = pd.DataFrame(
        {"datetime": hours.strftime("%Y-%m-%d %H:%M:%S"), "temp": rng(34).normal(15, 5, len(hours)).round(2)}
    )
    busy = 1 + np.sin((hours.hour - 6) / 24 * 2 * np.pi)
    table["count"] = rng(35).poisson(40 * busy + table["temp"].clip(0) * 2)
    held = hours.day % 7 >= 5
    train, test = table[~held], table[held]
    answers = test[["datetime", "count"]]
    write(folder, train=train, test=test.drop(columns="count"), sampleSubmission=answers.assign(count=0))
    return Truth("rmsle", ["datetime"], ["count"], answers, 0.6, split="Grouped")


@competition
def patients(folder: Path) -> Truth:
    """Several rows a patient, and the test rows are of other patients."""
    draw = rng(36)
    who = np.repeat(np.arange(60), 5)
    table = base(300, 36)
    table.insert(0, "sample", np.arange(300))
    table.insert(1, "patient", [f"P{n:03}" for n in who])
    table["pressure"] = (table.pop("z") + draw.normal(0, 1, 60)[who]).round(3)
    held = who % 4 == 0
    train, test = table[~held], table[held]
    answers = test[["sample", "pressure"]]
    write(folder, train=train, test=test.drop(columns="pressure"), sample_submission=answers.assign(pressure=0.1))
    return Truth("rmse", ["sample"], ["pressure"], answers, 2.2, split="Grouped")


@competition
def questions(folder: Path) -> Truth:
    """The answer is free text: that of the most similar question."""
    draw = rng(37)
    which = draw.integers(0, 60, 260)
    rows = pd.DataFrame(
        {
            "qid": [f"q{n}" for n in range(260)],
            "question": [
                f"where is {WORDS[k % 14]} number {k} {WORDS[k // 14]} of {sentence(draw, WORDS, 2)}" for k in which
            ],
        }
    )
    rows["answer"] = [f"{WORDS[k % 14]} town {k} of {WORDS[k // 14]} hill" for k in which]
    train, test = cut(rows)
    answers = test[["qid", "answer"]]
    write(
        folder, train=train, test=test.drop(columns="answer"), sample_submission=answers.assign(answer="nowhere at all")
    )
    return Truth("accuracy", ["qid"], ["answer"], answers, 0.3, ["--kind", "text"], rows="text")


def picture(draw: np.random.Generator, bright: bool) -> Any:
    """A small image, bright or dark."""
    from PIL import Image

    return Image.fromarray(draw.integers(120 if bright else 0, 255 if bright else 90, (20, 24, 3)).astype(np.uint8))


def _breeds(folder: Path) -> Truth:
    """labels.csv names the images of a folder; a probability is asked for each breed; test rows stand in the sample."""
    draw = rng(38)
    (folder / "train").mkdir()
    (folder / "test").mkdir()
    kinds = np.array(["dark_hound", "pale_hound"])
    which, names = draw.integers(0, 2, 60), [f"{n:08x}" for n in range(60)]
    for number, (name, bright) in enumerate(zip(names, which, strict=True)):
        picture(draw, bool(bright)).save(folder / ("train" if number < 44 else "test") / f"{name}.jpg")
    answers = pd.DataFrame({"id": names[44:], **{kind: (kinds[which[44:]] == kind).astype(int) for kind in kinds}})
    labels = pd.DataFrame({"id": names[:44], "breed": kinds[which[:44]]})
    write(folder, labels=labels, sample_submission=answers.assign(dark_hound=0.5, pale_hound=0.5))
    return Truth("log_loss", ["id"], kinds.tolist(), answers, 0.69, rows="image")


def _cactus(folder: Path) -> Truth:
    """File names with endings in the table; the images are in zip files of their own."""
    draw = rng(39)
    which, names = draw.integers(0, 2, 60), [f"{n:08x}.png" for n in range(60)]
    for part, span in (("train", slice(0, 44)), ("test", slice(44, 60))):
        with zipfile.ZipFile(folder / f"{part}.zip", "w") as packed:
            for name, bright in zip(names[span], which[span], strict=True):
                image = io.BytesIO()
                picture(draw, bool(bright)).save(image, "png")
                packed.writestr(f"{part}/{name}", image.getvalue())
    answers = pd.DataFrame({"id": names[44:], "has_cactus": which[44:]})
    write(
        folder,
        train=pd.DataFrame({"id": names[:44], "has_cactus": which[:44]}),
        sample_submission=answers.assign(has_cactus=0.5),
    )
    return Truth("auc", ["id"], ["has_cactus"], answers, 0.7, ["--metric", "auc"], rows="image")


def _seedlings(folder: Path) -> Truth:
    """No training table: a folder for each class."""
    draw = rng(40)
    kinds = ["Maize", "Small Nettle"]
    (folder / "test").mkdir()
    which, answers = draw.integers(0, 2, 60), []
    for number, bright in enumerate(which):
        place = folder / "train" / kinds[bright] if number < 44 else folder / "test"
        place.mkdir(parents=True, exist_ok=True)
        picture(draw, bool(bright)).save(place / f"{number:05}.png")
        if number >= 44:
            answers.append((f"{number:05}.png", kinds[bright]))
    table = pd.DataFrame(answers, columns=["file", "species"])
    write(folder, sample_submission=table.assign(species="Maize"))
    return Truth("accuracy", ["file"], ["species"], table, 0.7, rows="image")


PICTURES: dict[str, Maker] = {"breeds": _breeds, "cactus": _cactus, "seedlings": _seedlings}
