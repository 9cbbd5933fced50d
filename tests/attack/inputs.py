"""Inputs that are nearly right: names, JSON, CSV, zip and tar files, arrays, changed where readers trip."""

from __future__ import annotations

import copy
import io
import json
import tarfile
import zipfile
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

NAMES = (
    *(
        "a",
        "train.csv",
        "test.csv",
        "sample_submission.csv",
        "run.json",
        "fold-0/done.json",
        "a/b/c.csv",
        "año/日本.csv",
    ),
    *(
        "",
        " ",
        ".",
        "..",
        "../x",
        "../../x",
        "a/../../x",
        "a/../b",
        "/etc/passwd",
        "//x",
        "C:/x",
        "C:\\x",
        "..\\x",
        "\\x",
    ),
    *("a\0b", "a\nb", "a\rb", "\t", "\x1b[2J", "\u202egpj", "n" * 240, "n" * 255, "n" * 256, "n" * 5_000, "é" * 127),
    *("é" * 128, "a/" * 300 + "b", "a/" * 2_500 + "b", "\ud800", "\udcff", "CON", "nul.txt", "a.", "-rf", "~root/x"),
    *("$(id)", "%2e%2e/x", "a b", "'", '"', ";", "*", "?", ".hidden", ".part", "ledger.jsonl", "manifest.json"),
    *("__class__", "<script>", "{0}", "%s", "\ufeffa", "a" * 31 + "/" * 31, "last", "-", "_", "0", "-1"),
)
"""Names of files, folders, runs, recipes: fine ones, ones that lead elsewhere, and ones that no disk can hold."""

VALUES = (
    *(None, True, False, 0, 1, -1, 2, 7, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308, 5e-324),
    *("", " ", "x", "0", "1", "null", "NaN", "x" * 5_000, "\ud800", "\0", "a\nb", "日本", "2026-01-01T00:00:00Z"),
    *([], [None], [[]], [1, "x"], {}, {"": None}, {"a": {"b": []}}, [{}], {"schema": 1}),
    *(float("nan"), float("inf"), float("-inf")),
)
"""Values of JSON of every type, some at the edges of theirs."""

TEXTS = (
    *(
        b"",
        b"null",
        b"[]",
        b"{}",
        b"7",
        b'"x"',
        b"text",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe{\x00}\x00",
    ),
    *(
        b"\xef\xbb\xbf{}",
        b"\x00",
        b"9" * 5_000,
        b'{"a": NaN}',
        b"\xed\xa0\x80",
        b'"\\ud800"',
        b"{}{}",
        b"\n\n",
        b"PK\x05\x06",
    ),
)
"""Whole files in the place of another."""

CHUNKS = (
    *(
        b"",
        b"\x00",
        b"\xff",
        b"\x80",
        b"\n",
        b"\r",
        b"\r\n",
        b",",
        b'"',
        b'""',
        b"'",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"\\",
    ),
    *(b"-", b".", b"e", b"1", b"nan", b"inf", b"1e999", b"0x1", b" ", b"\t", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf"),
    *(
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\x00" * 8,
        b"x" * 200,
        b"9" * 400,
        b"=1+1",
    ),
)
"""Pieces put into a file somewhere."""


@st.composite
def changed(draw: DrawFn, data: bytes, most: int = 3) -> bytes:
    """The bytes with some of them cut off, taken out, put in, written over or repeated."""
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(("cut", "take", "put", "over", "repeat", "flip")))
        length = draw(st.sampled_from((1, 2, 4, 17, 300)))
        if kind == "cut":
            data = data[:at]
        elif kind == "take":
            data = data[:at] + data[at + length :]
        elif kind == "put":
            data = data[:at] + draw(st.sampled_from(CHUNKS)) + data[at:]
        elif kind == "over":
            piece = draw(st.sampled_from(CHUNKS))
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "repeat":
            data = data[: at + length] + data[at:]
        elif at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) + data[at + 1 :]
    return data


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places in a JSON value, from its root on."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, one in inside for path in _paths(one, (*at, key)))]


@st.composite
def changed_json(draw: DrawFn, value: Any, more: tuple[Any, ...] = ()) -> Any:
    """A JSON value with some of its inner values replaced, taken away or added to; `more` are values to put in."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        if not (inside := _paths(value)[1:]):
            return value
        *way, last = draw(st.sampled_from(inside))
        inner = value
        for key in way:
            inner = inner[key]
        kind = draw(st.sampled_from(("set", "set", "take", "add", "name")))
        new = copy.deepcopy(draw(st.sampled_from(VALUES + more)))
        if kind == "set":
            inner[last] = new
        elif kind == "take":
            del inner[last]
        elif isinstance(inner, list):
            inner.append(new)
        elif kind == "add":
            inner[draw(st.sampled_from(NAMES))] = new
        else:
            inner[draw(st.sampled_from(NAMES))] = inner.pop(last)
    return value


@st.composite
def json_files(draw: DrawFn, *values: Any) -> bytes:
    """The file of one of some JSON objects, changed as JSON, as bytes or altogether."""
    kind = draw(st.sampled_from(("json", "json", "json", "bytes", "text")))
    if kind == "text":
        return draw(st.sampled_from(TEXTS))
    value = draw(st.sampled_from(values))
    if kind == "json":
        value = draw(changed_json(value))
    data = json.dumps(value, ensure_ascii=True).encode()
    return draw(changed(data)) if kind == "bytes" else data


@st.composite
def zips(draw: DrawFn, members: dict[str, bytes]) -> bytes:
    """A zip file: the members, some under other names, packed in any way, with lies about them, and changed bytes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in members.items():
            for _ in range(draw(st.sampled_from((1,) * 12 + (0, 2)))):
                shown = name if draw(st.integers(0, 11)) else draw(st.sampled_from(NAMES))
                info = zipfile.ZipInfo(shown.encode("utf-8", "replace").decode() or "x")
                info.compress_type = draw(st.sampled_from((0, 0, 8, 12, 14)))
                kind = draw(st.sampled_from((0o100644,) * 20 + (0o040755, 0o120777, 0o020666, 0)))
                info.external_attr = kind << 16
                archive.writestr(
                    info, data if draw(st.integers(0, 11)) else draw(st.sampled_from((*TEXTS[:6], b"../x")))
                )
        if not draw(st.integers(0, 5)):
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w", 8) as nested:
                nested.writestr(draw(st.sampled_from(("train.csv", "../train.csv", "x"))), members["train.csv"])
            archive.writestr("train.csv.zip", inner.getvalue())
    data = held.getvalue()
    return data if draw(st.integers(0, 3)) else draw(changed(data))


@st.composite
def tars(draw: DrawFn, members: dict[str, bytes]) -> bytes:
    """A tar file: as `zips`, with links and devices."""
    held = io.BytesIO()
    packed = draw(st.sampled_from(("w", "w:gz", "w:bz2", "w:xz")))
    with tarfile.open(
        fileobj=held, mode=packed, **({} if packed in ("w", "w:xz") else {"compresslevel": 1})
    ) as archive:
        for name, data in members.items():
            shown = name if draw(st.integers(0, 11)) else draw(st.sampled_from(NAMES))
            info = tarfile.TarInfo(shown)
            info.size = len(data)
            kinds = (tarfile.REGTYPE,) * 24 + (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)
            info.type = draw(st.sampled_from((*kinds, tarfile.CHRTYPE, tarfile.BLKTYPE, b"9")))
            info.linkname = draw(st.sampled_from(NAMES)) if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            info.mode = draw(st.sampled_from((0o644, 0, 0o7777)))
            try:
                archive.addfile(info, io.BytesIO(data))
            except (ValueError, UnicodeError):  # a name that tarfile cannot write
                continue
    data = held.getvalue()
    return data if draw(st.integers(0, 3)) else draw(changed(data))


@st.composite
def csvs(draw: DrawFn, data: bytes) -> bytes:
    """A CSV file with cells, rows or columns changed, in any encoding, with changed bytes."""
    rows = [line.split(",") for line in data.decode().splitlines()]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(rows) - 1)) if rows else 0
        kind = draw(st.sampled_from(("cell", "cell", "cell", "row", "twice", "short", "long", "header")))
        if not rows or not rows[at]:
            continue
        if kind in ("cell", "header"):
            row = rows[0 if kind == "header" else at]
            row[draw(st.integers(0, len(row) - 1))] = draw(st.sampled_from(CELLS))
        elif kind == "row":
            rows.pop(at)
        elif kind == "twice":
            rows.insert(at, list(rows[at]))
        elif kind == "short":
            rows[at].pop()
        else:
            rows[at].append(draw(st.sampled_from(CELLS)))
    text = draw(st.sampled_from(("\n", "\n", "\n", "\r\n", "\r"))).join(",".join(row) for row in rows)
    text += draw(st.sampled_from(("\n", "\n", "", "\n\n")))
    coding = draw(st.sampled_from(("utf-8",) * 6 + ("utf-8-sig", "utf-16", "latin-1", "utf-32")))
    written = text.encode(coding, "replace" if coding == "latin-1" else "surrogatepass")
    if not draw(st.integers(0, 9)):
        return draw(st.sampled_from(TEXTS))
    return written if draw(st.integers(0, 2)) else draw(changed(written))


CELLS = (
    *(
        "",
        " ",
        "nan",
        "NaN",
        "NA",
        "null",
        "None",
        "inf",
        "-inf",
        "-0",
        "0",
        "1",
        "2",
        "0.5",
        "1.0",
        "1e3",
        "1e999",
        "0x1",
    ),
    *(
        "9" * 30,
        "-1",
        "+1",
        "01",
        "1 ",
        " 1",
        "true",
        "x",
        "é",
        "日本",
        '"',
        '""',
        '"a,b"',
        '"a\nb"',
        "a\0b",
        "\ufeff",
        "\u2028",
    ),
    *("x" * 200_000, "=1+1", "1,0", "٣", "1_000", "id", "odd", "200", "219"),
)


@st.composite
def arrays(draw: DrawFn, **right: np.ndarray) -> bytes:
    """An `.npz` file of the arrays, with headers, bodies and names changed."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, array in right.items():
            if not draw(st.integers(0, 23)):
                continue
            one = io.BytesIO()
            if draw(st.integers(0, 9)):
                kind = draw(st.sampled_from((*(None,) * 9, "f2", "f4", "i8", "U3", "c16", "?", "M8[s]")))
                shape = draw(st.sampled_from((array,) * 16 + (array[:-1], array[:0], array[None], array.ravel()[0])))
                np.save(one, shape if kind is None else np.asarray(shape).astype("i4").astype(kind), allow_pickle=False)
                data = one.getvalue()
            else:
                header = draw(st.sampled_from(HEADERS))
                data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + array.tobytes()
            if not draw(st.integers(0, 11)):
                data = draw(changed(data))
            shown = (
                f"{name}.npy" if draw(st.integers(0, 7)) else draw(st.sampled_from(("x", "pred.npy", "", "../x.npy")))
            )
            archive.writestr(zipfile.ZipInfo(shown or "x"), data, draw(st.sampled_from((0,) * 15 + (8,))))
    data = held.getvalue()
    return data if draw(st.integers(0, 3)) else draw(changed(data))


HEADERS = (
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (962072674304,), }\n",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"9" * 50 + b",), }\n",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 7), }\n",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': ((((\n",
    b"{'descr': [('a', '<f8')], 'fortran_order': 1, 'shape': (2,), }\n",
    b"{'descr': '<f8', 'shape': (2,), }\n",
    b"[" * 9_000,
    b"('x')",
    b"\xff\xfe",
    b"",
)


def bodies(fields: dict[str, Any]) -> SearchStrategy[bytes]:
    """Bodies of a request: some of the known fields with values of any kind."""
    names = st.sampled_from([*fields, *NAMES[:8]])
    values = st.sampled_from([*VALUES, *NAMES, *fields.values()])
    inner = st.dictionaries(names, values, max_size=4)
    body = st.dictionaries(names, st.one_of(values, values, inner, st.lists(inner, max_size=2)), max_size=6)
    return st.one_of(
        st.tuples(st.just(fields), body).map(lambda two: json.dumps({**two[0], **two[1]}).encode()),
        body.map(lambda value: json.dumps(value).encode()),
        st.sampled_from(TEXTS),
    )
