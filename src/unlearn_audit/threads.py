"""One thread for linear algebra, so that results do not depend on the machine's number of cores."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[Any]:
    """Limit linear algebra to one thread: the number of threads changes the last bits of results."""
    limit: AbstractContextManager[Any] = _libraries(len(sys.modules)).limit(limits=1)
    return limit


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> ThreadpoolController:  # noqa: ARG001 - looks again only after an import
    """Return the thread pools of this process; finding them takes as long as fitting a small model."""
    return ThreadpoolController()
