"""What a file of columns holds: read as the commands would read it, with the options that it turns out to need."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from unlearn_audit.cli.inspection.guesses import guessed, role_column
from unlearn_audit.cli.inspection.heads import head_of
from unlearn_audit.cli.inspection.seen import Seen
from unlearn_audit.cli.inspection.suggestions import label_among, left_out, suggest
from unlearn_audit.cli.shared.reading import added_flags, quoted
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations, read_observations
from unlearn_audit.observations.arrow import HEADER
from unlearn_audit.observations.flat import read_flat, role_of
from unlearn_audit.observations.formats import wanted_of_pairs
from unlearn_audit.observations.layout import layout_of
from unlearn_audit.observations.naming import ONE, PAIRS, Expected, naming_of
from unlearn_audit.observations.one_version import Answers, read_answers
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.table import READ_AS, ROLES, ROUNDED
from unlearn_audit.utils.columns import Columns, suffix_of
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.unpacking import compression_of

_MOST_MENDS = 4
"""How often a file is read anew with a further option."""


def table_seen(path: Path, read_as: ReadAs) -> Seen:
    """Return what a file of columns, or an archive of arrays, holds.

    Raises
    ------
    AuditError
        If it cannot be read at all.
    """
    if suffix_of(path, ".npz") == ".npz":
        return _arrays(path, read_as)
    content, partly = head_of(path)
    columns = Columns.of(path, wanted_of_pairs(read_as), content)
    found = Seen(str(path), "unknown", _facts(path, columns), partly=partly)
    if HEADER in (columns.schema.metadata or {}):
        found.facts["written by"] = "a run of unlearn-audit"
        return _pairs(found, read_observations(path))
    fitting = _reading(columns.names, read_as, path)
    if fitting is None and (guess := guessed(columns, read_as)):
        fitting = _reading(columns.names, guess, path)
        if fitting is not None:
            found.flags += added_flags(read_as, guess)
            found.checks.append(f"{' '.join(found.flags)} is a guess from the names and values of columns")
    if fitting is None:
        return _without_posteriors(found, columns, path)
    expected, fitted = fitting
    if expected is ONE and fitted.before != fitted.after:
        found.version = "before" if fitted == read_as else "after"
    read = _read_pairs if expected is PAIRS else _read_one
    tried = _tried(found, columns, lambda of: read(found, columns, content, path, of), fitted)
    if tried is not None:
        _suggest(found, columns, tried, expected, lambda of: read(found, columns, content, path, of))
    return found


def _suggest(
    found: Seen, columns: Columns, read_as: ReadAs, expected: Expected, read: Callable[[ReadAs], Seen]
) -> None:
    """Name the columns that were left out and could be meant; the only one that can be the label is taken for it."""
    frame, named = left_out(columns, read_as, expected, columns.wanted.where)
    labels, others = ([], []) if "label" in named else label_among(frame, found.table.classes, found.table.posteriors)
    flags = [f"--column {quoted(f'label={name}')}" for name in labels]
    if len(labels) == 1:
        checks, notes = list(found.checks), list(found.notes)
        try:
            read(replace(read_as, columns={**read_as.columns, "label": labels[0]}))
        except AuditError:
            labels = []  # which is no label then
        else:
            found.flags += flags
            found.checks = [*checks, f"{flags[0]} is a guess: its values are names of the classes"]
            found.notes = [of for of in found.notes if of in notes or "left out" in of]
    else:
        found.suggestions += [f"{flag}: its values are names of the classes" for flag in flags]
    suggest(found, frame, named, [*labels, *others])


def _reading(names: Sequence[str], read_as: ReadAs, path: Path) -> tuple[Expected, ReadAs] | None:
    """Return what kind of file has such columns, and how it is read: as one version, it may be the one after."""
    swapped = replace(read_as, before=read_as.after, after=read_as.before)
    for expected, fitting in ((PAIRS, read_as), (ONE, read_as), (ONE, swapped)):
        if _fits(names, fitting, expected, path):
            return expected, fitting
    return None


def _facts(path: Path, columns: Columns) -> dict[str, Any]:
    with path.open("rb") as stream:
        packed = compression_of(stream.read(16))
    facts: dict[str, Any] = {"format": columns.form.name + (f", compressed ({packed})" if packed else "")}
    facts["bytes"] = path.stat().st_size
    if columns.notes:
        facts["text"] = columns.notes
    facts["columns"] = shortened([name or "(no name)" for name in columns.names], 12)
    return facts


def _fits(names: Sequence[str], read_as: ReadAs, expected: Expected, path: Path) -> bool:
    """Return whether the names of columns are those of a kind of file; doubts about others come when it is read."""
    try:
        naming = naming_of(names, read_as, expected, path)
        layout = layout_of(naming, read_as, expected, path)
    except AuditError as error:
        return "unknown column" in str(error) and expected is PAIRS
    if expected is ONE:
        return "record" in naming.theirs
    return not (layout.is_long and "version" not in naming.theirs)


def _tried(found: Seen, columns: Columns, read: Callable[[ReadAs], Seen], read_as: ReadAs) -> ReadAs | None:
    """Read a file, and again with what each refusal says it needs; return how it was read at last, if it was."""
    for _ in range(_MOST_MENDS):
        try:
            read(read_as)
        except AuditError as error:
            said = str(error)
        else:
            if any(flag.startswith("--values") for flag in found.flags):  # a guess, which nobody said
                found.notes = [note for note in found.notes if "as --values says" not in note]
            return read_as
        changed = _mended(said, read_as, columns)
        if changed is None:
            break
        flags = added_flags(read_as, changed)
        found.flags += flags
        found.checks.append(f"{' '.join(flags)} is a guess; without it: {said}")
        read_as = changed
    found.problems.append(said)
    return None


def _mended(said: str, read_as: ReadAs, columns: Columns) -> ReadAs | None:
    """Return how a file may be read after all, where a refusal names one way."""
    if "has no column 'role'" in said and (role := role_column(columns)) is not None and "role" not in read_as.columns:
        return replace(read_as, columns={**read_as.columns, "role": role})
    if read_as.values is None and (match := re.search(r"or say --values ([a-z-]+)", said)):
        return replace(read_as, values=match[1])  # type: ignore[arg-type]
    if match := re.search(r"leave it out with --ignore '(.+?)'", said):
        return replace(read_as, ignored=(*read_as.ignored, match[1]))
    return None


def _read_pairs(found: Seen, columns: Columns, content: bytes | None, path: Path, read_as: ReadAs) -> Seen:
    found.kind = "posteriors of both versions"
    fresh = columns if read_as == ReadAs() else Columns.of(path, wanted_of_pairs(read_as), content)
    return _pairs(found, read_flat(fresh, read_as, path))


def _pairs(found: Seen, table: Observations) -> Seen:
    found.kind, found.table = "posteriors of both versions", table
    found.notes = list(table.metadata.get(READ_AS, ()))
    names, counts = np.unique(table.roles, return_counts=True)
    found.facts["rows" if found.partly is None else "rows read"] = len(table)
    found.facts |= {
        "versions": table.n_versions,
        "classes": f"{len(table.classes)} ({shortened(table.classes)})",
        "roles": {str(name): int(count) for name, count in zip(names, counts, strict=True)},
        "labels": bool((table.rows["label"] >= 0).all()),
        "worlds": int(table.rows["world"].nunique()),
        "pairs of models": len(np.unique(table.pairs)),
    }
    if table.groups:
        found.facts["groups"] = list(table.groups)
    if table.partial:
        found.facts["partial"] = True
    if ROUNDED in table.metadata:
        found.facts["rounded to"] = f"{table.metadata[ROUNDED]} decimals"
    return found


def _read_one(found: Seen, columns: Columns, content: bytes | None, path: Path, read_as: ReadAs) -> Seen:
    found.kind = "posteriors of one version"
    del columns
    return _one(found, read_answers(path, content=content, read_as=read_as))


def _one(found: Seen, answers: Answers) -> Seen:
    found.kind, found.table, found.notes = "posteriors of one version", answers, list(answers.notes)
    found.facts |= {
        "rows" if found.partly is None else "rows read": len(answers.ids),
        "classes": f"{len(answers.classes)} ({shortened(answers.classes)})",
        "labels": bool((answers.labels >= 0).all()),
    }
    return found


def _arrays(path: Path, read_as: ReadAs) -> Seen:
    found = Seen(str(path), "unknown", {"format": "NPZ", "bytes": path.stat().st_size})
    try:
        return _pairs(found, read_observations(path, read_as))
    except AuditError as error:
        said = str(error)
    try:
        return _one(found, read_answers(path, read_as=read_as))
    except AuditError:
        found.problems.append(said)
        return found


def _without_posteriors(found: Seen, columns: Columns, path: Path) -> Seen:
    """Say of a table without posteriors what else it may be."""
    table = columns.read()
    names = list(columns.names)
    found.facts["rows" if found.partly is None else "rows read"] = table.num_rows
    if len(names) == 1 or names == ["record"]:
        found.kind = "list of ids"
        return found
    try:
        layout_of(naming_of(names, ReadAs(), PAIRS, path), ReadAs(), PAIRS, path)
    except AuditError as error:
        if "first line looks like data" in str(error) or any(re.match(r"(before|after|p\d*)_", of) for of in names):
            found.problems.append(str(error))
            return found
    roles = [name for name in names if {role_of(str(of), {}) for of in _distinct(table[name])} & set(ROLES)]
    if roles:
        found.problems.append(
            f"column '{roles[0]}' holds roles, but no column is recognised as holding posteriors; name them with "
            "--before 'old_*' --after 'new_*', * in place of the class"
        )
        return found
    found.kind = "table of records"
    found.facts["may be the label"] = [name for name in names if 2 <= len(_distinct(table[name])) <= 20]
    return found


def _distinct(column: pa.ChunkedArray) -> list[Any]:
    return list(column.unique().to_pylist()[:50])
