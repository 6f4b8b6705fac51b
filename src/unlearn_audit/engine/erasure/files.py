"""The files of folders that are searched: listing them, reading a table, and writing it anew without some rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from unlearn_audit.engine.erasure.content import Content, write_csv
from unlearn_audit.observations.parquet import read_parquet, write_parquet
from unlearn_audit.utils.files import atomic_path
from unlearn_audit.utils.manifest import digest_of


def all_files(folder: Path) -> list[Path]:
    """Return all files and links in a folder, however deep; a folder that cannot be read is an error."""
    found: list[Path] = []
    for at, folders, names in os.walk(folder, onerror=_raise):
        found += [Path(at, name) for name in [*names, *(of for of in folders if Path(at, of).is_symlink())]]
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def table_at(path: Path) -> pa.Table | None:
    """Return the table in a file of ours; None if it holds none, or cannot be read, which the scan will say."""
    try:
        tables = Content.of(path.read_bytes()).of_rows
    except OSError:
        return None
    return tables[0] if tables else None


def without(path: Path, rows: npt.NDArray[np.bool_], announce: Callable[[str | None], None]) -> None:
    """Write a table anew without some rows; without any row left it is removed.

    Parameters
    ----------
    path, rows
        The table, and (n,) what to leave out.
    announce
        Called with the digest of what will be there, None for nothing, just before it is.
    """
    if rows.all():
        announce(None)
        path.unlink()
        return
    with atomic_path(path) as temporary:
        table = table_at(path)
        assert table is not None
        if "posteriors" in table.column_names and path.suffix == ".parquet":
            write_parquet(read_parquet(path).select(~rows), temporary)
        elif path.suffix == ".parquet":
            pq.write_table(table.filter(pa.array(~rows)), temporary, compression="zstd")
        else:
            temporary.write_text(write_csv(table.filter(pa.array(~rows))), encoding="utf-8")
        announce(digest_of(temporary))
