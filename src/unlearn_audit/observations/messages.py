"""Phrases in the errors of every reader of files."""

from __future__ import annotations


def shorten(names: list[str], most: int = 8) -> str:
    """Return the first names, and how many there are in all where some are left out."""
    return ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")


def reason(error: Exception) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split())[:200]
