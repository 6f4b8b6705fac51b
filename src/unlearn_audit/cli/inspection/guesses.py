"""Which columns of a file with other names could be meant: from names that differ in the version alone."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.flat import role_of
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.table import ROLES
from unlearn_audit.utils.columns import Columns

_MOST_ROLES = 6


def flags_of_columns(columns: Columns, path: Path) -> tuple[ReadAs, list[str]] | None:
    """Return how a file could be read, and the options that say so; None where nothing stands out.

    Parameters
    ----------
    columns
        The file.
    path
        It, for messages.
    """
    del path
    numbers = [field.name for field in columns.schema if pa.types.is_floating(field.type)]
    patterns = _two_patterns(numbers)
    if patterns is None:
        return None
    flags = [f"--before '{patterns[0]}'", f"--after '{patterns[1]}'"]
    given = {}
    if "role" not in columns.names:
        named = _role_column(columns)
        if named is not None:
            given["role"] = named
            flags.insert(0, f"--column role={named}")
    return ReadAs(columns=given, before=patterns[0], after=patterns[1]), flags


def _two_patterns(names: list[str]) -> tuple[str, str] | None:
    """Return two patterns that share all columns of numbers and leave the same classes.

    Examples
    --------
    >>> _two_patterns(["v1 no", "v1 yes", "v2 no", "v2 yes"]), _two_patterns(["age", "income"])
    (('v1 *', 'v2 *'), None)
    >>> _two_patterns(["no.t0", "yes.t0", "no.t1", "yes.t1"])
    ('*.t0', '*.t1')
    """
    for pattern, place in ((r"^(.+?[\W_])(.+)$", 1), (r"^(.+)([\W_].+?)$", 2)):
        found: dict[str, list[str]] = defaultdict(list)
        for name in names:
            if match := re.match(pattern, name, re.DOTALL):
                found[match[place]].append(match[3 - place])
        sets = list(found.items())
        if len(sets) == 2 and len(sets[0][1]) > 1 and sorted(sets[0][1]) == sorted(sets[1][1]):
            first, second = (f"{part}*" if place == 1 else f"*{part}" for part, _ in sets)
            return first, second
    return None


def _role_column(columns: Columns) -> str | None:
    """Return the one column of texts with a few values of which some are roles; None where there are more or none."""
    texts = [field.name for field in columns.schema if pa.types.is_string(field.type)]
    try:
        table = columns.read(texts)
    except AuditError:
        return None
    found = []
    for name in texts:
        values = [str(of) for of in pc.unique(table[name]).to_pylist()[: _MOST_ROLES + 1]]
        if 2 <= len(values) <= _MOST_ROLES and any(role_of(of, {}) in ROLES for of in values):
            found.append(name)
    return found[0] if len(found) == 1 else None
