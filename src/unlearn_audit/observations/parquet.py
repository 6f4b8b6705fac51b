"""Observations as Parquet: arrays under a header of ours, or a flat table from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.arrow import HEADER, parts_of, to_arrow
from unlearn_audit.observations.flat import from_flat
from unlearn_audit.observations.messages import reason
from unlearn_audit.observations.table import TEXTS, Observations


def write_parquet(observations: Observations, path: Path) -> None:
    """Write the columns, arrays as lists of fixed size, and a header with their shapes."""
    # few of the numbers repeat, so that a dictionary of them costs more time and more bytes than they do; no reader
    # skips parts of a table by its statistics
    pq.write_table(to_arrow(observations), path, compression="zstd", use_dictionary=list(TEXTS), write_statistics=False)


def read_parquet(path: Path) -> Observations:
    """Read what `write_parquet` wrote; without its header, a flat table."""
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise AuditError(f"{path} cannot be read as Parquet; write it again") from error
    repeated = [name for name in table.column_names if table.column_names.count(name) > 1]
    if repeated:
        raise AuditError(f"{path} has more than one column named '{repeated[0]}'; rename or drop one")
    if HEADER in (table.schema.metadata or {}):
        return Observations.create(**parts_of(table, path), where=str(path))
    try:
        frame = table.to_pandas()
    except (pa.ArrowException, ValueError, TypeError, KeyError) as error:
        raise AuditError(f"{path} cannot be read as a table ({reason(error)}); write it again") from error
    return from_flat(frame, path)
