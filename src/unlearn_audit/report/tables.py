"""Tables of pages as data: what stands in each cell, how it sorts, and which line leads."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from unlearn_audit.report.wording import brief, interval, number
from unlearn_audit.utils.typing import Interval

MOST = 200
"""Lines of a table that a page shows."""

SHORT = 8
"""A table with more lines is folded, and can be searched."""


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, what stands beneath it in small print, and the number by which it sorts."""

    value: str
    ends: str = ""
    sort: float | None = None


@dataclass(frozen=True)
class Line:
    """One line of a table.

    Attributes
    ----------
    head
        Its name.
    cells
        One for each further column.
    tag
        A word or two next to its name.
    leading
        Whether it stands out.
    """

    head: str
    cells: tuple[Cell, ...]
    tag: str = ""
    leading: bool = False


@dataclass(frozen=True)
class Table:
    """A table: its columns, the first that of the names, and whether each holds numbers."""

    caption: str
    columns: tuple[tuple[str, bool], ...]
    lines: tuple[Line, ...]

    @property
    def shown(self) -> tuple[Line, ...]:
        """The lines that a page has room for."""
        return self.lines[:MOST]

    @property
    def key(self) -> str:
        """The class of a table with these columns."""
        return f"t{zlib.crc32(repr(self.columns).encode()):08x}"

    @property
    def style(self) -> Markup:
        """Return rules of style: which columns hold numbers, and the title of each, for screens without a head."""
        rules = [
            f".{self.key} tr>:nth-child({place}){{--align:right}}"
            for place, (_, numeric) in enumerate(self.columns, 1)
            if numeric
        ] + [
            f'.{self.key} td:nth-child({place})::before{{content:"{_quoted(brief(label))}"}}'
            for place, (label, _) in enumerate(self.columns[1:], 2)
        ]
        return Markup("".join(rules))  # every letter that is not plain is escaped  # nosec B704

    @property
    def is_long(self) -> bool:
        """Whether it is folded."""
        return len(self.lines) > SHORT


def _quoted(text: str) -> str:
    r"""Return a text as it stands in a string of a style sheet.

    Examples
    --------
    >>> print(_quoted('a "1" </b'))
    a \22 1\22  \3c \2f b
    """
    return "".join(c if c == " " or (c.isascii() and c.isalnum()) else f"\\{ord(c):x} " for c in text)


def estimate(value: float | None, ends: Interval | None = None, *, signed: bool = False) -> Cell:
    """Return a figure with its interval."""
    return Cell(number(value, signed=signed), interval(ends, signed=signed), value)


def plain_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> Table:
    """Return a table of texts, of which the first columns are words and the others numbers.

    Parameters
    ----------
    caption
        Its title.
    columns, rows
        Titles, and the texts of each line.
    texts
        How many columns are words.
    """
    return Table(
        caption,
        tuple((column, place >= texts) for place, column in enumerate(columns)),
        tuple(Line(row[0], tuple(Cell(text, sort=leading_number(text)) for text in row[1:])) for row in rows),
    )


def leading_number(text: str) -> float | None:
    """Return the number that a text begins with, by which it sorts.

    Examples
    --------
    >>> leading_number("−1,200.5 s"), leading_number("≥ 0.25"), leading_number("–")
    (-1200.5, 0.25, None)
    """
    first = text.replace("−", "-").replace(",", "").removeprefix("≥ ").split(" ")[0]
    try:
        return float(first)
    except ValueError:
        return None
