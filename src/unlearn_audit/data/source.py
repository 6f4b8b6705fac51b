"""Where a dataset comes from: its files, their digests, its licence, and how to get it."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unlearn_audit.data.download.location import FOLDER_VARIABLE
from unlearn_audit.errors import AuditError

_MOST_CONTENT = 50 * 10**9
"""The most bytes of a gzip file's content that a digest is taken of."""


@dataclass(frozen=True)
class SourceFile:
    """One file of a dataset.

    Attributes
    ----------
    path
        Where it belongs, relative to the data folder, with forward slashes.
    url
        Where anyone can download it without an account, or None.
    sha256
        Hexadecimal digest, or None where the owner publishes no fixed file.
    size
        Bytes of the file as published, or None where unknown.
    digest_of
        What the digest covers: the ``bytes`` of the file, or the uncompressed ``content`` of a gzip file
        (the same content may be wrapped differently by different mirrors).
    """

    path: str
    url: str | None = None
    sha256: str | None = None
    size: int | None = None
    digest_of: Literal["bytes", "content"] = "bytes"


@dataclass(frozen=True)
class Source:
    """What a person needs to know to obtain, cite and lawfully use a dataset.

    Attributes
    ----------
    name
        The name in the registry.
    title
        What the records are, in one line.
    licence
        The owner's terms.
    citation
        What to cite, with a DOI or an address.
    records
        Number of records loaded from ``files``, or None where nobody published it.
    features
        Number of features loaded from ``files``, before any encoding.
    classes
        Number of classes.
    files
        What must be in the data folder; empty for data that comes with an installed package.
    instead
        A glob pattern, relative to the data folder; a file that fits it stands in for all of ``files``.
    archive
        A ``.tar.gz`` that holds ``files`` under their paths, where the owner publishes them so. It is downloaded
        to its own path in the data folder, and removed once the files are out of it.
    partial
        Whether the loader reads whatever part of ``files`` is there, and says so.
    how_to_get
        For what cannot be downloaded without asking: where to ask, and what to put where.
    """

    name: str
    title: str
    licence: str
    citation: str
    records: int | None
    features: int
    classes: int
    files: tuple[SourceFile, ...] = ()
    instead: str | None = None
    archive: SourceFile | None = None
    partial: bool = False
    how_to_get: str = ""

    @property
    def fetchable(self) -> bool:
        """Whether every file can be downloaded without an account."""
        downloads = self.files if self.archive is None else (self.archive,)
        return bool(self.files) and all(file.url is not None for file in downloads)

    def how(self) -> str:
        """Return how to get the files, as a clause that fits after a semicolon."""
        if not self.files:
            return "it comes with scikit-learn; no download is needed"
        if self.fetchable:
            return f"run 'unlearn-audit data fetch {self.name}'"
        return self.how_to_get

    def missing(self, folder: Path) -> tuple[SourceFile, ...]:
        """Return the files that ``folder`` lacks; none where a file that fits ``instead`` is there."""
        if self.instead is not None and any(path.is_file() for path in folder.glob(self.instead)):
            return ()
        return tuple(file for file in self.files if not (folder / file.path).is_file())

    def usable(self, folder: Path) -> bool:
        """Whether ``folder`` holds what the loader needs: every file, or some where a part will do."""
        absent = self.missing(folder)
        return not absent or (self.partial and len(absent) < len(self.files))

    def require(self, folder: Path) -> None:
        """Check that ``folder`` holds what the loader needs.

        Raises
        ------
        AuditError
            If one is missing; the sentence names the first expected path and how to get the dataset.
        """
        if not self.usable(folder):
            absent = self.missing(folder)
            raise AuditError(
                f"no file {folder / absent[0].path} for dataset {self.name!r}; {self.how()} (if you have it elsewhere, "
                f"set {FOLDER_VARIABLE} to the folder that holds {absent[0].path})"
            )


def digest(path: Path, what: Literal["bytes", "content"] = "bytes") -> str:
    """Return the hexadecimal SHA-256 of a file's bytes, or of the content of a gzip file.

    A file that should be gzip and is not, or is cut short, gives ``'not a whole gzip file'``: a digest
    that equals none.
    """
    if what == "bytes":
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    try:
        state, left = hashlib.sha256(), _MOST_CONTENT
        with gzip.open(path, "rb") as stream:
            while piece := stream.read(1 << 20):
                state.update(piece)
                left -= len(piece)
                if left < 0:
                    return f"more than {_MOST_CONTENT:,} bytes"
        return state.hexdigest()
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return "not a whole gzip file"


def wrong(path: Path, file: SourceFile) -> str:
    """Return how the file at ``path`` differs from the published one, or nothing if it does not.

    The digest decides where it is known, else the size.
    """
    if file.sha256 is not None:
        got = digest(path, file.digest_of)
        return "" if got == file.sha256 else f"SHA-256 expected {file.sha256}, got {got}"
    size = path.stat().st_size
    return "" if file.size in (None, size) else f"expected {file.size:,} bytes, got {size:,}"
