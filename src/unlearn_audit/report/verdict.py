"""From numbers to plain words: what was measured, what it means, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_audit.errors import AuditError
from unlearn_audit.findings.kinds import Decision, Evidence, Retrained, decide, side
from unlearn_audit.findings.precision import (
    MOST_WORLDS,
    WORTH_SEEING,
    detectable_auc,
    worlds_for_auc_found,
    worlds_for_auc_worth_seeing,
)
from unlearn_audit.findings.result import Result, Selected, is_selected, on_most_rows
from unlearn_audit.findings.sections import RecordRisk, Verdict
from unlearn_audit.metrics import MIN_EXPECTED_FALSE_POSITIVES, negatives_needed
from unlearn_audit.metrics.claims import FAMILY, HEADLINE
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.report.wording import (
    REGIMES,
    VIEWS,
    attack_words,
    interval,
    number,
    percent,
    role_words,
    roles,
)

FEW_WORLDS = 10
"""Below this many worlds an interval is wide, and the report says so."""

_CANARIES = (
    "This is an audit of mislabelled canaries: every deleted and every unseen record has a wrong label, which a model "
    "can only memorise. This is a worst case, not the risk of ordinary records."
)


def verdict(
    results: Sequence[Result],
    selected: Selected,
    regime: str,
    regime_note: str | None = None,
    canaries: str | None = None,
    *,
    moved: float | None = None,
    record_risk: RecordRisk | None = None,
    retrained: Retrained | None = None,
) -> Verdict:
    """Say in one word and in plain ones what was shown, what the update and its method add, and their limits.

    It leads with the selected attack on all rows, or on the paper's where there are no others. The first sentence
    of the summary belongs to the kind (`unlearn_audit.findings.kinds.decide`) and fits a heading; no other sentence
    reads a figure in another way than the kind does.

    Parameters
    ----------
    results
        Every result of the audit.
    selected
        The attack chosen on shadow worlds.
    regime
        The regime really run: fixed, same-seed, fresh or unknown.
    regime_note
        Why it is not the one asked for.
    canaries
        What was done to audited records: ``mislabelled``, or None.
    moved
        The share of rows with an answer that changed between versions; None where not known.
    record_risk
        How many records are identified individually.
    retrained
        What exact retraining makes of the answers, where another method is audited.

    Raises
    ------
    AuditError
        If the selected attack has no result.
    """
    leading = _leading(results, selected)
    evidence = Evidence.of(leading, results, moved, record_risk, retrained)
    decision = decide(evidence)
    classical = next((r for r in results if r.is_baseline_of(leading)), None)
    sentences = [
        decision.sentence.format(positive=roles(leading.game)[0]),
        _CANARIES if canaries else "",
        _check(decision),
        _shown_by(decision, evidence),
        _reached(evidence),
        _precision(decision, evidence),
        _compared(decision, evidence, classical),
        _setting(leading, regime),
    ]
    return Verdict(
        kind=decision.kind,
        gate=decision.gate,
        summary=" ".join(s for s in sentences if s),
        limits=(*((_CANARIES,) if canaries else ()), *_limits(decision, evidence, regime, regime_note)),
    )


def _leading(results: Sequence[Result], selected: Selected) -> Result:
    """Return the result of the selected attack on all rows, or on the paper's where there are no others."""
    own = [r for r in results if is_selected(r, selected)]
    if not own:
        name = attack_words(selected.attack, selected.attack_model)
        raise AuditError(f"the selected attack {name} has no result in {selected.game}; score it on the target")
    return on_most_rows(own)[0]


def _check(decision: Decision) -> str:
    if decision.kind != "unchanged":
        return ""
    return "If records were deleted, these answers do not show it: check that the right models or files were compared."


def _shown_by(decision: Decision, evidence: Evidence) -> str:
    """Name the attack that shows it, where that is not the leading one, with its figures."""
    by = decision.shown_by
    if by is None:
        return ""
    shows = "shows it" if side(by.auc_simultaneous_ci) == "above" else "is reliably wrong"
    return (
        f"Another attack {shows}: {attack_words(by.attack, by.attack_model)}, with an AUC of {number(by.auc)} "
        f"({percent(FAMILY)} interval {interval(by.auc_simultaneous_ci)}, which holds for all "
        f"{len(evidence.others) + 1:,} attacks at once)."
    )


def _reached(evidence: Evidence) -> str:
    result = evidence.leading
    positive, negative = (role_words(role) for role in roles(result.game))
    text = (
        f"The leading attack, {attack_words(result.attack, result.attack_model)}, chosen on shadow data alone, "
        f"separates {positive} from {negative} with an AUC of {number(result.auc)} ({percent(HEADLINE)} interval "
        f"{interval(result.auc_claim_ci)}; 0.5 is guessing, 1 is certainty)."
    )
    if evidence.headline == "below":
        low, high = result.auc_claim_ci
        text += (
            f" Its answers are wrong more often than chance allows: flipping them gives {number(1 - result.auc)} "
            f"({interval((1 - high, 1 - low))})."
        )
    return text


def _precision(decision: Decision, evidence: Evidence) -> str:
    """Say how small an effect could have been seen, or how many worlds would do."""
    result = evidence.leading
    least = detectable_auc(result)
    if decision.kind == "hint":
        signs = "; ".join(evidence.signs)
        if GUESSING < result.auc < 1:
            needed = f"An AUC as large as the one found here would be shown by {_worlds(worlds_for_auc_found(result))}."
        else:
            needed = _would_do(result)
        return f"Signs of a leak: {signs}. {needed}"
    if decision.kind == "too-few-worlds":
        if least is None:
            return (
                "It is not known how large an AUC would have been detected, or none would have been. "
                f"{_would_do(result)}"
            )
        return (
            f"Only an AUC of {number(least)} or more would have been detected with a probability of 80 %. "
            f"{_would_do(result)}"
        )
    if decision.kind == "nothing-seen":
        return (
            f"An AUC of {number(least)} or more would have been detected with a probability of 80 %; there may be a "
            "smaller one."
        )
    return ""


def _would_do(result: Result) -> str:
    needed = _worlds(worlds_for_auc_worth_seeing(result))
    return f"An AUC of {WORTH_SEEING:g} would be detected with a probability of 80 % in {needed}."


def _worlds(count: int | None) -> str:
    return f"more than {MOST_WORLDS:,} such target worlds" if count is None else f"about {count:,} such target worlds"


def _compared(decision: Decision, evidence: Evidence, classical: Result | None) -> str:
    result = evidence.leading
    if evidence.nothing_moved:
        return (
            "What attacks on both versions seem to gain over those on the original alone is the same information "
            "fitted twice."
        )
    if result.is_classical:
        return "It reads the original model alone, so it says nothing about what the update adds."
    if result.auc_minus_classical is None or result.auc_minus_classical_ci is None:
        return "It was not compared with an attack on the original model alone, so what the update adds is not known."
    ends = interval(result.auc_minus_classical_ci, signed=True)
    gap = f"{number(result.auc_minus_classical, signed=True)} (95 % interval {ends}): {_reading(decision, evidence)}"
    if classical is None:
        return f"The difference from the strongest classical attack, on the original model alone, is {gap}."
    return (
        f"The strongest classical attack, on the original model alone, reaches {number(classical.auc)}; the difference "
        f"is {gap}."
    )


def _reading(decision: Decision, evidence: Evidence) -> str:
    """Say what the difference to the classical attack means together with the kind of the verdict."""
    ends = evidence.leading.auc_minus_classical_ci
    by_update = decision.kind == "leak-by-update"
    if evidence.gains:
        if by_update:
            return "this is what the update adds" if decision.shown_by is None else "this agrees with it"
        if evidence.headline == "above" and not evidence.change_shows:
            return (
                "more than the original alone shows, but no attack that reads the change alone is above 0.5, so this "
                "may be the same information fitted twice"
            )
        return "only a sign that the update adds something"
    if ends is not None and ends[1] < 0:
        return "this attack does worse than the one on the original alone"
    if by_update:
        return "this attack alone is not shown to gain from the update"
    return "the interval includes 0, so it is not shown that the update adds anything"


def _setting(result: Result, regime: str) -> str:
    worlds = "1 world" if result.n_worlds == 1 else f"{result.n_worlds:,} worlds"
    defense = "" if result.defense == "none" else f", defence {result.defense}"
    return (
        f"Measured in the game {result.game}, view {result.view}{defense}, regime {regime}, "
        f"on {worlds} with {result.n_positive:,} positives and {result.n_negative:,} negatives."
    )


def _limits(decision: Decision, evidence: Evidence, regime: str, regime_note: str | None) -> list[str]:
    result = evidence.leading
    positive, negative = (role_words(role) for role in roles(result.game))
    sees = VIEWS.get(result.view, f"the view {result.view}")
    means = REGIMES.get(regime, "")
    limits = [
        f"View: the attacker sees {sees} and nothing else; one who sees more may do better.",
        f"Game: {positive} against {negative}; another question has a different answer.",
        f"Regime: {regime}{f' ({means})' if means else ''}; under another regime the result may differ.",
    ]
    if regime_note:
        limits.append(regime_note)
    limits.append(_worlds_limit(result))
    limits.append(
        f"The verdict claims a leak by intervals of {percent(HEADLINE)} for the leading attack and of "
        f"{percent(FAMILY)} for all attacks at once, so all its claims together are wrong in at most 5 % of audits; "
        "tables show intervals of 95 %."
    )
    limits.append(
        "The intervals hold for the attacks as fitted on this shadow data; fitted on other shadow data, they would be "
        "different attacks."
    )
    limits.extend(_attacks_limits(decision, evidence))
    limits.extend(_epsilon_limit(evidence))
    limits.extend(_rate_limits(result))
    return limits


def _epsilon_limit(evidence: Evidence) -> list[str]:
    result = evidence.leading
    if result.epsilon is None or result.epsilon_ceiling is None:
        return []
    alone = ", and it comes from the original's answers alone" if evidence.nothing_moved else ""
    return [
        f"Epsilon is at least {number(result.epsilon, 2)} at a confidence of 95 %{alone}. The same number of cases "
        f"without any error would have shown {number(result.epsilon_ceiling, 2)}: a larger epsilon is not ruled out."
    ]


def _worlds_limit(result: Result) -> str:
    if result.interval_unit == "record":
        why = "There is only one world, or none is known" if result.n_worlds < 2 else "Too few worlds have both roles"
        return (
            f"{why}, so the intervals treat single records as independent: they do not cover another model, trained on "
            "other records."
        )
    few = f"; fewer than {FEW_WORLDS} leave the intervals wide" if result.n_worlds < FEW_WORLDS else ""
    return f"The intervals treat the {result.n_worlds:,} target worlds as independent{few}."


def _attacks_limits(decision: Decision, evidence: Evidence) -> list[str]:
    n = len(evidence.others)
    tried = "1 attack was" if n == 0 else f"{n + 1:,} attacks were"
    limits = [
        f"Only {tried} tried, those in the table; others may do better. The interval of the leading one needs no "
        "correction, since the choice was made on shadow data."
    ]
    shown = [f"{len(of):,} {where} 0.5" for of, where in ((evidence.above, "above"), (evidence.below, "below")) if of]
    if shown:
        limits.append(f"Other attacks with a simultaneous interval that excludes 0.5: {', '.join(shown)}, of {n:,}.")
    off = [r for r in evidence.others if side(r.auc_ci) != "includes"]
    if off and not decision.is_leak and not shown:
        verb = "has a 95 % interval that excludes" if len(off) == 1 else "have 95 % intervals that exclude"
        limits.append(
            f"{len(off):,} of the {n:,} other attacks {verb} 0.5, each taken alone. Simultaneous intervals, which "
            "allow for the number of attacks tried, include it, so this is not a finding."
        )
    return limits


def _rate_limits(result: Result) -> list[str]:
    limits = []
    for rate, value in result.tpr_at_fpr.items():
        if value is not None:
            continue
        expected = result.n_negative * float(rate)
        needed = negatives_needed(float(rate))
        limits.append(
            f"The true-positive rate at a false-positive rate of {percent(rate)} is not printed: {result.n_negative:,} "
            f"negatives let {expected:.3g} false positives be expected, fewer than {MIN_EXPECTED_FALSE_POSITIVES}; "
            f"at least {needed:,} negatives are needed."
        )
    return limits
