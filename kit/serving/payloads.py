"""Values on their way between a gateway and an inference server: protobuf messages, written from the protocol.

Source of names and numbers: `kaggle_evaluation.proto`, which competitions on Kaggle carry among their files. The
classes of messages are made when they are needed, in a pool of their own, so that kaggle_evaluation itself may be
imported beside them. Nothing is unpickled: tables are Parquet and Arrow, arrays are NumPy files without objects.
"""

from __future__ import annotations

import functools
import io
import math
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pandas as pd

METHOD = "/kaggle_evaluation_client.KaggleEvaluationService/Send"

Frames = Literal["pandas", "polars"]
"""Whose tables travel."""

_PACKAGE = "kaggle_evaluation_client"

_SCALARS = {
    "str_value": (1, 9),
    "bool_value": (2, 8),
    "int_value": (3, 18),
    "float_value": (4, 2),
    "none_value": (5, 8),
}
_NESTED = {"list_value": (6, "PayloadList"), "tuple_value": (7, "PayloadList"), "dict_value": (8, "PayloadMap")}
_BYTES = (
    *("pandas_dataframe_value", "polars_dataframe_value", "pandas_series_value", "polars_series_value"),
    *("numpy_array_value", "numpy_scalar_value", "bytes_io_value"),
)
_CODECS, _ZSTD = ("UNCOMPRESSED", "SNAPPY", "LZ4"), b"\x28\xb5\x2f\xfd"
"""How a stranger's tables may be packed: these unpack to 255 times their size at most; and how frames of zstd begin,
which have no such bound."""

_STRING, _MESSAGE, _BINARY, _ONE, _MANY = 9, 11, 12, 1, 3
"""Kinds and labels of fields. Source: descriptor.proto of protobuf."""


def request(name: str, args: tuple[Any, ...], frames: Frames = "pandas") -> bytes:
    """The message that calls the endpoint `name`. Raises TypeError for a value that cannot travel."""
    return _messages().Request(name=name, args=[_payload(each, frames) for each in args]).SerializeToString()


def asked(data: bytes) -> tuple[str, list[Any], dict[str, Any]]:
    """The endpoint that a message calls, with its arguments."""
    message = _messages().Request.FromString(data)
    return message.name, [_value(each) for each in message.args], {k: _value(v) for k, v in message.kwargs.items()}


def response(value: Any) -> bytes:
    """The message that answers with a value. Raises TypeError for one that cannot travel."""
    return _messages().Response(payload=_payload(value, "pandas")).SerializeToString()


def answered(data: bytes, rows: int) -> Any:
    """The value that a message of a stranger answers with to a batch of `rows` rows. Tables become those of pandas.

    Raises ValueError for what is no such message, for a value of no known kind, and for a table that has other rows or
    could unpack to far more than its bytes.
    """
    try:
        return _value(_messages().Response.FromString(data).payload, rows)
    except Exception as error:  # whatever protobuf, NumPy and Arrow raise for bytes of a stranger
        raise ValueError(f"the answer cannot be read: {type(error).__name__}: {error}") from error


def _payload(value: Any, frames: Frames) -> Any:
    """The `Payload` of a value."""
    messages = _messages()
    if isinstance(value, np.generic):
        return messages.Payload(numpy_scalar_value=_saved(value))
    for kind, field in ((str, "str_value"), (bool, "bool_value"), (int, "int_value"), (float, "float_value")):
        if isinstance(value, kind):
            return messages.Payload(**{field: value})
    if value is None:
        return messages.Payload(none_value=True)
    if isinstance(value, list | tuple):
        inner = messages.List(payloads=[_payload(each, frames) for each in value])
        return messages.Payload(**{"list_value" if isinstance(value, list) else "tuple_value": inner})
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a dict must have texts as keys")
        inner = messages.Map(payload_map={key: _payload(each, frames) for key, each in value.items()})
        return messages.Payload(dict_value=inner)
    if isinstance(value, pd.DataFrame):
        if frames == "polars":
            return messages.Payload(polars_dataframe_value=_streamed(value))
        return messages.Payload(pandas_dataframe_value=_parquet(value))
    if isinstance(value, pd.Series):
        return messages.Payload(pandas_series_value=_parquet(pd.DataFrame({value.name or "0": value})))
    if isinstance(value, np.ndarray):
        return messages.Payload(numpy_array_value=_saved(value))
    if isinstance(value, io.BytesIO):
        return messages.Payload(bytes_io_value=value.getvalue())
    if type(value).__module__.partition(".")[0] == "polars":
        if hasattr(value, "columns"):
            return messages.Payload(polars_dataframe_value=_stream(value.to_arrow()))
        return messages.Payload(polars_series_value=_parquet(value.to_frame(value.name or "0").to_pandas()))
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent")


def _value(payload: Any, rows: int | None = None) -> Any:
    """The value of a `Payload`: of a stranger's where `rows` is given, which tables must have. Else those of Polars
    stay so, where it is installed."""
    field = payload.WhichOneof("value")
    if field is None:
        raise TypeError("a message without a value")
    held = getattr(payload, field)
    if field in ("str_value", "bool_value", "int_value", "float_value"):
        return held
    if field == "none_value":
        return None
    if field in ("list_value", "tuple_value"):
        values = [_value(each, rows) for each in held.payloads]
        return values if field == "list_value" else tuple(values)
    if field == "dict_value":
        return {key: _value(each, rows) for key, each in held.payload_map.items()}
    if field == "numpy_array_value":
        return _array(held)
    if field == "numpy_scalar_value":
        return _array(held)[()]
    if field == "bytes_io_value":
        return io.BytesIO(held)
    whose, form, _ = field.split("_")
    table = (_of_stream if field == "polars_dataframe_value" else _of_parquet)(held, rows)
    frame = _polars(table) if whose == "polars" and rows is None else table.to_pandas(ignore_metadata=True)
    if form == "dataframe":
        return frame
    return frame.iloc[:, 0] if isinstance(frame, pd.DataFrame) else frame.to_series(0)


def _saved(value: Any) -> bytes:
    """A scalar or array as a NumPy file."""
    buffer = io.BytesIO()
    np.save(buffer, value, allow_pickle=False)
    return buffer.getvalue()


def _parquet(frame: Any) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="lz4", engine="pyarrow")
    return buffer.getvalue()


def _stream(table: Any) -> bytes:
    """A table of Arrow in its stream format, as tables of Polars travel."""
    import pyarrow as pa

    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def _streamed(frame: pd.DataFrame) -> bytes:
    import pyarrow as pa

    return _stream(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None))


def _array(held: bytes) -> np.ndarray:
    """The array in a NumPy file. Its header tells a size, which is not believed before the bytes are there."""
    file = io.BytesIO(held)
    kinds = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, dtype = kinds[np.lib.format.read_magic(file)](file)
    if math.prod(shape) * dtype.itemsize > len(held):
        raise ValueError("an array that is cut off")
    array: np.ndarray = np.load(io.BytesIO(held), allow_pickle=False)
    return array


def _of_parquet(held: bytes, rows: int | None) -> Any:
    """The table in a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet

    file = pa.parquet.ParquetFile(io.BytesIO(held))
    if rows is not None:
        groups = [file.metadata.row_group(at) for at in range(file.metadata.num_row_groups)]
        if sum(group.num_rows for group in groups) != rows:
            raise ValueError(f"a table that has not {rows} rows")
        if any(group.column(at).compression not in _CODECS for group in groups for at in range(group.num_columns)):
            raise ValueError(f"a table that is not packed by one of {', '.join(_CODECS)}")
        _refuse_nested(file.schema_arrow)
    return file.read()


def _of_stream(held: bytes, rows: int | None) -> Any:
    """The table in Arrow's stream format."""
    import pyarrow as pa

    if rows is not None and _ZSTD in held:
        raise ValueError("a table that is packed by zstd")
    with pa.ipc.open_stream(held) as stream:
        if rows is None:
            return stream.read_all()
        _refuse_nested(stream.schema)
        batches: list[Any] = []
        for batch in stream:
            batches.append(batch)
            if sum(each.num_rows for each in batches) > rows or len(batches) > rows + 1:
                break
        table = pa.Table.from_batches(batches, stream.schema)
    if table.num_rows != rows:
        raise ValueError(f"a table that has not {rows} rows")
    return table


def _refuse_nested(schema: Any) -> None:
    """Raises ValueError for columns of lists: one row could hold a billion empty ones in a few bytes."""
    import pyarrow as pa

    if any(pa.types.is_nested(field.type) for field in schema):
        raise ValueError("a table with lists in it")


def _polars(table: Any) -> Any:
    """A table of Arrow as one of Polars, of pandas where that is not installed."""
    try:
        import polars as pl
    except ImportError:
        return table.to_pandas(ignore_metadata=True)
    return pl.from_arrow(table)


@functools.cache
def _messages() -> SimpleNamespace:
    """The classes of the protocol's messages."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="kit_serving.proto", package=_PACKAGE, syntax="proto3")

    def message(name: str) -> Any:
        return file.message_type.add(name=name)

    def add(to: Any, name: str, number: int, kind: int, label: int = _ONE, of: str = "", choice: bool = False) -> None:
        field = to.field.add(name=name, number=number, type=kind, label=label)
        if of:
            field.type_name = f".{_PACKAGE}.{of}"
        if choice:
            field.oneof_index = 0

    def mapped(to: Any, name: str, number: int, entry: str) -> None:
        inner = to.nested_type.add(name=entry)
        inner.options.map_entry = True
        add(inner, "key", 1, _STRING)
        add(inner, "value", 2, _MESSAGE, of="Payload")
        add(to, name, number, _MESSAGE, _MANY, of=f"{to.name}.{entry}")

    asking = message("KaggleEvaluationRequest")
    add(asking, "name", 1, _STRING)
    add(asking, "args", 2, _MESSAGE, _MANY, of="Payload")
    mapped(asking, "kwargs", 3, "KwargsEntry")
    add(message("KaggleEvaluationResponse"), "payload", 1, _MESSAGE, of="Payload")
    payload = message("Payload")
    payload.oneof_decl.add(name="value")
    for name, (number, kind) in _SCALARS.items():
        add(payload, name, number, kind, choice=True)
    for name, (number, of) in _NESTED.items():
        add(payload, name, number, _MESSAGE, of=of, choice=True)
    for number, name in enumerate(_BYTES, 9):
        add(payload, name, number, _BINARY, choice=True)
    add(message("PayloadList"), "payloads", 1, _MESSAGE, _MANY, of="Payload")
    mapped(message("PayloadMap"), "payload_map", 1, "PayloadMapEntry")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    kinds = {"Request": "KaggleEvaluationRequest", "Response": "KaggleEvaluationResponse", "Payload": "Payload"}
    kinds |= {"List": "PayloadList", "Map": "PayloadMap"}
    return SimpleNamespace(
        **{
            short: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
            for short, name in kinds.items()
        }
    )
