"""The figures of one release, or of its rehearsal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unlearn_audit.audits.gate.figure import Figure, Repeated, unknown_measure
from unlearn_audit.audits.gate.limits import TPR
from unlearn_audit.audits.release.findings import ReleaseFindings
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.intervals import CONFIDENCE

IDENTIFIED = "identified"
"""How many people can be identified."""


@dataclass(frozen=True)
class OfRelease:
    """The figures of a release.

    Attributes
    ----------
    findings
        What was found.
    """

    findings: ReleaseFindings
    verdict = None

    def figure(self, measure: str) -> Figure:
        """Return a figure.

        Raises
        ------
        AuditError
            If the release has no such figure.
        """
        rates = {f"{TPR}{of.rate}": of for of in self.findings.flagging}
        if measure == IDENTIFIED:
            return self._identified()
        if measure not in rates:
            raise unknown_measure(measure, [IDENTIFIED, *rates], "this release")
        found = rates[measure]
        confidence = 1 - (1 - CONFIDENCE) / 2  # as of `metrics.flagging.FlaggingRule`
        return Figure(
            measure=measure,
            of="an observer who flags the people who look most deleted",
            value=found.found_share,
            low=found.found_share_ci[0],
            high=found.found_share_ci[1],
            confidence=confidence,
            error=(1 - confidence) / 2,
            repeated=Repeated(count=len(self.findings.repetitions), noun="repetitions")
            if self.findings.rehearsal
            else None,
        )

    def _identified(self) -> Figure:
        """Return how many people are identified: at least so many are, with the confidence that was asked for."""
        found = self.findings
        if found.rehearsal:
            raise AuditError(
                f"{IDENTIFIED} of a rehearsal is a mean without an interval; give a limit on {TPR}0.01, or run the "
                "release itself"
            )
        few = ""
        if found.reference_persons < found.references_needed:
            few = (
                f"no one could have been identified with {found.reference_persons:,} reference people; "
                f"{found.references_needed:,} are needed"
            )
        return Figure(
            measure=IDENTIFIED,
            of=f"{found.persons:,} deleted",
            value=found.identified,
            low=found.identified,
            high=math.inf if found.identified < found.persons else found.identified,
            confidence=found.confidence,
            error=1 - found.confidence,
            share=False,
            notes=(
                *((few,) if few else ()),
                "another score could always identify more people",
            ),
        )

    def cautions(self, measures: object) -> tuple[str, ...]:  # noqa: ARG002 - of one kind with the others
        """Return what limits do not see; nothing here."""
        return ()
