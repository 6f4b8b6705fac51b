"""Files of a run folder that are shown: plain ones of known types that lie in the folder itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from unlearn_audit.utils.spreadsheet import PREFIX

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""What every answer forbids: to load, to send and to be shown in the page of another."""

_SANDBOX = f"{NOTHING}; style-src 'unsafe-inline'; img-src data:; sandbox"


@dataclass(frozen=True)
class FileType:
    """What a browser is told of a file.

    Attributes
    ----------
    content_type
        Its type.
    policy
        What it may do there. A report sorts its tables by a script, in a sandbox where it is of no site, so that a
        report from elsewhere reads nothing of the others.
    """

    content_type: str
    policy: str = _SANDBOX


TYPES = {
    ".html": FileType("text/html; charset=utf-8", f"{_SANDBOX} allow-scripts; script-src 'unsafe-inline'"),
    ".md": FileType("text/plain; charset=utf-8"),
    ".json": FileType("application/json"),
    ".csv": FileType("text/csv; charset=utf-8"),
    ".svg": FileType("image/svg+xml"),
}
"""The types of files that are shown, by suffix."""

PAGES = ("index.html", "report.html", "report.md", "summary.md", "rectification.md")
"""What people read of a run, the first that is there."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[a-z]+)")
"""Names of files that are shown: neither hidden ones nor any with a slash."""

_OF_THE_PROGRAM = "unlearn-audit-"


def type_of(name: str) -> FileType | None:
    """Return the type of a file that may be shown by its name, None for any other.

    Examples
    --------
    >>> type_of("methods.csv").content_type
    'text/csv; charset=utf-8'
    >>> [type_of(name) for name in ("private-persons.csv", "scores.parquet", "../a.json", ".a.json")]
    [None, None, None, None]
    """
    found = NAME.fullmatch(name)
    if found is None or name.startswith((PREFIX, _OF_THE_PROGRAM)):
        return None
    return TYPES.get(found[1])


def shown_files(folder: Path) -> list[str]:
    """Return the names of the files of a folder that are shown, sorted."""
    return sorted(entry.name for entry in _entries(folder) if type_of(entry.name) is not None)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        yield from (entry for entry in found if entry.is_file(follow_symlinks=False))


def open_plain(root: Path, path: Path) -> BinaryIO:
    """Open a plain file below a folder.

    Parameters
    ----------
    root
        The folder, without links in its path.
    path
        The file, by its path from the root of the disk.

    Raises
    ------
    OSError
        If there is no such file, or a link or anything but a plain file is on the way to it.
    """
    if path.resolve(strict=True) != path or root not in path.parents:
        raise FileNotFoundError(path)
    # a pipe would be waited for, and a link that has taken its place meanwhile followed
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    stream = open(os.open(path, flags), "rb")  # noqa: SIM115 - the caller closes it
    if not S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise FileNotFoundError(path)
    return stream
