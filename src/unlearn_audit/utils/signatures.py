"""What a file is, where it is none that is read: how it starts names its format."""

from __future__ import annotations

from pathlib import Path

from unlearn_audit.errors import AuditError

HEAD = 512
"""Bytes by which a file is recognised."""

_UNPACK = "unpack it and give the file in it"
_EXPORT = "export it as CSV, JSON lines or Parquet"

_COMPRESSED = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "Zstandard"))

_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "compressed (zip) or a spreadsheet", f"{_UNPACK}, or save the sheet as CSV"),
    *((start, f"compressed ({name})", _UNPACK) for start, name in _COMPRESSED),
    *((f"BZh{level}1AY&SY".encode(), "compressed (bzip2)", _UNPACK) for level in range(1, 10)),
    (b"\x04\x22\x4d\x18", "compressed (LZ4)", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "compressed (7-Zip)", _UNPACK),
    (b"PAR1\x15", "a Parquet file", "give it the suffix .parquet"),
    (b"\x93NUMPY", "a single array (.npy)", "save named arrays with numpy.savez"),
    (b"ARROW1\0", "an Arrow or Feather file", "give it the suffix .arrow"),
    (b"\x89HDF", "an HDF5 file", _EXPORT),
    (b"SQLite format 3", "a database (SQLite)", _EXPORT),
    (b"\xd0\xcf\x11\xe0", "an Excel spreadsheet", "save the sheet as CSV"),
    (b"%PDF-", "a PDF", _EXPORT),
    (b"\xff\xfe", "UTF-16 text", "save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "save it as UTF-8"),
    *((bytes([0x80, protocol]), "a pickle of Python objects, which can run code", _EXPORT) for protocol in range(2, 6)),
)

_SUFFIXES = {
    **dict.fromkeys((".lz4", ".7z", ".tar", ".tgz", ".rar"), ("compressed", _UNPACK)),
    **dict.fromkeys((".xls", ".xlsx", ".xlsm", ".ods"), ("a spreadsheet", "save the sheet as CSV")),
    ".orc": ("in a format that is not supported yet", "save it as Parquet"),
    ".npy": ("a single array", "save named arrays with numpy.savez, as .npz"),
    **dict.fromkeys(
        (".gz", ".zip", ".bz2", ".xz", ".zst"),
        ("compressed, in a format that its name does not show", "name it as in answers.csv.gz"),
    ),
}


def known_suffix(suffix: str) -> tuple[str, str] | None:
    """Return what a file of a suffix is that is not read, and what to do; None if that is not known.

    Examples
    --------
    >>> known_suffix(".xlsx"), known_suffix(".pkl")
    (('a spreadsheet', 'save the sheet as CSV'), None)
    """
    return _SUFFIXES.get(suffix)


def start_of(head: bytes, *but: bytes) -> tuple[str, str] | None:
    """Return what a file is by its first `HEAD` bytes, and what to do; None where they don't say, or are of ``but``.

    Examples
    --------
    >>> start_of(b"%PDF-1.7")[0], start_of(b"role,before_no")
    ('a PDF', None)
    """
    return next(
        ((what, advice) for start, what, advice in _STARTS if head.startswith(start) and start not in but), None
    )


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
    if (found := start_of(head, *but)) is not None:
        raise AuditError(f"{path} is {found[0]}, despite its name; {found[1]}")
