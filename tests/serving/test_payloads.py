"""Values on the wire: the bytes of kaggle_evaluation's protocol, and back again."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kit.serving import payloads

pytest.importorskip("google.protobuf")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

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
    back = payloads.answered(payloads.response(value), 1)
    assert back == value and type(back) is type(value)


def test_tables_and_arrays_come_back_as_they_were() -> None:
    pd.testing.assert_frame_equal(payloads.answered(payloads.response(TABLE), 2), TABLE)
    pd.testing.assert_series_equal(payloads.answered(payloads.response(TABLE["id"]), 2), TABLE["id"])
    array = payloads.answered(payloads.response(np.arange(6, dtype=np.float32).reshape(2, 3)), 2)
    assert array.dtype == np.float32 and array.tolist() == [[0, 1, 2], [3, 4, 5]]
    scalar = payloads.answered(payloads.response(np.int64(7)), 1)
    assert isinstance(scalar, np.int64) and scalar == 7
    assert payloads.answered(payloads.response(io.BytesIO(b"raw")), 1).getvalue() == b"raw"
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
            payloads.answered(data, 2)


def streamed(table: Any, compression: str | None = None) -> bytes:
    """An answer that holds a table as those of Polars travel."""
    buffer, message = io.BytesIO(), payloads._messages().Response()
    with pa.ipc.new_stream(buffer, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    message.payload.polars_dataframe_value = buffer.getvalue()
    return message.SerializeToString()


def stored(table: Any, compression: str = "LZ4") -> bytes:
    """An answer that holds a table as those of pandas travel."""
    buffer, message = io.BytesIO(), payloads._messages().Response()
    pq.write_table(table, buffer, compression=compression)
    message.payload.pandas_dataframe_value = buffer.getvalue()
    return message.SerializeToString()


def test_a_table_of_a_stranger_has_the_rows_that_were_asked_for_and_unpacks_to_no_more() -> None:
    plain = pa.table({"y": [1, 2]})
    for data in (streamed(plain), streamed(plain, "lz4"), stored(plain), stored(plain, "SNAPPY")):
        assert payloads.answered(data, 2)["y"].tolist() == [1, 2]
    lists = pa.table({"y": [[None] * 1000, []]})
    nothing = pa.table({"y": pa.nulls(1 << 30)})
    claims = np.lib.format.header_data_from_array_1_0(np.zeros(1)) | {"shape": (1 << 40,)}
    header, large = io.BytesIO(), payloads._messages().Response()
    np.lib.format.write_array_header_1_0(header, claims)
    large.payload.numpy_array_value = header.getvalue()
    for data, rows in (
        (streamed(plain), 1),
        (stored(plain), 3),
        (streamed(plain, "zstd"), 2),
        (stored(plain, "ZSTD"), 2),
        (stored(plain, "GZIP"), 2),
        (streamed(lists), 2),
        (stored(lists), 2),
        (streamed(nothing), 2),
        (large.SerializeToString(), 2),
    ):
        with pytest.raises(ValueError, match="the answer cannot be read"):
            payloads.answered(data, rows)
