"""The marks of artefacts: what each notes of its making, under its own digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from unlearn_audit.engine.store.keys import digest

_SEAL = "digest"
"""The key, in a mark, of the digest of all else in it."""

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a mark may raise that says that it is none."""


def mark_of(
    document: Mapping[str, Any],
    content: bytes | memoryview,
    stats: Mapping[str, Any],
    about: Mapping[str, str] | None = None,
) -> str:
    """Return the text of a mark: what is noted of an artefact, and the digest of it as it will be read."""
    noted = {"document": document, "about": about or {}, "stats": stats, "sha256": sha256(content).hexdigest()}
    read = json.loads(json.dumps(noted))
    return json.dumps({**read, _SEAL: digest(read)}, indent=1) + "\n"


def unsealed(mark: bytes, key: str) -> dict[str, Any]:
    """Return what a mark notes.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError, RecursionError
        If it is no mark, was changed, or is that of another key.
    """
    note = dict(json.loads(mark))
    if note.pop(_SEAL) != digest(note) or digest(note["document"]) != key:
        raise ValueError("the mark is not the one that was written")
    return note


def is_former(mark: bytes, key: str) -> bool:
    """Return whether a mark is of an earlier version, which kept no digest of it."""
    try:
        note = dict(json.loads(mark))
        return _SEAL not in note and "sha256" in note and digest(note["document"]) == key
    except UNREADABLE:
        return False


def said_by(mark: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the document and the names in a mark, whether or not it is whole; nothing where they cannot be read."""
    try:
        note = json.loads(mark)
        return dict(note["document"]), {str(k): str(v) for k, v in dict(note.get("about", {})).items()}
    except UNREADABLE:
        return {}, {}
