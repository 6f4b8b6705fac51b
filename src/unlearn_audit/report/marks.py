"""Small pictures drawn by hand, in the page's colours: people found and accused, and intervals on a line."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable

from markupsafe import Markup

from unlearn_audit.findings.result import Result
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.report.people import InPeople, counted, group_words
from unlearn_audit.report.wording import interval, number
from unlearn_audit.utils.typing import Interval

_ACROSS, _CELL = 10, 20
_PERSON = "M10 2.5a3.6 3.6 0 1 1 0 7.2a3.6 3.6 0 0 1 0-7.2M3.4 17.5c0-4 3-6.6 6.6-6.6s6.6 2.6 6.6 6.6z"


def people_picture(risk: InPeople) -> Markup:
    """Draw a hundred people of each kind, those found and those accused in colour; lighter up to the upper end."""
    found, most = _marked(risk.found), max(_marked(risk.found), _marked(risk.found_ci[1]))
    accused = _marked(risk.accused)
    both = (
        ("found", found, most, f"{_many(risk.found)} of 100 found", group_words(risk.positive)),
        ("accused", accused, accused, f"{_many(risk.accused)} of 100 wrongly flagged", group_words(risk.negative)),
    )
    groups = "".join(
        f'<div class="crowd {kind}"><svg viewBox="0 0 {_ACROSS * _CELL} {_ACROSS * _CELL}" role="img" '
        f'aria-label="{html.escape(f"{label}: {who}")}">{_crowd(marked, up_to)}</svg>'
        f"<p><b>{html.escape(label)}</b> {html.escape(who)}</p></div>"
        for kind, marked, up_to, label, who in both
    )
    return Markup(f'<div class="crowds">{groups}</div>')  # texts are escaped  # nosec B704


def _many(share: float) -> str:
    text = counted(share, 100)
    return text[0].upper() + text[1:]


def _marked(share: float) -> int:
    return round(100 * share)


def _crowd(marked: int, up_to: int) -> str:
    """Return a hundred people, the first ones in colour: one path a kind, so that the page stays small."""
    kinds = (("on", range(marked)), ("maybe", range(marked, up_to)), ("off", range(up_to, 100)))
    return "".join(
        f'<g class="{kind}">'
        + "".join(
            f'<path transform="translate({_CELL * (i % _ACROSS)} {_CELL * (i // _ACROSS)})" d="{_PERSON}"/>'
            for i in places
        )
        + "</g>"
        for kind, places in kinds
        if len(places)
    )


def scale_from(ends: Iterable[Interval]) -> float:
    """Return where a line of AUCs begins: at 0.4, or at the tenth below the lowest end.

    Examples
    --------
    >>> scale_from([(0.6, 0.7)]), scale_from([(0.21, 0.3)])
    (0.4, 0.2)
    """
    return min(0.4, *(math.floor(10 * low + 1e-9) / 10 for low, _ in ends), 0.4)


def strip(value: float, ends: Interval, kind: str, start: float = 0.4) -> Markup:
    """Draw a value with its interval on a line from ``start`` to 1, with guessing marked.

    The figures are next to it as text, so it is hidden from screen readers.

    Parameters
    ----------
    value, ends
        An AUC, and its interval.
    kind
        ``leading``, ``pair`` or ``classical``: its colour and shape.
    start
        Where the line begins.
    """
    low, high = (_at(end, start) for end in ends)
    at = _at(value, start)
    mark = (
        f'<rect x="{at:.2f}%" y="5.5" width="9" height="9" transform="translate(-4.5 0)"/>'
        if kind == "classical"
        else f'<circle cx="{at:.2f}%" cy="10" r="5"/>'
    )
    drawn = (
        f'<svg class="strip {kind}" height="20" aria-hidden="true" focusable="false">'
        f'<line class="rail" x1="0" x2="100%" y1="10" y2="10"/>'
        f'<line class="guess" x1="{_at(GUESSING, start):.2f}%" x2="{_at(GUESSING, start):.2f}%" y1="0" y2="20"/>'
        f'<line class="range" x1="{low:.2f}%" x2="{high:.2f}%" y1="10" y2="10"/>{mark}</svg>'
    )
    return Markup(drawn)  # numbers, and texts of ours  # nosec B704


def _at(value: float, start: float) -> float:
    """Return a place on the line in percent, with room for a mark at either end."""
    return 2 + 96 * (min(max(value, start), 1.0) - start) / (1 - start)


def axis(start: float) -> Markup:
    """Return a row of a chart with the numbers of its line: guessing, certainty, and the tenths between at need."""
    ticks = [start, *(t for t in (GUESSING, 0.75, 1.0) if t - start > 0.05)]
    ends = {ticks[0]: (0.0, "start"), ticks[-1]: (100.0, "end")}
    places = [(tick, *ends.get(tick, (_at(tick, start), "middle"))) for tick in ticks]
    texts = "".join(f'<text x="{x:.2f}%" y="12" text-anchor="{anchor}">{tick:g}</text>' for tick, x, anchor in places)
    drawn = (
        '<div class="row axis" aria-hidden="true"><div class="name"></div><div class="mark">'
        f'<svg class="strip" height="16" focusable="false">{texts}</svg></div></div>'
    )
    return Markup(drawn)  # numbers, and texts of ours  # nosec B704


def gauge(leading: Result) -> Markup:
    """Draw the AUC of the leading attack between guessing and certainty, where people cannot be counted."""
    start = scale_from([leading.auc_ci])
    drawn = (
        f'<div class="gauge"><div class="chart">{axis(start)}<div class="row"><div class="mark">'
        f"{strip(leading.auc, leading.auc_ci, 'leading', start)}</div></div></div><p>AUC {number(leading.auc)} "
        f"({interval(leading.auc_ci)}): the chance that the attack ranks a random pair, one of each kind, correctly. "
        "0.5 is guessing, 1 is certainty.</p></div>"
    )
    return Markup(drawn)  # numbers, and texts of ours  # nosec B704
