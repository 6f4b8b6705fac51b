"""What every defence on outputs must do, checked on made-up posteriors.

See `unlearn_audit.testing`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from unlearn_audit.defenses.base import DefenseKind, Step
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.checks import raise_first
from unlearn_audit.utils.messages import first_line

_CLASSES = 5


def check_defense(defense: Any, name: str = "") -> DefenseKind:
    """Check a defence on outputs, a `DefenseKind` or a function of posteriors; return the kind.

    It must keep shape and type, return finite numbers that sum to 1 unless it states ``partial``, change nothing of
    what it is given, repeat, and treat each version of each record alone. A parameter is tried at both ends of its
    range, and between them where that is finite.

    Raises
    ------
    AuditError
        If something does not hold; the sentence says what was found.

    Examples
    --------
    >>> from unlearn_audit.defenses import DEFENSES
    >>> check_defense(DEFENSES["rounding"]).partial
    True
    """
    name = name or getattr(defense, "__name__", type(defense).__name__)
    kind = _kind_of(defense, name)
    if kind.function is None:
        return kind
    for value in _values(kind):
        where = f"defence {name}" if value is None else f"defence {name}:{value:g}"
        raise_first(where, _problems(Step(kind, value), partial=kind.partial), "made-up posteriors")
    return kind


def _kind_of(defense: Any, name: str) -> DefenseKind:
    if isinstance(defense, DefenseKind):
        return defense
    if not callable(defense) or isinstance(defense, type):
        raise AuditError(
            f"defence {name} is neither a DefenseKind nor a function of posteriors; see docs/extending.md for an "
            "example"
        )
    parameters = inspect.signature(defense).parameters.values()
    required = [of for of in parameters if of.default is of.empty and of.kind is not of.VAR_POSITIONAL]
    if len(required) != 1:
        raise AuditError(
            f"defence {name} is a function of {len(required)} arguments; a function takes posteriors alone, and one "
            "with a parameter is a DefenseKind that states its range"
        )
    return DefenseKind(defense, None, first_line(defense) or name)


def _values(kind: DefenseKind) -> tuple[float | None, ...]:
    parameter = kind.parameter
    if parameter is None:
        return (None,)
    most = parameter.most if np.isfinite(parameter.most) else max(parameter.least, 1) * 10
    # at the bottom of its range a number of classes hides all but one, and a temperature is next to nothing
    tried = {parameter.type(of) for of in (max(parameter.least, min(1, most)), (parameter.least + most) / 2, most)}
    return tuple(of for of in sorted(tried) if kind.remedy is None or kind.remedy(of, _CLASSES) is None)


def _problems(step: Step, *, partial: bool) -> Iterator[str]:
    rng = np.random.default_rng(0)
    posteriors = rng.dirichlet(np.full(_CLASSES, 0.7), size=(12, 2)).astype(np.float32)
    given = posteriors.copy()
    released = step(given)
    if not np.array_equal(given, posteriors):
        yield "changes the posteriors it is given; work on a copy"
    if not isinstance(released, np.ndarray) or released.shape != posteriors.shape:
        found = getattr(released, "shape", type(released).__name__)
        yield f"returns {found} for posteriors of shape {posteriors.shape}"
    if released.dtype != np.float32:
        yield f"returns {released.dtype}; return float32"
    if not np.isfinite(released).all():
        yield "returns numbers that are not finite"
    if (released < 0).any() or (not partial and not np.allclose(released.sum(axis=-1), 1, atol=1e-4)):
        yield (
            "returns something that is not a probability distribution; where values need not sum to 1, state "
            "partial=True"
        )
    if not np.array_equal(step(posteriors.copy()), released):
        yield "returns different numbers for the same posteriors; a defence on outputs must draw no random numbers"
    alone = np.stack([np.stack([step(posteriors[i, j].copy()) for j in range(2)]) for i in range(12)])
    if not np.allclose(alone, released, atol=1e-6):
        yield "changes a posterior depending on those of other records or versions; each is released separately"
