"""The answers of one version: a file with one row a record, read as data and never executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.arrays import load_arrays
from unlearn_audit.observations.column_values import is_partial, is_partial_array, label_codes, numbers, plain
from unlearn_audit.observations.posteriors import check_posteriors
from unlearn_audit.observations.table import GROUP
from unlearn_audit.utils.columns import read_columns, suffix_of
from unlearn_audit.utils.messages import shortened

PREFIX = "p_"
"""What the name of a column of probabilities starts with; the class follows."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What one version answered.

    Attributes
    ----------
    where
        What messages call it.
    ids
        (n,) texts that identify the records, each once.
    posteriors
        (n, classes) float32 probabilities.
    classes
        (classes,) names.
    labels
        (n,) class index of each record, -1 where not known.
    persons
        (n,) whose record each is, as texts; None where nobody asked.
    partial
        True where rows hold only some of the probabilities.
    groups
        (n,) values, as texts, by the name of a group.
    rounded
        To how many decimals posteriors are rounded, where their sums show it; else None.
    """

    where: str
    ids: pd.Index[Any]
    posteriors: npt.NDArray[np.float32]
    classes: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    persons: npt.NDArray[np.object_] | None = None
    partial: bool = False
    groups: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)
    rounded: int | None = None

    @classmethod
    def of(
        cls,
        where: str,
        ids: Any,
        posteriors: npt.NDArray[Any],
        classes: Sequence[str],
        labels: npt.NDArray[np.int64] | None,
        persons: Any = None,
        *,
        partial: bool = False,
        groups: Mapping[str, npt.NDArray[np.object_]] | None = None,
    ) -> Answers:
        """Check what a version answered.

        Raises
        ------
        AuditError
            If ids repeat, posteriors are no probabilities, or a person is missing.
        """
        index = pd.Index(np.asarray(ids, dtype=object), dtype=object)
        if bool(index.has_duplicates):
            again = index[index.duplicated()]
            raise AuditError(
                f"{where} holds {len(again.unique()):,} record ids more than once, such as {again[0]}; "
                "give one row a record"
            )
        rounded = check_posteriors(posteriors[:, None], classes, partial, where)
        known = np.full(len(index), -1) if labels is None else labels
        whose = None if persons is None else np.asarray(persons, dtype=object)
        of = posteriors.astype(np.float32)
        return cls(where, index, of, tuple(classes), known, whose, partial, groups or {}, rounded)


def is_model(text: str) -> bool:
    """Return whether a text names a function, as ``module:function`` or ``file.py:function``.

    Examples
    --------
    >>> is_model("my_models:before"), is_model("my_models.py:before"), is_model("before.csv")
    (True, True, False)
    """
    module, _, function = text.rpartition(":")
    return bool(module) and function.isidentifier() and len(module) > 1


def read_answers(
    path: Path, person: str | None = None, content: bytes | None = None, ignored: Sequence[str] = ()
) -> Answers:
    """Read the answers of one version.

    Files of columns need a column ``record`` and one column ``p_<class>`` a class; ``label`` (a class name),
    ``partial`` and ``group_<name>`` are optional. NPZ needs the arrays ``record`` and ``posteriors`` (rows, classes);
    ``classes``, ``label`` (class indices) and ``group_<name>`` are optional.

    Parameters
    ----------
    path
        A file of columns (`unlearn_audit.utils.columns.FORMATS`), or ``.npz``.
    person
        The column, or array, that says whose record a row is; it is read where the file has it.
    content
        The file's bytes, where they were read already.
    ignored
        Further columns that a file of columns may have.

    Raises
    ------
    AuditError
        If there is no such file, or it is no valid one.
    """
    if suffix_of(path, ".npz", advice=", or name a model as module:function") == ".npz":
        return _from_arrays(load_arrays(path, content), path, person)
    texts = ("record", "label", *([person] if person else []))
    table = read_columns(path, texts, content)
    return _from_table(table.drop_columns([name for name in ignored if name in table.column_names]), path, person)


def texts_of(column: pa.ChunkedArray, name: str, path: Path) -> npt.NDArray[np.object_]:
    """Return a column of whole numbers or texts as texts, none of them missing.

    Raises
    ------
    AuditError
        If a value is missing or is neither.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise AuditError(f"{path}: column '{name}' holds values of kind {kind}; whole numbers or texts are needed")
    if column.null_count:
        raise AuditError(
            f"{path}: column '{name}' is missing in {column.null_count:,} of {len(column):,} rows; fill it in, or "
            "drop these rows"
        )
    return np.asarray(column.cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object)


def _from_table(table: pa.Table, path: Path, person: str | None) -> Answers:
    names = table.column_names
    of_class = {name.removeprefix(PREFIX): name for name in names if name.startswith(PREFIX) and name != person}
    if "record" not in names or not of_class:
        raise AuditError(
            f"{path} needs a column record and a column {PREFIX}<class> for each class; it has {shortened(names)}"
        )
    known = {"record", "label", "partial", person, *of_class.values()}
    others = [name for name in names if name not in known and not name.startswith(("__index_level_", GROUP))]
    if others:
        raise AuditError(
            f"{path} has the unknown column '{others[0]}'; drop it, or give it as --person if it "
            "holds the person of each record"
        )
    return Answers.of(
        str(path),
        texts_of(table["record"], "record", path),
        np.column_stack([numbers(table[name], name, path) for name in of_class.values()]),
        list(of_class),
        label_codes(table["label"], list(of_class), path) if "label" in names else None,
        texts_of(table[person], person, path) if person is not None and person in names else None,
        partial="partial" in names and is_partial(table["partial"], path),
        groups={
            name.removeprefix(GROUP): group_texts(table[name], name, path)
            for name in names
            if name.startswith(GROUP) and name != person
        },
    )


def group_texts(column: pa.ChunkedArray, name: str, path: Path) -> npt.NDArray[np.object_]:
    """Return the values of a group as texts; a missing one is a value too.

    Raises
    ------
    AuditError
        If they are no plain values.
    """
    texts = plain(column, name, path).cast(pa.string())
    return np.asarray(pc.fill_null(texts, "missing").to_numpy(zero_copy_only=False), dtype=object)


def _from_arrays(arrays: dict[str, npt.NDArray[Any]], path: Path, person: str | None) -> Answers:
    if "record" not in arrays or "posteriors" not in arrays:
        raise AuditError(f"{path} needs the arrays record and posteriors; it has {shortened(list(arrays))}")
    posteriors = arrays["posteriors"]
    if posteriors.ndim != 2 or posteriors.dtype.kind not in "fiu":
        raise AuditError(f"{path}: posteriors have shape {posteriors.shape}; numbers (rows, classes) are needed")
    texts = {}
    groups = [name for name in arrays if name.startswith(GROUP) and name != person]
    for name in ("record", *([person] if person in arrays else []), *groups):
        values = arrays[str(name)]
        if values.shape != (len(posteriors),) or values.dtype.kind not in "iuU":
            raise AuditError(
                f"{path}: '{name}' has shape {values.shape} and type {values.dtype}; one whole number or text for each "
                f"of {len(posteriors):,} rows is needed"
            )
        texts[name] = values.astype(str)
    labels = arrays.get("label")
    k = posteriors.shape[1]
    if labels is not None and (
        labels.shape != (len(posteriors),)
        or labels.dtype.kind not in "iu"
        or (labels < -1).any()
        or (labels >= k).any()
    ):
        raise AuditError(f"{path}: 'label' holds no class index for each row; numbers from -1 to {k - 1} are needed")
    classes, partial = arrays.get("classes", np.arange(k)), arrays.get("partial", np.array(False))
    if classes.shape != (k,) or classes.dtype.kind not in "iuU":
        raise AuditError(
            f"{path}: 'classes' has shape {classes.shape} and type {classes.dtype}; the name of each of {k} classes is "
            "needed"
        )
    return Answers.of(
        str(path),
        texts["record"],
        posteriors,
        [str(name) for name in classes],
        None if labels is None else labels.astype(np.int64),
        texts.get(person or ""),
        partial=is_partial_array(partial, path),
        groups={name.removeprefix(GROUP): texts[name].astype(object) for name in groups},
    )
