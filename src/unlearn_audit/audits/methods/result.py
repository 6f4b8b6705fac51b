"""What a comparison gives back, and the folder it can be saved as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from unlearn_audit.audits.methods.findings import MethodsFindings
from unlearn_audit.audits.methods.page import card_of, render_methods
from unlearn_audit.audits.methods.table import frame_of
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.spreadsheet import to_csv


@dataclass(frozen=True, repr=False)
class MethodsResult:
    """A comparison of methods.

    Attributes
    ----------
    findings
        All of it; what ``methods.json`` holds.
    identity
        What distinguishes this comparison from others.
    """

    findings: MethodsFindings
    identity: Mapping[str, Any]

    def __repr__(self) -> str:
        """Return what was compared, in one line."""
        return f"MethodsResult({self.findings.in_short})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows; it names no record."""
        return card_of(self.findings).html()

    def to_frame(self) -> pd.DataFrame:
        """Return the table: one row per method."""
        return frame_of(self.findings)

    def save(self, folder: str | Path, *, force: bool = False) -> Path:
        """Write the folder and return the path of its ``index.html``.

        The folder then holds ``methods.csv``, ``methods.json`` and ``index.html``. A folder of the same comparison is
        written again; with ``force``, another run in it is replaced; any other content is refused.
        """
        store = self.findings.execution.get("store")
        used = None if store is None else Path(store)
        with run_folder(Path(folder), self.identity, store=used, force=force) as held:
            return self.write(held)

    def write(self, folder: Path) -> Path:
        """Write into a folder that is already locked."""
        page = render_methods(self.findings)
        write_atomic(folder / "methods.json", self.findings.to_json())
        write_atomic(folder / "methods.csv", to_csv(self.to_frame()), publishable=True)
        write_atomic(folder / "index.html", page, publishable=True)
        return folder / "index.html"
