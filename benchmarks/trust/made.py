"""Made inputs: columns of every kind under the names that readers look for, and bytes that were damaged."""

from __future__ import annotations

import csv
import datetime
import io
import json
import warnings
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Rng = np.random.Generator

_NAMES = (
    "role", "before_a", "before_b", "after_a", "after_b", "p0_a", "p1_a", "p00_a", "p2_b", "p_a", "p_b", "record",
    "label", "partial", "world", "request", "query", "paper", "dataset", "side", "deleted_at", "group_x", "group_",
    "who", "y", "age", "job", "", "\u202ex", "é", "__index_level_0__", "before_", "p_", "posteriors", "classes",
    "metadata", "signal_x",
)  # fmt: skip
Needs = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of the columns that a reader needs, and of those that it may get besides them."""

_OF_ROWS = (
    "label", "partial", "world", "request", "record", "query", "paper", "dataset", "side", "deleted_at", "group_x",
)  # fmt: skip
POSTERIORS: Needs = (("role", "before_a", "before_b", "after_a", "after_b"), _OF_ROWS)
ANSWERS: Needs = (("record", "p_a", "p_b"), ("label", "partial", "group_x", "who"))
RECORDS: Needs = (("who", "y", "age"), ("job", "label", "world", "record"))
ARRAYS: Needs = (("before", "after", "role"), (*_OF_ROWS, "classes", "metadata", "signal_x"))
ANSWER_ARRAYS: Needs = (("record", "posteriors"), (*ANSWERS[1], "classes"))

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.5, 1.5, -0.0, 1e308, "", " ", "NA", "nan",
    "inf", "1e999", "0,5", "1;2", "9" * 40, "2020-01-01", "0000-00-00", "12:61", "deleted", "unseen", "a", "b",
    "true", "\x00", "\u202e", "é", "x" * 5000, [], [[]], {}, {"a": 1}, [1, "a"], [None] * 3,
)  # fmt: skip
"""Values to put where others belong."""

_TOKENS = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b"\r", b"\r\n", b",", b";", b"\t", b'"', b"'", b"\\",
    b"\\u0000", b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1", b"9" * 400, b"0x1F", b"[" * 2000, b"{" * 600,
    b"{}", b"[]", b"null", b"&a [*a]", b"!!python/object:os.system {}", b"<<: *x", b"---\n", b": ", b"- ", b"%s%n",
    b"../../etc/passwd", b"p_", b"before_", b"PK\x03\x04", b"PAR1", b"\x93NUMPY", b"\x80\x04.", b"\x1f\x8b",
    b"x" * 70_000, b"1:" * 300 + b"1",
)  # fmt: skip


def odd(rng: Rng) -> Any:
    """Return one of `ODD`."""
    return ODD[int(rng.integers(len(ODD)))]


def mutated(content: bytes, others: Sequence[bytes], rng: Rng) -> bytes:
    """Return some bytes after one to four accidents: flips, cuts, insertions, repetitions and pieces of others."""
    held = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        at, kind = int(rng.integers(len(held) + 1)), int(rng.integers(8))
        end = min(len(held), at + 1 + int(2 ** (rng.random() * 8)))
        if kind <= 1 and at < len(held):
            held[at] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            del held[at : len(held) if rng.random() < 0.3 else end]
        elif kind == 3:
            token = _TOKENS[int(rng.integers(len(_TOKENS)))]
            held[at : at if rng.random() < 0.6 else end] = token
        elif kind == 4:
            held[at:at] = held[at:end] * int(rng.integers(1, 40))
        elif kind == 5:
            other = others[int(rng.integers(len(others)))]
            start = int(rng.integers(len(other) + 1))
            held[at:end] = other[start : start + int(2 ** (rng.random() * 10))]
        elif kind == 6:
            held[at:end] = rng.bytes(end - at)
        else:
            held[at:end] = bytes([(0, 0x7F, 0x80, 0xFF)[int(rng.integers(4))]]) * (end - at)
    return bytes(held[:400_000])


def names_of(needs: Needs, rng: Rng) -> list[str]:
    """Return names of columns: those that a reader needs, and some more or less."""
    needed, more = needs
    names = [*needed, *(more[int(at)] for at in rng.integers(len(more), size=int(rng.integers(4))))]
    if rng.random() < 0.1:
        names.append(_NAMES[int(rng.integers(len(_NAMES)))])
    if rng.random() < 0.05:
        names.pop(int(rng.integers(len(names))))
    return names if rng.random() < 0.1 else list(dict.fromkeys(names))


def _right(name: str, n: int, rng: Rng) -> list[Any]:
    """Return n values that a reader may take for those of a name."""
    if name == "role":
        return [("deleted", "unseen")[i % 2] for i in range(n)]
    if name.startswith(("before_", "after_", "p")) and name not in ("partial", "paper"):
        return [0.5] * n
    if name == "partial":
        return [bool(rng.random() < 0.5)] * n
    if name in ("y", "label"):
        return [("a", "b")[i % 2] for i in range(n)]
    if name in ("request", "world", "query", "deleted_at", "paper"):
        return [0] * n
    return list(range(n))


def _integers(kind: Any) -> Callable[[int, Rng], pa.Array]:
    low, high = (np.iinfo(kind).min, np.iinfo(kind).max)
    return lambda n, _: pa.array([(0, 1, int(low), int(high))[i % 4] for i in range(n)], pa.from_numpy_dtype(kind))


def _moments(kind: pa.DataType, bits: int) -> Callable[[int, Rng], pa.Array]:
    far = 2 ** (bits - 2)
    count = pa.int32() if bits == 32 else pa.int64()
    return lambda n, rng: pa.array([(0, far, -far)[int(i)] for i in rng.integers(3, size=n)], count).view(kind)


_KINDS: tuple[Callable[[int, Rng], pa.Array], ...] = (
    *(_integers(kind) for kind in (np.int8, np.uint8, np.int32, np.int64, np.uint64)),
    *(_moments(pa.timestamp(unit), 64) for unit in ("ms", "us", "ns")),
    *(_moments(pa.timestamp("us", tz=zone), 64) for zone in ("UTC", "Europe/Berlin")),
    _moments(pa.date32(), 32),
    _moments(pa.duration("us"), 64),
    lambda n, _: pa.array([0, 86_399_999_999] * n, pa.time64("us"))[:n],
    lambda n, _: pa.array([np.nan, np.inf, -np.inf, 1e308, 5e-324, 0.5] * n)[:n],
    lambda n, _: pa.array([0.5, np.nan] * n, pa.float32())[:n],
    lambda n, _: pa.array(np.full(n, 0.5, dtype=np.float16)),
    lambda n, _: pa.array([True, None, False] * n)[:n],
    lambda n, _: pa.nulls(n),
    lambda n, _: pa.array([str(i) for i in range(n)]),
    lambda n, _: pa.array(["0,5", "NA", "", "x" * 3000, "é\x00"] * n)[:n],
    lambda n, _: pa.array(["a", "b"] * n, pa.large_string())[:n],
    lambda n, _: pa.array([b"\xff", b"a", None] * n)[:n],
    lambda n, _: pa.array([Decimal(10) ** 30, Decimal(1), None] * n)[:n],
    lambda n, _: pa.array([[1], [], None] * n)[:n],
    lambda n, _: pa.array([{"a": 1}, None] * n)[:n],
    lambda n, _: pa.array([[("k", 1)]] * n, pa.map_(pa.string(), pa.int64())),
    lambda n, _: pa.array(["a", "b", None] * n).dictionary_encode()[:n],
    lambda n, _: pa.array([1, 2**62] * n).dictionary_encode()[:n],
    lambda n, _: pa.array([[0.5, 0.5]] * n, pa.list_(pa.float32(), 2)),
    lambda n, _: pa.array([datetime.date(1, 1, 1), datetime.date(9999, 12, 31)] * n)[:n],
)


def parquet_of(needs: Needs, rng: Rng) -> bytes:
    """Return a Parquet file of columns, one or two of them odd."""
    n, names = int(rng.integers(7)), names_of(needs, rng)
    columns = [pa.array(_right(name, n, rng)) for name in names]
    for at in rng.integers(len(names), size=int(rng.integers(3))):
        columns[int(at)] = _KINDS[int(rng.integers(len(_KINDS)))](n, rng)
    table = pa.table(columns, names=names)
    if rng.random() < 0.03:
        header = json.dumps({"layout": 1, "versions": odd(rng), "classes": odd(rng), "partial": False, "signals": {}})
        table = table.replace_schema_metadata({b"unlearn_audit": header.encode()})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression=("none", "snappy", "gzip")[int(rng.integers(3))])
    return sink.getvalue()


def csv_of(needs: Needs, rng: Rng) -> bytes:
    """Return a CSV, some of its cells odd."""
    names, n = names_of(needs, rng), int(rng.integers(7))
    sink = io.StringIO()
    rows = csv.writer(sink, delimiter=";" if rng.random() < 0.03 else ",", lineterminator=("\n", "\r\n")[n % 2])
    rows.writerow(names)
    for row in zip(*(_right(name, n, rng) for name in names), strict=True):
        rows.writerow([odd(rng) if rng.random() < 0.02 else value for value in row])
    return sink.getvalue().encode("utf-16" if rng.random() < 0.03 else "utf-8", errors="replace")


def json_lines_of(needs: Needs, rng: Rng) -> bytes:
    """Return JSON lines, some of their values odd."""
    names, n = names_of(needs, rng), int(rng.integers(7))
    columns = {name: _right(name, n, rng) for name in names}
    rows = [
        {name: odd(rng) if rng.random() < 0.02 else columns[name][i] for name in columns if rng.random() < 0.99}
        for i in range(n)
    ]
    return "\n".join(map(json.dumps, rows)).encode()


def _array(name: str, n: int, rng: Rng) -> npt.NDArray[Any]:
    kinds: tuple[Callable[[], npt.NDArray[Any]], ...] = (
        lambda: np.zeros(n, dtype=[("a", "i4"), ("b", "f8")]),
        lambda: np.zeros(n, dtype="V7"),
        lambda: np.zeros(n, dtype="M8[D]") + 2**40,
        lambda: np.zeros(n, dtype="m8[s]"),
        lambda: np.array([b"\xff"] * n, dtype="S3"),
        lambda: np.full(n, 1j),
        lambda: np.array([{}] * n, dtype=object),
        lambda: np.zeros((n, 2, 2)),
        lambda: np.full((n, 2), 0.5),
        lambda: np.array(odd(rng) if not isinstance(odd(rng), list | dict) else "{}", dtype=str),
        lambda: np.full(n, np.nan),
        lambda: np.full(n, 2**64 - 1, dtype=np.uint64),
        lambda: np.array(["x" * 300, ""] * n)[:n],
        lambda: np.array(True),
        lambda: np.zeros(n, dtype=">f2"),
        lambda: np.zeros((0, 2)),
    )
    if rng.random() < 0.15:
        return kinds[int(rng.integers(len(kinds)))]()
    if name in ("before", "after", "posteriors"):
        return np.full((n, 2), 0.5)
    if name == "metadata":
        return np.array('{"model": "m"}')
    if name == "classes":
        return np.array(["a", "b"])
    if name == "label":
        return np.zeros(n, dtype=np.int64)
    return np.array(True) if name == "partial" else np.array(_right(name, n, rng))


def archive_of(needs: Needs, rng: Rng) -> bytes:
    """Return an NPZ, some of its arrays odd."""
    n = int(rng.integers(1, 7))
    sink = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.savez(sink, **{name: _array(name, n, rng) for name in dict.fromkeys(names_of(needs, rng)) if name != "file"})
    return sink.getvalue()
