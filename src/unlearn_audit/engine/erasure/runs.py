"""What a run folder says of its run: whether it knows records or people, of which dataset, and which store it used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from unlearn_audit.config import AuditConfig
from unlearn_audit.data.table import MISSING
from unlearn_audit.engine.erasure.erased import By
from unlearn_audit.engine.store.folder import MARKER, stores_noted
from unlearn_audit.engine.store.keys import dataset_fingerprint
from unlearn_audit.engine.store.store import Store
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.columns import read_columns
from unlearn_audit.utils.ids import plain
from unlearn_audit.utils.suggest import check_known
from unlearn_audit.worlds.prepare import prepare


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes
    ----------
    folder
        Where it is.
    identity
        What the run is.
    findings
        What it found; empty where there is none to be read.
    """

    folder: Path
    identity: Mapping[str, Any]
    findings: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Read what a folder says of its run.

        Raises
        ------
        AuditError
            If its marker or its findings cannot be read.
        """
        identity = _json(folder / MARKER).get("identity")
        path = folder / "findings.json"
        findings = _json(path) if path.exists() else {}
        if not isinstance(identity, dict):
            raise AuditError(
                f"{folder / MARKER} is broken, so which run {folder} holds is not known; restore that file"
            )
        return cls(folder, identity, findings)

    @property
    def is_release(self) -> bool:
        """Whether it is a look at one release, whose only table has a row a person."""
        return "base_rates" in self.identity

    @property
    def sides(self) -> dict[str, dict[str, Any]]:
        """What was configured as the data of each side, of an audit that trained models."""
        try:
            config = self.identity["config"]
            target = dict(config["target"]["data"])
            return {"target": target, "shadow": dict((config.get("shadow") or {}).get("data") or target)}
        except (KeyError, TypeError, ValueError, AttributeError):
            return {}

    @property
    def knows(self) -> By | None:
        """What the run's deletions were of: records, or people who own them; None where it has no tables of either."""
        if self.is_release:
            return "person" if self.identity.get("person") or self.identity.get("subject") else "record"
        sides = self.sides
        if any(_column_of(side) for side in sides.values()) or any(
            side.get("persons") for side in self._details.values()
        ):
            return "person"
        tables = ("observations", "query")
        return "record" if sides or any(name in self.identity for name in tables) else None

    @property
    def datasets(self) -> dict[str, str]:
        """The name of the dataset of each side."""
        named = {side: _name(data) for side, data in self.sides.items()}
        named |= {side: str(of["dataset"]) for side, of in self._details.items() if side in named and "dataset" in of}
        if not named and isinstance(self.findings.get("dataset"), str):
            named = {"target": self.findings["dataset"]}
        return named

    @property
    def data(self) -> set[str]:
        """Digests of the data of both sides, in which its records have their numbers."""
        data = self.identity.get("data")
        return {str(of) for of in data.values()} if isinstance(data, dict) else set()

    @property
    def _details(self) -> dict[str, dict[str, Any]]:
        details = self.findings.get("details")
        return {k: v for k, v in details.items() if isinstance(v, dict)} if isinstance(details, dict) else {}

    @property
    def stores(self) -> list[Path]:
        """The stores that its marker names, or, of an earlier version, its findings."""
        if not self.has_a_store:
            return []
        if noted := stores_noted(self.folder):
            return [Path(name) for name in noted]
        execution = self.findings.get("execution")
        named = execution.get("store") if isinstance(execution, dict) else None
        return [Path(named)] if isinstance(named, str) else []

    @property
    def has_a_store(self) -> bool:
        """Whether the run may have left worlds in a store; the others train none, or keep none."""
        return ("config" in self.identity and "reconstruction" not in self.identity) or "experiment" in self.identity

    def records_of_each(self) -> dict[str, dict[str, frozenset[str]]]:
        """Return the ids of the records of each person, by dataset.

        Which they are stands in the owner's table alone, and only as long as it is the one that was audited.

        Raises
        ------
        AuditError
            If that table cannot be read, or is another by now.
        """
        found: dict[str, dict[str, frozenset[str]]] = {}
        for side, data in self.sides.items():
            file, column = data.get("file"), _column_of(data)
            if file is None or column is None:
                continue
            if not Path(file).is_file() or self._fingerprint(side) != dict(self.identity["data"])[side]:
                raise AuditError(
                    f"column {column!r} of {file} says whose records those of {self.folder} are, and that file is gone "
                    "or has changed since the audit; restore it, or give the numbers of the rows with --by record"
                )
            here = found.setdefault(_name(data), {})
            for person, rows in _rows_of_each(read_columns(Path(file), missing=MISSING)[column]).items():
                here[person] = here.get(person, frozenset()) | rows
        if not found:
            raise AuditError(
                f"neither the run nor a file that it names says whose records those of {self.folder} are; give the "
                "numbers of the rows with --by record"
            )
        return found

    def _fingerprint(self, side: str) -> str:
        try:
            config = AuditConfig.model_validate(self.identity["config"])
            of = {"target": config.target, "shadow": config.shadow_side}[side]
            groups = config.groups if side == "target" else ()
            return dataset_fingerprint(prepare(of.data, config.seed, groups, of.passed_on).data)
        except ValueError:  # no longer a configuration, or data, that can be audited: so it is another
            return ""


def _rows_of_each(column: pa.ChunkedArray) -> dict[str, frozenset[str]]:
    """Return the numbers of the rows of each person, as texts."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    rows: dict[str, set[str]] = {}
    for number, text in enumerate(column.cast(pa.string()).to_pylist()):
        rows.setdefault(plain(text or ""), set()).add(str(number))
    return {person: frozenset(numbers) for person, numbers in rows.items()}


def kind_of_ids(runs: Sequence[Run], by: By | None) -> By:
    """Return what ids are of: as asked, or what all runs know.

    Raises
    ------
    AuditError
        If that is ambiguous, or a run does not know what is asked for.
    """
    known: dict[By, Path] = {kind: run.folder for run in runs if (kind := run.knows) is not None}
    if by is None:
        if len(known) > 1:
            raise AuditError(
                f"--ids may be of records or of people: {known['record']} knows records and {known['person']} people; "
                "say --by record or --by person, or give these runs one after the other"
            )
        return next(iter(known), "record")
    for run in runs:
        if by == "person" and run.knows == "record":
            raise AuditError(f"{run.folder} knows records but not people; give ids of records with --by record")
        if by == "record" and run.is_release and run.knows == "person":
            raise AuditError(f"{run.folder} names people but not records; give ids of people with --by person")
    return by


def check_dataset(runs: Sequence[Run], dataset: str) -> None:
    """Raise unless a run is of a dataset."""
    known = sorted({name for run in runs for name in run.datasets.values()})
    if not known:
        raise AuditError(f"these runs do not say which dataset they used; leave --dataset {dataset} out")
    check_known("dataset of these runs", [dataset], known)


def stores_of(runs: Sequence[Run], given: Path | Store | None) -> list[Store]:
    """Return the stores to search: those that runs name, and the one that was given.

    Raises
    ------
    AuditError
        If a run used a store that is not there, or does not say which, and none was given.
    """
    found: dict[Path, Store] = {}
    if isinstance(given, Store):
        found[given.folder.resolve()] = given
    elif given is not None:
        opened = Store.existing(given)
        if opened is None:
            raise AuditError(f"there is no store at {given}; nothing was removed: check --store")
        found[given.resolve()] = opened
    for run in runs:
        if run.has_a_store and not run.stores and not found:
            raise AuditError(
                f"{run.folder} does not say which store it used; nothing was removed: give it with --store, or "
                "--no-store if it is gone"
            )
        for folder in run.stores:
            opened = Store.existing(folder)
            if opened is not None:
                found[folder.resolve()] = opened
            elif given is None:
                raise AuditError(
                    f"the store {folder} of {run.folder} cannot be reached; nothing was removed: give its path with "
                    "--store, or --no-store if it is gone"
                )
    return list(found.values())


def _name(data: Mapping[str, Any]) -> str:
    return Path(data["file"]).stem if data.get("file") is not None else str(data.get("name"))


def _column_of(data: Mapping[str, Any]) -> str | None:
    """Return the column that says whose a row is; it was called ``unit`` before."""
    return data.get("person") or data.get("unit")


def _json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise AuditError(f"{path} cannot be read, so what it holds is not known; restore or remove it")
    return read
