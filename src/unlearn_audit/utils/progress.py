"""Progress with time left: on standard error, and in a notebook in the output of its cell."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from unlearn_audit.utils.console import messages
from unlearn_audit.utils.logs import LOGGER

FIRST_LINE_AFTER = 60.0
"""Seconds of a stage after which a log gets an estimate of what is left; then again whenever these have doubled."""


class Reporter(Protocol):
    """Shows how far a stage of work is."""

    def stage(self, name: str, total: int) -> Callable[[int], None]:
        """Begin a stage; call the result with how many of its parts are done."""
        ...

    def say(self, line: str) -> None:
        """Show a line that was asked for."""
        ...


class Silent:
    """Shows nothing."""

    def stage(self, name: str, total: int) -> Callable[[int], None]:  # noqa: ARG002
        """Return a function that does nothing."""
        return lambda done: None  # noqa: ARG005

    def say(self, line: str) -> None:
        """Show nothing."""


class Bars:
    """A bar a stage, on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def stage(self, name: str, total: int) -> Callable[[int], None]:
        """Begin a stage with a bar."""
        task = self._progress.add_task(name, total=total)
        return lambda done: self._progress.update(task, completed=done)

    def say(self, line: str) -> None:
        """Show a line above the bars."""
        self._progress.console.print(line, soft_wrap=True)


_SECONDS_BETWEEN = 0.2
_MOST_LINES = 50


class Notebook:
    """One bar a stage in the output of the cell that runs, redrawn in place; it needs no widgets.

    Parameters
    ----------
    clock
        Seconds since any moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._cell: Any = None
        self._handle: Any = None
        self._stages: list[tuple[str, int, int, str]] = []
        self._lines: list[str] = []
        self._drawn = 0.0

    def stage(self, name: str, total: int) -> Callable[[int], None]:
        """Begin a stage with a bar."""
        self._begin_cell()
        at, began = len(self._stages), self._clock()
        self._stages.append((name, 0, total, ""))
        self._draw()

        def show(done: int) -> None:
            now = self._clock()
            left = "" if not 0 < done < total else f"about {duration((now - began) / done * (total - done))} left"
            self._stages[at] = (name, done, total, left)
            if done >= total or now - self._drawn >= _SECONDS_BETWEEN:
                self._draw()

        return show

    def say(self, line: str) -> None:
        """Show a line below the bars; of many, the last."""
        self._begin_cell()
        self._lines = [*self._lines, line][-_MOST_LINES:]
        self._draw()

    def _begin_cell(self) -> None:
        """Begin anew where another cell runs than before."""
        from IPython import get_ipython

        cell = getattr(get_ipython(), "execution_count", None)
        if self._handle is None or cell != self._cell:
            self._cell, self._handle, self._stages, self._lines = cell, None, [], []

    def _draw(self) -> None:
        from IPython.display import display

        self._drawn = self._clock()
        rows = [
            f"<tr><td>{escape(name)}</td><td><progress max='{max(total, 1)}' value='{done}'></progress></td>"
            f"<td>{done:,} of {total:,}</td><td>{left}</td></tr>"
            for name, done, total, left in self._stages
        ]
        said = f"<pre>{escape(chr(10).join(self._lines))}</pre>" if self._lines else ""
        plain = [f"{name}: {done:,} of {total:,}" for name, done, total, _ in self._stages]
        bundle = {"text/html": f"<table>{''.join(rows)}</table>{said}", "text/plain": "\n".join([*plain, *self._lines])}
        if self._handle is None:
            publish: Any = display
            self._handle = publish(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def in_notebook() -> bool:
    """Return whether this code runs in the kernel of a notebook."""
    found = sys.modules.get("IPython")
    return found is not None and getattr(found.get_ipython(), "kernel", None) is not None


def usual_reporter() -> Reporter:
    """Return what shows progress where nothing was asked for: bars in a notebook, and the log elsewhere."""
    return Notebook() if in_notebook() else Logged()


class Lines:
    """One line a stage, for logs that cannot redraw; of a long stage also what is left, ever more seldom."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock

    def stage(self, name: str, total: int) -> Callable[[int], None]:
        """Begin a stage with a line."""
        self.say(f"{name} ({total:,})")
        began, last_line, before, at = self._clock(), FIRST_LINE_AFTER / 2, 0, 0.0

        def show(done: int) -> None:
            nonlocal last_line, before, at
            now = self._clock() - began
            # parts that are done in groups come at once: only the end of a group tells how long a part takes
            waited = before and now - at > at / before / 2
            if waited and at >= 2 * last_line and before < total:
                left = duration(at / before * (total - before))
                self.say(f"{name}: {before:,} of {total:,}, about {left} left")
                last_line = at
            before, at = done, now

        return show

    def say(self, line: str) -> None:
        """Show a line."""
        self._console.print(line, soft_wrap=True)


class Logged(Lines):
    """The same lines in the log of the library.

    Parameters
    ----------
    clock
        Seconds since any moment.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

    def say(self, line: str) -> None:
        """Log a line."""
        LOGGER.info("%s", line)


def duration(seconds: float) -> str:
    """Return a time with about two digits.

    Examples
    --------
    >>> duration(0.034), duration(2.34), duration(45), duration(1200), duration(9000), duration(400_000)
    ('0.034 s', '2.3 s', '45 s', '20 min', '2.5 h', '4.6 days')
    """
    for most, unit, name in ((90, 1, "s"), (5400, 60, "min"), (172_800, 3600, "h")):
        if seconds < most:
            value = seconds / unit
            return f"{value:.2g} {name}" if value < 10 else f"{value:.0f} {name}"
    return f"{seconds / 86_400:.2g} days"


@contextmanager
def reporter(console: Console | None = None) -> Iterator[Reporter]:
    """Show progress bars with time left on a terminal and in a notebook, one line a stage elsewhere."""
    if console is None and in_notebook():
        yield Notebook()
        return
    console = console or messages()
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield Bars(progress)
