"""What an audit gives back, and the run folder it can be saved as."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pyarrow import default_memory_pool

from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.findings.frame import frame_of
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.tables import Tables
from unlearn_audit.observations import Observations, write_observations
from unlearn_audit.observations.parquet import write_frame
from unlearn_audit.report import write_report
from unlearn_audit.report.figures import Plots
from unlearn_audit.report.notebook import card_of
from unlearn_audit.utils.files import atomic_path, write_atomic


def tables_by_name(tables: Tables) -> dict[str, Observations]:
    """Return tables by their names in the run folder: ``shadow``, ``target-retraining``, ``target-dp-sgd-4``.

    Parameters
    ----------
    tables
        By arm.
    """
    return {
        side if arm == UNDEFENDED else f"{side}-{arm.replace(':', '-')}": table
        for arm, sides in tables.items()
        for side, table in sides.by_side.items()
    }


@dataclass(frozen=True, repr=False)
class AuditResult:
    """An audit's findings and the tables they are based on.

    Attributes
    ----------
    findings
        Verdict and figures; what ``findings.json`` holds.
    scores
        One row per target record and game, one column per attack.
    observations
        The tables of both sides and every arm, by name; see `tables_by_name`.
    identity
        What distinguishes this audit from others: configuration, data and models.
    """

    findings: Findings
    scores: pd.DataFrame
    observations: Mapping[str, Observations]
    identity: Mapping[str, Any]

    def __repr__(self) -> str:
        """Return what the findings say, in one line."""
        return f"AuditResult({self.findings.in_short})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows; it names no record."""
        return card_of(self.findings).html()

    def to_frame(self) -> pd.DataFrame:
        """Return the figures of every attack: one row for each attack, game, set of rows and defence.

        See `unlearn_audit.findings.frame.frame_of` for the columns.
        """
        return frame_of(self.findings)

    @property
    def plot(self) -> Plots:
        """The plots, as matplotlib figures: ``plot.roc()`` and ``plot.scores()``."""
        return Plots(self.findings, self.scores)

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write the run folder and return the path of its ``report.html``.

        The folder then holds ``config.json``, ``observations/``, ``scores.parquet``, ``findings.json``, and the report
        as ``report.html``, ``report.md`` and ``auditor.html``. A folder of the same audit is written again; with
        ``force``, another run in it is replaced; any other content is refused.
        """
        store = self.findings.execution.get("store")
        used = None if store is None else Path(store)
        with run_folder(Path(folder), self.identity, store=used, force=force) as held:
            return self.write(held)

    def write(self, folder: Path) -> Path:
        """Write into a folder that is already locked."""
        findings = self.findings.model_copy(update={"execution": {**self.findings.execution, "folder": str(folder)}})
        for side, table in self.observations.items():
            write_observations(table, folder / "observations" / f"{side}.parquet")
        with atomic_path(folder / "scores.parquet") as temporary:
            write_frame(self.scores, temporary)
        default_memory_pool().release_unused()
        write_atomic(folder / "config.json", json.dumps(findings.config, indent=1) + "\n")
        return write_report(folder, findings, self.scores)
