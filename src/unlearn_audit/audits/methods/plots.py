"""The plots of a comparison as SVG text: leak against accuracy, time, difficulty and the number of noisy steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Literal

from unlearn_audit.audits.methods.findings import Method, MethodsFindings
from unlearn_audit.audits.methods.fronts import ACCURACY, AXES, leak_of
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.report.svg import (
    CLASSICAL,
    DELETED,
    INK,
    LEADING,
    MUTED,
    PAIR,
    PAPER,
    RETAINED,
    UNSEEN,
    drawing,
    new_figure,
    to_svg,
)
from unlearn_audit.report.wording import number
from unlearn_audit.utils.typing import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = ((LEADING, "o"), (DELETED, "s"), (UNSEEN, "^"), (RETAINED, "D"), (CLASSICAL, "v"), (PAIR, "P"), (MUTED, "X"))
_REFERENCE = (INK, "*")

Front = Literal["accuracy", "seconds"]

_AXIS_WORDS: dict[Front, str] = {
    "accuracy": "test accuracy, retrained minus unlearned (points; left is better)",
    "seconds": "seconds of one request (logarithmic; left is better)",
}

_SCALES: dict[Front, float] = {"accuracy": 100.0, "seconds": 1.0}


def front_plot(found: MethodsFindings, front: Front) -> str:
    """Draw the leak by the pair against lost accuracy or time, with intervals; a line joins the Pareto front.

    Nothing is drawn, and the text is empty, where no method has both figures.
    """
    axis = AXES[front]
    shown = [(row, leak_of(row), axis(row)) for row in found.shown]
    points = [(row, leak, at) for row, leak, at in shown if leak is not None and at is not None]
    if front == "seconds":
        points = [point for point in points if point[2] > 0]
    if not points:
        return ""
    scale, names = _SCALES[front], short_names([of.method for of in found.shown])
    with drawing(f"front-{front}"):
        figure, axes = new_figure(5.2, 4.2)
        if front == "seconds":
            axes.set_xscale("log")
        for i, (row, leak, at) in enumerate(points):
            draw_mark(axes, row, names[row.method], scale * at, leak, front, i)
        on = sorted((scale * at, leak) for row, leak, at in points if front in row.fronts)
        axes.plot([x for x, _ in on], [y for _, y in on], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        axes.set_ylim(bottom=-0.012)
        axes.set_xlabel(_AXIS_WORDS[front])
        axes.set_ylabel("leak by the pair: distance of the AUC from 0.5")
        return to_svg(
            figure,
            f"front-{front}",
            f"Leak by the pair against {'lost accuracy' if front == 'accuracy' else 'time'}",
            "; ".join(
                f"{row.method}: leak {number(leak)}, {number(scale * at)}{' (front)' if front in row.fronts else ''}"
                for row, leak, at in points
            ),
        )


def short_names(texts: Sequence[str]) -> dict[str, str]:
    """Return what methods are called in a plot: without the options that no other of the same name sets otherwise.

    Examples
    --------
    >>> short_names(["sisa:shards=3", "scrub:gamma=1,epochs=5", "scrub:gamma=1,epochs=9", "mine.py:refit"])
    ... # doctest: +NORMALIZE_WHITESPACE
    {'sisa:shards=3': 'sisa', 'scrub:gamma=1,epochs=5': 'scrub:epochs=5', 'scrub:gamma=1,epochs=9': 'scrub:epochs=9',
     'mine.py:refit': 'mine.py:refit'}
    """
    parts = {text: text.rpartition(":") if "=" in text else (text, "", "") for text in texts}
    alike: dict[str, list[set[str]]] = {}
    for name, _, options in parts.values():
        alike.setdefault(name, []).append(set(options.split(",")))
    short = {}
    for text, (name, _, options) in parts.items():
        own = [option for option in options.split(",") if option not in set.intersection(*alike[name])]
        short[text] = f"{name}:{','.join(own)}" if any(own) else name
    return short


def draw_mark(axes: Axes, row: Method, name: str, x: float, y: float, front: Front, place: int) -> None:
    """Draw a method with its intervals and its name, filled where it lies on the front of this plot."""
    colour, marker = _REFERENCE if row.status == "reference" else STYLES[place % len(STYLES)]
    assert row.arms is not None
    low, high = turned_interval(row.arms.update.unlearned.auc_ci)
    axes.plot((x, x), (low, high), color=colour, linewidth=1.1, zorder=2)
    if (x_ends := _x_ends(row, front)) is not None:
        axes.plot(x_ends, (y, y), color=colour, linewidth=1.1, zorder=2)
    # the references lie on top, as methods may coincide with them
    over = 4 if row.status == "reference" else 3
    face = colour if front in row.fronts else PAPER
    axes.plot(x, y, marker, color=colour, markerfacecolor=face, markersize=7, zorder=over)
    # names of neighbours stand above and below by turns
    axes.annotate(
        name,
        (x, y),
        (6, 5 if place % 2 == 0 else -11),
        textcoords="offset points",
        fontsize=7.5,
        color=MUTED,
    )


def _x_ends(row: Method, front: Front) -> Interval | None:
    if front == "seconds":
        ends = None if row.cost is None else row.cost.seconds_ci
        return None if ends is None or ends[0] <= 0 else ends
    found = None if row.arms is None else row.arms.measured(ACCURACY)
    if found is None or found.difference_ci is None:
        return None
    low, high = found.difference_ci
    return -_SCALES[front] * high, -_SCALES[front] * low


def turned_interval(ends: Interval) -> Interval:
    """Return where the distance from 0.5 lies if an AUC lies between two ends.

    Examples
    --------
    >>> [tuple(round(end, 2) for end in turned_interval(ends)) for ends in ((0.6, 0.7), (0.4, 0.7), (0.2, 0.3))]
    [(0.1, 0.2), (0.0, 0.2), (0.2, 0.3)]
    """
    low, high = (end - GUESSING for end in ends)
    least = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return least, max(abs(low), abs(high))


def difficulty_plot(found: MethodsFindings, by: str) -> str:
    """Draw the AUC of each method's best attack in each tenth of one kind of difficulty."""
    rows: Sequence[Method] = [
        row for row in found.shown if any(of.by == by and of.auc is not None for of in row.difficulty)
    ]
    if not rows:
        return ""
    names = short_names([of.method for of in rows])
    columns = max(1, min(3, 60 // max(map(len, names.values()))))
    with drawing(f"difficulty-{by}"):
        figure, axes = new_figure(5.4, 3.4 + 0.2 * math.ceil(len(rows) / columns))
        axes.axhline(GUESSING, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        for i, row in enumerate(rows):
            colour, marker = _REFERENCE if row.status == "reference" else STYLES[i % len(STYLES)]
            known = [(of.tenth, of.auc, of.auc_ci) for of in row.difficulty if of.by == by and of.auc is not None]
            shift = 0.6 * (i / max(len(rows) - 1, 1) - 0.5)
            axes.plot(
                [tenth + shift for tenth, _, _ in known],
                [auc for _, auc, _ in known],
                marker=marker,
                markersize=4.5,
                color=colour,
                linewidth=0.9,
                label=names[row.method],
            )
            for tenth, _, ends in known:
                if ends is not None:
                    axes.plot((tenth + shift, tenth + shift), ends, color=colour, linewidth=0.8, alpha=0.6)
        axes.set_xlabel(f"tenth of difficulty by {by}, 10 the hardest")
        axes.set_ylabel("AUC by the pair")
        axes.set_xticks(range(1, 11))
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns, borderaxespad=0.2)
        return to_svg(
            figure,
            f"difficulty-{by}",
            f"Leak by tenths of difficulty ({by})",
            "; ".join(
                f"{row.method}: " + ", ".join(f"{of.tenth} {number(of.auc)}" for of in row.difficulty if of.by == by)
                for row in rows
            ),
        )


def steps_plot(found: MethodsFindings) -> str:
    """Draw what the best attacks reach on both versions, and on the unlearned model alone, against noisy steps.

    Nothing is drawn, and the text is empty, where fewer than two numbers of steps were compared.
    """
    rows = [(row.noisy_steps, row.arms) for row in found.compared if row.noisy_steps is not None and row.arms]
    if len({steps for steps, _ in rows}) < 2:
        return ""
    rows.sort(key=itemgetter(0))
    lines = {
        "both versions": [(steps, arms.update.unlearned) for steps, arms in rows],
        "unlearned model alone": [(steps, arms.residual.unlearned) for steps, arms in rows if arms.residual],
    }
    with drawing("steps"):
        figure, axes = new_figure(5.2, 3.6)
        axes.axhline(GUESSING, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        axes.set_xscale("log")
        for (name, results), (colour, marker) in zip(lines.items(), STYLES, strict=False):
            steps, aucs = [at for at, _ in results], [of.auc for _, of in results]
            axes.plot(steps, aucs, marker, color=colour, markersize=5, label=name)
            for at, of in results:
                axes.plot((at, at), of.auc_ci, color=colour, linewidth=0.9)
        axes.set_xlabel("noisy steps of a request (logarithmic)")
        axes.set_ylabel("AUC of the best attack")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0.2)
        words = (
            f"{name}: " + ", ".join(f"{at} {number(of.auc)}" for at, of in of_name) for name, of_name in lines.items()
        )
        return to_svg(figure, "steps", "Leak against the number of noisy steps", "; ".join(words))
