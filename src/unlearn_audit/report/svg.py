"""Matplotlib figures as SVG that lives inside a page: deterministic, in the page's colours, with a text alternative."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1c2430"
MUTED = "#5b6675"
GRID = "#dde2e8"
PAPER = "#fefefd"
LEADING = "#0072b2"
PAIR = "#5aa3cf"
CLASSICAL = "#8a5a00"
DELETED = "#d55e00"
UNSEEN = "#00856b"
RETAINED = "#a8558a"

VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    PAPER: "card",
    LEADING: "leading",
    PAIR: "pair",
    CLASSICAL: "classical",
    DELETED: "deleted",
    UNSEEN: "unseen",
    RETAINED: "retained",
}
"""Each colour of the plots and the CSS variable that replaces it, so that a page can change to dark.

The hues are those of Okabe and Ito, distinct with any colour vision; lines also differ in their pattern
and points in their shape.
"""

_POINTS_AN_INCH = 72
"""The units of an SVG drawing."""

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.linewidth": 0.7,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}


@contextmanager
def drawing(name: str) -> Iterator[None]:
    """Apply the settings of the report's plots; ``name`` salts the ids, so that equal figures have equal text."""
    import matplotlib as mpl

    settings: Any = {**_SETTINGS, "svg.hashsalt": name}
    with mpl.rc_context(settings):
        yield


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure of ``width`` by ``height`` inches with one pair of axes, apart from pyplot's state."""
    figure, (axes,) = new_panels(width, height, 1, 1)
    return figure, axes


def new_panels(width: float, height: float, rows: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure as `new_figure` with axes in ``rows`` and ``columns``, row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    panels = [figure.add_subplot(rows, columns, at + 1) for at in range(rows * columns)]
    for axes in panels:
        axes.patch.set_alpha(0)
    return figure, panels


@dataclass(frozen=True)
class Readable:
    """A curve whose values can be read off on the page.

    Attributes
    ----------
    name, kind
        What it is called, and ``leading`` or ``classical``.
    x, y
        (n,) its points, in the units of the axes.
    x_words, y_words
        (n,) the same in words.
    """

    name: str
    kind: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    x_words: Sequence[str]
    y_words: Sequence[str]


def readable_points(axes: Axes, curves: Sequence[Readable]) -> str:
    """Return where the points of curves lie in the drawing, as the JSON that the script of the page reads."""
    from matplotlib.figure import Figure

    figure = axes.figure  # matplotlib 3.9 has no other way to ask
    assert isinstance(figure, Figure)
    figure.set_dpi(_POINTS_AN_INCH)
    figure.draw_without_rendering()
    height = figure.bbox.height
    content = []
    for curve in curves:
        at = axes.transData.transform(np.column_stack([curve.x, curve.y]))
        words = zip(at, curve.x_words, curve.y_words, strict=True)
        points = [[round(float(x), 1), round(float(height - y), 1), a, b] for (x, y), a, b in words]
        content.append({"name": curve.name, "kind": curve.kind, "at": points})
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def to_svg(figure: Figure, name: str, title: str, description: str, points: str = "") -> str:
    """Return the figure as one ``<svg>`` element to be put into HTML.

    Texts stay texts, in the font of the page; ids start with ``name``, so that several figures share a page;
    colours become CSS variables with the light colour as fallback; ``title`` and ``description`` are the text
    alternative. ``points`` are those of `readable_points`. Call it inside `drawing` with the same ``name``.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    body = text[text.index("<svg") :]
    opening, _, content = body.partition(">")
    view_box = re.search(r'viewBox="[^"]*"', opening)
    content = re.sub(r"\s*<metadata>.*?</metadata>", "", content, flags=re.DOTALL)
    content = re.sub(r'\bid="', f'id="{name}-', content)
    content = content.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    content = re.sub(r"(font: [^;\"]*?)'DejaVu Sans'[^;\"]*", r"\1var(--font, sans-serif)", content)
    for colour, variable in VARIABLES.items():
        content = content.replace(f": {colour}", f": var(--{variable}, {colour})")
    readable = f' data-points="{html.escape(points)}"' if points else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {view_box.group() if view_box else ""} role="img" '
        f'aria-labelledby="{name}-title {name}-description"{readable}>\n'
        f'<title id="{name}-title">{html.escape(title)}</title>\n'
        f'<desc id="{name}-description">{html.escape(description)}</desc>{content}'
    )
