"""A time limit for each training, kept by ending the process that trains: compiled code hears of nothing else.

The first process names the limit, and has trainings done in worker processes then. A worker notes each training in a
file before it starts; where the time is over, a thread of the interpreter that needs no lock writes into that file and
ends the worker. So the first process finds out which training it was.
"""

from __future__ import annotations

import faulthandler
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from unlearn_audit.errors import TrainingTimeout

_LIMIT: ContextVar[float | None] = ContextVar("limit", default=None)
_NOTES: ContextVar[Path | None] = ContextVar("notes", default=None)

_NOTE = "training-{process}"
_OVER = "Timeout ("
"""What the interpreter writes first where the time is over."""


@contextmanager
def limited_to(seconds: float | None) -> Iterator[None]:
    """Let no training within a block take longer than so many seconds; None sets no limit."""
    token = _LIMIT.set(seconds)
    try:
        yield
    finally:
        _LIMIT.reset(token)


def training_limit() -> float | None:
    """Return how many seconds a training may take; None without a limit."""
    return _LIMIT.get()


@contextmanager
def ended_in_time(folder: Path, seconds: float | None) -> Iterator[None]:
    """Let this process be ended within a block where a training takes longer; what it trains is noted in a folder."""
    token = _NOTES.set(folder if seconds is not None else None)
    try:
        with limited_to(seconds):
            yield
    finally:
        _NOTES.reset(token)


@contextmanager
def one_training(model: str, records: int, dataset: str, together: int = 1) -> Iterator[None]:
    """Train within the limit, or end this process; a process that is not to be ended says so when the training is over.

    Parameters
    ----------
    model, records, dataset
        What is trained, on how many records, of what.
    together
        How many models are trained at once, each of which has its own time.

    Raises
    ------
    TrainingTimeout
        If it took too long and the process was not ended.
    """
    limit, folder = _LIMIT.get(), _NOTES.get()
    if limit is None:
        yield
        return
    if folder is None:
        started = time.monotonic()
        yield
        if time.monotonic() - started > limit * together:
            raise _error(model, records, dataset, limit)
        return
    note = folder / _NOTE.format(process=os.getpid())
    with note.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps([model, records, dataset, limit]) + "\n")
        stream.flush()
        faulthandler.dump_traceback_later(limit * together, exit=True, file=stream)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
    note.unlink()


def check_in_time(folder: Path) -> None:
    """Raise if a worker process was ended since a training took too long, given the folder of its notes.

    Raises
    ------
    TrainingTimeout
        If so; the sentence names the training.
    """
    for note in sorted(folder.glob(_NOTE.format(process="*"))):
        said, _, then = note.read_text(encoding="utf-8").partition("\n")
        if then.startswith(_OVER):
            raise _error(*json.loads(said))


def _error(model: str, records: int, dataset: str, limit: float) -> TrainingTimeout:
    return TrainingTimeout(
        f"a training of model {model} on {records:,} records of {dataset} took longer than the limit of {limit:g} "
        "seconds and was stopped; finished worlds stay in the store, so the same command with a longer "
        "--training-timeout (training_timeout) continues from there"
    )
