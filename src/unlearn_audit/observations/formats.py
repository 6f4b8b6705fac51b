"""Files of observations: Parquet, CSV and NPZ, read as data and never executed.

Two layouts are read. *Flat* (CSV or Parquet): one row a query, a column ``role``, and one column a version
and class, ``before_<class>`` and ``after_<class>`` for two versions, or ``p0_<class>``, ``p1_<class>``, ...
for any number; the classes are those of version 0, in its order. Every other column of
`unlearn_audit.observations.table.COLUMNS` is optional, ``label`` holding class names; so are ``partial`` and columns
``group_<name>``, by whose values risk can be told.
*Arrays* (NPZ, and the Parquet that we write): ``posteriors`` of shape (rows, versions, classes), or
``before`` and ``after`` of shape (rows, classes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.flat import read_csv, write_csv
from unlearn_audit.observations.messages import reason
from unlearn_audit.observations.npz import read_npz, write_npz
from unlearn_audit.observations.parquet import read_parquet, write_parquet
from unlearn_audit.observations.table import Observations
from unlearn_audit.utils.files import atomic_path


def read_observations(path: str | Path) -> Observations:
    """Read a table of observations; the suffix says the format.

    Parameters
    ----------
    path
        A ``.parquet``, ``.csv`` or ``.npz`` file.

    Raises
    ------
    AuditError
        If there is no such file, it cannot be read as data alone, or its content is no valid table.
    """
    path = Path(path)
    if path.suffix not in _READERS:
        raise AuditError(
            f"{path} is not a .parquet, .csv or .npz file; other formats (pickles above all, which can run code) "
            "are not read, so export the posteriors to one of these"
        )
    try:
        if not path.is_file():
            raise AuditError(f"no file of observations at {path}; check the path")
        if path.stat().st_size == 0:
            raise AuditError(f"{path} is empty; export at least one deleted and one unseen record")
        return _READERS[path.suffix](path)
    except OSError as error:
        raise AuditError(f"{path} cannot be read ({error.strerror or reason(error)}); check the file") from error


def write_observations(observations: Observations, path: str | Path) -> None:
    """Write a table atomically; the suffix (``.parquet``, ``.csv`` or ``.npz``) says the format.

    All three read back to the same table; CSV leaves out ``metadata``.
    """
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise AuditError(f"cannot write observations to {path}; use a .parquet, .csv or .npz file")
    with atomic_path(path) as temporary:
        _WRITERS[path.suffix](observations, temporary)


_READERS: Mapping[str, Callable[[Path], Observations]] = {
    ".parquet": read_parquet,
    ".csv": read_csv,
    ".npz": read_npz,
}
_WRITERS: Mapping[str, Callable[[Observations, Path], None]] = {
    ".parquet": write_parquet,
    ".csv": write_csv,
    ".npz": write_npz,
}
