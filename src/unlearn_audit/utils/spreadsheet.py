r"""Tables of people's names and ids as CSV that a spreadsheet shows and never runs, and back.

A spreadsheet computes a cell that starts with ``=``, ``+``, ``-`` or ``@``, so an id ``=HYPERLINK(...)`` acts when its
owner opens the file. Such a text gets an apostrophe in front (and so does one that has apostrophes before such a
start, so that nothing is ambiguous). A character that is not seen becomes ``\uXXXX``, and a backslash before such a
form ``\u005c``. Numbers stay numbers. `unescaped` undoes all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from unlearn_audit.utils.shown import escape, hidden

PREFIX = "private-"
"""What the names of the files start with in which texts are escaped so."""

# full-width signs as well, which some spreadsheets take for the others
_RUNS = re.compile(r"'*\s*[=+\-@＝＋－＠]")
_SEPARATORS = re.compile(r'[,;|\s"]')
_BACKSLASH = re.compile(r"\\(?=u[0-9a-f]{4})")
_ESCAPES = re.compile(r"(?:\\u[0-9a-f]{4})+")


def escaped(text: str) -> str:
    r"""Return a text as a cell that a spreadsheet shows and does not run.

    Examples
    --------
    >>> [escaped(text) for text in ("=1+1", "'=1+1", "-5", "Ada", "O'Hara", "'quoted'")]
    ["'=1+1", "''=1+1", "'-5", 'Ada', "O'Hara", "'quoted'"]
    """
    seen = hidden(_BACKSLASH.sub(escape, text))
    return f"'{seen}" if _RUNS.match(seen) else seen


def unescaped(cell: str) -> str:
    r"""Return the text of a cell.

    Examples
    --------
    >>> [unescaped(escaped(text)) for text in ("=1+1", "''=1+1", "a\u202eb", "\\u202e")] == [
    ...     "=1+1",
    ...     "''=1+1",
    ...     "a\u202eb",
    ...     "\\u202e",
    ... ]
    True
    """
    text = cell[1:] if cell.startswith("'") and _RUNS.match(cell) else cell
    return _ESCAPES.sub(_characters, text)


def to_csv(table: pd.DataFrame | Mapping[str, Iterable[object]]) -> str:
    r"""Return a table as CSV with a header; of its texts, each as `escaped`, and numbers as they are.

    What could be read as a separator stands in quotes, also where the spreadsheet separates by semicolons.

    Examples
    --------
    >>> to_csv({"person": ["=1+1", "Ada; L."], "change": [-0.5, None]})
    'person,change\n\'=1+1,-0.5\n"Ada; L.",\n'
    """
    columns = {str(name): list(values) for name, values in table.items()}
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    return rows_of_csv([[_cell(value) for value in row] for row in rows])


def rows_of_csv(rows: Iterable[Sequence[str]]) -> str:
    """Return the lines of rows whose cells are escaped already."""
    return "".join(",".join(map(_quoted, row)) + "\n" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, str):
        return escaped(value)
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _SEPARATORS.search(cell) else cell


def _characters(found: re.Match[str]) -> str:
    units = bytes.fromhex(found[0].replace("\\u", ""))
    return units.decode("utf-16-be", "surrogatepass")
