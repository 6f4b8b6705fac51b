"""What a file is, where it is none that is read: how it starts names its format."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from unlearn_audit.errors import AuditError

HEAD = 512
"""Bytes by which a file is recognised."""

_UNPACK = "unpack it and give the file in it"
_EXPORT = "export it as CSV, JSON lines or Parquet"

_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "compressed (gzip)", _UNPACK),
    (b"PK\x03\x04", "compressed (zip) or a spreadsheet", f"{_UNPACK}, or save the sheet as CSV"),
    *((f"BZh{level}1AY&SY".encode(), "compressed (bzip2)", _UNPACK) for level in range(1, 10)),
    (b"\xfd7zXZ\x00", "compressed (xz)", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed (Zstandard)", _UNPACK),
    (b"\x04\x22\x4d\x18", "compressed (LZ4)", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "compressed (7-Zip)", _UNPACK),
    (b"PAR1\x15", "a Parquet file", "give it the suffix .parquet"),
    (b"\x93NUMPY", "a single array (.npy)", "save named arrays with numpy.savez"),
    (b"ARROW1\0", "an Arrow or Feather file", "save it as Parquet"),
    (b"\x89HDF", "an HDF5 file", _EXPORT),
    (b"SQLite format 3", "a database (SQLite)", _EXPORT),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of Excel", "save the sheet as CSV"),
    (b"%PDF-", "a PDF", _EXPORT),
    (b"\xff\xfe", "UTF-16 text", "save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "save it as UTF-8"),
    *((bytes([0x80, protocol]), "a pickle of Python objects, which can run code", _EXPORT) for protocol in range(2, 6)),
)

_SUFFIXES = {
    **dict.fromkeys((".gz", ".zip", ".bz2", ".xz", ".zst", ".lz4", ".7z", ".tar", ".tgz"), ("compressed", _UNPACK)),
    **dict.fromkeys((".tsv", ".tab"), ("separated by tabs", "save it as CSV, with commas")),
    **dict.fromkeys((".xls", ".xlsx", ".ods"), ("a spreadsheet", "save the sheet as CSV")),
    **dict.fromkeys((".feather", ".arrow", ".orc"), ("of a format that is not read yet", "save it as Parquet")),
    ".npy": ("a single array", "save named arrays with numpy.savez, as .npz"),
    ".json": ("one JSON document", "write one object a line, as .jsonl"),
}

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_DECIMAL_COMMA = re.compile(r"\d,\d")


def known_suffix(suffix: str) -> tuple[str, str] | None:
    """Return what a file of a suffix is that is not read, and what to do; None if that is not known.

    Examples
    --------
    >>> known_suffix(".tsv"), known_suffix(".pkl")
    (('separated by tabs', 'save it as CSV, with commas'), None)
    """
    return _SUFFIXES.get(suffix)


def refuse_start(path: Path, head: bytes, *but: bytes) -> None:
    """Raise an `AuditError` that names the cause if the content is of another format than is read.

    Parameters
    ----------
    path
        The file, for the message.
    head
        Its first `HEAD` bytes.
    but
        Starts of the format that it should be of.
    """
    for start, what, advice in _STARTS:
        if head.startswith(start) and start not in but:
            raise AuditError(f"{path} is {what}, whatever its name says; {advice}")


def refuse_separator(path: Path, header: str, second: str) -> None:
    """Raise an `AuditError` if the columns of a CSV are not separated by commas.

    Parameters
    ----------
    path
        The file, for the message.
    header, second
        Its first two lines.
    """
    by_commas = _fields(header, ",")
    for separator, name in _SEPARATORS.items():
        columns = _fields(header, separator)
        # names can hold commas, or the other sign in a file that is separated by commas
        likelier = columns > by_commas or _fields(second, ",") != by_commas
        if columns > 1 and (by_commas == 1 or (likelier and _fields(second, separator) == columns)):
            decimal = _DECIMAL_COMMA.search(second)
            also = " and writes decimals with commas" if decimal else ""
            points = " and points in numbers" if decimal else ""
            raise AuditError(f"{path} is separated by {name}{also}; save it with commas between columns{points}")


def _fields(line: str, separator: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=separator), ()))
    except csv.Error:  # a field of more than 131,072 characters
        return line.count(separator) + 1
