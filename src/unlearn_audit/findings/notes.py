"""What should be known of an audit besides its figures: routine notes, and warnings that may change what they mean."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from unlearn_audit.utils.notes import Caution


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


def as_note(text: str, where: str = "") -> Note:
    """Return a sentence as a note, with where it holds in front.

    Examples
    --------
    >>> as_note("52 duplicates were dropped", "adult")
    Note(level='note', text='adult: 52 duplicates were dropped')
    >>> as_note(Caution("the regime is not the one asked for")).level
    'warning'
    """
    level: Literal["warning", "note"] = "warning" if isinstance(text, Caution) else "note"
    return Note(level=level, text=f"{where}: {text}" if where else str(text))
