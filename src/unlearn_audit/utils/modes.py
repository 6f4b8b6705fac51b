"""Who may read what is written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

NO_TEXT = "its name is not valid in the encoding of this system"

PRIVATE_FILE, PUBLISHABLE_FILE, PRIVATE_FOLDER = 0o600, 0o666, 0o700
"""Modes from which the umask takes away: what may hold records is its owner's alone under every umask."""


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone; what is there keeps its mode.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    check_name(path)
    if not path.is_dir():
        if path.parent != path:
            make_folder(path.parent)
        path.mkdir(PRIVATE_FOLDER, exist_ok=True)


def check_name(path: Path) -> None:
    """Raise an `OSError` where not every library that writes can write the name: bytes that are no text, or a zero."""
    try:
        os.fsencode(path)
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise OSError(errno.EILSEQ, NO_TEXT, str(path)) from error
    if "\0" in str(path):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
