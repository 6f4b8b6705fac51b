"""How the cores of a machine are shared between worker processes and the threads within each."""

from __future__ import annotations


def split_cores(jobs: int, worlds: int) -> tuple[int, int]:
    """Return how many worker processes to start and how many threads each may use.

    A process a world is best, since whole worlds wait for nothing. Cores that are left over where there are
    fewer worlds than cores grow the trees of forests.

    Parameters
    ----------
    jobs
        Cores to use.
    worlds
        Worlds left to make.

    Examples
    --------
    >>> split_cores(8, 20), split_cores(8, 3), split_cores(64, 20), split_cores(2, 1)
    ((8, 1), (3, 2), (20, 3), (1, 2))
    """
    processes = max(min(jobs, worlds), 1)
    return processes, max(jobs // processes, 1)
