"""Which columns of a file with other names could be meant: from names that differ in the version alone."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from unlearn_audit.cli.inspection.long_form import long_columns
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.column_values import is_text
from unlearn_audit.observations.flat import role_of
from unlearn_audit.observations.long import number_of_version
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.table import ROLES
from unlearn_audit.observations.values import proven
from unlearn_audit.utils.columns import Columns

_MOST_ROLES = 6


def guessed(columns: Columns, read_as: ReadAs) -> ReadAs | None:
    """Return how a file with other names could be read, besides what options say; None where nothing stands out."""
    if read_as.before is not None or read_as.after is not None:
        return None
    numbers = [field.name for field in columns.schema if pa.types.is_floating(field.type)]
    patterns = _two_patterns(numbers)
    role = {} if "role" in columns.names or (name := role_column(columns)) is None else {"role": name}
    if patterns is not None:
        return replace(read_as, columns={**role, **read_as.columns}, before=patterns[0], after=patterns[1])
    if len(numbers) == 1:
        return _long(columns, read_as, role)
    prefix = _one_prefix(numbers)
    if prefix is None or role or not _sums_to_one(columns, numbers):
        return None
    return replace(read_as, columns={**_ids(columns.read().to_pandas()), **read_as.columns}, before=f"{prefix}*")


def _long(columns: Columns, read_as: ReadAs, role: dict[str, str]) -> ReadAs | None:
    frame = columns.read().to_pandas()
    found = long_columns(frame)
    if found is None:
        return None
    named = {ours: theirs for ours, theirs in {**role, **found}.items() if theirs != ours}
    if "record" not in frame:
        rest = frame.drop(columns=[*found.values(), *role.values()])
        if len(rest.columns):
            named["record"] = str(max(rest, key=lambda name: rest[name].nunique()))
    words = _in_order(list(dict.fromkeys(frame[found["version"]].astype(str))))
    stated = len(words) == 2 and any(number_of_version(word) < 0 for word in words)
    before, after = words if stated else (None, None)
    return replace(read_as, columns={**named, **read_as.columns}, before=before, after=after)


def _in_order(words: list[str]) -> list[str]:
    """Return the names of versions by their numbers where they differ in these alone, else as they are.

    Examples
    --------
    >>> _in_order(["Q2/2026", "Q1/2026"]), _in_order(["v10", "v9"]), _in_order(["march", "april"])
    (['Q1/2026', 'Q2/2026'], ['v9', 'v10'], ['march', 'april'])
    """
    if len({re.sub(r"\d+", "#", word) for word in words}) > 1:
        return words
    dated = all(re.search(r"\d{4}$", word) for word in words)  # a year at the end outweighs what is before it
    numbers = {word: [int(of) for of in re.findall(r"\d+", word)] for word in words}
    return sorted(words, key=lambda word: numbers[word][::-1] if dated else numbers[word])


def _one_prefix(names: list[str]) -> str | None:
    """Return what all of some names start with, up to a sign that ends a word.

    Examples
    --------
    >>> _one_prefix(["score_no", "score_not sure"]), _one_prefix(["age", "income"])
    ('score_', None)
    """
    prefixes = {match[0] for name in names if (match := re.match(r".+?[\W_](?=.)", name, re.DOTALL))}
    whole = len(names) > 1 and len(prefixes) == 1 and all(name.startswith(tuple(prefixes)) for name in names)
    return prefixes.pop() if whole else None


def _sums_to_one(columns: Columns, names: list[str]) -> bool:
    block = columns.read(names).to_pandas().to_numpy(float)[:, None]
    kind = proven(block)
    return kind not in (None, "probabilities") or bool((abs(block.sum(axis=-1) - 1) < 1e-3).all())


def _ids(frame: pd.DataFrame) -> dict[str, str]:
    """Return the one column whose values tell the rows apart as the record; none if there are more or it is known."""
    whole = [str(name) for name in frame if not pd.api.types.is_float_dtype(frame[name].dtype)]
    found = [name for name in whole if frame[name].astype(str).is_unique]
    return {"record": found[0]} if len(found) == 1 and "record" not in frame else {}


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
    chosen = numbering or fitting
    return chosen[0] if chosen and len(numbering) < 2 else None


def role_column(columns: Columns) -> str | None:
    """Return the one column of texts with a few values of which some are roles; None where there are more or none."""
    texts = [field.name for field in columns.schema if is_text(field.type)]
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
