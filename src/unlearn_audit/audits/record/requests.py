"""The deletion requests that a run tested, as keyed digests: whoever has no key learns nobody from them."""

from __future__ import annotations

import os
from pathlib import Path

from unlearn_audit.audits.record.schema import Requests
from unlearn_audit.audits.release.result import PRIVATE
from unlearn_audit.engine.erasure.receipt import code_of, key_in, read_key
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.columns import read_columns
from unlearn_audit.utils.manifest import check_recorded
from unlearn_audit.utils.spreadsheet import unescaped

VARIABLE = "UNLEARN_AUDIT_KEY"
"""The environment variable that may hold the key."""

_TARGET = Path("observations") / "target.parquet"


def owners_key(path: Path | None) -> bytes | None:
    """Return the owner's key: of a file, or of the environment variable; None if neither is given.

    Raises
    ------
    AuditError
        If what is given is no key, or there is no such file.
    """
    if path is not None:
        if not path.exists():
            raise AuditError(f"there is no key {path}; name the file of 32 random bytes or more in hexadecimal digits")
        return read_key(path)
    text = os.environ.get(VARIABLE)
    return None if not text else key_in(text, f"the environment variable {VARIABLE}")


def requests_of(folder: Path, key: bytes | None) -> Requests:
    """Return the requests of a run.

    Parameters
    ----------
    folder
        Of the run.
    key
        Of the owner; without one the requests are counted alone.

    Raises
    ------
    AuditError
        If the table that names them cannot be read, or is not as the run wrote it.
    """
    found = _ids(folder)
    if found is None:
        return Requests(count=None, of=None, codes=(), left_out="this run keeps no table of its requests")
    kind, ids = found
    if key is None:
        return Requests(count=len(ids), of=kind, codes=(), left_out="no key of the owner was given")
    return Requests(count=len(ids), of=kind, codes=tuple(sorted(code_of(one, key) for one in ids)), left_out=None)


def _ids(folder: Path) -> tuple[str, set[str]] | None:
    """Return whose ids were deleted, and the ids; None where no table has them."""
    if (folder / PRIVATE).is_file():
        check_recorded(folder / PRIVATE)
        people = read_columns(folder / PRIVATE, ("person",))["person"].to_pylist()
        return "people", {unescaped(str(one)) for one in people}
    if not (folder / _TARGET).is_file():
        return None
    check_recorded(folder / _TARGET)
    table = read_columns(folder / _TARGET)
    roles, records = (table[name].to_pylist() for name in ("role", "record"))
    return "records", {str(record) for role, record in zip(roles, records, strict=True) if role == "deleted"}
