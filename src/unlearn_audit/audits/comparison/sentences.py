"""What a comparison of runs says, in sentences; no difference is claimed that its interval does not show."""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_audit.audits.comparison.differences import Confidences
from unlearn_audit.audits.comparison.findings import AttackDifference, BestDifference, RunDifference, Setting
from unlearn_audit.metrics.claims import FAMILY, HEADLINE
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.report.three_arms import MOST_NAMED, seen_words
from unlearn_audit.report.wording import interval, number, percent
from unlearn_audit.utils.messages import shortened


def words_of(found: RunDifference, at: Confidences, unchanged: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what two runs side by side show, the most important first.

    Parameters
    ----------
    found
        The difference, without its sentences.
    at
        At which confidence runs are told apart.
    unchanged
        Names of those of the two runs in which no answer changed.
    """
    if found.best is None and not found.attacks:
        return (f"{found.second} cannot be compared with {found.first}.", *found.not_compared)
    sentences = [
        "" if found.best is None else _best(found, found.best, at),
        *(f"{name} changed no answer: nothing was forgotten, so the update reveals nothing." for name in unchanged),
        _each(found, at),
        found.why,
        _settings(found.settings),
        *found.not_compared,
    ]
    return tuple(of for of in sentences if of)


def _best(found: RunDifference, best: BestDifference, at: Confidences) -> str:
    """Say whether one run gives more away, by the best attack of each, or that neither is shown."""
    one, other = (
        f"{number(value)} ({interval(ends)}; {attack})"
        for value, ends, attack in (
            (best.second, best.second_ci, best.second_attack),
            (best.first, best.first_ci, best.first_attack),
        )
    )
    from_half = "" if min(best.first, best.second) >= GUESSING else " in the distance from 0.5"
    ends = interval(best.excess_claim_ci, signed=True)
    size = f"{number(best.excess, signed=True)}{from_half} ({_level(at.claim)} interval {ends})"
    if best.side == "same":
        return (
            f"It is not shown whether {found.second} or {found.first} gives the deletion away more: the best attacks "
            f"on both versions reach an AUC of {one} against {other}; the difference is {size}; "
            f"{seen_words(best.seen)}."
        )
    return (
        f"{found.second} gives the deletion away {best.side} than {found.first}: the best attacks on both versions "
        f"reach an AUC of {one} against {other}, a difference of {size}."
    )


def _each(found: RunDifference, at: Confidences) -> str:
    if not found.attacks:
        return ""
    n = len(found.attacks)
    head = f"Of {n:,} attacks" if n > 1 else "Of one attack"
    how = f"that both ran, with all of them allowed for ({_level(at.every)} intervals at once)"
    parts = [
        f"{len(of):,} {'shows' if len(of) == 1 else 'show'} {word} in {found.second} ({_named(of)})"
        for of, word in ((found.more, "more"), (found.less, "less"))
        if of
    ]
    return f"{head} {how}, {' and '.join(parts) if parts else 'none shows a difference'}."


def _named(attacks: Sequence[AttackDifference]) -> str:
    return shortened((of.attack for of in attacks), MOST_NAMED)


def _settings(settings: Sequence[Setting]) -> str:
    if not settings:
        return "No setting differs."
    keys = shortened(of.key for of in settings)
    if len(settings) == 1:
        return f"They differ in the setting {keys} alone."
    return f"They differ in {len(settings):,} settings ({keys}), so a difference need not be due to one of them."


def summary_of(differences: Sequence[RunDifference]) -> str:
    """Return in one paragraph which runs give more or less away than the first, and where that is not shown."""
    first = differences[0].first
    parts = []
    for side, words in (
        ("more", "gives the deletion away more"),
        ("less", "gives the deletion away less"),
        ("same", "is not shown to give the deletion away more or less"),
    ):
        names = [of.second for of in differences if of.best is not None and of.best.side == side]
        parts += [f"{name} {words} than {first}" for name in names]
    parts += [f"{of.second} cannot be compared with {first}" for of in differences if of.best is None]
    return f"{'; '.join(parts)}."


def limits_of(at: Confidences, pairs: int) -> tuple[str, ...]:
    """Return what a comparison of runs does not say, and how sure it is of what it says."""
    several = f" of the {pairs:,} pairs of runs" if pairs > 1 else ""
    return (
        "Every run is compared with the first, in the game that both lead with, without defences. More and less are "
        f"read by intervals of {_level(at.claim)} for the best attacks, each chosen on its run's own shadow worlds, "
        f"and of {_level(at.every)} for single attacks, which hold for all attacks at once (max-T where intervals are "
        "paired, Bonferroni where they are not)"
        + (f"; all {pairs:,} pairs of runs are allowed for (Bonferroni)" if pairs > 1 else "")
        + f". So runs that do not differ are reported as different in any{several or ' way'} with a probability of "
        f"{percent(round(1 - HEADLINE + 1 - FAMILY, 9))} at most.",
        "Not shown does not mean equal: the sentences say how large a difference would have been detected.",
        "Attacks are fitted on each run's own shadow worlds: where those differ, a difference may come from the "
        "attackers. Only attacks that both ran are compared; another may find more.",
    )


def _level(confidence: float) -> str:
    return percent(round(confidence, 6))
