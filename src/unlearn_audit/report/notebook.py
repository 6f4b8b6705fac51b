"""A result as a notebook shows it: a verdict, one short table, and what to call for more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unlearn_audit.findings.schema import Findings
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.settings import without_folder
from unlearn_audit.report.terminal import brief_lines
from unlearn_audit.report.wording import attack_words, interval, number

_LETTERS, _LETTERS_OF_A_CELL = 1200, 60
_MOST_WARNINGS = 3

MOST_ROWS = 10
"""Rows of a table; the others are in a frame."""


@dataclass(frozen=True)
class Card:
    """What is shown: texts are data, and cut where they are long, so that no card is larger than 30 kB.

    Attributes
    ----------
    headline, text, about
        The verdict, what it rests on, and what was audited.
    columns, rows
        The table, of which `MOST_ROWS` are shown.
    warnings
        What may change the meaning of figures; of many, the first.
    after
        Below the table.
    """

    headline: str
    text: str = ""
    about: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    warnings: Sequence[str] = ()
    after: Sequence[str] = ()

    def html(self) -> str:
        """Return the card as a part of a page."""
        more = len(self.warnings) - _MOST_WARNINGS
        left = () if more <= 0 else (f"{more:,} more warnings: see findings.warnings.",)
        cut = Card(
            cut_text(self.headline),
            cut_text(self.text),
            cut_text(self.about, 4 * _LETTERS_OF_A_CELL),
            self.columns,
            [[cut_text(cell, _LETTERS_OF_A_CELL) for cell in row] for row in self.rows[:MOST_ROWS]],
            [cut_text(of, _LETTERS // 4) for of in (*self.warnings[:_MOST_WARNINGS], *left)],
            [cut_text(of) for of in self.after[:3]],
        )
        return page_template("notebook.html.j2").render(card=cut)


def cut_text(text: str, most: int = _LETTERS) -> str:
    """Return a text, or its start where it is long.

    Examples
    --------
    >>> cut_text("digits"), cut_text("a long name", 6)
    ('digits', 'a lon…')
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def card_of(findings: Findings) -> Card:
    """Return the card of an audit; it names no record."""
    headline, separator, rest = findings.verdict.summary.partition(". ")
    lines, left = brief_lines(findings)
    defended = len(findings.released) > 1
    rows = [
        [
            attack_words(of.attack, of.attack_model),
            of.rows,
            *([of.defense + ("" if of.adaptive else " (naive)")] if defended else []),
            f"{number(of.auc)} ({interval(of.auc_ci)})",
            number(of.auc_minus_classical, signed=True),
            number(next((rate for key, rate in of.tpr_at_fpr.items() if float(key) == 0.01), None)),
            number(of.accuracy),
        ]
        for of in lines
    ]
    columns = ("Attack", "Rows", *(["Defence"] if defended else []))
    more = f"{left:,} more: to_frame(). " if left else ""
    return Card(
        headline + separator.strip(),
        rest,
        f"{without_folder(findings.dataset)}, {findings.model}, regime {findings.regime}, {findings.selected.game}. "
        f"Verdict: {findings.verdict.kind}; gate: {findings.verdict.gate}.",
        (*columns, "AUC (95 % interval)", "Beyond the original", "TPR at 1 % FPR", "Accuracy"),
        rows,
        findings.warnings,
        [
            f"First the leading attack, then the best of each feature. {more}"
            "plot.roc() and plot.scores() draw; save(folder) writes the report."
        ],
    )
