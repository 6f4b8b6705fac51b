"""A reproduction as one self-contained page: claims, figure, tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from unlearn_audit.report.marks import axis, scale_from, strip
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.privacy import privacy_plot
from unlearn_audit.report.signing import Signing
from unlearn_audit.report.tables import Table, plain_table
from unlearn_audit.report.wording import interval, number
from unlearn_audit.reproduce.claims import Decision, tally
from unlearn_audit.reproduce.run import Reproduction
from unlearn_audit.utils.typing import Interval


@dataclass(frozen=True)
class ChartLine:
    """One cell of the figure: the AUC from both versions and from the original alone, with 95 % intervals."""

    name: str
    both: float
    both_ci: Interval
    classical: float
    classical_ci: Interval


_RANGE = re.compile(r"^(.+?) \[(.+), (.+)\]$")


def render_reproduction(
    done: Reproduction,
    chart: Sequence[ChartLine],
    short: pd.DataFrame,
    claims: pd.DataFrame,
    signing: Signing | None = None,
) -> str:
    """Return the page; by default it is dated now.

    Parameters
    ----------
    done
        The experiment and what was measured.
    chart
        What its figure shows.
    short, claims
        The table as people read it, and the claims one by one.
    signing
        Date and version.
    """
    by_text: dict[str, list[Decision]] = {}
    for decision in done.decisions:
        by_text.setdefault(decision.claim, []).append(decision)
    plots = [privacy_plot(measured.findings, f"privacy-{i}") for i, measured in enumerate(done.cells)]
    start = scale_from([ends for line in chart for ends in (line.both_ci, line.classical_ci)])
    return page_template("reproduce.html.j2", "unlearn_audit.reproduce").render(
        title=done.experiment.title,
        experiment=done.experiment,
        scale=done.scale.name,
        outcomes=[(claim, tally(decisions)) for claim, decisions in by_text.items()],
        axis=axis(start),
        chart=[_drawn(line, start) for line in chart],
        privacy=[Markup(svg) for svg in plots if svg],  # matplotlib escapes texts  # nosec B704
        short=_table("All figures", short),
        claims=_table("All claims", claims),
        signing=signing or Signing.now(),
    )


def _drawn(line: ChartLine, start: float) -> tuple[str, list[tuple[str, Markup, str, str]]]:
    """Return a cell's name and, for both versions and for the original alone, words, mark, value and interval."""
    each = (
        ("both versions", "leading", line.both, line.both_ci),
        ("original alone", "classical", line.classical, line.classical_ci),
    )
    marks = [(words, strip(auc, ends, kind, start), number(auc), interval(ends)) for words, kind, auc, ends in each]
    return line.name, marks


def _table(caption: str, frame: pd.DataFrame) -> Table:
    rows = [[_spaced(str(value)) for value in row] for row in frame.itertuples(index=False)]
    texts = sum(not _is_number(row) for row in zip(*rows, strict=True)) if rows else len(frame.columns)
    return plain_table(caption, [str(name) for name in frame.columns], rows, texts)


def _is_number(column: tuple[str, ...]) -> bool:
    return all(re.match(r"^[+−-]?[0-9]", text) for text in column)


def _spaced(text: str) -> str:
    """Return a figure with its interval in words, which a narrow column can break.

    Examples
    --------
    >>> _spaced("0.862 [0.840, 0.882]")
    '0.862 (0.840 to 0.882)'
    """
    found = _RANGE.match(text)
    return text if found is None else f"{found[1]} ({found[2]} to {found[3]})"
