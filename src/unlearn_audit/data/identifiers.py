"""Columns that identify a record or a person: found by their values, never by looking at who is who.

A model learns nothing that carries over from the text of an id, and an encoding knows none of the other side's ids: all
of them become one and the same value. An attack that is chosen on the shadow side can then work there and fail on the
target, so that an audit finds nothing where much can be seen.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.data.base import Table
from unlearn_audit.data.encoding import ENCODED, Encoding
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.notes import Caution

FEWEST_VALUES = 20
"""Of fewer values than these nothing is said: in a short table most categories are nearly different in every row."""

NEARLY_ALL = 0.5
"""Where more than this share of the values are distinct they are no categories; a person's equal ones count as one."""

SEVERAL_ROWS = 20
"""A column that is named like an id is taken for one if a value has at most so many records on average."""

FEWEST_WORDS = 8
"""Words of the median text from which on a column holds prose."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NAMED = re.compile(
    r"(account|case|client|customer|employee|member|order|patient|person|record|row|sample|user)?id|"
    "guid|uuid|ssn|iban|e?mail"
)


@dataclass(frozen=True)
class Identifier:
    """A column that identifies, or looks as if it did.

    Attributes
    ----------
    column
        Its name.
    distinct, n_values
        How many distinct values there are among how many; a person's equal values count once.
    text
        Whether it is text, or categories, in which nearly every value is another: no model learns from it what holds
        of other records.
    """

    column: str
    distinct: int
    n_values: int
    text: bool

    def __str__(self) -> str:
        return f"{self.column} ({self.distinct:,} distinct of {self.n_values:,} values)"


def find_identifiers(features: pd.DataFrame, persons: npt.NDArray[np.int64] | None) -> Iterator[Identifier]:
    """Yield the columns that identify.

    Text, or categories, does where more than `NEARLY_ALL` of the values are distinct: ids, hashes, addresses, free
    text, and dates or numbers that were written as text. Whole numbers may be measurements that nearly all differ, so
    they are taken for an id only if they rise or fall from each record to the next, or if the column is called one.

    Parameters
    ----------
    features
        (n, d) records, none of them twice.
    persons
        (n,) whose record each is, or None.
    """
    for label, column in features.items():
        name, there = str(label), column.notna().to_numpy()
        values = column[there].infer_objects()
        text = isinstance(values.dtype, (pd.CategoricalDtype, pd.StringDtype)) or values.dtype == object
        named, counted = _called_an_id(name), not text and _counted(values)
        if not (text or counted or (named and _whole(values))):
            continue
        codes, found = pd.factorize(values.astype("str") if text else values)
        if len(found) < FEWEST_VALUES:
            continue
        holders = np.arange(len(codes)) if persons is None else persons[there]
        n_values = len(np.unique(holders * len(found) + codes))
        nearly_all = text and len(found) > NEARLY_ALL * n_values
        if nearly_all or counted or (named and len(found) * SEVERAL_ROWS >= n_values):
            yield Identifier(name, len(found), n_values, nearly_all)


def without_identifiers(
    table: Table, rows: npt.NDArray[np.bool_], keep: Collection[str] | None = None
) -> tuple[Table, tuple[str, ...]]:
    """Return a table without the text that identifies, and warnings of what was dropped or looks like an id.

    Numbers that look like an id stay: a model is trained on them as they are, on both sides, and what they give away
    is the model's own.

    Parameters
    ----------
    table
        The records.
    rows
        (n,) True for the first of equal records, the others being left out of account.
    keep
        Columns that stay in any case; None where nobody is asked.

    Raises
    ------
    AuditError
        If there is no such column to keep, or no feature is left.
    """
    kept = keep or ()
    if unknown := [name for name in kept if name not in table.features.columns]:
        raise AuditError(
            f"no feature column {unknown[0]!r} to keep in {table.name}; name one of: "
            f"{shortened(map(str, table.features.columns), 20)}"
        )
    records = table.kept(rows)
    found = list(find_identifiers(records.features, records.persons))
    dropped = [identifier for identifier in found if identifier.text and identifier.column not in kept]
    names = {identifier.column for identifier in dropped}
    left = table.features.loc[:, [str(name) not in names for name in table.features.columns]]
    if dropped and left.columns.empty:
        raise AuditError(
            f"no feature of {table.name} is left: nearly every record holds a different text, as with ids, in "
            f"{shortened(map(str, dropped))}; add other columns, or write numbers and dates as such"
        )
    warnings = [_warning(identifier) for identifier in found if identifier not in dropped]
    if dropped:
        free = ", and give free text with --encoding raw to a model that reads it"
        kept_by = "" if keep is None else "; to keep a column anyway, name it with --keep"
        remedy = f"write numbers and dates as such{free}{kept_by}"
        warnings.insert(
            0,
            f"Dropped, nearly every record holds a different text, as with ids: {shortened(map(str, dropped))}. As "
            f"categories, such texts say nothing about other records; {remedy}",
        )
    return replace(table, features=left), tuple(map(Caution, warnings))


def checked_identifiers(
    table: Table, rows: npt.NDArray[np.bool_], encoding: Encoding, keep: Collection[str] | None = None
) -> tuple[Table, tuple[str, ...]]:
    """Return a table as an encoding takes it, and warnings of what identifies in it.

    Parameters
    ----------
    table, rows, keep
        As in `without_identifiers`.
    encoding
        One that makes numbers drops text that identifies; ``raw`` refuses it; ``text`` takes it for prose.

    Raises
    ------
    AuditError
        As `without_identifiers` and `refuse_identifiers` do.
    """
    if encoding in ENCODED:
        return without_identifiers(table, rows, keep)
    if encoding == "text":
        return table, ()
    persons = None if table.persons is None else table.persons[rows]
    return table, refuse_identifiers(table.features[rows], persons, keep, table.name)


def refuse_identifiers(
    features: pd.DataFrame, persons: npt.NDArray[np.int64] | None, keep: Collection[str] | None = (), where: str = "X"
) -> tuple[str, ...]:
    """Return warnings of what looks like an id in features that a model takes as they are, or refuse them.

    Nothing is dropped here, since a model may look for its columns by name or by place. Prose, which such a model reads
    word by word, is no id.

    Raises
    ------
    AuditError
        If a column of text identifies and is not to be kept, or there is no such column to keep.
    """
    names = [str(name) for name in features.columns]
    kept = keep or ()
    if unknown := [name for name in kept if name not in names]:
        raise AuditError(f"{where} has no column {unknown[0]!r} to keep; name one of: {shortened(names, 20)}")
    prose = {str(name) for name, column in features.items() if _is_prose(column)}
    found = [of for of in find_identifiers(features, persons) if not (of.text and of.column in prose)]
    if refused := [identifier for identifier in found if identifier.text and identifier.column not in kept]:
        but = "" if keep is None else f", or {_kept(refused[0].column, where)} if the model is meant to learn from it"
        raise AuditError(
            f"nearly every record holds a different text, as with ids, in {shortened(map(str, refused))} of {where}; "
            f"leave it out{but}"
        )
    return tuple(Caution(_warning(identifier)) for identifier in found)


def _kept(column: str, where: str) -> str:
    return f"write keep=[{column!r}]" if where == "X" else f"name it to keep (--keep {column})"


def _is_prose(values: pd.Series) -> bool:
    """Whether most values of a column of text have more words than names or addresses."""
    if not isinstance(values.dtype, pd.StringDtype) and values.dtype != object:
        return False
    texts = values.dropna()
    words = texts.astype("str").str.count(r"\w+") if len(texts) else pd.Series([0])
    return bool(words.median() >= FEWEST_WORDS)


def _warning(found: Identifier) -> str:
    if found.text:
        return (
            f"{found} is kept as asked, though nearly every record holds a different text: an attack chosen on the "
            "shadow side may fail on the target, where all of them are unknown"
        )
    return (
        f"{found} looks like an id and is a feature: a model can memorise single records by it; exclude it, or name it "
        "as the column of persons if it says whose records these are"
    )


def _whole(values: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(values.dtype) or not pd.api.types.is_any_real_numeric_dtype(values.dtype):
        return False
    numbers = values.to_numpy(dtype=np.float64)
    return bool((np.floor(numbers) == numbers).all())


def _counted(values: pd.Series) -> bool:
    """Whether these are whole numbers that rise, or fall, from each to the next."""
    return (
        bool(values.is_monotonic_increasing or values.is_monotonic_decreasing) and values.is_unique and _whole(values)
    )


def _called_an_id(name: str) -> bool:
    return any(_NAMED.fullmatch(word.lower()) for word in _WORD.findall(name))
