"""What an experiment is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unlearn_audit.reproduce.claims import Decision, Measured
from unlearn_audit.reproduce.grid import Cell, Scale
from unlearn_audit.reproduce.readings import READINGS

TREE_AND_LOGISTIC = ("decision-tree", "logistic-regression")
"""The two models of the grids that vary something else."""

Grid = Callable[[Scale], list[Cell]]
Decide = Callable[[Sequence[Measured]], list[Decision]]


@dataclass(frozen=True)
class Experiment:
    """One experiment of the paper.

    Attributes
    ----------
    name
        What `reproduce` calls it.
    title
        One line.
    claim
        What the paper says, in one line.
    values
        What the grid varies, in one line.
    grid
        The cells at a scale.
    decide
        The claims, decided on what the cells gave.
    by_feature
        Whether the table has a row a feature, or the selected attack alone.
    """

    name: str
    title: str
    claim: str
    values: str
    grid: Grid
    decide: Decide
    by_feature: bool = False

    @property
    def reading(self) -> str:
        """Why the outcome can differ from the paper's, where it does."""
        return READINGS[self.name]
