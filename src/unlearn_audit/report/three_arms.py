"""A method alongside exact retraining, in sentences, as a table and as a plot, for the page and the terminal."""

from __future__ import annotations

from unlearn_audit.attacks.base import score_column
from unlearn_audit.findings.comparison import MARGIN, ArmsComparison, AttackOnArms, BestOnArms, EpsilonMeasured, Klom
from unlearn_audit.findings.sections import ArmResult
from unlearn_audit.metrics.claims import FAMILY, HEADLINE
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.report.svg import CLASSICAL, INK, LEADING, MUTED, PAPER, UNSEEN, drawing, new_figure, to_svg
from unlearn_audit.report.wording import brief, interval, number, percent

MOST_DRAWN = 24
"""Attacks in the plot: those with the clearest differences."""

MOST_NAMED = 3
"""Attacks named in a sentence."""

CANNOT_TELL = "cannot be told apart from exact retraining here"


def arms_words(found: ArmsComparison) -> tuple[str, ...]:
    """Return what three arms show, in sentences: the update first, then the unlearned model alone, then distances."""
    sentences = [
        update_words(found),
        alone_words(found),
        _others(found),
        _regimes(found),
        _klom(found.klom),
        "" if found.epsilon is None else epsilon_words(found.method, found.epsilon),
    ]
    return tuple(sentence for sentence in sentences if sentence)


def update_words(found: ArmsComparison) -> str:
    """Say whether the update gives the deletion away more than exact retraining, less, or neither is shown."""
    if found.apart == 0:
        return f"{found.method} answers exactly as retraining does, so both give away the same."
    if found.moved == 0:
        return f"{found.method} changed no answer: nothing was forgotten, and the update reveals nothing."
    best = found.update
    if best.side == "same":
        return (
            f"{found.method} {CANNOT_TELL} by what the update gives away: the best attacks on both versions reach "
            f"{_against(best)}; the difference is {_excess(best)}; {seen_words(best.seen)}."
        )
    return (
        f"{found.method} gives the deletion away {best.side} than exact retraining: the best attacks on both versions "
        f"reach {_against(best)}, a difference of {_excess(best)}."
    )


def alone_words(found: ArmsComparison) -> str:
    """Say whether the unlearned model alone shows who was deleted, more than exact retraining does; nothing if unasked.

    Where the answers are those of retraining there is nothing to add.
    """
    best, by_margin = found.residual, next((of for of in found.attacks if of.attack == MARGIN), None)
    if found.apart == 0 or (best is None and by_margin is None):
        return ""
    if found.direction in ("remembered", "over-forgotten") and by_margin is not None:
        which, meaning = (
            ("better than after exact retraining", "they are not forgotten")
            if found.direction == "remembered"
            else ("less well than after exact retraining", "over-forgotten, which gives them away as well")
        )
        return (
            f"On the unlearned model alone, deleted records are recognised {which}: {meaning}. Their margins alone "
            f"reach an AUC of {number(by_margin.unlearned.auc)} against {number(by_margin.retrained.auc)} "
            f"({number(by_margin.difference, signed=True)}, {percent(FAMILY)} interval for all attacks at once "
            f"{interval(by_margin.difference_all_ci, signed=True)})."
        )
    if best is None:
        return ""
    if best.side == "same":
        return (
            f"On the unlearned model alone, the two cannot be told apart: the best attacks reach {_against(best)}; "
            f"{seen_words(best.seen)}."
        )
    # retraining leaves nothing to find, so that less than its figure is its chance
    reading = "deleted records are recognised more often" if best.side == "more" else "no more is recognised"
    return (
        f"On the unlearned model alone {reading} than after exact retraining: the best attacks reach {_against(best)}, "
        f"a difference of {_excess(best)}."
    )


def seen_words(seen: float | None) -> str:
    """Say how large a difference would have been seen.

    Examples
    --------
    >>> seen_words(0.0312)
    'a difference of 0.031 would have been detected with a probability of 80 %'
    >>> seen_words(0.5)
    'only a difference above 0.5 would have been detected with a probability of 80 %'
    """
    if seen is None:
        return "it is not known how large a difference would have been detected"
    if seen >= GUESSING:
        return f"only a difference above {GUESSING} would have been detected with a probability of 80 %"
    return f"a difference of {number(seen)} would have been detected with a probability of 80 %"


def epsilon_words(method: str, found: EpsilonMeasured) -> str:
    """Say what epsilon is measured, alongside what is certified."""
    at = f" at delta {found.delta:g}" if found.delta else ""
    text = (
        f"One model alone tells unlearned from retrained by a deleted record's margin with an epsilon of at least "
        f"{number(found.at_least, 2)}{at} (confidence 95 %; {number(found.ceiling, 2)} at most could have been shown)"
    )
    if found.certified is None:
        return f"{text}."
    stated = f"{method} states at most {number(found.certified, 2)}"
    if found.at_least > found.certified:
        # what is certified is closeness to models of the method's own kind, which need not be like retrained ones
        return (
            f"{text}. {stated}, against models of the same kind that never had the records: it does not hold here, or "
            "those models differ from retrained ones just as much."
        )
    return f"{text}; {stated}, which this result does not contradict."


def _against(best: BestOnArms) -> str:
    one = f"{number(best.unlearned.auc)} ({interval(best.unlearned.auc_ci)}; {best.unlearned_attack})"
    other = f"{number(best.retrained.auc)} ({interval(best.retrained.auc_ci)}; {best.retrained_attack})"
    return f"an AUC of {one} against {other}"


def _excess(best: BestOnArms) -> str:
    """Say by how much further from guessing one is; a difference of AUCs where both lie above one half."""
    from_half = "" if min(best.unlearned.auc, best.retrained.auc) >= 0.5 else " in the distance from 0.5"
    ends = interval(best.excess_claim_ci, signed=True)
    return f"{number(best.excess, signed=True)}{from_half} ({percent(HEADLINE)} interval {ends})"


def _others(found: ArmsComparison) -> str:
    more, less = found.others
    if found.moved == 0 or found.apart == 0 or not (more or less):
        return ""
    parts = [
        f"{len(of):,} {'shows' if len(of) == 1 else 'show'} {word} than under retraining ({_named(of)})"
        for of, word in ((more, "more"), (less, "less"))
        if of
    ]
    return (
        f"Of {len(found.attacks):,} attacks, each read separately, allowing for all of them ({percent(FAMILY)} "
        f"intervals at once), {' and '.join(parts)}."
    )


def _named(attacks: tuple[AttackOnArms, ...]) -> str:
    names = ", ".join(of.label for of in attacks[:MOST_NAMED])
    further = len(attacks) - MOST_NAMED
    return f"{names}{f' and {further:,} more' if further > 0 else ''}"


def _regimes(found: ArmsComparison) -> str:
    one, other = found.update.unlearned.regime, found.update.retrained.regime
    if one == other:
        return ""
    return f"The two ran in different regimes ({one}; {other}), so a difference may come from the regimes."


def _klom(distances: tuple[Klom, ...]) -> str:
    if not distances:
        return ""
    each = ", ".join(
        f"{of.role} {_median(of)} (95 % of {of.records:,} records below {number(of.high, 2)})" for of in distances
    )
    models, noise = min(of.models for of in distances), max(of.noise for of in distances)
    return (
        f"KLOM, the divergence of each record's margins under the method's and under retrained models, {models:,} of "
        f"each at least, median by role: {each}. If nothing differs, 95 % of records are below {number(noise, 2)}."
    )


def _median(of: Klom) -> str:
    return "infinite" if of.median is None else number(of.median, 2)


def arms_rows(found: ArmsComparison) -> list[tuple[AttackOnArms, tuple[tuple[str, str], ...]]]:
    """Return each attack with its cells: value and interval of each column of `ARMS_COLUMNS`."""
    return [
        (
            of,
            (
                *(_auc(arm) for arm in (of.unlearned, of.retrained, of.none)),
                *((("–", "") if arm is None else _rate(arm)) for arm in (of.unlearned, of.retrained, of.none)),
                (number(of.difference, signed=True), interval(of.difference_ci, signed=True)),
                (number(of.excess, signed=True), interval(of.excess_all_ci, signed=True)),
            ),
        )
        for of in found.attacks
    ]


ARMS_COLUMNS = (
    "AUC, method",
    "AUC, retrained",
    "AUC, not unlearned",
    "TPR at 1 %, method",
    "TPR at 1 %, retrained",
    "TPR at 1 %, not unlearned",
    "Method − retrained",
    "Further from 0.5, all at once",
)


def _auc(arm: ArmResult | None) -> tuple[str, str]:
    return ("–", "") if arm is None else (number(arm.auc), interval(arm.auc_ci))


def _rate(arm: ArmResult) -> tuple[str, str]:
    return number(arm.tpr), interval(arm.tpr_ci)


_STYLES = {"unlearned": (UNSEEN, "s", "the unlearned model alone"), "original": (CLASSICAL, "D", "the original alone")}
_BOTH = (LEADING, "o", "both versions")


def arms_plot(found: ArmsComparison) -> str:
    """Draw, attack by attack, how much further from guessing the method is than retraining, with intervals at once."""
    shown = found.attacks[:MOST_DRAWN]
    with drawing("arms"):
        figure, axes = new_figure(5.4, 0.24 * len(shown) + 1.2)
        known: set[str] = set()
        for y, of in enumerate(shown):
            colour, marker, words = _STYLES.get(of.view, _BOTH)
            face = PAPER if of.is_classical else colour
            axes.plot(of.excess_all_ci, (y, y), color=colour, linewidth=1.6, solid_capstyle="butt")
            label = None if words in known else words
            known.add(words)
            axes.plot(
                of.excess,
                y,
                marker,
                color=colour,
                markerfacecolor=face,
                markersize=5,
                zorder=3,
                linestyle="",
                label=label,
            )
        axes.axvline(0, color=INK, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_yticks(range(len(shown)), [brief(score_column(of.attack, of.attack_model), 32) for of in shown])
        axes.tick_params(axis="y", length=0, labelcolor=MUTED)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"distance of the AUC from 0.5: {found.method} minus retrained")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0.2)
        return to_svg(
            figure,
            "arms",
            "How much more each attack shows under the method than under retraining",
            "; ".join(
                f"{of.label}: {number(of.excess, signed=True)} ({interval(of.excess_all_ci, signed=True)})"
                for of in shown
            ),
        )
