"""One seed for each unit of work, keyed by what the unit is and never by when it runs.

World i and request j draw the same numbers however many worlds there are, in whatever order and in whichever process
they run.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from functools import lru_cache

import numpy as np


class Kind(IntEnum):
    """What a unit of work draws random numbers for; the values are part of every key, so never reuse one."""

    SPLIT = 0
    WORLD = 1
    ORIGINAL = 2
    UNLEARNED = 3
    ATTACK = 4
    SHARD = 5
    INFLUENCE = 6
    PLACEMENT = 7
    PROBE = 8
    RELEASE = 10
    CANARY = 12
    TURN = 14
    REGIME = 15
    QUERY = 16
    CORRECTION = 26
    MEASURE = 30
    FACT = 32
    PROMPT = 34
    AGENT_ORDER = 36
    COIN = 38


SIDES = {"shadow": 0, "target": 1, "pool": 2}
"""The code of each side inside a spawn key."""


def seed_sequence(root: int, kind: Kind, *key: int) -> np.random.SeedSequence:
    """Return the seed of one unit of work.

    Parameters
    ----------
    root
        The seed of the whole audit.
    kind
        What the numbers are for.
    key
        What the unit is: side, world, request, ... as far as it applies.

    Examples
    --------
    >>> int(seed_sequence(0, Kind.WORLD, SIDES["target"], 3).generate_state(1)[0])
    84739265
    """
    return np.random.SeedSequence(root, spawn_key=(int(kind), *key))


def generator(root: int, kind: Kind, *key: int) -> np.random.Generator:
    """Return a generator of its own for one unit of work (see `seed_sequence`)."""
    return np.random.default_rng(seed_sequence(root, kind, *key))


def integer_seed(root: int, kind: Kind, *key: int) -> int:
    """Return a seed below 2**31, the form that scikit-learn's ``random_state`` takes."""
    return int(seed_sequence(root, kind, *key).generate_state(1)[0] >> 1)


def name_key(name: str) -> int:
    """Return a stable 32-bit number for a name, to key a unit by it.

    Examples
    --------
    >>> name_key("sorted-diff") == name_key("sorted-diff") != name_key("direct-diff")
    True
    """
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


@contextmanager
def seeded_globals(seed: int) -> Iterator[None]:
    """Seed the global generators of Python, NumPy and PyTorch, for models that draw from them; restore them after.

    PyTorch's are left alone where it is not imported.
    """
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    torch = sys.modules.get("torch")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        if torch is None:
            yield
        else:
            gpus = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
            with torch.random.fork_rng(devices=gpus):
                # that of all devices formats the stack for each device that is not there
                (torch.manual_seed if _has_accelerator() else torch.default_generator.manual_seed)(seed)
                yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002


@lru_cache(maxsize=1)
def _has_accelerator() -> bool:
    """Return whether PyTorch, once it is imported, has another device than the processor."""
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available()
