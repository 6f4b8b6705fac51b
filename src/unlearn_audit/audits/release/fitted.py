"""The answers of a fitted model that its owner's own code hands over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unlearn_audit.errors import AuditError
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.source import load_factory
from unlearn_audit.observations.one_version import Answers, group_texts, texts_of
from unlearn_audit.utils.columns import read_columns
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.threads import one_thread


def ask_model(
    text: str,
    data: Path,
    label: str,
    record: str | None,
    person: str | None,
    content: bytes | None = None,
    groups: Sequence[str] = (),
) -> Answers:
    """Return a fitted model's answers on every row of a table.

    Parameters
    ----------
    text
        ``module:function`` or ``file.py:function``; the function, of the owner's own code, returns a fitted classifier.
    data
        A file of columns: every column but the three below is a feature, and is handed over as a DataFrame.
    label, record, person
        The columns with the class, the record's id (None: the row's number, counted from 0), and whose record it is.
    content
        The file's bytes, where they were read already.
    groups
        Columns by which risk is broken down; they stay features.

    Raises
    ------
    AuditError
        If the function or the table cannot be had, or what it returns is no fitted classifier of these classes.
    """
    table = read_columns(data, [name for name in (record, person) if name], content)
    named = (("label", label), ("record", record), ("person", person), *(("group", name) for name in groups))
    for what, name in named:
        if name is not None and name not in table.column_names:
            raise AuditError(f"no {what} column '{name}' in {data}; it has {shortened(table.column_names)}")
    frame = table.drop_columns([name for name in (label, record, person) if name]).to_pandas()
    if not frame.shape[1]:
        raise AuditError(f"{data} has no feature columns besides '{label}'; add at least one")
    model = _fitted(text)
    classes = np.asarray(model.classes_)
    values = table[label].to_pandas()
    codes = pd.Index(classes).get_indexer(pd.Index(values)).astype(np.int64)
    stray = (codes < 0) & values.notna().to_numpy()
    if stray.any():
        raise AuditError(
            f"{data}: the label {values[stray].iloc[0]!r} is not among the classes of {text}, {list(classes)}"
        )
    with one_thread():
        posteriors = query(model, frame, classes, text)
    return Answers.of(
        text,
        texts_of(table[record], record, data) if record else np.arange(len(frame)).astype(str),
        posteriors,
        [str(value) for value in classes],
        codes,
        texts_of(table[person], person, data) if person else None,
        groups={name: group_texts(table[name], name, data) for name in groups},
    )


def _fitted(text: str) -> Any:
    with foreign(f"{text} raised", "; it must return a fitted classifier"):
        model = load_factory(text)()
    offered = any(callable(getattr(model, method, None)) for method in ("predict_proba", "predict"))
    lacking = "predict_proba or predict" if not offered else "classes_" if not hasattr(model, "classes_") else None
    if lacking:
        raise AuditError(
            f"{text} returned a {type(model).__name__} without {lacking}; a fitted classifier with classes_ and "
            "predict_proba, or at least predict, is needed"
        )
    return model
