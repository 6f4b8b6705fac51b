"""What the examination of a release leaves: a page and findings that name nobody, and a private table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unlearn_audit.audits.release.examine import Examined
from unlearn_audit.audits.release.findings import ReleaseFindings
from unlearn_audit.audits.release.page import card_of, render
from unlearn_audit.report.signing import Signing
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.spreadsheet import PREFIX, to_csv

PRIVATE = f"{PREFIX}persons.csv"
"""The one file that names people."""


@dataclass(frozen=True, eq=False, repr=False)
class ReleaseResult:
    """Findings, and what they rest on.

    Attributes
    ----------
    findings
        What ``findings.json`` holds.
    examined
        The release, or each repetition of a rehearsal: private.
    """

    findings: ReleaseFindings
    examined: Sequence[Examined]

    def __repr__(self) -> str:
        """Return how many people can be identified, in one line; it names nobody."""
        return f"ReleaseResult({self.findings.in_short})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows; it names nobody."""
        return card_of(self.findings).html()

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each false-positive rate of an observer and each base rate; it names nobody."""
        return pd.DataFrame(
            {
                "rate": rule.rate,
                "found": rule.found,
                "found_share": rule.found_share,
                "found_share_low": rule.found_share_ci[0],
                "found_share_high": rule.found_share_ci[1],
                "wrong_share": rule.wrong_share,
                "base_rate": at.base_rate,
                "right": at.right,
                "right_low": at.right_ci[0],
                "right_high": at.right_ci[1],
            }
            for rule in self.findings.flagging
            for at in rule.precision
        )

    def private_table(self) -> pd.DataFrame:
        """Return one row a person, the most exposed first; of a rehearsal with its repetition."""
        tables = [one.table() for one in self.examined]
        if not self.findings.rehearsal:
            return tables[0]
        return pd.concat([table.assign(repetition=i) for i, table in enumerate(tables)], ignore_index=True)

    def write(self, folder: Path, owner: str | None = None) -> Path:
        """Write ``findings.json``, ``report.html``, which names the owner, and the private table; return the page."""
        page = render(self.findings, Signing.now(owner))
        write_atomic(folder / PRIVATE, to_csv(self.private_table()))
        write_atomic(folder / "findings.json", self.findings.to_json())
        write_atomic(folder / "report.html", page, publishable=True)
        return folder / "report.html"
