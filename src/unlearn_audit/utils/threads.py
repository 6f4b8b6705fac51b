"""Threads: one for linear algebra, so that results do not depend on their number, and several for trees."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController

_SPARE: ContextVar[int] = ContextVar("spare", default=1)


@contextmanager
def several_threads(n: int) -> Iterator[None]:
    """Let what gives the same bits in any number of threads use ``n`` of them: the growing of a forest's trees."""
    token = _SPARE.set(n)
    try:
        yield
    finally:
        _SPARE.reset(token)


def threads_for_trees() -> int:
    """Return in how many threads a forest may grow its trees."""
    return _SPARE.get()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit linear algebra to one thread: the number of threads changes the last bits of results."""
    torch: Any = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 0
    daal: Any = sys.modules.get("daal4py")  # its own pool, which threadpoolctl does not know
    daal_before = daal.num_threads() if daal is not None else 0
    with _libraries(len(sys.modules)).limit(limits=1):
        if torch is not None:
            torch.set_num_threads(1)
        if daal_before > 1:
            daal.daalinit(1)
        try:
            yield
        finally:
            if daal_before > 1:
                daal.daalinit(daal_before)
            if torch is not None:
                torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> ThreadpoolController:  # noqa: ARG001 - looks again only after an import
    """Return the thread pools of this process; finding them takes as long as fitting a small model."""
    return ThreadpoolController()
