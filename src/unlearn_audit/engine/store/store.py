"""A content-addressed folder of finished work, shared by runs and safe to use from several processes.

Each artefact is two files named by its key: its payload, ``<key>.arrow`` (observations), ``<key>.npz`` (arrays) or
``<key>.safetensors`` (a model), and, written after it, ``<key>.json``, which marks it finished and holds the document
behind the key, the digest of the payload, what else is known of its making, and a digest of all of this. So an artefact
is taken only if its payload, its notes and its document are those that were put there under this key. The mark's time
is that of the last use. Work is idempotent, so two processes that make the same artefact write the same payload.
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
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from unlearn_audit.engine.store.folder import content_of
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.engine.store.marks import UNREADABLE, is_former, mark_of, said_by, unsealed
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.piece import Packed, Piece
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.modes import make_folder
from unlearn_audit.utils.temporary import TEMPORARY, default_store_folder
from unlearn_audit.utils.tensors import bytes_of_tensors, read_tensors

__all__ = ["MARKER", "TEMPORARY", "Store", "default_store_folder"]

MARKER = "unlearn-audit-store.json"
MARK = ".json"
PIECE, ARRAYS, TENSORS = ".arrow", ".npz", ".safetensors"
PAYLOADS = (PIECE, ARRAYS, TENSORS, ".parquet")
"""What names of payloads end in; tables of earlier versions were Parquet, which is only ever removed."""

_LAYOUT = 1

State = Literal["absent", "former", "damaged", "whole"]
"""What a store has under a key: nothing; what an earlier version kept, whose notes have no digest; or an artefact."""

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Tensors:
    """The arrays of a model, which are kept as safetensors, by name."""

    arrays: Arrays


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
        Made if it is not there. A folder with other content, or a store of another layout, is refused.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        marker = folder / MARKER
        try:
            make_folder(folder)
            if not marker.exists():
                # whoever made what lies here made the marker first, so the marker is looked for once more, after
                if set(content_of(folder)) - {TEMPORARY} and not marker.exists():
                    raise AuditError(
                        f"{folder} has other contents and is not a store; give an empty folder with --store"
                    )
                write_atomic(marker, json.dumps({"layout": _LAYOUT}) + "\n", durable=False)
        except OSError as error:
            raise AuditError(
                f"the store {folder} cannot be written ({error.strerror}); choose one with --store"
            ) from error
        _check_layout(marker)

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
        if not (folder / MARKER).is_file() and not _has_temporary_data_alone(folder):
            raise AuditError(f"{folder} is not a store of unlearn-audit (it has no {MARKER}); check --store")
        return cls(folder)

    def get(self, document: Mapping[str, Any]) -> tuple[Piece, dict[str, Any]] | None:
        """Return the piece and the notes stored for a document, or None if it has to be made.

        An artefact that cannot be read, that was put there under another key, or whose payload or notes no longer
        match their digests, counts as not there.
        """
        return self._get(document, PIECE)

    def get_arrays(self, document: Mapping[str, Any]) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]] | None:
        """Return the arrays and the notes stored for a document, or None if it has to be made."""
        return self._get(document, ARRAYS)

    def get_tensors(self, document: Mapping[str, Any]) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]] | None:
        """Return the tensors and the notes stored for a document, or None if it has to be made."""
        return self._get(document, TENSORS)

    def has_tensors(self, document: Mapping[str, Any]) -> bool:
        """Return whether tensors are finished and whole, as `has` does."""
        return self._get(document, TENSORS, used=False) is not None

    def has(self, document: Mapping[str, Any]) -> bool:
        """Return whether observations are finished and whole, which takes reading them; it is no use of them."""
        return self.look(document) is not None

    def look(self, document: Mapping[str, Any]) -> tuple[Piece, dict[str, Any]] | None:
        """Return what `get` does; it is no use of it."""
        return self._get(document, PIECE, used=False)

    def put(
        self,
        document: Mapping[str, Any],
        payload: Packed | Tensors | Arrays,
        stats: Mapping[str, Any],
        about: Mapping[str, str] | None = None,
    ) -> None:
        """Keep observations, tensors or arrays and what else is known of their making; the finished mark comes last.

        Parameters
        ----------
        document
            Everything that decides the payload; its first part is the ``stage``.
        payload
            A packed piece, or tensors or arrays by name.
        stats
            Notes that `get` returns with it.
        about
            Names of dataset and model, for people.
        """
        key = digest(document)
        suffix, content = _written(payload)
        try:
            self._write(self.path(key, suffix), content)
            self._write(self.path(key, MARK), mark_of(document, content, stats, about))
        except OSError as error:
            raise AuditError(
                f"the store {self.folder} cannot be written ({error.strerror or error}); choose one with --store"
            ) from error

    def _write(self, path: Path, content: memoryview | bytes | str) -> None:
        # a power cut may leave bytes that do not match their digest, which count as not there
        write_atomic(path, content, durable=False, within=self.folder / TEMPORARY)

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
            document, about = said_by(content)
            yield Stored(mark.stem, document, about, size, status.st_mtime)

    def remove(self, key: str) -> None:
        """Remove an artefact, its mark first, so that whoever reads it meanwhile finds it whole or not at all."""
        for suffix in (MARK, *PAYLOADS):
            self.path(key, suffix).unlink(missing_ok=True)

    def state(self, key: str) -> State:
        """Return what is there under a key, which takes reading it; it is no use of it."""
        try:
            mark = self.path(key, MARK).read_bytes()
        except FileNotFoundError:  # a payload alone is one that nobody finished
            return "absent"
        except OSError:
            return "damaged"
        for suffix in _READERS:
            with suppress(*_UNUSABLE):
                _read(mark, key, self.path(key, suffix))
                return "whole"
        return "former" if is_former(mark, key) else "damaged"

    def _get(self, document: Mapping[str, Any], suffix: str, used: bool = True) -> tuple[Any, dict[str, Any]] | None:
        key = digest(document)
        mark = self.path(key, MARK)
        try:
            found = _read(mark.read_bytes(), key, self.path(key, suffix))
        except _UNUSABLE:
            return None
        if used:
            with suppress(OSError):  # a store of others may be read-only
                os.utime(mark)
        return found

    def path(self, key: str, suffix: str) -> Path:
        """Return where the payload or the mark of a key lies, whether or not it is there."""
        return self.folder / key[:2] / f"{key}{suffix}"


def _has_temporary_data_alone(folder: Path) -> bool:
    """Return whether a folder was to hold temporary data of a process that died before it became a store."""
    return folder.is_dir() and content_of(folder) == [TEMPORARY]


def is_key(name: str) -> bool:
    """Return whether a name is a key: a SHA-256 in hexadecimal digits."""
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def _check_layout(marker: Path) -> None:
    """Raise unless the marker of a store says that it is laid out as this version lays it out."""
    try:
        layout = json.loads(marker.read_bytes())["layout"]
    except OSError as error:
        raise AuditError(f"{marker} cannot be read ({error.strerror}); check its permissions") from error
    except (ValueError, KeyError, TypeError) as error:
        raise AuditError(
            f"{marker} is damaged, so what {marker.parent} holds is not known; remove that folder, which costs nothing "
            "but time, or choose another with --store"
        ) from error
    if type(layout) is not int or layout != _LAYOUT:
        raise AuditError(
            f"the store {marker.parent} has the layout {layout!r} and this version reads {_LAYOUT}; choose another "
            "folder with --store"
        )


def _read(mark: bytes, key: str, path: Path) -> tuple[Any, dict[str, Any]]:
    """Return the payload at a path, and its notes, if both are what was put there under a key; else raise."""
    note = unsealed(mark, key)
    content = path.read_bytes()
    if sha256(content).hexdigest() != note["sha256"]:
        raise ValueError("the payload is not the one that was written")
    return _READERS[path.suffix](path, content), dict(note["stats"])


def _read_piece(path: Path, content: bytes) -> Piece:
    return Packed(content).piece(path)


def _written(payload: Packed | Tensors | Arrays) -> tuple[str, memoryview | bytes]:
    """Return what the name of a payload ends in, and its bytes."""
    if isinstance(payload, Packed):
        return PIECE, payload.content
    if isinstance(payload, Tensors):
        return TENSORS, bytes_of_tensors(payload.arrays)
    return ARRAYS, _bytes_of_arrays(payload)


def _bytes_of_arrays(arrays: Arrays) -> memoryview:
    kept: dict[str, Any] = {name: np.asarray(values) for name, values in arrays.items()}
    if objects := [name for name, values in kept.items() if values.dtype.hasobject]:
        raise TypeError(f"{', '.join(objects)} holds Python objects, which only a pickle could store")
    stream = io.BytesIO()
    np.savez_compressed(stream, **kept)
    return stream.getbuffer()


def _read_arrays(_: Path, content: bytes) -> dict[str, npt.NDArray[Any]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


_READERS: Mapping[str, Callable[[Path, bytes], Any]] = {
    PIECE: _read_piece,
    ARRAYS: _read_arrays,
    TENSORS: lambda _, content: read_tensors(content),
}

_UNUSABLE = (*UNREADABLE, OSError, EOFError, BadZipFile)
"""What reading an artefact may raise that counts as not there; an AuditError is a ValueError."""
