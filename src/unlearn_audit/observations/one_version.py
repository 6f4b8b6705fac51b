"""The answers of one version: a file with one row a record, read as data and never executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.arrays import load_arrays
from unlearn_audit.observations.collected import Collected
from unlearn_audit.observations.column_values import held_numbers, is_partial, is_partial_array, label_codes, plain
from unlearn_audit.observations.layout import layout_of
from unlearn_audit.observations.long import rows_of_version, widened
from unlearn_audit.observations.naming import ONE, Naming, naming_of
from unlearn_audit.observations.posteriors import check_posteriors
from unlearn_audit.observations.read_as import ReadAs, wanted_of
from unlearn_audit.observations.table import GROUP
from unlearn_audit.observations.values import probabilities_of
from unlearn_audit.utils.columns import Columns, suffix_of
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
        (n,) class index of each record, -1 if not known.
    persons
        (n,) whose record each is, as texts; None where nobody asked.
    partial
        True where rows hold only some of the probabilities.
    groups
        (n,) values, as texts, by the name of a group.
    rounded
        To how many decimals posteriors are rounded, where their sums show it; else None.
    notes
        How a file was read that is not of the plain form, in words.
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
    notes: tuple[str, ...] = ()

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
                f"{where} holds {len(again.unique()):,} record ids more than once, such as {again[0]}; give one row "
                "per record"
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
    path: Path,
    person: str | None = None,
    content: bytes | None = None,
    ignored: Sequence[str] = (),
    read_as: ReadAs | None = None,
    version: int = 0,
) -> Answers:
    """Read the answers of one version.

    Files of columns need a column ``record`` and one column ``p_<class>`` a class; ``label`` (a class name),
    ``partial`` and ``group_<name>`` are optional. NPZ needs the arrays ``record`` and ``posteriors`` (rows, classes);
    ``classes``, ``label`` (class indices) and ``group_<name>`` are optional.

    Parameters
    ----------
    path
        A file of columns (`unlearn_audit.utils.columns.FORMATS`), or ``.npz``; the first may be compressed.
    person
        The column, or array, that says whose record a row is; it is read where the file has it.
    content
        The file's bytes, where they were read already.
    ignored
        Further columns that a file of columns may have.
    read_as
        What its columns, values and text are, where they don't say it themselves; of patterns, that of this version is
        `before`.
    version
        Which version is read from a long file that holds both: 0 for the one before, 1 for the one after.

    Raises
    ------
    AuditError
        If there is no such file, or it is no valid one.
    """
    read_as = read_as or ReadAs()
    if suffix_of(path, ".npz", advice=", or name a model as module:function") == ".npz":
        return _from_arrays(load_arrays(path, content), path, person, read_as)
    texts = ("record", "label", "class", "version", *([person] if person else []))
    columns = Columns.of(path, wanted_of(read_as, texts, dates=True), content)
    return _from_columns(columns, path, person, replace(read_as, ignored=(*read_as.ignored, *ignored)), version)


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


def _from_columns(columns: Columns, path: Path, person: str | None, read_as: ReadAs, version: int) -> Answers:
    names = [name for name in columns.names if name != person]
    naming, of_version = _one_of_both(columns, naming_of(names, read_as, ONE, path), read_as, version)
    layout = layout_of(naming, read_as, ONE, path)
    if "record" not in naming.theirs:
        raise AuditError(
            f"{path} needs a column record and a column {PREFIX}<class> for each class; it has {shortened(names)}"
        )
    kept = [name for name in columns.names if name == person or (name in naming.ours and name not in layout.flat)]
    table = columns.read(kept)
    if of_version is not None:
        table = table.filter(pa.array(of_version))
    if person is not None and person in kept and (as_record := naming.ours.get(person)):
        raise AuditError(f"{path}: column '{person}' is both the person and {as_record}; name a different column")
    table = table.rename_columns([naming.ours.get(name, name) for name in kept])
    partial = "partial" in table.column_names and is_partial(table["partial"], path)
    classes = layout.classes
    if layout.is_long or of_version is not None:
        numbers = held_numbers(columns, layout.flat)
        numbers = numbers if of_version is None else numbers[of_version]
        if layout.is_long:
            table, wide, classes = widened(table, numbers, classes, read_as, path)
        else:
            wide = numbers[:, None]
        collected = Collected(1, classes, partial, read_as, path)
        collected.add(wide)
    else:
        collected = Collected(1, classes, partial, read_as, path)
        collected.add_columns(columns.blocks(layout.flat), layout.flat, path)
    there = table.column_names
    notes = [*columns.notes, *naming.notes, *layout.notes, *collected.notes]
    if ignored := [name for name in naming.ignored if name.strip()]:
        notes.append(f"columns that are not used were left out: {shortened(ignored, 20)}")
    posteriors, rounded = collected.done()[:, 0], collected.decimals()
    answers = Answers.of(
        str(path),
        texts_of(table["record"], "record", path),
        posteriors,
        list(classes),
        label_codes(table["label"], list(classes), path) if "label" in there else None,
        texts_of(table[person], person, path) if person is not None and person in there else None,
        partial=partial,
        groups={
            name.removeprefix(GROUP): group_texts(table[name], name, path)
            for name in there
            if name.startswith(GROUP) and name != person
        },
    )
    return replace(answers, rounded=rounded, notes=tuple(notes))


def _one_of_both(
    columns: Columns, naming: Naming, read_as: ReadAs, version: int
) -> tuple[Naming, npt.NDArray[np.bool_] | None]:
    """Return the naming without the column ``version``, and (n,) which rows are of the version that is asked for."""
    column = naming.theirs.get("version")
    if column is None:
        return naming, None
    of_version = rows_of_version(columns.read([column])[column], version, read_as, columns.wanted.where)
    rest = {theirs: ours for theirs, ours in naming.ours.items() if theirs != column}
    if of_version is None:
        return replace(naming, ours=rest, ignored=(*naming.ignored, column)), None
    which = "before" if version == 0 else "after"
    note = f"it holds several versions, of which the rows of the one {which} the deletion were read"
    return replace(naming, ours=rest, notes=(*naming.notes, note)), of_version


def group_texts(column: pa.ChunkedArray, name: str, path: Path) -> npt.NDArray[np.object_]:
    """Return the values of a group as texts; a missing one is a value too.

    Raises
    ------
    AuditError
        If they are no plain values.
    """
    texts = plain(column, name, path).cast(pa.string())
    return np.asarray(pc.fill_null(texts, "missing").to_numpy(zero_copy_only=False), dtype=object)


def _from_arrays(arrays: dict[str, npt.NDArray[Any]], path: Path, person: str | None, read_as: ReadAs) -> Answers:
    if "record" not in arrays or "posteriors" not in arrays:
        raise AuditError(f"{path} needs the arrays record and posteriors; it has {shortened(list(arrays))}")
    posteriors = arrays["posteriors"]
    if posteriors.ndim != 2 or posteriors.dtype.kind not in "fiu":
        raise AuditError(f"{path}: posteriors have shape {posteriors.shape}; numbers (rows, classes) are needed")
    wide, notes = probabilities_of(posteriors[:, None], read_as.values, path)
    posteriors = wide[:, 0]
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
        raise AuditError(
            f"{path}: 'label' does not hold a class index for each row; numbers from -1 to {k - 1} are needed"
        )
    classes, partial = arrays.get("classes", np.arange(k)), arrays.get("partial", np.array(False))
    if classes.shape != (k,) or classes.dtype.kind not in "iuU":
        raise AuditError(
            f"{path}: 'classes' has shape {classes.shape} and type {classes.dtype}; the name of each of {k} classes is "
            "needed"
        )
    answers = Answers.of(
        str(path),
        texts["record"],
        posteriors,
        [str(name) for name in classes],
        None if labels is None else labels.astype(np.int64),
        texts.get(person or ""),
        partial=is_partial_array(partial, path),
        groups={name.removeprefix(GROUP): texts[name].astype(object) for name in groups},
    )
    return replace(answers, notes=tuple(notes))
