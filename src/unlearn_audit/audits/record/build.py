"""Puts a record together from what a run folder holds; what the run did not store is named as such."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from unlearn_audit.audits.agents.findings import AgentFindings
from unlearn_audit.audits.gate.sources import read_run
from unlearn_audit.audits.methods.findings import MethodsFindings
from unlearn_audit.audits.record import contents
from unlearn_audit.audits.record.requests import requests_of
from unlearn_audit.audits.record.schema import Digest, Made, Record
from unlearn_audit.audits.record.threats import ASSUMPTIONS, not_run
from unlearn_audit.audits.release.findings import ReleaseFindings
from unlearn_audit.engine.store.folder import MARKER, PURGED
from unlearn_audit.errors import AuditError
from unlearn_audit.report.settings import without_folder
from unlearn_audit.utils.manifest import Manifest


@dataclass(frozen=True)
class Who:
    """Who answers for a model, and who audited it, as they want to be called."""

    owner: str | None = None
    auditor: str | None = None


def record_of(folder: Path, who: Who | None = None, key: bytes | None = None) -> Record:
    """Return the record of a run.

    Parameters
    ----------
    folder
        Of ``run``, ``predictions``, ``release`` or ``compare-methods``.
    who
        Owner and auditor.
    key
        Of the owner, for the codes of requests; without one they are left out.

    Raises
    ------
    AuditError
        If there is no such run, or a file of it has changed since it was written.
    """
    if not folder.is_dir():
        raise AuditError(f"{folder} is not a run folder; a record needs all that a run wrote, so give the folder")
    found, who = read_run(folder), who or Who()
    if isinstance(found, AgentFindings):
        raise AuditError(
            f"{folder} holds an audit of an agent, which a record of a model cannot hold; hand on its report.html"
        )
    content = (
        contents.of_release(found)
        if isinstance(found, ReleaseFindings)
        else contents.of_methods(found)
        if isinstance(found, MethodsFindings)
        else contents.of_audit(found)
    )
    manifest, identity = Manifest.read(folder), _identity(folder)
    files = {} if manifest is None else manifest.files
    data, models = _digests(identity)
    purged = "Records were purged from this run since; their requests are no longer counted."
    return Record(
        made=_made(manifest, who, content.version),
        scope=content.scope,
        outcome=content.outcome,
        attacks=content.attacks,
        not_run=not_run(content.not_run or (), kind=content.scope.kind),
        sizes=content.sizes,
        parameters=content.parameters,
        figures=content.figures,
        data=data,
        models=models,
        results=tuple(Digest(what=name, sha256=of) for name, of in files.items()),
        requests=requests_of(folder, key),
        assumptions=ASSUMPTIONS,
        limits=(*content.limits, *((purged,) if (folder / PURGED).exists() else ())),
        not_recorded=_not_recorded(manifest, content, data, models),
    )


def _identity(folder: Path) -> Mapping[str, Any]:
    """Return what a run is, by its marker; empty where that is not known."""
    try:
        found = json.loads((folder / MARKER).read_bytes())["identity"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _made(manifest: Manifest | None, who: Who, recorded: str | None) -> Made:
    command = None if manifest is None else manifest.command
    return Made(
        owner=who.owner,
        auditor=who.auditor,
        command=None if command is None else _publishable(command),
        version=recorded if manifest is None else manifest.version,
        finished=None if manifest is None else manifest.finished,
        recorded=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        recorded_by=version("unlearn-audit"),
    )


def _publishable(command: str) -> str:
    """Return a command line without the folders of a disk.

    Examples
    --------
    >>> _publishable("unlearn-audit run --data=/home/ada/people.csv --out ~/runs/one")
    'unlearn-audit run --data=people.csv --out one'
    """
    parts = (word.partition("=") for word in shlex.split(command))
    return shlex.join(f"{without_folder(name)}{equals}{without_folder(value)}" for name, equals, value in parts)


def _digests(identity: Mapping[str, Any]) -> tuple[tuple[Digest, ...], tuple[Digest, ...]]:
    """Return the digests of data and of models that identify a run."""
    data = [Digest(what=f"data of the {side} side", sha256=of) for side, of in _texts(identity.get("data"))]
    for of in (identity.get("observations"), identity):
        for name, file in of.items() if isinstance(of, dict) else ():
            if isinstance(file, dict) and isinstance(file.get("sha256"), str):
                data.append(Digest(what=f"{name}: {without_folder(str(file.get('file')))}", sha256=file["sha256"]))
    models = [
        Digest(what=f"code and settings that train the models of the {side} side", sha256=of)
        for side, of in _texts(identity.get("model"))
    ]
    return tuple(data), tuple(models)


def _texts(block: Any) -> list[tuple[str, str]]:
    return [(str(k), v) for k, v in block.items() if isinstance(v, str)] if isinstance(block, dict) else []


def _not_recorded(
    manifest: Manifest | None, content: contents.Content, data: tuple[Digest, ...], models: tuple[Digest, ...]
) -> tuple[str, ...]:
    """Name what the run did not store."""
    lacking = (
        ("digests of the files of the run", manifest is None),
        ("when the run ended", manifest is None or manifest.finished is None),
        (
            "the command line: the run was started from Python, or by an earlier version",
            manifest is None or manifest.command is None,
        ),
        ("the number of parameters of the models", content.parameters is None),
        ("which registered attacks were not run, and why", content.not_run is None),
        ("digests of the data", not data),
        ("digests of the code and settings of the models", not models),
        ("digests of trained models, which a run does not keep", True),
    )
    return tuple(text for text, there in lacking if there)
