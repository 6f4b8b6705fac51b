"""What a plan found, as data: the content of its ``plan.json``. It names nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from unlearn_audit.audits.release.plan.search import ReleasePlan, Tried
from unlearn_audit.audits.release.plan.settings import Target
from unlearn_audit.audits.release.scores import score_looked_at
from unlearn_audit.findings.result import Frozen
from unlearn_audit.report.wording import interval, percent

SCHEMA = "unlearn-audit/release-plan/2"
"""Name and version of the layout."""


class PolicyFinding(Frozen):
    """One policy and what its trial releases showed."""

    batch: int = Field(description="people deleted in one release")
    decimals: int | None = Field(description="to how many answers are rounded; null: not at all")
    regime: str
    guarantee: float = Field(description="what the share of its releases meets")
    mean_leak: float = Field(description="the mean over its trial releases: people identified, or their mean rank")
    any_identified: float | None = Field(
        description="share of trial releases in which anyone was identified; null for ranks"
    )
    met: bool
    accuracy: float
    brier: float
    cost: float


class PlanFindings(Frozen):
    """The content of ``plan.json``."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    config: dict[str, Any]
    target: str
    share: float = Field(description="share of releases that a guarantee covers")
    confidence: float = Field(description="of all guarantees at once")
    waiting: float
    releases: int
    references: int
    accuracy_before: float
    brier_before: float
    policies: tuple[PolicyFinding, ...] = Field(description="by cost")
    chosen: PolicyFinding | None
    checks: int
    kept: float | None = Field(description="share of checked releases that meet the chosen policy's guarantee")
    kept_ci: tuple[float, float] | None
    summary: str
    limits: tuple[str, ...]
    notes: tuple[str, ...]

    def to_json(self) -> str:
        """Return the text of ``plan.json``."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False) + "\n"


def plan_findings(plan: ReleasePlan, config: Mapping[str, Any]) -> PlanFindings:
    """Sum up a plan."""
    identified = plan.settings.target.kind == "identified"
    by_policy = {tried.policy: _policy(tried, identified) for tried in plan.tried}
    kept = plan.kept
    return PlanFindings(
        config=dict(config),
        target=target_words(plan.settings.target),
        share=plan.settings.share,
        confidence=plan.settings.confidence,
        waiting=plan.settings.waiting,
        releases=plan.settings.releases,
        references=plan.references,
        accuracy_before=plan.before.accuracy,
        brier_before=plan.before.brier,
        policies=tuple(by_policy.values()),
        chosen=None if plan.chosen is None else by_policy[plan.chosen.policy],
        checks=len(plan.checked),
        kept=None if kept is None else kept[0],
        kept_ci=None if kept is None else kept[1:],
        summary=_summary(plan),
        limits=_limits(plan),
        notes=plan.notes,
    )


def _policy(tried: Tried, identified: bool) -> PolicyFinding:
    return PolicyFinding(
        batch=tried.policy.batch,
        decimals=tried.policy.decimals,
        regime=tried.policy.regime.value,
        guarantee=tried.guarantee,
        mean_leak=float(tried.leaks.mean()),
        any_identified=float((tried.leaks > 0).mean()) if identified else None,
        met=tried.met,
        accuracy=tried.utility.accuracy,
        brier=tried.utility.brier,
        cost=tried.cost,
    )


def target_words(target: Target) -> str:
    """Return a target as the end of a sentence.

    Examples
    --------
    >>> target_words(Target("identified", 0)), target_words(Target("rank", 100))
    ('no one can be identified', 'the deleted rank 100 or later on average')
    """
    if target.kind == "rank":
        return f"the deleted rank {target.value:,.0f} or later on average"
    return (
        "no one can be identified"
        if not target.value
        else f"at most {target.value:,.0f} of its people can be identified"
    )


def _summary(plan: ReleasePlan) -> str:
    target, settings = target_words(plan.settings.target), plan.settings
    at = f"in at least {percent(settings.share)} of releases"
    if plan.chosen is None:
        return (
            f"No policy that was tried meets the target. {len(plan.tried):,} policies were tried, "
            f"{settings.releases:,} releases each; under none of them was it shown that {target} {at}. Try larger "
            "batches, fewer decimals or fresh randomness."
        )
    chosen, kept = plan.chosen, plan.kept
    if settings.target.kind == "identified":
        guarantee = (
            "no one can be identified"
            if chosen.guarantee == 0
            else f"at most {chosen.guarantee:,.0f} of its people can be identified"
        )
    else:
        guarantee = (
            f"the deleted rank {chosen.guarantee:,.0f} or later, on average over a release, of {plan.references + 1:,}"
        )
    checked = ""
    if kept is not None:
        checked = (
            f" On {len(plan.checked):,} further releases, with other people and other references, the guarantee held "
            f"in {percent(round(kept[0], 4))} ({interval((100 * kept[1], 100 * kept[2]), 1)} %)."
        )
    utility = chosen.utility
    return (
        f"Least costly: {chosen.policy.words}. Then {guarantee} {at} (with a confidence of "
        f"{percent(settings.confidence)} for all {len(plan.tried):,} policies at once).{checked} Accuracy of the "
        f"answers is {utility.accuracy:.4f} instead of {plan.before.accuracy:.4f}, their Brier score "
        f"{utility.brier:.5f} instead of {plan.before.brier:.5f}."
    )


def _limits(plan: ReleasePlan) -> tuple[str, ...]:
    examination = plan.settings.examination
    # trial releases are of records that a model is trained on, so their labels are known
    score = score_looked_at(examination.score, labelled=True)
    sentences = [
        "Trial releases delete people drawn at random from those in training. People who ask to be deleted may differ "
        "from them.",
        "People of a trial release are compared with references of every class: both were drawn at random from the "
        "same people. release compares within a class, which needs more references and may identify others.",
        "All are releases of one original model, retrained exactly without them. Another original, or another "
        "unlearning method, needs a separate plan.",
        f"The observer uses one score, {score}, and trains no model. One who trains models, or sends more queries, can "
        "see more.",
    ]
    if plan.settings.target.kind == "identified":
        level = percent(round(1 - examination.confidence, 9))
        sentences.append(
            f"By chance alone, someone counts as identified in up to {level} of releases that reveal no one."
        )
    return tuple(sentences)
