"""Compressed files, read piece by piece; what they unpack to is counted, so that a small file can't fill the memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.limits import most_unpacked

BROKEN = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)
"""What the decompressors raise on bytes that are not whole, besides `OSError`."""

ZIP = b"PK\x03\x04"

_WHOLE = "{path} is compressed and not whole ({why}); write it again"


def _member(stream: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(stream)
    (member,) = _files(archive)
    if member.flag_bits & 1:
        raise AuditError("is encrypted; unpack it and give the file in it")
    return archive.open(member)


def _files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    files = [of for of in archive.infolist() if not of.is_dir() and not of.filename.startswith("__MACOSX/")]
    if any(of.filename == "[Content_Types].xml" for of in files):
        raise AuditError("is an Excel spreadsheet; save the sheet as CSV")
    if len(files) != 1:
        raise AuditError(f"holds {len(files)} files; unpack it and give the right one")
    return files


_OPENERS: tuple[tuple[bytes, str, str, Callable[[Any], Any]], ...] = (
    (b"\x1f\x8b", "gzip", ".gz", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", "bzip2", ".bz2", bz2.BZ2File),
    (b"\xfd7zXZ\x00", "xz", ".xz", lzma.LZMAFile),
    (b"\x28\xb5\x2f\xfd", "Zstandard", ".zst", lambda stream: pa.CompressedInputStream(stream, "zstd")),
    (ZIP, "zip", ".zip", _member),
)

SUFFIXES = tuple(suffix for _, _, suffix, _ in _OPENERS)
"""Suffixes of compressed files that are read."""


def compression_of(head: bytes) -> str | None:
    """Return how a file is compressed, by its first bytes; None if it is not.

    Examples
    --------
    >>> compression_of(b"\\x1f\\x8b\\x08"), compression_of(b"role,before_no"), compression_of(b"BZh,role")
    ('gzip', None, None)
    """
    for start, name, _, _ in _OPENERS:
        if head.startswith(start) and (start != b"BZh" or head[4:10] == b"1AY&SY"):
            return name
    return None


def inner_suffix(path: Path) -> str:
    """Return the suffix, in lower case, of what a file holds: of ``a.csv.gz`` that is ``.csv``.

    Examples
    --------
    >>> inner_suffix(Path("a.csv.gz")), inner_suffix(Path("a.CSV")), inner_suffix(Path("a.gz"))
    ('.csv', '.csv', '')
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        return suffix
    inner = Path(path.stem).suffix.lower()
    if inner or suffix != ".zip" or not path.is_file():
        return inner
    try:
        with zipfile.ZipFile(path) as archive:
            return Path(_files(archive)[0].filename).suffix.lower()
    except (AuditError, OSError, *BROKEN):
        return ""


class _Counted(io.RawIOBase):
    """A stream that ends with an `AuditError` where it holds more than is read."""

    def __init__(self, stream: IO[bytes], held: IO[bytes], most: int, path: Path) -> None:
        super().__init__()
        self._stream, self._held, self._most, self._path, self._read = stream, held, most, path, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self._stream.read(len(buffer))
        except (OSError, *BROKEN) as error:
            raise AuditError(_WHOLE.format(path=self._path, why=" ".join(str(error).split())[:80])) from error
        self._read += len(piece)
        if self._read > self._most:
            raise AuditError(
                f"{self._path} unpacks to more than {self._most:,} bytes, like files made to exhaust memory; if that "
                "is right, unpack it first"
            )
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._held.close()
        super().close()


def unpacked(stream: IO[bytes], stored: int, path: Path) -> IO[bytes]:
    """Return what a stream holds, unpacked where it is compressed.

    Parameters
    ----------
    stream
        A file from its start; it's closed with what is returned.
    stored
        How many bytes it takes.
    path
        The file, for messages.

    Raises
    ------
    AuditError
        Here or while it's read: if it is not whole, or unpacks to more than is read.
    """
    head = stream.read(16)
    stream.seek(0)
    name = compression_of(head)
    if name is None:
        return stream
    opener = next(opener for _, of, _, opener in _OPENERS if of == name)
    try:
        inner = opener(stream)
    except AuditError as error:
        raise AuditError(f"{path} {error}") from error
    except (OSError, *BROKEN) as error:
        raise AuditError(_WHOLE.format(path=path, why=" ".join(str(error).split())[:80])) from error
    raw = _Counted(inner, stream, most_unpacked(stored), path)
    return cast(IO[bytes], io.BufferedReader(raw, 1 << 20))
