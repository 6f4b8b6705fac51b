"""Reading a JSON document of findings that may be damaged, or of somebody else."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from unlearn_audit.utils.limits import check_stored

NOT_OF_A_LAYOUT = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError)
"""What reading raises, beside an `OSError`, where the content is not of the layout that it should have."""


def read_json(path: Path) -> Any:
    """Return the content of a JSON file, all of whose numbers are finite.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError, RecursionError, MemoryError
        If it is no JSON, or holds more than is read.
    """
    check_stored(path, path.stat().st_size)
    return json.loads(path.read_bytes(), parse_constant=_finite, parse_float=_finite, parse_int=_whole)


def _whole(text: str) -> int:
    """Return a whole number that has a float, too."""
    _finite(text)
    return int(text)


def _finite(text: str) -> float:
    """Return a number; JSON has none that is not finite, and Python reads NaN, Infinity and 1e999 as such."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number
