"""Tables as arrays and texts, for `estimators.save` and for files of their own: nothing in them is pickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kit import places

PLAIN = "biufmM"
"""Kinds of columns that are stored as the arrays that they are."""


def state(table: pd.DataFrame) -> dict[str, Any]:
    """A table as a dict of arrays and texts. Of columns that are no numbers or dates each different value is stored
    once, as JSON, and its number for each row."""
    columns: list[dict[str, Any]] = []
    for _, column in table.items():
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in PLAIN:
            columns.append({"values": column.to_numpy()})
            continue
        spelled = column.astype(object).map(lambda value: json.dumps(value, default=str), na_action="ignore")
        codes, values = pd.factorize(spelled)
        columns.append({"codes": codes.astype(np.int32), "json": f"[{','.join(values)}]", "dtype": str(column.dtype)})
    return {"names": json.dumps([str(name) for name in table.columns]), "rows": len(table), "columns": columns}


def restored(state: dict[str, Any]) -> pd.DataFrame:
    """The table that `state` was made of, its rows numbered from 0."""
    names, columns = json.loads(state["names"]), {}
    for name, column in zip(names, state["columns"], strict=True):
        if "values" in column:
            columns[name] = pd.Series(column["values"])
            continue
        held = json.loads(column["json"])
        values = np.full(len(held) + 1, np.nan, object)  # the last one is that of code -1, a missing value
        for place, value in enumerate(held):
            values[place] = value
        columns[name] = pd.Series(values[column["codes"]], dtype=object).astype(column["dtype"])
    return pd.DataFrame(columns, index=range(state["rows"]))


def save(table: pd.DataFrame, path: Path) -> None:
    """Write a table to a file, which appears whole or not at all."""
    held = state(table)
    arrays = {"names": np.array(held["names"]), "rows": np.array(held["rows"])}
    for place, column in enumerate(held["columns"]):
        arrays |= {f"{place} {what}": np.asarray(value) for what, value in column.items()}
    with places.whole(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> pd.DataFrame:
    """The table that `save` wrote. Raises OSError, ValueError or KeyError when the file is damaged."""
    with np.load(path, allow_pickle=False) as arrays:
        count = len(json.loads(str(arrays["names"])))
        columns: list[dict[str, Any]] = [{} for _ in range(count)]
        for name in arrays.files:
            place, _, what = name.partition(" ")
            if what:
                value = arrays[name]
                columns[int(place)][what] = value if value.ndim else str(value)
        return restored({"names": str(arrays["names"]), "rows": int(arrays["rows"]), "columns": columns})
