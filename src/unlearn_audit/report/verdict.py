"""From numbers to plain words: what was measured, what it means, and what it does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import MIN_EXPECTED_FALSE_POSITIVES, negatives_needed, power_of
from unlearn_audit.metrics.intervals import t_quantile
from unlearn_audit.metrics.power import smallest_excess
from unlearn_audit.report.findings import Result, RetrainingComparison, Selected, Verdict, is_selected
from unlearn_audit.report.wording import (
    GUESSING,
    REGIMES,
    VIEWS,
    attack_words,
    interval,
    is_strongest_classical,
    number,
    percent,
    retraining_words,
    role_words,
    roles,
)

Outcome = Literal["update", "not-shown-update", "original", "reversed", "nothing-seen"]
"""What the leading attack shows, see `outcome`."""


FEW_WORLDS = 10
"""Below this many worlds an interval is wide, and the report says so."""

_EDGE = 1e-12

_CANARIES = (
    "This is an audit of mislabelled canaries: every deleted and every unseen record has a wrong label, which a model "
    "can only know by heart. It is a worst case, and not the risk of ordinary records."
)


def outcome(result: Result) -> Outcome:
    """Return which of five cases a result is.

    Returns
    -------
    Outcome
        ``update``: the AUC's interval lies above 0.5 and the difference to the classical attack above 0.
        ``not-shown-update``: the AUC's interval lies above 0.5, the difference is missing or not above 0.
        ``original``: the AUC's interval lies above 0.5, and the attack itself sees the original model alone.
        ``reversed``: the AUC's interval lies below 0.5. ``nothing-seen``: it contains 0.5.
    """
    low, high = result.auc_ci
    if high < GUESSING:
        return "reversed"
    if low <= GUESSING:
        return "nothing-seen"
    if result.view == "original":
        return "original"
    difference = result.auc_minus_classical_ci
    return "update" if difference is not None and difference[0] > 0 else "not-shown-update"


def standard_error(result: Result) -> float:
    """Return the standard error of the AUC that its interval implies.

    The interval is symmetric on the logit scale, with half-width t·se/(A(1−A)), where t is the 97.5 % point
    of Student's t with W−1 degrees of freedom for W worlds, or min(n₁, n₀)−1 for single records
    (`unlearn_audit.metrics.auc_interval`). So se = half-width · A(1−A) / t. An interval that touches 0 or 1 has no
    logit; there se is the half-width of the AUC itself divided by t.
    """
    low, high = result.auc_ci
    quantile = t_quantile(_degrees_of_freedom(result))
    if low <= _EDGE or high >= 1 - _EDGE:
        return (high - low) / 2 / quantile
    half_width = (math.log(high / (1 - high)) - math.log(low / (1 - low))) / 2
    return half_width * result.auc * (1 - result.auc) / quantile


def detectable_auc(result: Result) -> float:
    """Return the AUC that this run would have told from guessing with probability 0.8.

    It is 0.5 + (t_{.975, W−1} + t_{.8, W−1}) · se for W worlds, at most 1, with the standard error that
    the interval implies (`standard_error`); where single records are independent, W is the number of
    positives or of negatives, whichever is less. The standard error at the AUC found is taken to hold at
    the AUC sought, which is close for AUCs near 0.5.

    Examples
    --------
    >>> from unlearn_audit.report.findings import Result
    >>> result = Result(attack="a", attack_model=None, game="deleted-vs-unseen", view="pair", rows="all",
    ...     n_positive=400, n_negative=4000, n_worlds=10, interval_unit="world", auc=0.5, auc_ci=(0.47, 0.53),
    ...     tpr_at_fpr={}, tpr_at_fpr_ci={}, realised_fpr={}, accuracy=0.5, accuracy_ci=(0.47, 0.53))
    >>> round(detectable_auc(result), 3)
    0.542
    """
    return min(1.0, GUESSING + smallest_excess(standard_error(result), _degrees_of_freedom(result)))


def verdict(
    results: Sequence[Result],
    selected: Selected,
    regime: str,
    regime_note: str | None = None,
    canaries: str | None = None,
    retraining: RetrainingComparison | None = None,
) -> Verdict:
    """Say in plain words what the selected attack reached, what the update and its method add, and their limits.

    It leads with the selected attack on all rows, or on the paper's where there are no others. The first sentence
    of the summary is the outcome (`outcome`) alone and fits a heading.

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
    retraining
        How the unlearning method compares with exact retraining, where it is another one.

    Raises
    ------
    AuditError
        If the selected attack has no result.
    """
    own = [r for r in results if is_selected(r, selected)]
    if not own:
        name = attack_words(selected.attack, selected.attack_model)
        raise AuditError(f"the selected attack {name} has no result in {selected.game}; score it on the target")
    result = next((r for r in own if r.rows == "all"), own[0])
    sentences = [
        _headline(result),
        _CANARIES if canaries else "",
        _reached(result),
        _compared(result, results),
        "" if retraining is None else retraining_words(retraining),
        _setting(result, regime),
    ]
    return Verdict(
        summary=" ".join(s for s in sentences if s),
        limits=(*((_CANARIES,) if canaries else ()), *_limits(result, results, regime, regime_note)),
    )


def _degrees_of_freedom(result: Result) -> int:
    by_world = result.interval_unit == "world"
    units = result.n_worlds if by_world else min(result.n_positive, result.n_negative)
    return max(1, units - 1)


def _headline(result: Result) -> str:
    case = outcome(result)
    positive = roles(result.game)[0]
    if case == "update":
        return f"The update gives {positive} records away."
    if case == "not-shown-update":
        return (
            f"The two models together give {positive} records away, but the leak is not shown to come from the update."
        )
    if case == "original":
        return f"The original model alone gives {positive} records away."
    if case == "reversed":
        return f"The attack is reliably wrong, and that gives {positive} records away too."
    return "Nothing was seen at the precision of this run, which does not show that there is nothing."


def _reached(result: Result) -> str:
    positive, negative = (role_words(role) for role in roles(result.game))
    name = attack_words(result.attack, result.attack_model)
    text = (
        f"The leading attack, {name}, chosen on shadow data alone, tells {positive} from {negative} "
        f"with an AUC of {number(result.auc)} (95 % interval {interval(result.auc_ci)}; "
        "0.5 is guessing, 1 is certainty)."
    )
    if outcome(result) == "reversed":
        low, high = result.auc_ci
        text += (
            " Its answers are the wrong way round more often than chance allows: whoever flips them reaches "
            f"{number(1 - result.auc)} ({interval((1 - high, 1 - low))})."
        )
    if outcome(result) == "nothing-seen":
        least = detectable_auc(result)
        if least <= GUESSING:
            text += " The interval has no width, so how small an effect could have been seen is not known."
        elif least >= 1:
            text += " So few data that no effect, however large, would have been seen with a probability of 80 %."
        else:
            text += (
                f" An AUC of {number(least)} or more would have been seen with a probability of 80 %; "
                "a smaller one could be there."
            )
    return text


def _compared(result: Result, results: Sequence[Result]) -> str:
    if result.view == "original":
        return "It reads the original model alone, so it says nothing about what the update adds."
    if result.auc_minus_classical is None or result.auc_minus_classical_ci is None:
        return "It was not compared with an attack on the original model alone, so what the update adds is not known."
    classical = next((r for r in results if is_strongest_classical(r, result)), None)
    reaches = ""
    if classical is not None:
        reaches = f" reaches {number(classical.auc)} ({interval(classical.auc_ci)})"
    low, high = result.auc_minus_classical_ci
    gap = f"{number(result.auc_minus_classical, signed=True)} ({interval((low, high), signed=True)})"
    if low > 0:
        reading = "this is what the update adds"
    elif high < 0:
        reading = "reading both models gave this attack less than the original alone gave the classical one"
    else:
        reading = "the interval includes 0, so that the update adds anything is not shown"
    start = "The strongest classical attack, on the original model alone,"
    if reaches:
        return f"{start}{reaches}; the difference is {gap}: {reading}."
    return f"The difference to the strongest classical attack, on the original model alone, is {gap}: {reading}."


def _setting(result: Result, regime: str) -> str:
    worlds = "1 world" if result.n_worlds == 1 else f"{result.n_worlds:,} worlds"
    defense = "" if result.defense == "none" else f", defence {result.defense}"
    return (
        f"Measured in the game {result.game}, view {result.view}{defense}, regime {regime}, "
        f"on {worlds} with {result.n_positive:,} positives and {result.n_negative:,} negatives."
    )


def _limits(result: Result, results: Sequence[Result], regime: str, regime_note: str | None) -> list[str]:
    positive, negative = (role_words(role) for role in roles(result.game))
    sees = VIEWS.get(result.view, f"the view {result.view}")
    means = REGIMES.get(regime, "")
    limits = [
        f"View: the attacker sees {sees} and nothing else; one who sees more may do better.",
        f"Game: {positive} against {negative}; another question has another answer.",
        f"Regime: {regime}{f' ({means})' if means else ''}; under another regime the result may be another.",
    ]
    if regime_note:
        limits.append(regime_note)
    limits.append(_worlds_limit(result))
    limits.append(
        "The intervals hold for the attacks as fitted on these shadow data; fitted on other shadow data they would "
        "be other attacks."
    )
    limits.extend(_attacks_limits(result, results))
    limits.append(_power_limit(result))
    limits.extend(_rate_limits(result))
    return limits


def _power_limit(result: Result) -> str:
    least = power_of(result.n_positive, result.n_negative, result.n_worlds).auc
    seen = "no AUC, however large," if least is None else f"an AUC of {number(least, 2)} or more"
    text = (
        f"From the number of rows alone, {seen} would be seen with a probability of 80 %; worlds that vary need more."
    )
    if result.epsilon is not None and result.epsilon_ceiling is not None:
        text += (
            f" Epsilon is at least {number(result.epsilon, 2)} at a confidence of 95 %. As many cases without a single "
            f"error would have shown {number(result.epsilon_ceiling, 2)}: a larger epsilon is not excluded."
        )
    return text


def _worlds_limit(result: Result) -> str:
    if result.interval_unit == "record":
        why = "There is one world, or none is known" if result.n_worlds < 2 else "Too few worlds hold both roles"
        return (
            f"{why}, so the intervals treat single records as independent: they do not say how another model, "
            "trained on other records, would fare."
        )
    few = f"; fewer than {FEW_WORLDS} leave the intervals wide" if result.n_worlds < FEW_WORLDS else ""
    return f"The intervals treat the {result.n_worlds:,} target worlds as independent{few}."


def _attacks_limits(result: Result, results: Sequence[Result]) -> list[str]:
    family = {
        (r.attack, r.attack_model): r
        for r in results
        if (r.game, r.rows, r.defense, r.adaptive) == (result.game, result.rows, result.defense, result.adaptive)
    }
    tried = "1 attack was" if len(family) == 1 else f"{len(family):,} attacks were"
    several = (
        f"Only {tried} tried, those in the table; an attack that was not tried may do better. "
        "The interval of the leading one needs no correction, since the choice was made on shadow data; "
        "the best of the others is the best of many."
    )
    limits = [several]
    family.pop((result.attack, result.attack_model))
    off = [r for r in family.values() if not r.auc_ci[0] <= GUESSING <= r.auc_ci[1]]
    if outcome(result) == "nothing-seen" and off:
        verb = "has an interval that leaves" if len(off) == 1 else "have intervals that leave"
        limits.append(
            f"{len(off):,} of the {len(family):,} other attacks {verb} out 0.5: found after looking, so a hint to "
            "follow up with new worlds, not a finding."
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
