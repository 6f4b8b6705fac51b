"""Datasets: records, each with features, a label and, where known, the person it belongs to.

A loader returns raw records as their owner wrote them: a `Table`, which encoding turns into numbers, learning
only from the rows it is given; or `Images`, whose bytes are numbers already. Each file in ``datasets``
is one family; `DATASETS` lists them all by name.
"""

from __future__ import annotations

from pathlib import Path

from unlearn_audit.data.base import Dataset, Images, Table
from unlearn_audit.data.conformance import from_others
from unlearn_audit.data.datasets import DATASETS, Loader
from unlearn_audit.data.download.location import data_folder
from unlearn_audit.data.duplicates import first_of_duplicates
from unlearn_audit.data.encoding import ENCODED, Encoding, encode, encoded
from unlearn_audit.data.identifiers import checked_identifiers, refuse_identifiers, without_identifiers
from unlearn_audit.data.source import Source, SourceFile
from unlearn_audit.data.table import MISSING, read_table
from unlearn_audit.utils.registry import Registry

REGISTRY: Registry[tuple[Source, Loader]] = Registry("dataset", "datasets", DATASETS, from_others)
"""Every dataset that can be named."""


def find_source(name: str) -> Source:
    """Return where the dataset ``name`` comes from; an AuditError lists the known names."""
    return REGISTRY.find(name)[0]


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
    _, load = REGISTRY.find(name)
    return load(data_folder() if folder is None else folder)


__all__ = [
    "DATASETS",
    "ENCODED",
    "MISSING",
    "REGISTRY",
    "Dataset",
    "Encoding",
    "Images",
    "Loader",
    "Source",
    "SourceFile",
    "Table",
    "checked_identifiers",
    "data_folder",
    "encode",
    "encoded",
    "find_source",
    "first_of_duplicates",
    "load_dataset",
    "read_table",
    "refuse_identifiers",
    "without_identifiers",
]
