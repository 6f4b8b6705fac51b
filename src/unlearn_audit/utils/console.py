"""Consoles that show texts of users as they are: what is not seen in them becomes escapes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from unlearn_audit.utils.shown import shown
from unlearn_audit.utils.streams import standard_output


class _Plain(Console):
    """A console whose texts cannot move its cursor, change its title or the direction of writing."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield segments whose text, but for what the console itself controls, is all seen."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(shown(text), style)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text, as wide as all that is seen of it."""
        return super().render_str(shown(text), **options)

    def on_broken_pipe(self) -> None:
        """Leave it to whoever ends the command, where the library would end the process."""
        raise


_WIDE = 100_000, 25
"""Columns and lines where no terminal says how many: a file or a program that reads on gets whole lines."""


def output(**options: Any) -> Console:
    """Return a console on standard output."""
    return _on(standard_output(), options)


def messages(**options: Any) -> Console:
    """Return a console on standard error."""
    return _on(sys.stderr, options)


def _on(stream: TextIO, options: dict[str, Any]) -> Console:
    """Return a console that wraps lines only on a terminal, or at a width that is asked for."""
    console = _Plain(file=stream, markup=False, highlight=False, **options)
    if not console.is_terminal and "width" not in options and "COLUMNS" not in os.environ:
        console.size = ConsoleDimensions(*_WIDE)
    return console
