"""Consoles that show texts of users as they are: what is not seen in them becomes escapes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
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


def output(**options: Any) -> Console:
    """Return a console on standard output."""
    return _Plain(file=standard_output(), markup=False, highlight=False, **options)


def messages(**options: Any) -> Console:
    """Return a console on standard error."""
    return _Plain(file=sys.stderr, markup=False, highlight=False, **options)
