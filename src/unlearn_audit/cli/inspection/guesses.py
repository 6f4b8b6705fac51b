"""Which columns of a file with other names could be meant: from names that differ in the version alone."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.flat import role_of
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.table import ROLES
from unlearn_audit.utils.columns import Columns

_MOST_ROLES = 6


def guessed(columns: Columns, read_as: ReadAs) -> ReadAs | None:
    """Return how a file with other names could be read, besides what options say; None where nothing stands out."""
    if read_as.before is not None or read_as.after is not None:
        return None
    numbers = [field.name for field in columns.schema if pa.types.is_floating(field.type)]
    patterns = _two_patterns(numbers)
    if patterns is None:
        return None
    named = dict(read_as.columns)
    if "role" not in {*columns.names, *named} and (role := _role_column(columns)) is not None:
        named["role"] = role
    return replace(read_as, columns=named, before=patterns[0], after=patterns[1])


def _two_patterns(names: list[str]) -> tuple[str, str] | None:
    """Return two patterns that share all columns of numbers and leave the same classes.

    Examples
    --------
    >>> _two_patterns(["v1 no", "v1 yes", "v2 no", "v2 yes"]), _two_patterns(["age", "income"])
    (('v1 *', 'v2 *'), None)
    >>> _two_patterns(["no.t0", "yes.t0", "no.t1", "yes.t1"])
    ('*.t0', '*.t1')
    """
    fitting = []
    for pattern, place in ((r"^(.+?[\W_])(.+)$", 1), (r"^(.+)([\W_].+?)$", 2)):
        found: dict[str, list[str]] = defaultdict(list)
        for name in names:
            if match := re.match(pattern, name, re.DOTALL):
                found[match[place]].append(match[3 - place])
        sets = list(found.items())
        if len(sets) == 2 and len(sets[0][1]) > 1 and sorted(sets[0][1]) == sorted(sets[1][1]):
            first, second = (f"{part}*" if place == 1 else f"*{part}" for part, _ in sets)
            fitting.append((first, second))
    # of two classes either part may be the version: digits, which number versions, tell
    numbering = [of for of in fitting if all(re.search(r"\d", part) for part in of)]
    return (numbering or fitting or [None])[0] if len(numbering) < 2 else None


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
