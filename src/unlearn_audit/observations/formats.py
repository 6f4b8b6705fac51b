"""Files of observations, read as data and never executed.

Two layouts are read. *Flat* (any file of columns): one row a query, a column ``role``, and one column a version
and class, ``before_<class>`` and ``after_<class>`` for two versions, or ``p0_<class>``, ``p1_<class>``, ...
for any number; the classes are those of version 0, in its order. Every other column of
`unlearn_audit.observations.table.COLUMNS` is optional, ``label`` holding class names; so are ``partial`` and columns
``group_<name>``, by whose values risk can be broken down.
*Arrays* (NPZ, and the Parquet that we write): ``posteriors`` of shape (rows, versions, classes), or
``before`` and ``after`` of shape (rows, classes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pyarrow import default_memory_pool

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.arrow import HEADER
from unlearn_audit.observations.flat import read_flat, write_csv
from unlearn_audit.observations.npz import read_npz, write_npz
from unlearn_audit.observations.parquet import from_arrays, write_parquet
from unlearn_audit.observations.read_as import ReadAs, wanted_of
from unlearn_audit.observations.table import TEXTS, Observations
from unlearn_audit.utils.columns import Columns, Wanted, suffix_of
from unlearn_audit.utils.files import atomic_path
from unlearn_audit.utils.manifest import check_recorded


def read_observations(path: str | Path, read_as: ReadAs | None = None) -> Observations:
    """Read a table of observations; the suffix gives the format.

    Parameters
    ----------
    path
        A file of columns (`unlearn_audit.utils.columns.FORMATS`), or ``.npz``; the first may be compressed.
    read_as
        What its columns, values and text are, if the file does not say so itself. The table's metadata and the report
        state how a file of another form was read.

    Raises
    ------
    AuditError
        If there is no such file, it cannot be read as pure data, its content is not a valid table, or it is in the
        folder of a run and has changed since the run wrote it.
    """
    path = Path(path)
    read_as = read_as or ReadAs()
    check_recorded(path)
    if suffix_of(path, ".npz") == ".npz":
        return read_npz(path, read_as)
    columns = Columns.of(path, wanted_of_pairs(read_as))
    if HEADER in (columns.schema.metadata or {}):
        found = from_arrays(columns.read(), path)
    else:
        found = read_flat(columns, read_as, path)
    default_memory_pool().release_unused()
    return found


def wanted_of_pairs(read_as: ReadAs) -> Wanted:
    """Return how the columns of a file of observations are read."""
    return wanted_of(read_as, texts=_TEXTS, streamed=True)


def write_observations(observations: Observations, path: str | Path) -> None:
    """Write a table atomically; the suffix (``.parquet``, ``.csv`` or ``.npz``) gives the format.

    All three read back to the same table; CSV leaves out ``metadata``.
    """
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise AuditError(f"cannot write observations to {path}; use a .parquet, .csv or .npz file")
    with atomic_path(path) as temporary:
        _WRITERS[path.suffix](observations, temporary)
    default_memory_pool().release_unused()


_TEXTS = ("label", "class", "version", *TEXTS)
"""Columns of texts in a flat table."""

_WRITERS: Mapping[str, Callable[[Observations, Path], None]] = {
    ".parquet": write_parquet,
    ".csv": write_csv,
    ".npz": write_npz,
}
