"""What the examination of a release says, in plain words. It never vouches for a release."""

from __future__ import annotations

import math

from unlearn_audit.audits.release.direction import DOUBTFUL
from unlearn_audit.audits.release.findings import FlaggingFinding, ReleaseFindings
from unlearn_audit.audits.release.scores import UNLABELLED
from unlearn_audit.metrics import references_needed
from unlearn_audit.report.wording import interval, percent


def people(count: float, *, rehearsal: bool = False) -> str:
    """Return a number of deleted people in words.

    Examples
    --------
    >>> people(1), people(1200), people(2, rehearsal=True)
    ('1 deleted person', '1,200 deleted people', '2 stand-ins')
    """
    one, many = ("stand-in", "stand-ins") if rehearsal else ("deleted person", "deleted people")
    return f"{count:,} {one if count == 1 else many}"


def alike(found: ReleaseFindings, who_were: str = "who were ") -> str:
    """Return whom a person is compared with, in words.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> alike(SimpleNamespace(compared_by=("class", "sex"))), alike(SimpleNamespace(compared_by=()), "")
    ('people of the same class and sex who were never in training', 'people never in training')
    """
    same = f" of the same {' and '.join(found.compared_by)}" if found.compared_by else ""
    return f"people{same} {who_were}never in training"


def summary(found: ReleaseFindings) -> str:
    """Return the verdict; its first sentence can stand alone."""
    return " ".join([_headline(found), *_direction(found), _meaning(found), *_unchecked(found), *_flagged(found)])


def _headline(found: ReleaseFindings) -> str:
    at = f"at {percent(found.confidence)}"
    if found.rehearsal:
        some = sum(identified > 0 for identified in found.repetitions)
        return (
            f"On average {found.identified:.2g} of {people(found.persons, rehearsal=True)} can be identified {at}, and "
            f"at least one in {some:,} of {len(found.repetitions):,} rehearsals."
        )
    if found.persons == 1:
        return f"The deleted person can{'' if found.identified else 'not'} be identified {at}."
    who = f"{found.identified:,.0f}" if found.identified else "None"
    return f"{who} of the {people(found.persons)} can be identified {at}."


def _direction(found: ReleaseFindings) -> list[str]:
    """Return that the versions look exchanged, where they do."""
    if found.exchanged is None or found.exchanged > DOUBTFUL:
        return []
    who = "The deleted person fits" if found.persons == 1 else "The deleted people fit"
    return [
        f"{who} the version after the deletion better than the one before, compared with {alike(found)}; chance alone "
        f"would give as much with a probability of {found.exchanged:.1g}. A deletion usually does the opposite: check "
        "that the two versions are not exchanged, and that the ids are those of the deleted."
    ]


def _meaning(found: ReleaseFindings) -> str:
    level = percent(round(1 - found.confidence, 9))
    held = (
        f"the chance that even one person is counted wrongly is at most {level}"
        if found.control == "holm"
        else f"of those counted, at most {level} are expected to be counted wrongly"
    )
    allowed = "" if found.persons == 1 else f"; with all {found.persons:,} allowed for, {held}"
    if found.identified:
        return f"Their predictions changed more than those of almost all {alike(found)}{allowed}."
    return (
        f"No prediction changed so much more than those of {alike(found)} that chance could not explain it{allowed}. "
        "That does not show that there is nothing to find."
    )


def _unchecked(found: ReleaseFindings) -> list[str]:
    """Return what could not be checked, where labels are not known."""
    if found.labels_known:
        return []
    return [
        "Labels of deleted records are not known, so it could not be checked whether the references are of the same "
        "classes. If they are not, people may be counted as identified who are not."
    ]


def headline_observer(found: ReleaseFindings) -> FlaggingFinding | None:
    """Return the observer that the summary speaks of: at 1 % where the references can show it, else at 5 %."""
    by_rate = {rule.rate: rule for rule in found.flagging}
    return by_rate.get(0.01, by_rate.get(0.05))


def _flagged(found: ReleaseFindings) -> list[str]:
    observer = headline_observer(found)
    if observer is None:
        return []
    last = observer.precision[-1]
    who = "stand-ins" if found.rehearsal else "deleted"
    flags = f"At a false-positive rate of {percent(observer.rate)} among {alike(found)}, an observer flags"
    if not observer.found:
        return [f"{flags} none of the {who}."]
    return [
        f"{flags} {percent(round(observer.found_share, 3))} of the {who}; where {percent(last.base_rate)} of the "
        f"people considered were deleted, {percent(round(last.right, 3))} "
        f"({interval((100 * last.right_ci[0], 100 * last.right_ci[1]), 0)} %) of those flagged were deleted."
    ]


def _exchangeable(found: ReleaseFindings) -> str:
    if not found.compared_by:
        return (
            "References represent people who were never in training: they must be of the same kind as the deleted, "
            "which could not be checked. If they are not, the p-values are wrong."
        )
    return (
        f"Each person was compared with references whose records are of the same {' and '.join(found.compared_by)}, at "
        f"least {found.reference_persons:,} of them. In all other respects, too, references must be of the same kind "
        "as the deleted; if they are not, the p-values are wrong."
    )


def _together(found: ReleaseFindings) -> list[str]:
    """Return how many must stand out at once, where so few references cannot show one person alone."""
    at_once = math.ceil(found.persons * found.smallest_p_value / (1 - found.confidence) * (1 - 1e-9))
    if found.control == "holm" or at_once < 2:
        return []
    alone = references_needed(found.persons, 1 - found.confidence)
    return [
        f"With so few references no one can be identified unless at least {at_once:,} of the {found.persons:,} have "
        f"small p-values together; with {alone:,}, one person alone can be."
    ]


def limits(found: ReleaseFindings) -> tuple[str, ...]:
    """Return what the figures do not say."""
    sentences = [
        _exchangeable(found),
        f"This uses only the score {found.score}, which needs no model of the observer's own. An observer who trains "
        "models on data of the same kind, or knows more about a person, can see more.",
        f"With {found.reference_persons:,} references no p-value can be below {found.smallest_p_value:.2g}.",
        *_together(found),
        "The shares of right flags hold for people like those deleted here, and for the base rate given with them.",
    ]
    if found.rehearsal:
        sentences.insert(
            0,
            "Stand-ins were deleted, not the people who asked for it. This underestimates the risk of unusual people, "
            "whose stand-ins are less unusual: more of the people may be identified.",
        )
    if found.score == UNLABELLED:
        sentences.append("Labels were not known. An observer who knows a person's label sees more.")
    return tuple(sentences)
