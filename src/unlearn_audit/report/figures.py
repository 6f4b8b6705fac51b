"""The plots of an audit as matplotlib figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from unlearn_audit.findings.schema import Findings
from unlearn_audit.report.plots import roc_plot, scores_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Plots:
    """The plots of an audit, each as a matplotlib figure.

    Parameters
    ----------
    findings, scores
        What plots are drawn from, see `unlearn_audit.report.plots`.
    """

    def __init__(self, findings: Findings, scores: pd.DataFrame) -> None:
        self._of = findings, scores

    def __repr__(self) -> str:
        """Return how to draw each."""
        return "plots: .roc() and .scores() return matplotlib figures"

    def roc(self) -> Figure:
        """Draw the ROC curve of the leading attack and of the strongest attack on the original alone."""
        return roc_plot.figure(*self._of)

    def scores(self) -> Figure:
        """Draw, by role, the share of records that the leading attack scores at or above each threshold."""
        return scores_plot.figure(*self._of)
