"""The figures of one method of a comparison with exact retraining."""

from __future__ import annotations

from dataclasses import dataclass

from unlearn_audit.audits.gate.figure import Figure, Repeated, unknown_measure
from unlearn_audit.audits.gate.limits import TPR
from unlearn_audit.audits.methods.findings import Method, MethodsFindings
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.comparison import ArmsComparison
from unlearn_audit.metrics.claims import HEADLINE
from unlearn_audit.metrics.intervals import CONFIDENCE
from unlearn_audit.metrics.low_fpr import LOW_FPR
from unlearn_audit.utils.suggest import check_known
from unlearn_audit.utils.typing import Interval


@dataclass(frozen=True)
class OfMethod:
    """The figures of a method.

    Attributes
    ----------
    row
        The method.
    arms
        What was found of it.
    worlds
        Target worlds.
    """

    row: Method
    arms: ArmsComparison
    worlds: int
    verdict = None

    @classmethod
    def choose(cls, findings: MethodsFindings, method: str | None) -> OfMethod:
        """Return the figures of a method, which may be left out where one alone was compared.

        Raises
        ------
        AuditError
            If there is no such method, it has no figures, or it is not said which.
        """
        rows = {of.method: of for of in findings.methods}
        compared = [of.method for of in findings.compared]
        if method is None and len(compared) != 1:
            raise AuditError(
                f"this comparison has {len(compared):,} methods; name one with --method: {', '.join(rows)}"
            )
        name = compared[0] if method is None else method
        check_known("method of this comparison", [name], rows)
        arms = rows[name].arms
        if arms is None:
            raise AuditError(f"{name} has no figures: {rows[name].why or rows[name].status}")
        target = findings.details.get("target")
        return cls(rows[name], arms, int(target.get("worlds", 1)) if isinstance(target, dict) else 1)

    def figure(self, measure: str) -> Figure:
        """Return a figure.

        Raises
        ------
        AuditError
            If the comparison has no such figure.
        """
        best = self.arms.update
        low_fpr = f"{TPR}{LOW_FPR}"
        known = ["auc", low_fpr, "excess"]
        if measure == "auc":
            return self._figure(measure, best.unlearned.auc, best.unlearned.auc_ci, CONFIDENCE)
        if measure == "excess":
            return self._figure(measure, best.excess, best.excess_claim_ci, HEADLINE, share=False)
        if measure != low_fpr:
            raise unknown_measure(measure, known, "a comparison of methods")
        lacks = "" if best.unlearned.tpr is not None else "there are too few negatives; more worlds would have more"
        return self._figure(measure, best.unlearned.tpr, best.unlearned.tpr_ci or (0.0, 1.0), CONFIDENCE, lacks=lacks)

    def _figure(
        self,
        measure: str,
        value: float | None,
        ends: Interval,
        confidence: float,
        *,
        share: bool = True,
        lacks: str = "",
    ) -> Figure:
        return Figure(
            measure=measure,
            of=f"{self.row.method} ({self.arms.update.unlearned_attack})",
            value=value,
            low=ends[0],
            high=ends[1],
            confidence=confidence,
            error=(1 - confidence) / 2,
            share=share,
            repeated=Repeated(count=self.worlds),
            lacks=lacks,
        )

    def cautions(self, measures: object) -> tuple[str, ...]:  # noqa: ARG002 - of one kind with the others
        """Return what limits do not see; nothing here."""
        return ()
