"""The most that measures may be, as a user writes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unlearn_audit.errors import AuditError

AT = "@"
"""Stands before the false-positive rate in the name of a true-positive rate."""

TPR = f"tpr{AT}"
"""How the name of a true-positive rate at a false-positive rate begins."""


@dataclass(frozen=True)
class Limit:
    """The most that a measure may be.

    Attributes
    ----------
    measure
        Its name, such as ``auc`` or ``tpr@0.01``.
    most
        The value, which the measure may reach.
    """

    measure: str
    most: float

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Return the limit of a text ``MEASURE=NUMBER``.

        Raises
        ------
        AuditError
            If it is not written in that way.

        Examples
        --------
        >>> Limit.parse("tpr@0.010=0.05")
        Limit(measure='tpr@0.01', most=0.05)
        """
        name, equals, value = text.rpartition("=")
        if not equals or not name.strip():
            raise AuditError(f"--max {text} is not a limit; write it as MEASURE=NUMBER, such as --max auc=0.6")
        return cls(named(name), finite(value, f"--max {text}"))


def named(name: str) -> str:
    """Return the name of a measure as figures have it; a rate in it is a number, however it was written.

    Raises
    ------
    AuditError
        If the rate is no number between 0 and 1.

    Examples
    --------
    >>> named(" AUC_minus_classical"), named("tpr@1e-3"), named("tpr@0.10")
    ('auc-minus-classical', 'tpr@0.001', 'tpr@0.1')
    """
    kind, at, rate = name.strip().lower().replace("_", "-").partition(AT)
    if not at:
        return kind
    number = finite(rate, f"the rate of {name.strip()}")
    if not 0 < number < 1:
        raise AuditError(f"the rate of {name.strip()} is not between 0 and 1; write it as in {TPR}0.01")
    return f"{kind}{AT}{number}"


def finite(text: str, what: str) -> float:
    """Return a finite number.

    Raises
    ------
    AuditError
        If the text is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise AuditError(f"{what} needs a number, and {text.strip()!r} is not one; write a share as 0.05, not as 5 %")
    return number


def limits_of(texts: Sequence[str]) -> tuple[Limit, ...]:
    """Return the limits of texts ``MEASURE=NUMBER``, each measure at most once.

    Raises
    ------
    AuditError
        If one cannot be read, or a measure has two.
    """
    limits = tuple(map(Limit.parse, texts))
    names = [limit.measure for limit in limits]
    for name in names:
        if names.count(name) > 1:
            raise AuditError(f"{name} has more than one limit; give one")
    return limits
