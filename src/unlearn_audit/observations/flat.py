"""Observations as a flat table: one row a query, one column a version and class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.collected import Collected
from unlearn_audit.observations.column_values import held_numbers, is_partial, is_text, label_codes, numbered, plain
from unlearn_audit.observations.layout import layout_of
from unlearn_audit.observations.long import widened
from unlearn_audit.observations.naming import PAIRS, naming_of
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.table import COLUMNS, GROUP, READ_AS, ROLES, Observations
from unlearn_audit.utils.columns import Columns
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.sources import ROWS_AT_ONCE


def write_csv(observations: Observations, path: Path) -> None:
    """Write one row a query; metadata is left out, and signals are refused."""
    if observations.signals:
        raise AuditError(f"signals ({', '.join(observations.signals)}) do not fit into CSV; write Parquet or NPZ")
    frame = observations.rows.copy()
    names = np.array([*observations.classes, ""], dtype=object)
    frame["label"] = names[frame["label"].to_numpy()]
    if observations.partial:
        frame["partial"] = True
    posteriors = {
        f"p{version}_{name}": observations.posteriors[:, version, column]
        for version in range(observations.n_versions)
        for column, name in enumerate(observations.classes)
    }
    groups = {GROUP + name: values for name, values in observations.groups.items()}
    pd.concat([frame, pd.DataFrame(groups), pd.DataFrame(posteriors)], axis=1).to_csv(path, index=False)


def read_flat(columns: Columns, read_as: ReadAs, path: Path) -> Observations:
    """Read a file with a column a version and class, or with one of the other layouts of `layout`.

    Posteriors are converted and checked as they are read, and never held in the form of the file.

    Parameters
    ----------
    columns
        The file.
    read_as
        What flags say of it.
    path
        The file, for messages.

    Raises
    ------
    AuditError
        If it is no valid table.
    """
    naming = naming_of(columns.names, read_as, PAIRS, path)
    layout = layout_of(naming, read_as, PAIRS, path)
    rest = columns.read([name for name in columns.names if name in naming.ours and name not in layout.flat])
    rest = rest.rename_columns([naming.ours[name] for name in rest.column_names])
    partial = "partial" in rest.column_names and is_partial(rest["partial"], path)
    notes = [*columns.notes, *naming.notes, *layout.notes]
    if layout.is_long:
        rest, wide, classes = widened(rest, held_numbers(columns, layout.flat), layout.classes, read_as, path)
        collected = Collected(wide.shape[1], classes, partial, read_as, path)
        for start in range(0, len(wide), ROWS_AT_ONCE):
            collected.add(wide[start : start + ROWS_AT_ONCE])
    else:
        classes = layout.classes
        collected = Collected(len(layout.columns), classes, partial, read_as, path)
        collected.add_columns(columns.blocks(layout.flat), layout.flat, path)
    posteriors = collected.done()
    pa.default_memory_pool().release_unused()
    notes += collected.notes
    values = {name: _plain_values(rest[name], name, classes, path) for name in rest.column_names if name in COLUMNS}
    notes += _in_our_words(values, read_as)
    if "record" in values and is_text(rest["record"].type):
        notes += numbered(values)
    if ignored := [name for name in naming.ignored if name.strip()]:
        notes.append(f"columns that are not used were left out: {shortened(ignored, 20)}")
    return Observations.of_checked(
        values,
        posteriors,
        classes,
        collected.decimals,
        partial=partial,
        metadata={READ_AS: notes} if notes else {},
        groups={
            name.removeprefix(GROUP): _values(rest[name], name, path)
            for name in rest.column_names
            if name.startswith(GROUP)
        },
        where=str(path),
    )


def _plain_values(column: pa.ChunkedArray, name: str, classes: Sequence[str], path: Path) -> Any:
    return label_codes(column, classes, path) if name == "label" else _values(column, name, path)


def _in_our_words(values: dict[str, Any], read_as: ReadAs) -> list[str]:
    """Bring roles to our words; return what to say of it."""
    notes = []
    if "role" in values and values["role"].dtype.kind not in "biuf":
        codes, names = pd.factorize(values["role"])
        ours = [role_of(str(name), read_as.roles) for name in names]
        if ours != [str(name) for name in names]:
            values["role"] = pd.Series(np.array([*ours, None], dtype=object)[codes])
            changed = {f"'{name}' as {of}" for name, of in zip(names, ours, strict=True) if str(name) != of}
            notes.append(f"roles were translated to ours: {shortened(sorted(changed))}")
    elif "role" in values and read_as.roles:  # numbers stand for roles
        words = [f"{of:.0f}" if of == of and float(of).is_integer() else str(of) for of in values["role"].tolist()]
        values["role"] = pd.Series([role_of(of, read_as.roles) for of in words], dtype=object)
    return notes


_ROLES = {
    **dict.fromkeys(("forget", "forgotten", "removed", "erased"), "deleted"),
    **dict.fromkeys(("retain", "kept", "remaining"), "retained"),
}
"""Words for a role that mean nothing else; whether a record of a test set is unseen or a reference, they don't say."""


def role_of(word: str, roles: Mapping[str, str]) -> str:
    """Return the role that a word of a file means; the word itself where that is not known.

    Examples
    --------
    >>> role_of("Deleted", {}), role_of("test", {"test": "unseen"}), role_of("forget", {})
    ('deleted', 'unseen', 'deleted')
    """
    plain = word.strip().lower()
    return roles.get(word) or _ROLES.get(plain) or (plain if plain in ROLES else word)


def _values(column: pa.ChunkedArray, name: str, path: Path) -> pd.Series[Any]:
    """Return a column as pandas holds it; one without any value has no type, and is of missing numbers."""
    if pa.types.is_null(column.type):
        return pd.Series(np.full(len(column), np.nan))
    return pd.Series(plain(column, name, path).to_pandas())
