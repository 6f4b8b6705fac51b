"""What to do now: the defences that were measured, a larger run, a plan of releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unlearn_audit.findings.precision import worlds_for_auc_found, worlds_for_auc_worth_seeing
from unlearn_audit.findings.result import Result
from unlearn_audit.findings.schema import Findings
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.report.defences import Defended
from unlearn_audit.report.wording import interval, number


@dataclass(frozen=True)
class Step:
    """One thing to do, and the command that does it, if there is one."""

    text: str
    command: str = ""


_TRY = Step(
    "Measure the effect of defences: add them to the command of this run.",
    "--defense label-only --defense top-k:1 --defense rounding:1",
)
_PLAN = Step(
    "Plan the release: find out how many people to delete at once, and how far to round answers, so that a target "
    "you set is met.",
    "unlearn-audit plan-release --help",
)
_CHECK = Step(
    "Before publishing the update, check that very release: which of the deleted people can be identified from its two "
    "versions.",
    "unlearn-audit release --help",
)


def next_steps(findings: Findings, leading: Result, releases: Sequence[Defended]) -> tuple[Step, ...]:
    """Return what to do, in order, by the gate of the verdict and by what was measured."""
    gate = findings.verdict.gate
    defend = _defend(releases)
    if gate == "fail":
        return (Step("Do not publish the update with answers like those measured here."), *defend, _PLAN, _CHECK)
    if gate == "cannot-tell":
        return (Step("Do not base a decision on this run: it cannot tell."), *_larger(leading), _CHECK)
    return (
        Step("Consider what this run could not have detected; nothing it measured speaks against the release."),
        _CHECK,
        Step("Audit again when the data, the model, the unlearning method or the released answers change."),
    )


def _defend(releases: Sequence[Defended]) -> tuple[Step, ...]:
    """Name the measured defence that leaves least, or say that none helped, or how to measure some."""
    lower = [row for row in releases if row.lower]
    if not releases:
        return (_TRY,)
    if not lower:
        return (Step("Look for another defence: none of those measured was shown to lower the risk."),)
    least = min(lower, key=lambda row: abs(row.best.auc - GUESSING))
    left = "" if least.best.auc_claim_ci[0] <= GUESSING else " That still reveals deleted people."
    return (
        Step(
            f"Use a defence. Of those measured {least.words} leaks least: an AUC of {number(least.best.auc)} "
            f"({interval(least.best.auc_ci)}).{left}"
        ),
    )


def _larger(leading: Result) -> tuple[Step, ...]:
    found = worlds_for_auc_found(leading)
    needed = worlds_for_auc_worth_seeing(leading) if found is None else found
    if needed is None:
        return (
            Step("Run a larger audit: more target worlds, more deletions per world, more records never trained on."),
        )
    return (
        Step(
            f"Run a larger audit: about {needed:,} repetitions (target worlds) instead of {leading.n_worlds:,}.",
            f"--target-worlds {needed}",
        ),
    )
