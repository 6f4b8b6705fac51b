"""Data: a dataset is records, each with features and a label, and maybe the unit it belongs to.

A loader returns raw records as their owner wrote them: a `Table`, which encoding turns into numbers, learning
only from the rows it is told to; or `Images`, whose bytes are numbers already. Each file here is one family of
datasets with a `Source`, which says where the data come from, and a loader; `DATASETS` lists them all by name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from unlearn_audit.data import adult, bundled, checkins, cifar10, mnist, stl10, us_accidents
from unlearn_audit.data.base import Dataset, Images, Table
from unlearn_audit.data.duplicates import first_of_duplicates
from unlearn_audit.data.encoding import Encoding, encode
from unlearn_audit.data.identifiers import refuse_identifiers, without_identifiers
from unlearn_audit.data.location import data_folder
from unlearn_audit.data.source import Source, SourceFile
from unlearn_audit.data.table import read_table
from unlearn_audit.errors import AuditError

Loader = Callable[[Path], Table | Images]
"""Reads a dataset from the data folder; an AuditError says what is missing or wrong."""

DATASETS: dict[str, tuple[Source, Loader]] = {
    "digits": (bundled.DIGITS, bundled.load_digits),
    "breast-cancer": (bundled.BREAST_CANCER, bundled.load_breast_cancer),
    "adult": (adult.SOURCE, adult.load),
    "us-accidents": (us_accidents.SOURCE, us_accidents.load),
    "checkins-nyc": (checkins.NYC, partial(checkins.load, checkins.NYC)),
    "checkins-jakarta": (checkins.JAKARTA, partial(checkins.load, checkins.JAKARTA)),
    "insta-ny": (checkins.INSTA_NY, partial(checkins.load, checkins.INSTA_NY)),
    "insta-la": (checkins.INSTA_LA, partial(checkins.load, checkins.INSTA_LA)),
    "mnist": (mnist.SOURCE, mnist.load),
    "cifar10": (cifar10.SOURCE, cifar10.load),
    "stl10": (stl10.SOURCE, stl10.load),
}
"""Every dataset known by name. A new one is one new file and one line here."""


def find_source(name: str) -> Source:
    """Return where the dataset ``name`` comes from; an AuditError lists the known names."""
    if name not in DATASETS:
        raise AuditError(f"no dataset {name!r}; known are: {', '.join(DATASETS)}")
    return DATASETS[name][0]


def load_dataset(name: str, folder: Path | None = None) -> Table | Images:
    """Return the raw records of the dataset ``name``.

    Parameters
    ----------
    name
        A key of ``DATASETS``.
    folder
        Where the files lie; None means ``data_folder()``.

    Raises
    ------
    AuditError
        If the name is unknown (the sentence lists the known ones), or a file is missing (it names the path
        and how to get it) or damaged.

    Examples
    --------
    >>> load_dataset("digits").features.shape
    (1797, 64)
    """
    find_source(name)
    return DATASETS[name][1](data_folder() if folder is None else folder)


__all__ = [
    "DATASETS",
    "Dataset",
    "Encoding",
    "Images",
    "Loader",
    "Source",
    "SourceFile",
    "Table",
    "data_folder",
    "encode",
    "find_source",
    "first_of_duplicates",
    "load_dataset",
    "read_table",
    "refuse_identifiers",
    "without_identifiers",
]
