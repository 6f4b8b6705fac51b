"""What commands say besides their output."""

from __future__ import annotations

from unlearn_audit.utils.streams import say


def note(text: str) -> None:
    """Print a note on standard error."""
    say(f"Note: {text}", error=True)
