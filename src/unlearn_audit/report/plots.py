"""The plots of the report as SVG text, and where each stands on the page: `PLOTS`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.attacks.base import score_column
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.result import Result
from unlearn_audit.findings.schema import Findings
from unlearn_audit.metrics.curves import roc_points, shares_above
from unlearn_audit.report.drawn import Drawing, Drawn
from unlearn_audit.report.svg import (
    CLASSICAL,
    DELETED,
    LEADING,
    MUTED,
    PAPER,
    RETAINED,
    UNSEEN,
    Readable,
    drawing,
    new_figure,
    readable_points,
)
from unlearn_audit.report.wording import (
    attack_words,
    number,
    percent,
    role_words,
    roles,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT = 4.5, 3.9
_LABEL = 40
"""Letters of the name of an attack in a legend."""

_READ_OFF = 120
"""Points of a curve that can be read off."""

_ROLE_STYLE = {"deleted": (DELETED, "-"), "unseen": (UNSEEN, (0, (5, 2))), "retained": (RETAINED, (0, (1, 1.2)))}


@Drawing
def roc_plot(findings: Findings, scores: pd.DataFrame) -> Drawn:
    """Draw the ROC curve of the leading attack and of its classical baseline, both axes logarithmic.

    The axes start at one false positive, below which the data say nothing. Rings mark the points whose
    true-positive rates are printed.

    Parameters
    ----------
    findings
        What the audit found.
    scores
        One row per scored target row: columns game, role, paper and one per attack (``attack/attack_model``).

    Raises
    ------
    AuditError
        If the scores of the leading attack, or of either role of its game, are missing.
    """
    leading = findings.leading()
    positive, negative = roles(leading.game)
    drawn = _pair_and_baseline(findings, leading)
    rows = _rows(leading, scores, [result for result, _ in drawn])
    played = rows[rows["role"].isin((positive, negative))]
    lowest = 1 / max(10, int((rows["role"] == negative).sum()))
    with drawing("roc"):
        figure, axes = new_figure(_WIDTH, _HEIGHT)
        roc_axes(axes, lowest, f"{negative} records flagged", f"{positive} records found")
        curves: list[Readable] = []
        for result, style in drawn:
            column = score_column(result.attack, result.attack_model)
            if column not in rows:
                continue
            x, y = roc_points(played[column].to_numpy(float), (played["role"] == positive).to_numpy(), lowest)
            label = f"{_short(attack_words(result.attack, result.attack_model))} ({number(result.auc)})"
            axes.plot(x, y, label=label, solid_joinstyle="round", **style)
            curves.append(_readable(label, result, x, y))
            for rate, reached in result.tpr_at_fpr.items():
                realised = result.realised_fpr.get(rate)
                if reached and realised and realised >= lowest:
                    axes.plot(
                        realised, reached, "o", markersize=6, color=style["color"], markerfacecolor=PAPER, zorder=4
                    )
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), borderaxespad=0.2, handlelength=2.2)
        points = ", ".join(
            f"{percent(tpr)} at {percent(rate)}" for rate, tpr in leading.tpr_at_fpr.items() if tpr is not None
        )
        return Drawn(
            figure,
            "roc",
            "ROC curve of the leading attack, logarithmic axes",
            f"{attack_words(leading.attack, leading.attack_model)} has an AUC of {number(leading.auc)}; "
            f"true-positive rates at false-positive rates: {points or 'none printed'}.",
            readable_points(axes, curves),
        )


def _short(label: str) -> str:
    return label if len(label) <= _LABEL else f"{label[: _LABEL - 1]}…"


def _readable(name: str, result: Result, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Readable:
    """Return a curve with no more points than can be read off."""
    some = np.unique(np.linspace(0, len(x) - 1, min(len(x), _READ_OFF)).astype(int))
    words = ([percent(float(f"{value:.3g}")) for value in of[some]] for of in (x, y))
    return Readable(name, "classical" if result.is_classical else "leading", x[some], y[some], *words)


@Drawing
def scores_plot(findings: Findings, scores: pd.DataFrame) -> Drawn:
    """Draw, per role, the share of records that the leading attack scores at or above each threshold.

    The curve of the positive role is the true-positive rate and that of the negative role the false-positive
    rate at that threshold, so their vertical gap is the leak. Thresholds stand at their rank among the records of
    both roles, which weigh the same, since the attack works by order alone: crowded scores are spread out, records
    tied at one score become a straight line, and without a leak both curves lie on the diagonal. Reference records
    are left out.

    Raises
    ------
    AuditError
        If the scores of the leading attack, or of either role of its game, are missing.
    """
    leading = findings.leading()
    rows = _rows(leading, scores, [leading])
    column = score_column(leading.attack, leading.attack_model)
    by_role = {role: rows.loc[rows["role"] == role, column].to_numpy(float) for role in _ROLE_STYLE}
    shown = {role: values for role, values in by_role.items() if len(values)}
    above = shares_above(shown, roles(leading.game))
    with drawing("scores"):
        figure, axes = new_figure(_WIDTH, _HEIGHT)
        axes.plot([0, 1], [1, 0], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        for role, share in above.shares.items():
            colour, line = _ROLE_STYLE[role]
            named = f"{role} ({len(shown[role]):,})"
            axes.plot(above.ranks, share, color=colour, linestyle=line, linewidth=1.8, label=named)
        ticks = np.linspace(0, 1, 6)
        at = np.minimum(np.searchsorted(above.ranks, ticks + 1e-12, side="right") - 1, len(above.thresholds) - 1)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xticks(ticks, [f"{above.thresholds[k]:.3g}".replace("-", "−") for k in at])
        axes.set_yticks(ticks, [f"{100 * tick:.0f} %" for tick in ticks])
        axes.set_xlabel("score, spaced by rank")
        axes.set_ylabel("records scored at least that high")
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            ncols=2,
            borderaxespad=0.2,
            handlelength=2.2,
            columnspacing=1.4,
        )
        return Drawn(
            figure,
            "scores",
            "Scores of the leading attack by role",
            "Share of records scored at least as high as a threshold: "
            + "; ".join(f"{role_words(role)}, median {np.median(values):.3g}" for role, values in shown.items())
            + ". Where the curves differ, the attack distinguishes the roles.",
        )


def _rows(leading: Result, scores: pd.DataFrame, drawn: Sequence[Result]) -> pd.DataFrame:
    """Return roles and the scores of some attacks, where they are there, in the leading attack's rows."""
    column = score_column(leading.attack, leading.attack_model)
    if column not in scores:
        raise AuditError(f"the scores have no column {column!r} of the leading attack; score it on the target first")
    wanted = (
        (scores["game"] == leading.game)
        & (scores["role"] != "reference")
        & (scores["defense"] == leading.defense)
        & scores["adaptive"]
    )
    if leading.rows == "paper":
        wanted &= scores["paper"]
    columns = dict.fromkeys(score_column(of.attack, of.attack_model) for of in drawn)
    rows = scores.loc[wanted, ["role", *(name for name in columns if name in scores)]]
    missing = [role for role in roles(leading.game) if not (rows["role"] == role).any()]
    if missing:
        raise AuditError(f"the scores have no {' and no '.join(missing)} records in {leading.game}; score them first")
    return rows


def _pair_and_baseline(findings: Findings, leading: Result) -> list[tuple[Result, dict[str, Any]]]:
    """Return the leading result and, if there is one, its classical baseline, each with its line style."""
    drawn: list[tuple[Result, dict[str, Any]]] = [(leading, {"color": LEADING, "linewidth": 1.9, "zorder": 3})]
    for result in findings.results:
        if result.is_baseline_of(leading):
            drawn.append((result, {"color": CLASSICAL, "linewidth": 1.5, "linestyle": (0, (5, 2))}))
    return drawn


def roc_axes(axes: Axes, lowest: float, flagged: str, found: str) -> None:
    """Prepare both axes for ROC curves: logarithmic, in per cent, with the line of guessing.

    Parameters
    ----------
    axes
        To be drawn in.
    lowest
        The rate at which both axes start.
    flagged, found
        What the false-positive and the true-positive rate count.
    """
    axes.plot([lowest, 1], [lowest, 1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.annotate("guessing", (0.3, 0.3), (6, -12), textcoords="offset points", color=MUTED, fontsize=8.5, va="top")
    axes.set_xlabel(f"{flagged} (false-positive rate)")
    axes.set_ylabel(f"{found} (true-positive rate)")
    ticks = [tick for tick in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0) if tick >= lowest]
    for scale, limits, set_ticks in (
        (axes.set_xscale, axes.set_xlim, axes.set_xticks),
        (axes.set_yscale, axes.set_ylim, axes.set_yticks),
    ):
        scale("log")
        limits(lowest, 1.06)
        set_ticks(ticks, [percent(tick) for tick in ticks])
    axes.tick_params(which="minor", length=0)


@dataclass(frozen=True)
class Plot:
    """A plot of the report.

    Attributes
    ----------
    title
        The first words of its caption.
    caption
        The rest, in which ``{positive}`` stands for the records of the positive role.
    draw
        From the findings and the scores of the target's rows to SVG text (`unlearn_audit.report.svg.to_svg`).
    """

    title: str
    caption: str
    draw: Callable[[Findings, pd.DataFrame], str]


PLOTS: tuple[tuple[Plot, ...], ...] = (
    (
        Plot(
            "Few wrongly flagged.",
            "How many {positive} the attack finds when it may flag only a few others. Both axes are logarithmic; rings "
            "are the printed rates.",
            roc_plot,
        ),
    ),
    (
        Plot(
            "Scores by role.",
            "At each threshold, the gap between the curves is what the attack gains over guessing; without a leak "
            "they lie on the dotted line.",
            scores_plot,
        ),
    ),
)
"""The left and the right column of the report's plots, each from top to bottom."""
