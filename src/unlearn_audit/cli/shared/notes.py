"""What commands say beside their output."""

from __future__ import annotations

import typer


def note(text: str) -> None:
    """Print a note on standard error."""
    typer.echo(f"Note: {text}", err=True)
