"""Functions that say what is probably meant where they are called with a keyword that they do not have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from types import MappingProxyType
from typing import ParamSpec, TypeVar

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.deprecations import warn_deprecated
from unlearn_audit.utils.suggest import advice

P = ParamSpec("P")
R = TypeVar("R")

_NONE: Mapping[str, str] = MappingProxyType({})


def known_keywords(
    former: Mapping[str, str] = _NONE, instead: Mapping[str, str] = _NONE
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function refuse a keyword that it does not have with an AuditError that names the likely one.

    Parameters
    ----------
    former
        Deprecated name of a keyword to the name of today.
    instead
        By keywords that the function does not have, and that users may expect, what to do instead.

    Examples
    --------
    >>> @known_keywords()
    ... def audit(*, jobs: int = 1) -> int:
    ...     return jobs
    >>> audit(job=2)
    Traceback (most recent call last):
    unlearn_audit.errors.AuditError: audit() cannot be called like this: unknown key 'job', did you mean jobs?
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        names = tuple(signature(function).parameters)

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            for old in former.keys() & kwargs.keys():
                new = former[old]
                warn_deprecated(old, new)
                if kwargs.get(new) is not None:
                    raise AuditError(f"{old} is the former name of {new}, and both are given; keep {new}")
                kwargs[new] = kwargs.pop(old)
            for key in kwargs:
                if key in instead:
                    raise AuditError(f"{function.__name__}() takes no {key}: {instead[key]}")
                if key not in names:
                    raise AuditError(
                        f"{function.__name__}() cannot be called like this: unknown key '{key}', {advice(key, names)}"
                    )
            return function(*args, **kwargs)

        return checked

    return decorate
