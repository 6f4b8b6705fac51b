"""What the rest of the house receives from a dataset: first raw records, then records to train on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.data.texts import with_texts
from unlearn_audit.utils.notes import Caution
from unlearn_audit.utils.typing import Mask


@dataclass(frozen=True)
class Table:
    """Records as their owner wrote them: nothing encoded, nothing imputed, nothing dropped.

    Attributes
    ----------
    name
        What the dataset is called in reports.
    features
        (n, d) one column per feature. A category column has pandas' ``category`` dtype; where the owner
        publishes the list of categories, the dtype holds that whole list in the published order.
        Python objects that are all texts become a column of text, as pandas 3 has them.
        Everything else is numeric or boolean. A missing value is NaN.
    labels
        (n,) integer codes into ``class_names``.
    class_names
        The classes as a person would write them.
    persons
        (n,) integer codes of the person each row belongs to, or None if every row belongs to a different person.
    notes
        What the loader did or found, one plain sentence each.
    others
        (n, m) columns that are not features, in the form of features; or None.
    person_ids
        What the owner calls the person of each code, as text; empty where that is not known.
    """

    name: str
    features: pd.DataFrame
    labels: npt.NDArray[np.int64]
    class_names: tuple[str, ...]
    persons: npt.NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    others: pd.DataFrame | None = None
    person_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", with_texts(self.features))
        if self.others is not None:
            object.__setattr__(self, "others", with_texts(self.others))

    def kept(self, rows: Mask) -> Table:
        """Return the table with only the rows for which ``rows`` (n,) is True, numbered anew."""
        features = self.features.loc[rows].reset_index(drop=True)
        persons = None if self.persons is None else self.persons[rows]
        others = None if self.others is None else self.others.loc[rows].reset_index(drop=True)
        return replace(self, features=features, labels=self.labels[rows], persons=persons, others=others)


@dataclass(frozen=True)
class Images:
    """Images as their owner published them, all of one size; where a loader made them smaller, it says so.

    Attributes
    ----------
    name
        What the dataset is called in reports.
    pixels
        (n, channels, height, width) uint8, 0 to 255; three channels are red, green and blue. Rows of an image
        run from top to bottom, columns from left to right.
    labels
        (n,) integer codes into ``class_names``.
    class_names
        The classes as a person would write them.
    persons
        (n,) integer codes of the person each image belongs to, or None where every image is of another person.
    notes
        What the loader did or found, one plain sentence each.
    """

    name: str
    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    class_names: tuple[str, ...]
    persons: npt.NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    def kept(self, rows: Mask) -> Images:
        """Return only the images for which ``rows`` (n,) is True."""
        persons = None if self.persons is None else self.persons[rows]
        return replace(self, pixels=self.pixels[rows], labels=self.labels[rows], persons=persons)

    def flat(self) -> npt.NDArray[np.uint8]:
        """Return (n, channels * height * width) the pixels of each image in one row, without a copy.

        The bytes stay bytes: as the floats that a model makes of its own training records, all of them would
        take eight times the memory.
        """
        return self.pixels.reshape(len(self.pixels), -1)


@dataclass(frozen=True)
class Dataset:
    """Records ready to train on.

    Attributes
    ----------
    name
        What the dataset is called in reports.
    X
        (n, ...) features: an array with one record along the first axis, a DataFrame, a sparse matrix by rows, or an
        (n,) array of texts.
    y
        (n,) labels in the form the models are fitted with.
    class_values
        (k,) the distinct values of ``y`` in sorted order: the columns of every posterior.
    class_names
        The same classes as a person would write them.
    record_ids
        (n,) ascending row numbers in the owner's table, counted from 0: the ids that reports use.
    persons
        (n,) integer codes of the person each record belongs to, or None where every record is of another person.
    notes
        What was done to the records, one plain sentence each.
    true_y
        (n,) the owner's labels where some of ``y`` are wrong on purpose, else None.
    duplicates
        How many exact duplicates were dropped.
    fit_columns
        (n,) values by the name of a parameter of ``fit``, such as ``sample_weight``, which are no features.
    encoded
        Whether ``X`` holds numbers that an encoding made of a table.
    """

    name: str
    X: Any
    y: npt.NDArray[Any]
    class_values: npt.NDArray[Any]
    class_names: tuple[str, ...]
    record_ids: npt.NDArray[np.int64]
    persons: npt.NDArray[np.int64] | None = None
    notes: tuple[str, ...] = field(default=())
    true_y: npt.NDArray[Any] | None = None
    duplicates: int = 0
    fit_columns: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    encoded: bool = False

    def __len__(self) -> int:
        return len(self.y)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of the notes that say what may make findings wrong."""
        return tuple(note for note in self.notes if isinstance(note, Caution))
