"""What every dataset must be, checked on its records.

See `unlearn_audit.testing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unlearn_audit.data.base import Images, Table
from unlearn_audit.data.source import Source
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.messages import first_line, shortened


def from_others(name: str, found: Any) -> tuple[Source, Callable[[Path], Table | Images]]:
    """Return source and loader of a dataset that other people's code holds; what it loads is checked.

    Parameters
    ----------
    name
        What it is called.
    found
        A function from the data folder to a `Table` or `Images`; or a pair of a `Source` and such a function.

    Raises
    ------
    AuditError
        If it is neither.
    """
    source, load = found if isinstance(found, tuple) and len(found) == 2 else (None, found)
    if not callable(load) or (source is not None and not isinstance(source, Source)):
        raise AuditError(
            f"dataset {name} is neither a function from the data folder to a Table or Images, nor a pair of a Source "
            "and such a function"
        )
    if source is None:
        source = Source(name, first_line(load) or name, "not stated", "not stated", records=None, features=0, classes=0)

    def checked(folder: Path) -> Table | Images:
        with foreign(f"dataset {name} cannot be loaded (", ")"):
            records = load(folder)
        return replace(check_dataset(records, name), name=name)

    return replace(source, name=name), checked


def check_dataset(records: Any, name: str = "") -> Table | Images:
    """Check what a loader returned against the contract of raw records; return it.

    Labels are codes into the names of the classes, each of which occurs; persons are codes or None; features are
    numbers, booleans, text or categories, one row a record, with missing values as NaN; pixels are bytes.

    Raises
    ------
    AuditError
        If something does not hold; the sentence says what was found.

    Examples
    --------
    >>> from unlearn_audit.data import load_dataset
    >>> check_dataset(load_dataset("digits")).name
    'digits'
    """
    if not isinstance(records, Table | Images):
        raise AuditError(f"dataset {name} loads a {type(records).__name__}; return a Table or Images (data/base.py)")
    for problem in _problems(records):
        raise AuditError(f"dataset {name or records.name} {problem}")
    return records


def _problems(records: Table | Images) -> Iterator[str]:
    labels, k = np.asarray(records.labels), len(records.class_names)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        yield f"has labels of type {labels.dtype} and shape {labels.shape}; give one integer code per record"
    elif k < 2 or not np.array_equal(np.unique(labels), np.arange(k)):
        found = shortened(map(str, np.unique(labels)), 3)
        yield f"names {k} classes and has the labels {found}; every code from 0 on has to occur"
    if records.persons is not None and np.shape(records.persons) != (len(labels),):
        yield f"has persons of shape {np.shape(records.persons)} for {len(labels)} records"
    rows = records.features if isinstance(records, Table) else records.pixels
    if len(rows) != len(labels):
        yield f"has {len(rows)} rows of features for {len(labels)} labels"
    yield from _of_features(records) if isinstance(records, Table) else _of_pixels(records)


def _of_features(table: Table) -> Iterator[str]:
    features = table.features
    if not features.shape[1]:
        yield "has no feature"
    if not isinstance(features.index, pd.RangeIndex):
        yield "has a custom index; use features.reset_index(drop=True)"
    if odd := [str(column) for column, kind in features.dtypes.items() if pd.api.types.is_object_dtype(kind)]:
        yield f"has columns of Python objects, {shortened(odd, 3)}; make them numbers, text or categories"
    numbers = features.select_dtypes("number").to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(numbers).any():
        yield "has features that are infinite; a missing value is NaN"


def _of_pixels(images: Images) -> Iterator[str]:
    if images.pixels.dtype != np.uint8 or images.pixels.ndim != 4:
        yield (
            f"has pixels of type {images.pixels.dtype} and shape {images.pixels.shape}; give uint8 in the shape "
            "(n, channels, height, width)"
        )
