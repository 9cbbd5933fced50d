"""Dates in columns: told by the way they are written, never by a parser that takes everything for one."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

PATTERNS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d%b%Y",
    "%Y-%m",
    "%Y/%m",
    "%b-%Y",
    "%b-%y",
)
"""Ways to write a day, tried in this order; months come before days where both readings fit, as Kaggle is American."""

CLOCKS = (
    "",
    " %H:%M:%S",
    " %H:%M:%S UTC",
    " %H:%M",
    "T%H:%M:%S",
    " %H:%M:%S.%f",
    "T%H:%M:%S.%f",
    " %I:%M:%S %p",
    " %I:%M %p",
    " %H",
)
"""Ways to write the time after the day."""

MOST = 0.95
"""The share of a column's different values that must be dates for it to be a column of dates."""

NAMES = ("date", "day", "time", "month", "timestamp", "period")
"""Words in the names of columns in which a whole number such as 20130401 is a date."""


def pattern(values: pd.Series) -> str | None:
    """How the dates of a column are written, as strptime wants it; `iso` for ISO 8601 with a time zone.

    None where the column holds no dates: fewer than the share MOST of its different values can be read.
    """
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values):
        return "iso"
    if pd.api.types.is_numeric_dtype(values):
        return "%Y%m%d" if _counts_days(values) else None
    present = values.dropna()
    if present.empty or not isinstance(present.iloc[0], str):
        return None
    texts = pd.Series(present.unique()[:300], dtype=object)
    if texts.empty or not all(isinstance(text, str) for text in texts):
        return None
    # A quick look first: most columns of texts are no dates, and trying all patterns on one takes 50 ms.
    if texts.str.contains(r"\d").mean() < MOST or texts.str.len().max() > 40:
        return None
    for form in _likely(str(texts.iloc[0])):
        if form is not None and read(texts, form).notna().mean() >= MOST:
            return form
    return None


def read(values: pd.Series, form: str) -> pd.Series:
    """The dates of a column without time zones, NaT where a value cannot be read."""
    import pandas as pd

    if form == "iso":
        dates = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
        return dates.dt.tz_localize(None)
    if form == "%Y%m%d" and pd.api.types.is_numeric_dtype(values):
        values = values.astype("Int64").astype("string")
    # Each different text is read once: a million rows often hold a thousand days.
    codes, texts = pd.factorize(values)
    dates = pd.Series(pd.to_datetime(pd.Series(texts, dtype=object), errors="coerce", format=form))
    taken = dates.reindex(codes)
    return taken.set_axis(values.index)


def parts(dates: pd.Series) -> dict[str, np.ndarray]:
    """What a model can use of dates, float32 each, NaN where one is missing.

    These are days since 1970, year, month, day, weekday, day of the year, and hour.
    """
    at = dates.dt
    days = (dates - np.datetime64("1970-01-01")).dt.total_seconds() / 86400
    columns: dict[str, Any] = {
        "days": days,
        "year": at.year,
        "month": at.month,
        "day": at.day,
        "weekday": at.day_of_week,
        "day_of_year": at.day_of_year,
        "hour": at.hour + at.minute / 60,
    }
    return {name: np.asarray(column, np.float32) for name, column in columns.items()}


def _counts_days(values: pd.Series) -> bool:
    """Whether whole numbers such as 20130401 are days: the name says so, and all of them are."""
    import pandas as pd

    name = str(values.name).lower()
    if not any(word in name for word in NAMES):
        return False
    numbers = values.dropna().unique()[:300]
    if not len(numbers) or not ((numbers >= 19000101) & (numbers <= 21001231) & (numbers % 1 == 0)).all():
        return False
    texts = pd.Series(numbers).astype(np.int64).astype(str)
    return bool(pd.to_datetime(texts, errors="coerce", format="%Y%m%d").notna().all())


def _likely(first: str) -> list[str | None]:
    """The patterns that the first value fits, the commonest first."""
    forms: list[str | None] = []
    if len(first) > 10 and (first.endswith("Z") or "+" in first[10:] or "-" in first[10:]):
        forms.append("iso")
    for day in PATTERNS:
        for clock in CLOCKS:
            # pandas, which reads the column, takes 100 times as long for one text; it knows more digits of a second.
            with suppress(ValueError):
                datetime.strptime(re.sub(r"(\.\d{6})\d+$", r"\1", first.strip()), day + clock)
                forms.append(day + clock)
    return forms
