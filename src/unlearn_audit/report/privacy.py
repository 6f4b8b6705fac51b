"""Leakage and accuracy against epsilon: the curve of the defences that train privately."""

from __future__ import annotations

from dataclasses import dataclass

from unlearn_audit.findings.result import on_most_rows
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import DefenseCost
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.report.svg import CLASSICAL, INK, LEADING, MUTED, drawing, new_figure, to_svg
from unlearn_audit.report.wording import number
from unlearn_audit.utils.typing import Interval

_WIDTH = 5.0


@dataclass(frozen=True)
class PrivacyPoint:
    """One release on the curve.

    Attributes
    ----------
    defense
        Its text.
    epsilon
        What its trainings spent; None without a guarantee.
    auc, auc_ci
        Of the attack on both versions that did best on shadow worlds, by an attacker who knows the defence.
    accuracy
        Of the released posteriors on records that were never trained on.
    """

    defense: str
    epsilon: float | None
    auc: float
    auc_ci: Interval
    accuracy: float


def privacy_curve(findings: Findings) -> tuple[PrivacyPoint, ...]:
    """Return the private releases by ascending epsilon, the undefended one last; empty if there is no private one."""
    private = [r for r in findings.released if r.privacy is not None and "+" not in r.defense]
    if not private:
        return ()
    plain = [r for r in findings.released if r.defense == "none"]
    points = [point for released in (*private, *plain) if (point := _point(findings, released)) is not None]
    return tuple(sorted(points, key=lambda point: point.epsilon or float("inf")))


def _point(findings: Findings, released: DefenseCost) -> PrivacyPoint | None:
    """Return the point of a release; None where every attack on both versions failed."""
    of_release = [
        r
        for r in findings.results
        if (r.defense, r.adaptive, r.game) == (released.defense, True, findings.selected.game) and r.sees_versions
    ]
    if not of_release:
        return None
    best = max(on_most_rows(of_release), key=lambda r: r.shadow_auc or 0.0)
    epsilon = None if released.privacy is None else released.privacy.epsilon
    return PrivacyPoint(released.defense, epsilon, best.auc, best.auc_ci, released.accuracy)


def privacy_plot(findings: Findings, name: str = "privacy") -> str:
    """Draw AUC with its interval, and accuracy, against epsilon; an empty text if nothing was trained privately.

    Ids in the drawing begin with ``name``.
    """
    points = privacy_curve(findings)
    if not points:
        return ""
    with drawing(name):
        figure, axes = new_figure(_WIDTH, 3.2)
        places = list(range(len(points)))
        aucs = [point.auc for point in points]
        ends = [
            [p.auc - p.auc_ci[0] for p in points],
            [p.auc_ci[1] - p.auc for p in points],
        ]
        axes.axhline(GUESSING, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        axes.errorbar(places, aucs, yerr=ends, fmt="o-", color=LEADING, capsize=3, label="AUC of the attack")
        accuracies = [p.accuracy for p in points]
        axes.plot(places, accuracies, "D--", color=CLASSICAL, markersize=5, label="accuracy of the model")
        axes.set_xticks(places, ["no guarantee" if p.epsilon is None else f"{p.epsilon:.3g}" for p in points])
        axes.set_xlim(-0.4, len(points) - 0.6)
        axes.set_ylim(min(0.0, *aucs), 1.0)
        axes.set_xlabel("epsilon spent by one version", color=INK)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0.2)
        caption = "; ".join(f"{p.defense}: AUC {number(p.auc)}, accuracy {number(p.accuracy)}" for p in points)
        return to_svg(figure, name, "Leakage and accuracy against epsilon", f"{caption}.")
