"""What should be known of an audit beside its figures: routine notes, and warnings that may change what they mean."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Note(BaseModel):
    """One sentence or two on an audit.

    Attributes
    ----------
    level
        ``warning``: figures may not mean what they seem to; printed first and in full. ``note``: routine.
    text
        What is to be known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["warning", "note"] = "note"
    text: str


def as_note(said: str | Note, where: str = "") -> Note:
    """Return a sentence as a routine note, or a note as it is, with where it holds in front.

    Examples
    --------
    >>> as_note("52 duplicates were dropped", "adult").text
    'adult: 52 duplicates were dropped'
    """
    note = said if isinstance(said, Note) else Note(text=said)
    return note.model_copy(update={"text": f"{where}: {note.text}"}) if where else note


def warning(text: str) -> Note:
    """Return a note that changes what figures mean.

    Examples
    --------
    >>> warning("the regime is not the one asked for").level
    'warning'
    """
    return Note(level="warning", text=text)
