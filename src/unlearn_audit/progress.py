"""Progress with time left, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


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


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def stage(self, name: str, total: int) -> Callable[[int], None]:
        task = self._progress.add_task(name, total=total)
        return lambda done: self._progress.update(task, completed=done)

    def say(self, line: str) -> None:
        self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)


class _Lines:
    """One line a stage, for logs that cannot redraw."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, name: str, total: int) -> Callable[[int], None]:
        self._console.print(f"{name} ({total:,})", highlight=False)
        return lambda done: None  # noqa: ARG005

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def reporter(console: Console | None = None) -> Iterator[Reporter]:
    """Show progress bars with time left on a terminal, one line a stage elsewhere."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
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
        yield _Bars(progress)
