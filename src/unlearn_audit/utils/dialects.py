"""How a text file separates its columns, writes decimals and is encoded: found out from its start."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearn_audit.errors import AuditError

SAMPLE = 1 << 20
"""Bytes from which a dialect is found out."""

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""What may separate columns, by the name that a flag takes."""

_ROWS = 200
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*%?")
_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?\s*%?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
_SEP_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
_LINES = re.compile(r"\r\n|\r|\n")


SAVE_AS_UTF_8 = "save it as UTF-8, or name its encoding (predictions, release and inspect: --text-encoding latin-1)"
"""What to do with a text in another encoding; tables of records have no such option."""


@dataclass(frozen=True)
class Dialect:
    """How a text file is written.

    Attributes
    ----------
    delimiter
        What separates columns.
    decimal
        What separates decimals.
    encoding
        As Python names it.
    skipped
        How many lines before the header are no part of the table: comments, or Excel's ``sep=;``.
    """

    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    skipped: int = 0

    @property
    def notes(self) -> list[str]:
        """What differs from a plain CSV, in words."""
        named = {sign: name for name, sign in DELIMITERS.items()}
        found = [] if self.delimiter == "," else [f"columns are separated by {named[self.delimiter]}"]
        found += ["decimals are written with a comma"] * (self.decimal == ",")
        found += [f"text is {self.encoding}"] * (self.encoding != "utf-8")
        lines = "line" if self.skipped == 1 else "lines"
        return found + [f"{self.skipped} {lines} before the header left out"] * bool(self.skipped)


def encoding_of(head: bytes) -> str:
    """Return the encoding that the first bytes of a text state; UTF-8 where they state none."""
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"


def delimiter_named(name: str) -> str:
    r"""Return the sign that a name, or the sign itself, stands for.

    Examples
    --------
    >>> delimiter_named("semicolon"), delimiter_named("|"), delimiter_named(r"\t")
    (';', '|', '\t')
    """
    sign = DELIMITERS.get(name.lower(), "\t" if name == r"\t" else name)
    if sign not in DELIMITERS.values():
        raise AuditError(f"the delimiter {name!r} is not read; use {', '.join(DELIMITERS)}")
    return sign


def dialect_of(
    sample: bytes, path: Path, delimiter: str | None = None, decimal: str | None = None, encoding: str | None = None
) -> Dialect:
    """Return how a text file is written.

    Parameters
    ----------
    sample
        Its first `SAMPLE` bytes, or all of them.
    path
        The file, for messages.
    delimiter, decimal, encoding
        What is known already.

    Raises
    ------
    AuditError
        If it isn't text of its encoding, or two delimiters fit equally.
    """
    encoding = encoding or encoding_of(sample)
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError as error:
        raise AuditError(f"the encoding {encoding!r} is not known; use utf-8, utf-16 or latin-1") from error
    try:
        text = decoder.decode(sample, final=len(sample) < SAMPLE)  # else a last character may be cut
    except UnicodeError as error:
        raise _not_text(path, encoding) from error
    lines = _LINES.split(text.lstrip("\ufeff"))
    if len(sample) >= SAMPLE and len(lines) > 1:
        lines.pop()  # which is cut
    skipped, stated = _before_header(lines)
    body = "\n".join(lines[skipped:])
    delimiter = delimiter or stated or _delimiter(body, path)
    if decimal is None:
        decimal = "," if delimiter != "," and _writes_commas(records(body, delimiter)[1:]) else "."
    return Dialect(delimiter, decimal, encoding, skipped)


def _not_text(path: Path, encoding: str) -> AuditError:
    named = {"utf-8": "UTF-8", "utf-16": "UTF-16"}.get(encoding, encoding)
    return AuditError(f"{path} is not {named} text; {SAVE_AS_UTF_8}")


def _before_header(lines: Sequence[str]) -> tuple[int, str | None]:
    """Return how many lines stand before the header, and the delimiter that they state."""
    count, stated = 0, None
    if lines and (found := _SEP_LINE.fullmatch(lines[0].strip())) and found[1] in DELIMITERS.values():
        return 1, found[1]
    while count < len(lines) - 1 and (lines[count].startswith("#") or (count and not lines[count].strip())):
        count += 1
    if count:
        last = next(line for line in reversed(lines[:count]) if line.startswith("#"))
        header = lines[count]
        # a header may start with # itself
        if any(len(fields(last, d)) == len(fields(header, d)) > 1 for d in DELIMITERS.values()):
            count -= 1
    return count, stated


def fields(line: str, delimiter: str) -> list[str]:
    """Return the fields of one line."""
    return next(iter(records(line, delimiter)), [])


def records(text: str, delimiter: str, most: int = _ROWS) -> list[list[str]]:
    """Return the first rows of a text, each as its fields; empty lines are none."""
    found: list[list[str]] = []
    try:
        for row in csv.reader(text.split("\n"), delimiter=delimiter):
            if row:
                found.append(row)
            if len(found) == most:
                break
    except csv.Error:  # a field of more than 131,072 characters
        line = next((line for line in text.split("\n") if line.strip()), "")
        return [line.split(delimiter)]
    return found


def _delimiter(text: str, path: Path) -> str:
    """Return what separates the columns: what gives the header and all rows equally many."""
    widths = {sign: [len(row) for row in records(text, sign)] for sign in DELIMITERS.values()}
    several = {sign: of for sign, of in widths.items() if of and of[0] > 1}
    fitting = [sign for sign, of in several.items() if set(of) == {of[0]}]
    if len(fitting) > 1 and len(widths[","]) > 1:
        plain = [sign for sign in fitting if all(_is_name(name) for name in fields(_first(text), sign))]
        fitting = plain or fitting
    if len(fitting) > 1 and "," in fitting:
        return ","
    if len(fitting) > 1:
        names = [name for name, sign in DELIMITERS.items() if sign in fitting]
        raise AuditError(
            f"{path} may be separated by {' or '.join(names)}; save it with commas, or say which with --delimiter "
            "(predictions, release and inspect)"
        )
    if fitting:
        return fitting[0]
    if not several:
        return ","
    best = max(several, key=lambda sign: (several[sign][0], sign == ","))
    rows = several[best][1:]
    others = [sign for sign, of in widths.items() if sign != best and of and len(of) > 1 and of[1] == several[best][0]]
    if others and rows and rows[0] == 1:
        named = {sign: name for name, sign in DELIMITERS.items()}
        raise AuditError(
            f"{path} separates its header by {named[best]} and its rows by {named[others[0]]}; save it with one of them"
        )
    return best


def _first(text: str) -> str:
    return next((line for line in text.split("\n") if line.strip()), "")


def _is_name(name: str) -> bool:
    return not any(sign in name for sign in DELIMITERS.values())


def _writes_commas(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether numbers have a decimal comma: some do for certain, and none has a point."""
    cells = [cell.strip() for row in rows for cell in row]
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    return any(not _THOUSANDS.fullmatch(cell) for cell in commas) and not any(_POINT.fullmatch(cell) for cell in cells)
