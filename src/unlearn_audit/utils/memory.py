"""How much memory this process holds and held, where the system tells."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_HIGHEST = {"bytes": 0}
"""The most that was held before the system was told to count anew."""


@dataclass
class Rise:
    """How much more was held at the most during some work than before it; None where the system does not tell."""

    bytes: int | None = None


def peak_memory() -> int | None:
    """Return the most bytes that this process ever held in memory, or None where the system does not tell."""
    # getrusage would count what the parent held when it forked
    peak = _status("VmHWM")
    if peak is not None:
        return max(peak, _HIGHEST["bytes"])
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


@contextmanager
def rise_of_memory() -> Iterator[Rise]:
    """Yield what gets, after the block, how much memory the block took at the most beyond what was held before it."""
    rise = Rise()
    counted_anew, before = _count_anew(), _status("VmRSS")
    try:
        yield rise
    finally:
        peak = _status("VmHWM")
        if counted_anew and before is not None and peak is not None:
            rise.bytes = max(peak - before, 0)


def _count_anew() -> bool:
    """Let the system forget the most that was held, which is noted here; return whether it did."""
    _HIGHEST["bytes"] = max(_HIGHEST["bytes"], _status("VmHWM") or 0)
    try:
        _RESET.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _status(name: str) -> int | None:
    """Return a figure of the process in bytes; None where the system does not tell."""
    try:
        status = _STATUS.read_text(encoding="ascii")
        return 1024 * int(status.partition(f"{name}:")[2].split()[0])
    except (OSError, ValueError, IndexError):
        return None
