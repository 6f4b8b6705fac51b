"""Named arrays in an NPZ archive: what they are is looked at before any is unpacked, and none holds objects."""

from __future__ import annotations

import io
import lzma
import math
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy.typing as npt
from numpy.lib import format as npy

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.columns import check_file
from unlearn_audit.utils.limits import check_amount
from unlearn_audit.utils.signatures import HEAD, refuse_start

# what zipfile, its decompressors and NumPy raise on bytes that are not what they should be
_BROKEN_ARCHIVE = (
    ValueError, OSError, EOFError, RuntimeError, LookupError, TypeError, MemoryError, OverflowError, AttributeError,
    SyntaxError, RecursionError, tokenize.TokenError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_SAVE = "save plain arrays of numbers and text with numpy.savez"


def load_arrays(path: Path, content: bytes | None = None) -> dict[str, npt.NDArray[Any]]:
    """Return every array of an archive, whose bytes may have been read.

    Raises
    ------
    AuditError
        If it is no whole archive of arrays of numbers and texts, or holds more than is read.
    """
    if content is None:
        check_file(path)
    try:
        with path.open("rb") if content is None else io.BytesIO(content) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of arrays that very old programs wrote
            refuse_start(path, stream.read(HEAD), b"PK\x03\x04")
            stream.seek(0)
            with zipfile.ZipFile(stream) as archive:
                return dict(_arrays(archive, path))
    except AuditError:
        raise
    except _BROKEN_ARCHIVE as error:
        raise AuditError(f"{path} is not a complete NPZ archive; {_SAVE}") from error


def _arrays(archive: zipfile.ZipFile, path: Path) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the arrays by name, once all of them are known to be plain and of a bounded size."""
    members = archive.infolist()
    names = [member.filename.removesuffix(".npy") for member in members]
    if len(set(names)) < len(names):
        raise AuditError(f"{path} holds two arrays of one name; {_SAVE}")
    total = 0
    for name, member in zip(names, members, strict=True):
        with archive.open(member) as stream:
            total += _checked_bytes(stream, name, member.file_size, path)
    check_amount(path, total // 8, sum(member.compress_size for member in members))
    for name, member in zip(names, members, strict=True):
        with archive.open(member) as stream:
            yield name, npy.read_array(stream, allow_pickle=False)


def _checked_bytes(stream: IO[bytes], name: str, size: int, path: Path) -> int:
    """Return how many bytes an array takes in memory, by its header."""
    try:
        version = npy.read_magic(stream)
    except ValueError as error:
        raise AuditError(f"{path}: its member '{name}' is not an array; save arrays alone with numpy.savez") from error
    if version not in _HEADERS:  # field names in UTF-8, which only records of fields have
        raise AuditError(f"{path}: array '{name}' holds records of several fields; {_SAVE}")
    shape, _, kind = _HEADERS[version](stream)
    if kind.hasobject:
        raise AuditError(f"{path} holds Python objects, which can run code, in '{name}'; {_SAVE}")
    if kind.kind not in "biufcUSMm" or kind.subdtype is not None:
        raise AuditError(f"{path}: array '{name}' holds values of type {kind}; {_SAVE}")
    held = math.prod(shape) * kind.itemsize
    if held > size or min(shape, default=0) < 0:
        raise AuditError(f"{path}: array '{name}' is of {held:,} bytes by its header and {size:,} are there; {_SAVE}")
    return held
