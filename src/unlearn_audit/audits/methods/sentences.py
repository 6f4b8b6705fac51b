"""What a comparison says, in sentences: one that matters for each method, and what the whole comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearn_audit.audits.methods.findings import Method
from unlearn_audit.audits.methods.fronts import ACCURACY
from unlearn_audit.config import AuditConfig
from unlearn_audit.findings.comparison import Measured
from unlearn_audit.metrics.claims import FAMILY, HEADLINE
from unlearn_audit.report.three_arms import alone_words, arms_words, epsilon_words, update_words
from unlearn_audit.report.wording import interval, number, percent
from unlearn_audit.unlearning import Exactness

FEW_WORLDS = 10
"""Target worlds below which intervals are wide."""

CLAIMED = 2 * (1 - HEADLINE) + 2 * (1 - FAMILY)
"""What a method that is like retraining may be told apart with (Bonferroni): by the best attacks on both versions and
on the unlearned model alone, and by all differences and all excesses of single attacks."""


def method_words(row: Method, *, changes_weights: bool) -> tuple[str, ...]:
    """Return what matters of a method, the most important first.

    Parameters
    ----------
    row
        The method.
    changes_weights
        Whether it says that it always changes the model.
    """
    found = row.arms
    if found is None:
        return ()
    if row.status == "reference":
        best = found.update.unlearned
        leak = f"the best attack on both versions reaches an AUC of {number(best.auc)} ({interval(best.auc_ci)})"
        exact = row.exactness != Exactness.NONE
        what = "Exact retraining, which all others are compared with" if exact else "No unlearning at all"
        return (f"{what}: {leak}.",)
    left = ""
    if row.weights_unchanged and changes_weights and found.moved:
        left = f"{row.method} left every weight unchanged, although it claims to change the model."
    sentences = (
        left,
        update_words(found),
        alone_words(found),
        _accuracy(found.measured(ACCURACY)),
        "" if found.epsilon is None or found.epsilon.certified is None else epsilon_words(row.method, found.epsilon),
    )
    said = [of for of in sentences if of]
    # what the report says of attacks, regimes and distances stands after what matters
    return (*said, *(of for of in arms_words(found) if of not in said and not of.startswith("One model alone")))


def _accuracy(found: Measured | None) -> str:
    """Say whether the unlearned model is less accurate than a retrained one, where that is shown."""
    if found is None or found.difference_ci is None or found.difference is None:
        return ""
    low, high = found.difference_ci
    if low <= 0 <= high:
        return ""
    word = "less" if high < 0 else "more"
    ends = interval((100 * low, 100 * high), 1, signed=True)
    return (
        f"It is {word} accurate on test records than exact retraining, by {100 * abs(found.difference):.1f} points "
        f"(95 % interval {ends})."
    )


_READINGS = (
    ("more", "give the deletion away more than exact retraining", "gives the deletion away more than exact retraining"),
    ("less", "give it away less", "gives it away less"),
    ("same", "cannot be told apart from it here", "cannot be told apart from it here"),
    ("as-retraining", "answer exactly as retraining does", "answers exactly as retraining does"),
    ("unchanged", "changed no answer", "changed no answer"),
)


def summary_of(rows: Sequence[Method]) -> str:
    """Return in one paragraph what the update of each method gives away, and which are not forgotten or over-forgotten.

    Parameters
    ----------
    rows
        Of the table.
    """
    failed = [of.method for of in rows if of.status == "failed"]
    failures = [f"{_listed(failed)} failed; the table says why."] if failed else []
    compared = [of for of in rows if of.status == "compared"]
    if not compared:
        return " ".join(["No method was compared: only exact retraining and no unlearning ran.", *failures])
    n = len(compared)
    parts = []
    for reading, many, one in _READINGS:
        names = [of.method for of in compared if of.reading == reading]
        if names:
            parts.append(f"{_listed(names)} {one if len(names) == 1 else many}")
    methods = "1 method was" if n == 1 else f"{n} methods were"
    sentences = [f"{methods} compared with exact retraining by what the update gives away: {'; '.join(parts)}."]
    for direction, words in (
        ("remembered", "recognised better than after retraining, so they are not forgotten"),
        ("over-forgotten", "recognised less well than after retraining: over-forgotten, which gives them away as well"),
        ("recognisable", "recognised more often than after retraining"),
    ):
        names = [of.method for of in compared if of.direction == direction]
        if names:
            sentences.append(f"On the unlearned model alone, under {_listed(names)} deleted records are {words}.")
    return " ".join([*sentences, *failures])


def skipped_words(skipped: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each reason for which methods are skipped, with all that it holds for.

    Parameters
    ----------
    skipped
        By method, why.
    """
    names: dict[tuple[str, str], list[str]] = {}
    for method, why in skipped.items():
        own = why.removeprefix(f"{method} ")
        reason = (why, why) if own == why else (f"it {own}", f"each {own}")
        names.setdefault(reason, []).append(method)
    return tuple(
        f"{listed[0]} is skipped: {of_one}."
        if len(listed) == 1
        else f"{len(listed)} methods are skipped ({', '.join(listed)}): {of_each}."
        for (of_one, of_each), listed in names.items()
    )


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def limits_of(rows: Sequence[Method], config: AuditConfig) -> tuple[str, ...]:
    """Return what a comparison does not say."""
    sentences = [
        "Attacks are fitted on each method's own shadow worlds, so the attacker knows the method. Only the attacks in "
        "the tables were tried; others may find more.",
        "More, less and not told apart compare the best attacks on both versions, and those on the unlearned model "
        f"alone, each chosen on its own shadow worlds, by intervals of {percent(HEADLINE)} of how much further from "
        "0.5 one AUC is than the other; single attacks and the direction of margins are read by intervals of "
        f"{percent(FAMILY)} that hold for all of them at once (max-T). Together, these claims wrongly tell a method "
        f"that is like retraining apart with a probability of {percent(CLAIMED)} at most. Nothing corrects for the "
        "number of methods: of ten that are like retraining, one may well be told apart. The sentence on accuracy has "
        "a separate 95 % interval.",
        "Not told apart does not mean equal: the sentences say how large a difference would have been detected.",
        "Pareto fronts are of point estimates; where intervals overlap, the methods on a front may change.",
        "Time and memory were measured on this machine when the worlds were made; they differ from run to run.",
    ]
    if config.worlds.target < FEW_WORLDS:
        sentences.append(
            f"There are {config.worlds.target} target worlds; with fewer than {FEW_WORLDS}, intervals are wide."
        )
    if config.worlds.layout != "per-record":
        sentences.append(
            "KLOM and attacks that learn about each record separately, such as U-LiRA and RULI, need worlds that audit "
            "the same records in every role (--layout per-record)."
        )
    if any(of.cost is not None and of.cost.reused for of in rows):
        sentences.append("Worlds from the store were timed when they were made, perhaps on another machine.")
    return tuple(sentences)
