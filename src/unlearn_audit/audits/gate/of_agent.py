"""The figures of an audit of an agent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unlearn_audit.audits.agents.findings import AgentFindings, Verdict
from unlearn_audit.audits.agents.phases import JUDGED, MOMENTS
from unlearn_audit.audits.agents.recovered import COMBINED, STORED
from unlearn_audit.audits.gate.figure import Figure, Repeated, unknown_measure
from unlearn_audit.metrics.intervals import CONFIDENCE

_MEASURES = {
    "recovered": (JUDGED[0], COMBINED),
    "recovered-later": (JUDGED[1], COMBINED),
    "stored": (JUDGED[0], STORED),
}
"""Name to the moment and the probe of which it is the share of deleted facts that are found."""


@dataclass(frozen=True)
class OfAgent:
    """The figures of an audit of an agent.

    Attributes
    ----------
    findings
        What was found.
    """

    findings: AgentFindings

    @property
    def verdict(self) -> Verdict:
        """The verdict of the audit."""
        return self.findings.verdict

    def figure(self, measure: str) -> Figure:
        """Return a figure.

        Raises
        ------
        AuditError
            If the audit has no such figure.
        """
        rates = {name: self.findings.rate(moment, probe=probe) for name, (moment, probe) in _MEASURES.items()}
        known = {name: rate for name, rate in rates.items() if rate is not None and rate.cases}
        if measure not in known:
            raise unknown_measure(measure, list(known), "this audit of an agent")
        rate = known[measure]
        if self.verdict.gate == "cannot-tell":
            return Figure(
                measure=measure, of=f"{rate.cases:,} deleted facts", value=None, low=-math.inf, high=math.inf,
                confidence=CONFIDENCE, error=0.0, lacks=self.verdict.summary,
            )  # fmt: skip
        return Figure(
            measure=measure,
            of=f"{rate.cases:,} deleted facts {MOMENTS[rate.moment]}",
            value=rate.share,
            low=rate.interval[0],
            high=rate.interval[1],
            confidence=CONFIDENCE,
            error=(1 - CONFIDENCE) / 2,
            repeated=Repeated(count=rate.cases, noun="deleted facts (more --canaries)"),
            notes=(f"guessing would find {rate.chance:.3f} of them, given the answers",),
        )

    def cautions(self, measures: object) -> tuple[str, ...]:  # noqa: ARG002 - of one kind with the others
        """Return what limits do not see: a leak or a trace that the verdict claims on other evidence."""
        return (f"the verdict is {self.verdict.kind}: {self.verdict.summary}",) if self.verdict.gate == "fail" else ()
