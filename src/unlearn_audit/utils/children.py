"""What processes took that this one started, where that is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_OPEN: list[Children] = []


@dataclass(eq=False)
class Children:
    """What processes took that were started during some work, and ended.

    Attributes
    ----------
    cpu_seconds
        Of all cores together; None where the system does not tell.
    peak_memory
        Bytes that one of them held at the most; 0 if there was none, None where that is not known.
    """

    cpu_seconds: float | None = 0.0
    peak_memory: int | None = 0
    _known_faults: int = 0

    def _add(self, faults: int, peak_memory: int | None) -> None:
        self._known_faults += faults
        self.peak_memory = most_of(self.peak_memory, peak_memory)


def most_of(*known: int | None) -> int | None:
    """Return the largest of some figures; None if one of them is not known.

    Examples
    --------
    >>> most_of(1, 3), most_of(1, None)
    (3, None)
    """
    figures = [of for of in known if of is not None]
    return max(figures) if len(figures) == len(known) else None


@contextmanager
def children_measured() -> Iterator[Children]:
    """Yield what gets, after the block, what processes took that it started."""
    found, before = Children(), _usage()
    _OPEN.append(found)
    try:
        yield found
    finally:
        _OPEN.remove(found)
        after = _usage()
        if before is None or after is None:
            found.cpu_seconds = 0.0 if found.peak_memory == 0 else None
        else:
            found.cpu_seconds = after[0] - before[0]
            # no process is without page faults: these are of one whose memory is not known, since the system counts
            # with it what its parent held when it started it
            if after[1] - before[1] != found._known_faults:
                found.peak_memory = None


@contextmanager
def child_of_known_memory() -> Iterator[list[int]]:
    """Yield a list for the most bytes that the process held which a block starts and awaits; empty if not known."""
    told: list[int] = []
    before = _usage()
    try:
        yield told
    finally:
        after = _usage()
        faults = 0 if before is None or after is None else after[1] - before[1]
        for found in _OPEN:
            found._add(faults, told[0] if told else None)


def _usage() -> tuple[float, int] | None:
    """Return processor seconds and page faults of all children that ended; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, used.ru_minflt
