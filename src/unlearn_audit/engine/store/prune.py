"""Makes room in a store: which artefacts to remove, and removing them while other processes use it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unlearn_audit.engine.store.store import MARK, PAYLOADS, Store, Stored, is_key
from unlearn_audit.engine.store.temporary import remove_leftovers
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.held import is_part

_HOURS = {"h": 1, "d": 24, "w": 24 * 7}
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_LEFT_BEHIND = 24 * 3600.0
"""Seconds after which what no process could hold, a payload without its mark, is taken for that of a dead one."""


@dataclass(frozen=True)
class Pruned:
    """What was removed, or would be.

    Attributes
    ----------
    artefacts, n_bytes
        How many artefacts, and the size of all files removed.
    leftovers
        How many files of killed processes, folders of temporary data among them.
    kept
        How many artefacts stay.
    """

    artefacts: int
    n_bytes: int
    leftovers: int
    kept: int


def prune(
    store: Store,
    *,
    older_than: float | None = None,
    max_bytes: int | None = None,
    everything: bool = False,
    dry_run: bool = False,
) -> Pruned:
    """Remove artefacts, and what killed processes left behind.

    Safe while audits run: each reads an artefact once, whole or not at all, and makes again what is gone.

    Parameters
    ----------
    store
        Where; nothing but its artefacts is ever touched.
    older_than, max_bytes, everything
        See `chosen`.
    dry_run
        Whether to remove nothing and only say what would be removed.
    """
    now = time.time()
    stored = list(store.stored())
    gone = chosen(stored, now, older_than=older_than, max_bytes=max_bytes, everything=everything)
    left_behind = [(path, path.stat().st_size) for path in _left_behind(store.folder, now)]
    temporary = remove_leftovers(store.folder, dry_run=dry_run)
    if not dry_run:
        for artefact in gone:
            store.remove(artefact.key)
        for path, _ in left_behind:
            path.unlink(missing_ok=True)
    n_bytes = sum(a.n_bytes for a in gone) + sum(size for _, size in left_behind) + sum(temporary)
    return Pruned(len(gone), n_bytes, len(left_behind) + len(temporary), len(stored) - len(gone))


def chosen(
    stored: Iterable[Stored],
    now: float,
    *,
    older_than: float | None = None,
    max_bytes: int | None = None,
    everything: bool = False,
) -> list[Stored]:
    """Return the artefacts to remove.

    Parameters
    ----------
    stored
        All artefacts.
    now
        Seconds since the epoch.
    older_than
        Seconds; those not used for longer go.
    max_bytes
        Then those go that were not used for longest, until no more than this is left.
    everything
        All go.
    """
    by_use = sorted(stored, key=lambda artefact: (artefact.used, artefact.key))
    gone = [a for a in by_use if everything or (older_than is not None and now - a.used > older_than)]
    if max_bytes is not None:
        rest = by_use[len(gone) :]
        size = sum(a.n_bytes for a in rest)
        for artefact in rest:
            if size <= max_bytes:
                break
            gone.append(artefact)
            size -= artefact.n_bytes
    return gone


def parse_age(text: str) -> float:
    """Return an age in seconds.

    Examples
    --------
    >>> parse_age("30d"), parse_age("12h")
    (2592000.0, 43200.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([hdw])", text.strip())
    if found is None:
        raise AuditError(f"'{text}' is not an age; write hours, days or weeks, as 12h, 30d or 4w")
    return float(found[1]) * _HOURS[found[2]] * 3600


def parse_size(text: str) -> int:
    """Return a size in bytes.

    Examples
    --------
    >>> parse_size("5GB"), parse_size("1.5 mb"), parse_size("0B")
    (5000000000, 1500000, 0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?B)", text.strip().upper())
    if found is None:
        raise AuditError(f"'{text}' is not a size; write it as 500MB, 5GB or 1TB")
    return int(min(float(found[1]) * _BYTES[found[2]], sys.maxsize))


def _left_behind(folder: Path, now: float) -> list[Path]:
    """Return payloads without a mark and files half written, if nobody can still be at work on them."""
    found = []
    for path in folder.glob("??/*"):
        name = path.name
        half = is_part(name) and is_key(name[1:].partition(".")[0])
        orphan = path.suffix in PAYLOADS and is_key(path.stem) and not path.with_suffix(MARK).exists()
        with suppress(OSError):
            if (half or orphan) and now - path.stat().st_mtime > _LEFT_BEHIND:
                found.append(path)
    return sorted(found)
