"""Values on the wire: the bytes of kaggle_evaluation's protocol, and back again."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("google.protobuf")
pytest.importorskip("pyarrow")

from kit.serving import payloads

TABLE = pd.DataFrame({"id": [1, 2], "text": ["a", None], "share": [0.5, float("nan")]})


def test_a_question_has_the_bytes_of_the_protocol() -> None:
    """By hand, from kaggle_evaluation.proto: name = 1, args = 2, and in a payload str = 1, int = 3 (sint64), float = 4,
    none = 5."""
    args = b"\x12\x02\x18\x06" + b"\x12\x05\x25" + struct.pack("<f", 0.5) + b"\x12\x02\x28\x01" + b"\x12\x03\x0a\x01x"
    assert payloads.request("predict", (3, 0.5, None, "x")) == b"\x0a\x07predict" + args
    inner = b"\x0a\x02\x18\x02"
    assert payloads.response([1]) == b"\x0a\x06\x32\x04" + inner
    assert payloads.response((1,)) == b"\x0a\x06\x3a\x04" + inner
    entry = b"\x0a\x01k\x12\x02\x10\x01"
    assert payloads.response({"k": True}) == b"\x0a\x0b\x42\x09\x0a\x07" + entry
    assert payloads.response(TABLE)[0:1] + payloads.response(TABLE)[3:4] == b"\x0a\x4a"  # pandas_dataframe = 9
    assert payloads.request("f", (TABLE,), "polars")[6:7] == b"\x52"  # polars_dataframe = 10


@pytest.mark.parametrize(
    "value",
    ["text", True, False, 0, -5, 2**40, 0.25, None, [1, "a", [None]], (1, 2.0), {"a": [1], "b": {"c": None}}],
)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    back = payloads.answered(payloads.response(value))
    assert back == value and type(back) is type(value)


def test_tables_and_arrays_come_back_as_they_were() -> None:
    pd.testing.assert_frame_equal(payloads.answered(payloads.response(TABLE)), TABLE)
    pd.testing.assert_series_equal(payloads.answered(payloads.response(TABLE["id"])), TABLE["id"])
    array = payloads.answered(payloads.response(np.arange(6, dtype=np.float32).reshape(2, 3)))
    assert array.dtype == np.float32 and array.tolist() == [[0, 1, 2], [3, 4, 5]]
    scalar = payloads.answered(payloads.response(np.int64(7)))
    assert isinstance(scalar, np.int64) and scalar == 7
    assert payloads.answered(payloads.response(io.BytesIO(b"raw"))).getvalue() == b"raw"
    name, args, named = payloads.asked(payloads.request("predict", (TABLE, 1), "polars"))
    assert (name, args[1], named) == ("predict", 1, {})
    frame = args[0] if isinstance(args[0], pd.DataFrame) else args[0].to_pandas()
    pd.testing.assert_frame_equal(frame, TABLE)


def test_what_cannot_travel_or_is_no_message_is_refused() -> None:
    for value in (object(), {1: 2}, {"a": {1}}):
        with pytest.raises(TypeError):
            payloads.response(value)
    objects = io.BytesIO()
    np.save(objects, np.array([{}], dtype=object), allow_pickle=True)
    pickled = payloads._messages().Response()
    pickled.payload.numpy_array_value = objects.getvalue()
    for data in (b"\xff", b"", pickled.SerializeToString(), payloads.response(TABLE)[:-40] + b"\0" * 40):
        with pytest.raises(ValueError, match="the answer cannot be read"):
            payloads.answered(data)
