"""What ``unlearn-audit release --rehearse`` does: it trains, which looking at two files does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unlearn_audit.audits.release import ReleaseResult, ReleaseSettings, findings_of, read_ids
from unlearn_audit.audits.release.owner_data import RawRecords, TrialReleases, read_owner_data
from unlearn_audit.audits.release.rehearse import rehearse
from unlearn_audit.cli.shared.own_records import encoding_of, positions, regime_of, split
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.utils.progress import reporter

__all__ = ["Rehearsal", "encoding_of", "read_owner_data"]


@dataclass(frozen=True)
class Rehearsal:
    """The options of a rehearsal alone, as a user gave them: what is trained, how, and how often."""

    model: str
    regime: str
    encoding: str
    repetitions: int

    def run(
        self,
        raw: RawRecords,
        deleted: str,
        reference: str,
        settings: ReleaseSettings,
        config: dict[str, Any],
    ) -> ReleaseResult:
        """Delete stand-ins in place of the people who asked for it."""
        owner = split(raw, reference, None, encoding_of(self.encoding), settings.seed)
        gone = positions(raw, read_ids(deleted, "--deleted"), "deleted")
        overlap = gone[np.isin(gone, owner.held_out)]
        if len(overlap):
            raise AuditError(
                f"{len(overlap):,} records are both deleted and reference, such as {raw.ids[overlap[0]]}; references "
                "must never have been trained on"
            )
        with reporter() as shown:
            people = np.unique(raw.person[gone])
            regime = regime_of(self.regime)
            releases = TrialReleases.of(owner, resolve_model(self.model), regime, settings.seed, len(people))
            examined, notes = rehearse(releases, people, self.repetitions, settings, shown)
        found = findings_of(examined, settings, config, rehearsal=True, notes=(*owner.data.notes, *notes))
        return ReleaseResult(found, examined)
