"""Who may read what is written."""

from __future__ import annotations

from pathlib import Path

PRIVATE_FILE, PUBLISHABLE_FILE, PRIVATE_FOLDER = 0o600, 0o666, 0o700
"""Modes from which the umask takes away: what may hold records is its owner's alone under every umask."""


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone; what is there keeps its mode.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    if not path.is_dir():
        if path.parent != path:
            make_folder(path.parent)
        path.mkdir(PRIVATE_FOLDER, exist_ok=True)
