"""The ROC curves of several runs in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unlearn_audit.audits.comparison.compare import Curve
from unlearn_audit.audits.comparison.findings import RunRow
from unlearn_audit.metrics.curves import roc_points
from unlearn_audit.report.plots import roc_axes
from unlearn_audit.report.svg import (
    CLASSICAL,
    DELETED,
    INK,
    LEADING,
    MUTED,
    PAIR,
    RETAINED,
    UNSEEN,
    drawing,
    new_figure,
    to_svg,
)
from unlearn_audit.report.wording import number

_COLOURS = (LEADING, DELETED, UNSEEN, RETAINED, CLASSICAL, PAIR, INK, MUTED)
_DASHES: tuple[object, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))


def roc_overlay(rows: Sequence[RunRow], curves: Mapping[int, Curve]) -> str:
    """Draw the ROC curve of each run's leading attack, both axes logarithmic; nothing where there is none.

    Runs are called by their number, as names of folders may be anything.

    Parameters
    ----------
    rows
        Of the runs.
    curves
        By the place of a run, from 0.
    """
    if not curves:
        return ""
    lowest = min(1 / max(10, int(np.count_nonzero(~positive))) for _, positive in curves.values())
    with drawing("runs"):
        figure, axes = new_figure(5.2, 3.9 + 0.17 * -(-len(curves) // 3))
        roc_axes(axes, lowest, "others flagged wrongly", "deleted records found")
        for place, (scores, positive) in curves.items():
            x, y = roc_points(scores, positive, max(lowest, 1 / max(10, int(np.count_nonzero(~positive)))))
            axes.plot(
                x,
                y,
                label=f"run {place + 1} ({number(rows[place].auc)})",
                color=_COLOURS[place % len(_COLOURS)],
                linestyle=_DASHES[(place + place // len(_COLOURS)) % len(_DASHES)],
                linewidth=1.7,
                solid_joinstyle="round",
            )
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            ncols=3,
            borderaxespad=0.2,
            handlelength=2.4,
            columnspacing=1.4,
        )
        return to_svg(
            figure,
            "runs",
            "ROC curves of the leading attacks, logarithmic axes",
            "; ".join(f"run {place + 1} has an AUC of {number(rows[place].auc)}" for place in curves) + ".",
        )
