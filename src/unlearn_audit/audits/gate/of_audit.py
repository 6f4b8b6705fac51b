"""The figures of an audit: of ``run`` and of ``predictions``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from unlearn_audit.attacks.base import score_column
from unlearn_audit.audits.gate.figure import Figure, Repeated, unknown_measure
from unlearn_audit.audits.gate.limits import TPR
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.former import UNKNOWN
from unlearn_audit.findings.kinds import Evidence
from unlearn_audit.findings.result import Result
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import Verdict
from unlearn_audit.metrics import MIN_EXPECTED_FALSE_POSITIVES, negatives_needed
from unlearn_audit.metrics.claims import FAMILY, HEADLINE
from unlearn_audit.metrics.intervals import CONFIDENCE, NEGLIGIBLE, binomial_ends
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.report.wording import number
from unlearn_audit.utils.suggest import check_known
from unlearn_audit.utils.typing import Interval

ALL = "all"
"""Names every attack at once."""


@dataclass(frozen=True)
class OfAudit:
    """The figures of one attack of an audit, or of all of them at once.

    Attributes
    ----------
    findings
        What the audit found.
    evidence
        The leading attack of the game and the defence, and the others.
    chosen
        The attack whose figures count; None for all.
    """

    findings: Findings
    evidence: Evidence
    chosen: Result | None

    @classmethod
    def choose(cls, findings: Findings, attack: str | None = None, defense: str | None = None) -> OfAudit:
        """Return the figures of an attack on all rows of the first game.

        Parameters
        ----------
        findings
            What the audit found.
        attack
            As a column of scores is called, ``name/attack_model``; by default the one that the verdict leads with.
            `ALL` means every one.
        defense
            Under which the posteriors are released, against an attacker who adapts; by default none.

        Raises
        ------
        AuditError
            If there is no such attack or defence.
        """
        leading = findings.leading()
        if defense is not None and defense != leading.defense:
            leading = _leading_under(findings, leading, defense)
        evidence = Evidence.of(leading, findings.results, findings.moved, findings.record_risk)
        if attack == ALL:
            return cls(findings, evidence, None)
        attacks = {_label(of): of for of in (leading, *evidence.others)}
        check_known("attack of this run", [] if attack is None else [attack], attacks)
        return cls(findings, evidence, leading if attack is None else attacks[attack])

    @property
    def verdict(self) -> Verdict | None:
        """What decides where no limit is given."""
        undefended = self.evidence.leading.defense == self.findings.selected.defense
        return self.findings.verdict if undefended and self.chosen is self.evidence.leading else None

    def figure(self, measure: str) -> Figure:
        """Return a figure.

        Raises
        ------
        AuditError
            If the audit has no such figure.
        """
        if self.chosen is None:
            return self._of_all(measure)
        rates = {f"{TPR}{float(rate)}": rate for rate in self.chosen.tpr_at_fpr}
        if measure in rates:
            return self._tpr(self.chosen, measure, rates[measure])
        if measure not in _MEASURES:
            raise unknown_measure(measure, [*_MEASURES, *rates], "this audit")
        return _MEASURES[measure](self, self.chosen)

    def _of_all(self, measure: str) -> Figure:
        """Return the AUC of every attack at once: all ends of the intervals by which the verdict claims."""
        if measure != "auc":
            raise AuditError(f"only auc has an interval for all attacks at once, not {measure}; name one attack")
        every = [self._auc(of) for of in (self.evidence.leading, *self.evidence.others)]
        top = max(every, key=lambda of: of.value or 0.0)
        return Figure(
            measure="auc",
            of=f"every attack (the highest of {len(every):,}, {top.of})",
            value=top.value,
            low=max(of.low for of in every),
            high=max(of.high for of in every),
            confidence=FAMILY,
            error=(1 - HEADLINE) / 2 + (1 - FAMILY) / 2,
            repeated=top.repeated,
        )

    def _auc(self, of: Result) -> Figure:
        """Return the AUC with the interval by which the verdict claims a leak of this attack."""
        leads = of is self.evidence.leading
        ends = of.auc_claim_ci if leads else of.auc_simultaneous_ci
        return _figure("auc", of, of.auc, ends or UNKNOWN, confidence=HEADLINE if leads else FAMILY)

    def _tpr(self, of: Result, measure: str, rate: str) -> Figure:
        value, ends = of.tpr_at_fpr[rate], of.tpr_at_fpr_ci.get(rate)
        lacks = ""
        if value is None:
            needed = negatives_needed(float(rate))
            worlds = math.ceil(needed * max(1, of.n_worlds) / of.n_negative)
            lacks = (
                f"{of.n_negative:,} negatives let fewer than {MIN_EXPECTED_FALSE_POSITIVES} false positives be "
                f"expected; at least {needed:,} negatives are needed, which about {worlds:,} such target worlds have"
            )
        return _figure(measure, of, value, ends or UNKNOWN, lacks=lacks, notes=self._alone(measure, of))

    def _alone(self, measure: str, of: Result) -> tuple[str, ...]:
        """Say of an attack that was not chosen on shadow data that its interval holds for it by itself."""
        if of is self.evidence.leading:
            return ()
        return (
            f"the interval of {measure} holds for {_label(of)} taken alone; of {len(self.evidence.others) + 1:,} "
            "attacks, some do well by chance",
        )

    def cautions(self, measures: Mapping[str, float]) -> tuple[str, ...]:
        """Return what a limit on the chosen attack's AUC does not see.

        Parameters
        ----------
        measures
            The limit of each.
        """
        most = measures.get("auc")
        if most is None:
            return ()
        said = []
        own = None if self.chosen is None else self._auc(self.chosen)
        if own is not None and own.value is not None and own.high < GUESSING and 1 - own.value > most:
            said.append(
                f"{own.of} is reliably wrong: flipping its answers gives an AUC of {number(1 - own.value)}, above "
                f"{most:g}"
            )
        every = [self._auc(of) for of in (self.evidence.leading, *self.evidence.others)] if self.chosen else []
        shown = [of for of in every if of.low > most and own is not None and of.of != own.of]
        if shown and own is not None and own.low <= most:
            named = max(shown, key=lambda of: of.low)
            said.append(
                f"other attacks are shown to be above {most:g}, {len(shown):,} of {len(every) - 1:,}, first of them "
                f"{named.of}; --attack {ALL} judges every attack"
            )
        return tuple(said)

    def _simple(self, measure: str, of: Result, name: str, *, share: bool) -> Figure:
        """Return a figure that a result has with an interval of 95 %."""
        value, ends = getattr(of, name), getattr(of, f"{name}_ci")
        if value is None or ends is None:
            raise AuditError(
                f"{_label(of)} has no {measure} in this run, as it was not compared with a classical attack"
            )
        return _figure(measure, of, value, ends, share=share, notes=self._alone(measure, of))

    def _epsilon(self, of: Result) -> Figure:
        """Return the lower bound on epsilon, which has no upper one."""
        if of.epsilon is None:
            raise AuditError(f"{_label(of)} has no bound on epsilon in this run")
        return Figure(
            measure="epsilon",
            of=_label(of),
            value=of.epsilon,
            low=of.epsilon,
            high=math.inf,
            confidence=CONFIDENCE,
            error=1 - CONFIDENCE,
            share=False,
            notes=(
                "epsilon is a lower bound: no number of worlds shows that it is small",
                *self._alone("epsilon", of),
            ),
        )

    def _excess(self, of: Result) -> Figure:
        """Return by how much further from 0.5 the AUC is than after exact retraining."""
        found, leads = self.findings.retraining, of is self.evidence.leading
        arms = self.findings.arms
        other = next((row for row in (arms.attacks if arms else ()) if row.label == _label(of)), None)
        if leads and found is not None:
            return _figure("excess", of, found.excess, found.excess_ci, share=False)
        if other is not None and of.defense == self.findings.selected.defense:
            return _figure("excess", of, other.excess, other.excess_all_ci, share=False, confidence=FAMILY)
        raise AuditError(
            "this run has no exact retraining to compare with, so excess is not known; audit a method other than "
            "retraining, with its arm of retraining"
        )


_MEASURES: dict[str, Callable[[OfAudit, Result], Figure]] = {
    "auc": lambda own, of: own._auc(of),
    "accuracy": lambda own, of: own._simple("accuracy", of, "accuracy", share=True),
    "auc-minus-classical": lambda own, of: own._simple("auc-minus-classical", of, "auc_minus_classical", share=False),
    "bits": lambda own, of: own._simple("bits", of, "bits", share=False),
    "epsilon": lambda own, of: own._epsilon(of),
    "excess": lambda own, of: own._excess(of),
}
"""By name; a true-positive rate at a false-positive rate comes in addition."""


def _figure(
    measure: str,
    of: Result,
    value: float | None,
    ends: Interval,
    *,
    share: bool = True,
    confidence: float = CONFIDENCE,
    lacks: str = "",
    notes: tuple[str, ...] = (),
) -> Figure:
    """Return a figure of a result.

    Where every row counts the same its error is 0, which says nothing of other records: at its upper end as many of
    them stand out as a binomial interval allows where none did (Clopper and Pearson 1934).
    """
    low, high = ends
    if share and value is not None and 0 < value < 1 and high - low < NEGLIGIBLE:
        few = min(of.n_positive, of.n_negative)
        high = value + (1 - value) * binomial_ends(0, few, confidence)[1]
        notes = (
            *notes,
            f"every record counts the same in {measure} of {_label(of)}, so its variation cannot be observed: the "
            f"upper end allows for as many other records as {few:,} without a single one leave possible",
        )
    return Figure(
        measure=measure,
        of=_label(of),
        value=value,
        low=low,
        high=high,
        confidence=confidence,
        error=(1 - confidence) / 2,
        share=share,
        repeated=Repeated(count=of.n_worlds),
        lacks=lacks,
        notes=notes,
    )


def _label(of: Result) -> str:
    return score_column(of.attack, of.attack_model)


def _leading_under(findings: Findings, leading: Result, defense: str) -> Result:
    """Return the attack on more than one version that did best on shadow worlds under a defence."""
    family = [of for of in findings.results if (of.game, of.rows, of.adaptive) == (leading.game, leading.rows, True)]
    check_known("defence of this run", [defense], dict.fromkeys(of.defense for of in family))
    known = [of for of in family if of.defense == defense and of.sees_versions]
    return max(known, key=lambda of: of.shadow_auc or 0.0)
