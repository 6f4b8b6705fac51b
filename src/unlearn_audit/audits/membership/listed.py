"""The records that an owner's list of ids names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.ids import read_ids
from unlearn_audit.utils.ids import look_alikes, plain, whole
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.prepare import Records


def listed_records(path: Path, records: Records) -> Positions:
    """Return (m,) ascending positions of the records whose ids a file lists: of people where rows belong to people.

    Raises
    ------
    AuditError
        If the file cannot be read, or the data do not hold an id.
    """
    if not path.is_file():
        raise AuditError(
            f"--delete-ids {path} is not a file; write the ids into a file, one per line: in a configuration they "
            "would name the deleted in every report"
        )
    wanted = {plain(str(of)) for of in read_ids(str(path), "--delete-ids")}
    people = records.data.persons is not None
    ids = np.array([whole(plain(of)) if people else of for of in records.ids], dtype=object)
    there = set(ids)
    # numbers that a table wrote with decimals are the same ids
    wanted = {of if of in there else whole(of) for of in wanted}
    missing = sorted(wanted - there)
    if missing:
        meant = "".join(f"; {a} may be {b}" for a, b in list(look_alikes(missing, there).items())[:1])
        kind = "people" if people else "row numbers, counted from 0 (rows that repeat an earlier one are dropped)"
        raise AuditError(
            f"{len(missing):,} of {len(wanted):,} ids in {path} are not in {records.data.name}: "
            f"{shortened(missing, 5)}{meant}; list {kind}"
        )
    return np.flatnonzero(np.isin(ids, list(wanted))).astype(np.int64)
