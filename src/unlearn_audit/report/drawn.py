"""A plot in both of its forms: as SVG text for a page, and as a figure for a notebook."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, ParamSpec

from unlearn_audit.report.svg import PAPER, drawing, to_svg
from unlearn_audit.utils.progress import in_notebook

if TYPE_CHECKING:
    from matplotlib.figure import Figure

P = ParamSpec("P")


class Drawn(NamedTuple):
    """A figure, and what `to_svg` needs with it."""

    figure: Figure
    name: str
    title: str
    description: str
    points: str = ""


class Drawing(Generic[P]):
    """A function that draws: called, it returns SVG text.

    Parameters
    ----------
    draw
        Returns the figure and its texts.
    """

    def __init__(self, draw: Callable[P, Drawn]) -> None:
        self._draw = draw
        self.__doc__ = draw.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return the plot as SVG text."""
        drawn = self._draw(*args, **kwargs)
        with drawing(drawn.name):
            return to_svg(*drawn)

    def figure(self, *args: P.args, **kwargs: P.kwargs) -> Figure:
        """Return the plot as a figure on paper, which notebooks show and which is no part of pyplot's state."""
        figure = self._draw(*args, **kwargs).figure
        figure.patch.set(facecolor=PAPER, alpha=1)
        _let_notebooks_show_figures()
        return figure


def _let_notebooks_show_figures() -> None:
    """Tell the notebook how figures are shown, unless pyplot or its user has done so."""
    if not in_notebook():
        return
    from IPython import get_ipython
    from IPython.core.pylabtools import print_figure
    from matplotlib.figure import Figure

    shown = get_ipython().display_formatter.formatters["image/png"]
    try:
        shown.lookup_by_type(Figure)
    except KeyError:
        shown.for_type(Figure, partial(print_figure, base64=True))
