"""The receipt of an erasure: what was done, and a keyed digest of each id, from which nobody without the key learns it.

A digest without a key would name people: whoever has it tries ids until one fits. With its key the owner can show later
that somebody was among the erased.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from unlearn_audit.engine.erasure.erased import Purged
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.held import hold_part
from unlearn_audit.utils.ids import plain

SCHEMA = "unlearn-audit/erasure/1"
_KEY_BYTES = 32


def check_place(path: Path, folders: Iterable[Path], flag: str) -> None:
    """Raise if a file would lie in one of the folders that are searched.

    Raises
    ------
    AuditError
        If it would.
    """
    for folder in folders:
        if path.resolve().is_relative_to(folder.resolve()):
            raise AuditError(f"{flag} {path} lies in {folder}, which is searched; keep it somewhere else")


def check_receipt(path: Path) -> None:
    """Raise if there is a receipt already, or it could not be written."""
    if path.exists():
        raise AuditError(f"{path} is there already, and a receipt is never overwritten; name another file")
    if not path.absolute().parent.is_dir():
        raise AuditError(f"there is no folder {path.absolute().parent} for the receipt; make it, or name another file")
    try:
        hold_part(path.absolute().parent, path.name).remove()
    except OSError as error:
        raise AuditError(f"the receipt {path} cannot be written ({error.strerror}); name another file") from error


def read_key(path: Path) -> bytes:
    """Return the key in a file of hexadecimal digits; a missing file is made with a new one, for its owner alone.

    Raises
    ------
    AuditError
        If it cannot be read or made, or holds no key.
    """
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{secrets.token_hex(_KEY_BYTES)}\n")
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise AuditError(f"the key {path} cannot be read or made ({error.strerror}); choose another --key") from error
    except ValueError:
        text = "no text"
    return key_in(text, str(path), advice="name the file of one, or a new file")


def key_in(text: str, where: str, advice: str = "put one there") -> bytes:
    """Return the key of a text of hexadecimal digits.

    Parameters
    ----------
    text
        Of the key.
    where, advice
        Where it is from, and what to do if it is none.

    Raises
    ------
    AuditError
        If it is no key, or too short a one.
    """
    try:
        key = bytes.fromhex(text.strip())
    except ValueError as error:
        raise AuditError(f"{where} holds no key of hexadecimal digits; {advice}") from error
    if len(key) < _KEY_BYTES:
        raise AuditError(f"{where} holds a key of {len(key)} bytes and {_KEY_BYTES} are needed; {advice}")
    return key


def code_of(text: str, key: bytes) -> str:
    """Return the HMAC-SHA256 of an id, as UTF-8 and without what nobody sees.

    Examples
    --------
    >>> code_of("17", b"k" * 32) == code_of("\\ufeff17", b"k" * 32), code_of("17", b"k" * 32)[:8]
    (True, 'f7405091')
    """
    return hmac.new(key, plain(text).encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def write_receipt(
    path: Path, done: Purged, ids: Collection[str], key: bytes, runs: Iterable[Path], dataset: str | None
) -> None:
    """Write the receipt of an erasure that was carried out.

    Parameters
    ----------
    path
        Where; see `check_receipt`.
    done
        What was removed.
    ids
        Of whom.
    key
        Of the owner.
    runs
        The run folders.
    dataset
        The dataset that was named.
    """
    missing = {plain(text) for text in done.missing}
    codes = {plain(text): code_of(text, key) for text in ids if plain(text)}
    document = {
        "schema": SCHEMA,
        "unlearn-audit": version("unlearn-audit"),
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "by": done.by,
        "dataset": dataset,
        "runs": [run.resolve().name for run in runs],
        "stores": [str(store) for store in done.stores],
        "rows": done.rows,
        "tables": done.tables,
        "artefacts": done.artefacts,
        "leftovers": done.leftovers,
        "files": sorted(done.files),
        "files_searched": done.scanned,
        "code": "HMAC-SHA256",
        "erased": sorted(code for text, code in codes.items() if text not in missing),
        "not_found": sorted(code for text, code in codes.items() if text in missing),
    }
    try:
        write_atomic(path, json.dumps(document, indent=1) + "\n")
    except OSError as error:
        raise AuditError(
            f"the records were removed and the receipt {path} could not be written ({error.strerror}); one "
            "made by purging again with another --receipt lists their ids as not found"
        ) from error
