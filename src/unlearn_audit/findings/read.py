"""Reading a JSON document of findings that may be damaged, or of somebody else."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.limits import check_stored
from unlearn_audit.utils.manifest import check_recorded
from unlearn_audit.utils.messages import reason

T = TypeVar("T")

NOT_OF_A_LAYOUT = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError)
"""What reading raises, besides an `OSError`, where the content is not of the layout that it should have."""


def read_as(path: Path, layout: str, build: Callable[[Any], T]) -> T:
    """Return what is built from the content of a JSON file.

    Parameters
    ----------
    path
        Of the file.
    layout
        What its content should be, for the sentence that says that it is not.
    build
        Makes it from the document; whatever it raises means that the document has another layout.

    Raises
    ------
    AuditError
        If the file is missing, has another layout, or lies in the folder of a run and is not as the run wrote it.
    """
    check_recorded(path)
    try:
        return build(read_json(path))
    except OSError as error:
        raise AuditError(f"cannot read {path}: {error.strerror}") from error
    except NOT_OF_A_LAYOUT as error:
        if isinstance(error, AuditError):
            raise
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        why = reason(error) if first is None else f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise AuditError(
            f"{path} holds no findings in the layout {layout} ({why or type(error).__name__}); audit again with this "
            "version"
        ) from error


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
        raise ValueError(f"{text[:20]} is not a finite number")
    return number
