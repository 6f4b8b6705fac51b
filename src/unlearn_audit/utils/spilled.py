"""Long arrays that are kept in a nameless file: what is not looked at takes no memory, and nothing is left behind."""

from __future__ import annotations

import mmap
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import numpy.typing as npt

FROM_VALUES = 1 << 20
"""Shorter arrays stay in memory."""


def spilled(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the same values, read from a file as they are looked at; short arrays as they are.

    The file has no name and goes with the array, also if the process is killed.
    """
    if len(values) < FROM_VALUES:
        return values
    with TemporaryFile(prefix="unlearn-audit-") as file:
        kept = np.memmap(file, values.dtype, "w+", shape=values.shape)
    kept[:] = values
    release(kept)
    return kept


def release(values: npt.NDArray[Any]) -> None:
    """Let go of the memory that looking at a spilled array took; nothing for other arrays, and their parts."""
    of: object = values
    while isinstance(of, np.ndarray):
        of = of.base
    if isinstance(of, mmap.mmap) and hasattr(of, "madvise"):
        of.madvise(mmap.MADV_DONTNEED)
