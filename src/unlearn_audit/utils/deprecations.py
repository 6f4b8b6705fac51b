"""What was renamed: the old name works until the version that removes it, and a sentence says what to use."""

from __future__ import annotations

import warnings

REMOVED_IN = "1.0"
"""The version without all names that are deprecated today; see docs/deprecations.md."""


def deprecation(old: str, new: str) -> str:
    """Return what is said of a name that is deprecated.

    Examples
    --------
    >>> deprecation("unit", "person")
    'unit is deprecated; use person. It will be removed in version 1.0.'
    """
    return f"{old} is deprecated; use {new}. It will be removed in version {REMOVED_IN}."


def warn_deprecated(old: str, new: str) -> None:
    """Warn the caller of the function that calls this one."""
    warnings.warn(deprecation(old, new), DeprecationWarning, stacklevel=3)
