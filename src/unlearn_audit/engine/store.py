"""A content-addressed folder of finished work, shared by runs and safe to use from several processes.

Each artefact is two files named by its key: ``<key>.parquet`` (observations) and, written after it,
``<key>.json``, which marks it finished and holds the document behind the key and the digest of the
observations. Work is idempotent, so two processes that make the same artefact write the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import platformdirs

from unlearn_audit.engine.folder import content_of
from unlearn_audit.engine.keys import digest
from unlearn_audit.errors import AuditError
from unlearn_audit.files import write_atomic
from unlearn_audit.observations import Observations, read_observations, write_observations

_MARKER = "unlearn-audit-store.json"
_LAYOUT = 1


def default_store_folder() -> Path:
    """Return ``UNLEARN_AUDIT_STORE``, else a folder in the user's cache."""
    chosen = os.environ.get("UNLEARN_AUDIT_STORE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("unlearn-audit", appauthor=False)) / "store"


class Store:
    """Finished observations by key.

    Parameters
    ----------
    folder
        Made if it is not there. A folder with other content is refused.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        marker = folder / _MARKER
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not marker.exists():
                # whoever made what lies here made the marker first, so the marker is looked for once more, after
                if content_of(folder) and not marker.exists():
                    raise AuditError(f"{folder} has other content and is no store; give an empty folder with --store")
                write_atomic(marker, json.dumps({"layout": _LAYOUT}) + "\n")
        except OSError as error:
            raise AuditError(
                f"the store {folder} cannot be written ({error.strerror}); choose one with --store"
            ) from error

    def get(self, document: Mapping[str, Any]) -> tuple[Observations, dict[str, Any]] | None:
        """Return the observations and the notes stored for a document, or None if it has to be made.

        An artefact that cannot be read, or whose bytes no longer match their digest, counts as not there.
        """
        key = digest(document)
        path = self._path(key, ".parquet")
        try:
            note = json.loads(self._path(key, ".json").read_text(encoding="utf-8"))
            whole = sha256(path.read_bytes()).hexdigest() == note["sha256"]
            return (read_observations(path), dict(note["stats"])) if whole else None
        except (OSError, ValueError, KeyError, TypeError):  # an AuditError is a ValueError
            return None

    def has(self, document: Mapping[str, Any]) -> bool:
        """Return whether the work of a document is finished and whole."""
        return self.get(document) is not None

    def put(self, document: Mapping[str, Any], observations: Observations, stats: Mapping[str, Any]) -> None:
        """Keep observations and what else is known of their making; the finished mark comes last."""
        key = digest(document)
        payload = self._path(key, ".parquet")
        try:
            write_observations(observations, payload)
            note = {"document": document, "stats": stats, "sha256": sha256(payload.read_bytes()).hexdigest()}
            write_atomic(self._path(key, ".json"), json.dumps(note, indent=1) + "\n")
        except OSError as error:
            raise AuditError(
                f"the store {self.folder} cannot be written ({error.strerror or error}); choose one with --store"
            ) from error

    def _path(self, key: str, suffix: str) -> Path:
        return self.folder / key[:2] / f"{key}{suffix}"
