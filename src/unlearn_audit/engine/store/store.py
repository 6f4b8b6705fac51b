"""A content-addressed folder of finished work, shared by runs and safe to use from several processes.

Each artefact is two files named by its key: its payload, ``<key>.arrow`` (observations) or ``<key>.npz`` (arrays),
and, written after it, ``<key>.json``, which marks it finished and holds the document behind the key, the digest of the
payload, and what else is known of its making. The mark's time is that of the last use. Work is idempotent, so two
processes that make the same artefact write the same bytes.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import platformdirs

from unlearn_audit.engine.store.folder import content_of
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.piece import Packed, Piece
from unlearn_audit.utils.files import make_folder, write_atomic

MARKER = "unlearn-audit-store.json"
MARK = ".json"
PIECE, ARRAYS = ".arrow", ".npz"
PAYLOADS = (PIECE, ARRAYS, ".parquet")
"""What names of payloads end in; tables of earlier versions were Parquet, which is only ever removed."""

_LAYOUT = 1

Arrays = Mapping[str, npt.NDArray[Any]]
Payload = TypeVar("Payload")


def default_store_folder() -> Path:
    """Return ``UNLEARN_AUDIT_STORE``, else a folder in the user's cache."""
    chosen = os.environ.get("UNLEARN_AUDIT_STORE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("unlearn-audit", appauthor=False)) / "store"


@dataclass(frozen=True)
class Stored:
    """What the mark of an artefact says.

    Attributes
    ----------
    key
        Names its files.
    document
        What made it; empty where the mark cannot be read.
    about
        Names for people: of the dataset and the model.
    n_bytes
        Of payload and mark.
    used
        When it was last made or read, seconds since the epoch.
    """

    key: str
    document: Mapping[str, Any]
    about: Mapping[str, str]
    n_bytes: int
    used: float


class Store:
    """Finished work by key.

    Parameters
    ----------
    folder
        Made if it is not there. A folder with other content is refused.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        marker = folder / MARKER
        try:
            make_folder(folder)
            if not marker.exists():
                # whoever made what lies here made the marker first, so the marker is looked for once more, after
                if content_of(folder) and not marker.exists():
                    raise AuditError(f"{folder} has other content and is no store; give an empty folder with --store")
                write_atomic(marker, json.dumps({"layout": _LAYOUT}) + "\n", durable=False)
        except OSError as error:
            raise AuditError(
                f"the store {folder} cannot be written ({error.strerror}); choose one with --store"
            ) from error

    @classmethod
    def existing(cls, folder: Path) -> Store | None:
        """Return the store in a folder, or None if there is no such folder; nothing is made.

        Raises
        ------
        AuditError
            If the folder is there and is no store.
        """
        if not folder.exists():
            return None
        if not (folder / MARKER).is_file():
            raise AuditError(f"{folder} is no store of unlearn-audit (it has no {MARKER}); check --store")
        return cls(folder)

    def get(self, document: Mapping[str, Any]) -> tuple[Piece, dict[str, Any]] | None:
        """Return the piece and the notes stored for a document, or None if it has to be made.

        An artefact that cannot be read, or whose bytes no longer match their digest, counts as not there.
        """
        return self._get(document, PIECE, _read_piece)

    def get_arrays(self, document: Mapping[str, Any]) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]] | None:
        """Return the arrays and the notes stored for a document, or None if it has to be made."""
        return self._get(document, ARRAYS, _read_arrays)

    def has(self, document: Mapping[str, Any]) -> bool:
        """Return whether observations are finished and whole, which takes reading them; it is no use of them."""
        return self._get(document, PIECE, _read_piece, used=False) is not None

    def put(
        self,
        document: Mapping[str, Any],
        payload: Packed | Arrays,
        stats: Mapping[str, Any],
        about: Mapping[str, str] | None = None,
    ) -> None:
        """Keep observations or arrays and what else is known of their making; the finished mark comes last.

        Parameters
        ----------
        document
            Everything that decides the payload; its first part is the ``stage``.
        payload
            A packed piece, or arrays by name.
        stats
            Notes that `get` returns with it.
        about
            Names of dataset and model, for people.
        """
        key = digest(document)
        suffix, content = (
            (PIECE, payload.content) if isinstance(payload, Packed) else (ARRAYS, _bytes_of_arrays(payload))
        )
        note = {
            "document": document,
            "about": about or {},
            "stats": stats,
            "sha256": sha256(content).hexdigest(),
        }
        try:
            # a power cut may leave bytes that do not match their digest, which count as not there
            write_atomic(self.path(key, suffix), content, durable=False)
            write_atomic(self.path(key, MARK), json.dumps(note, indent=1) + "\n", durable=False)
        except OSError as error:
            raise AuditError(
                f"the store {self.folder} cannot be written ({error.strerror or error}); choose one with --store"
            ) from error

    def stored(self) -> Iterator[Stored]:
        """Yield what the marks say, without reading any payload; what vanishes meanwhile is left out."""
        for mark in sorted(self.folder.glob(f"??/*{MARK}")):
            if not is_key(mark.stem):
                continue
            try:
                status, content = mark.stat(), mark.read_bytes()
            except OSError:
                continue
            size = status.st_size
            for suffix in PAYLOADS:
                with suppress(OSError):
                    size += mark.with_suffix(suffix).stat().st_size
            document, about = _of_mark(content)
            yield Stored(mark.stem, document, about, size, status.st_mtime)

    def remove(self, key: str) -> None:
        """Remove an artefact, its mark first, so that whoever reads it meanwhile finds it whole or not at all."""
        for suffix in (MARK, *PAYLOADS):
            self.path(key, suffix).unlink(missing_ok=True)

    def _get(
        self,
        document: Mapping[str, Any],
        suffix: str,
        read: Callable[[Path, bytes], Payload],
        used: bool = True,
    ) -> tuple[Payload, dict[str, Any]] | None:
        key = digest(document)
        mark, path = self.path(key, MARK), self.path(key, suffix)
        try:
            note = json.loads(mark.read_text(encoding="utf-8"))
            content = path.read_bytes()
            if sha256(content).hexdigest() != note["sha256"]:
                return None
            found = read(path, content), dict(note["stats"])
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):  # an AuditError is a ValueError
            return None
        if used:
            with suppress(OSError):  # a store of others may be read-only
                os.utime(mark)
        return found

    def path(self, key: str, suffix: str) -> Path:
        """Return where the payload or the mark of a key lies, whether or not it is there."""
        return self.folder / key[:2] / f"{key}{suffix}"


def is_key(name: str) -> bool:
    """Return whether a name is a key: a SHA-256 in hexadecimal digits."""
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def _of_mark(content: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        note = json.loads(content)
        return dict(note["document"]), {str(k): str(v) for k, v in dict(note.get("about", {})).items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, {}


def _read_piece(path: Path, content: bytes) -> Piece:
    return Packed(content).piece(path)


def _bytes_of_arrays(arrays: Arrays) -> memoryview:
    kept: dict[str, Any] = {name: np.asarray(values) for name, values in arrays.items()}
    if objects := [name for name, values in kept.items() if values.dtype.hasobject]:
        raise TypeError(f"{', '.join(objects)} holds Python objects, which only a pickle could keep")
    stream = io.BytesIO()
    np.savez_compressed(stream, **kept)
    return stream.getbuffer()


def _read_arrays(_: Path, content: bytes) -> dict[str, npt.NDArray[Any]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
