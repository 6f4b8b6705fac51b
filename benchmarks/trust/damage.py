"""Files that are cut, changed at single bits or swapped: none may be taken for whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from trust.commands import FAST, SIZES, findings, run
from trust.tally import Tally
from unlearn_audit.engine.store.folder import verified
from unlearn_audit.engine.store.store import MARK, Store
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.piece import Packed
from unlearn_audit.utils.manifest import LOCK

CUTS = 20
"""Places at which files are cut, evenly spread from nothing left to one byte missing."""

WHOLE = 25
"""After so many trials, an audit runs once over what was damaged last."""


def damaged_store(n: int, seed: int, folder: Path) -> Tally:
    """Damage single files of a store, ask for what they hold, and now and then run the audit again."""
    tally = Tally("a damaged file of the store")
    rng = np.random.default_rng(seed)
    words = ("run", *SIZES, *FAST, f"--seed={seed}")
    run(*words, f"--out={folder / 'first'}", store=folder / "store")
    wanted = findings(folder / "first")
    store = Store(folder / "store")
    documents = {stored.key: stored.document for stored in store.stored()}
    whole = {key: _held(store, document) for key, document in documents.items()}
    files = [path for key in documents for path in sorted(store.path(key, MARK).parent.glob(f"{key}.*"))]
    for trial in range(n):
        path = files[rng.integers(len(files))]
        content = path.read_bytes()
        how = _damage(path, files, trial, rng)
        key = path.name[:64]
        tally.tried += 1
        held = _tried(lambda key=key: _held(store, documents[key]))
        if held is not None and held != whole[key]:
            tally.failed.append(f"{path.suffix} {how}: {held if isinstance(held, str) else 'it was taken'}")
        if trial % WHOLE == WHOLE - 1:
            out = folder / f"run-{trial}"
            run(*words, f"--out={out}", store=folder / "store")
            if findings(out) != wanted:
                tally.failed.append(f"{path.suffix} {how}: other findings")
            shutil.rmtree(out)
        path.write_bytes(content)
    return tally


def damaged_run(n: int, seed: int, folder: Path) -> Tally:
    """Damage single files of a run folder, verify it, and now and then run the audit again."""
    tally = Tally("a damaged file of a run folder")
    rng = np.random.default_rng(seed)
    words = ("run", *SIZES, *FAST, f"--seed={seed}")
    first = folder / "first"
    run(*words, f"--out={first}", store=folder / "store")
    wanted = findings(first)
    files = sorted(path for path in first.rglob("*") if path.is_file() and path.name != LOCK)
    for trial in range(n):
        path = files[rng.integers(len(files))]
        content = path.read_bytes()
        how = _damage(path, files, trial, rng)
        tally.tried += 1
        if path.read_bytes() != content:
            name = path.relative_to(first).as_posix()
            found = _tried(lambda: [difference.file for difference in verified(first)[1]])
            # a damaged manifest is refused as a whole
            if isinstance(found, str) or (found is not None and name not in found):
                tally.failed.append(f"{name} {how}: verify says {found}")
        if trial % WHOLE == WHOLE - 1:
            said = run(*words, f"--out={first}", store=folder / "store", check=False)
            if "Error:" not in said and findings(first) != wanted:
                tally.failed.append(f"{path.name} {how}: other findings")
            shutil.rmtree(first)
            run(*words, f"--out={first}", store=folder / "store")
        else:
            path.write_bytes(content)
    return tally


def _held(store: Store, document: Any) -> tuple[bytes, str] | None:
    """Return what a store gives for a document, in a form that can be compared."""
    if (piece := store.get(document)) is not None:
        return bytes(Packed.of(piece[0]).content), repr(piece[1])
    if (arrays := store.get_arrays(document)) is not None:
        return b"".join(values.tobytes() for values in arrays[0].values()), repr(arrays[1])
    return None


def _tried(ask: Callable[[], Any]) -> Any:
    """Return the answer, None for an error of ours, and any other error as text."""
    try:
        return ask()
    except AuditError:
        return None
    except Exception as error:  # noqa: BLE001 - it is what a trial looks for
        return f"{type(error).__name__}: {error}"


def _damage(path: Path, files: list[Path], trial: int, rng: np.random.Generator) -> str:
    """Damage a file, and say how."""
    content = bytearray(path.read_bytes())
    way = trial % 5
    if way == 0:
        kept = len(content) * int(rng.integers(CUTS)) // CUTS
        path.write_bytes(content[:kept])
        return f"cut to {kept:,} of {len(content):,} bytes"
    if way == 1:
        other = files[rng.integers(len(files))]
        path.write_bytes(other.read_bytes())
        return f"replaced by {other.name}"
    where = ("head", "middle", "foot")[way - 2]
    start = {"head": 0, "middle": len(content) // 2, "foot": max(len(content) - 64, 0)}[where]
    at = min(start + int(rng.integers(64)), len(content) - 1)
    content[at] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)
    return f"one bit of its {where} changed"
