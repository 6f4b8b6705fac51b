"""What the server answers: from the address of a request to a status, headers and content. It knows no sockets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from urllib.parse import parse_qs, urlencode

from unlearn_audit.audits.comparison.compare import MOST_RUNS, compare_runs
from unlearn_audit.audits.comparison.page import COLUMNS, PACKAGE, Cell, brief, render_comparison, row_cells
from unlearn_audit.cli.viewer.files import NOTHING, open_plain, type_of
from unlearn_audit.cli.viewer.shelf import MOST, Entry, Shelf
from unlearn_audit.errors import AuditError
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.wording import NOT_GIVEN

HOME, COMPARE = "/", "/compare"

_OWN = f"{NOTHING}; style-src 'unsafe-inline'; img-src data:".replace("form-action 'none'", "form-action 'self'")
"""What our own pages may do: show themselves, and ask us."""

_FILE = re.compile(r"/run/([0-9a-f]{16})/([A-Za-z0-9._-]{1,100})")
"""The only addresses of files; nothing in them is decoded."""

_MOST_FIELDS = 4 * MOST_RUNS


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    Attributes
    ----------
    status
        Of HTTP.
    content_type, policy
        What the browser is told of the content, and what the content may do there.
    body
        The content, or an open file of `size` bytes, which the server closes.
    """

    status: int
    content_type: str
    body: bytes | BinaryIO
    policy: str = NOTHING
    size: int = -1

    @classmethod
    def text(cls, status: int, text: str) -> Answer:
        """Return a plain sentence."""
        return cls(status, "text/plain; charset=utf-8", f"{text}\n".encode())


NOT_FOUND = Answer.text(404, "There is nothing at this address.")


@dataclass(frozen=True)
class Site:
    """The pages of what lies under a folder."""

    shelf: Shelf
    _drawing: Lock = field(default_factory=Lock)

    def answer(self, path: str, query: str) -> Answer:
        """Return what is at an address.

        Parameters
        ----------
        path
            As it was asked for, with nothing decoded.
        query
            What follows the question mark.
        """
        if (found := _FILE.fullmatch(path)) is not None:
            return self._file(found[1], found[2])
        if path not in (HOME, COMPARE):
            return NOT_FOUND
        try:
            asked = parse_qs(query, max_num_fields=_MOST_FIELDS, errors="replace")
        except ValueError:
            return self._said(400, f"More than {_MOST_FIELDS} values were requested.")
        with self._drawing:  # matplotlib keeps its settings for all threads
            return self._compared(asked.get("run", [])) if path == COMPARE else self._list(asked)

    def _file(self, key: str, name: str) -> Answer:
        kind = type_of(name)
        entry = next((of for of in self.shelf.entries()[0] if of.key == key), None)
        if kind is None or entry is None or name not in entry.files:
            return NOT_FOUND
        try:
            stream = open_plain(self.shelf.top, entry.folder / name)
        except OSError:
            return NOT_FOUND
        size = stream.seek(0, 2)
        stream.seek(0)
        return Answer(200, kind.content_type, stream, kind.policy, size)

    def _compared(self, keys: Sequence[str]) -> Answer:
        entries = {of.key: of for of in self.shelf.entries()[0] if of.row is not None}
        folders: list[Path] = [entries[key].folder for key in dict.fromkeys(keys) if key in entries]
        if len(folders) < len(dict.fromkeys(keys)):
            return self._said(404, "A selected run no longer exists; go back and choose again.")
        try:
            return _page(200, render_comparison(compare_runs(folders), HOME))
        except AuditError as error:
            return self._said(400, f"{error}.")

    def _said(self, status: int, sentence: str) -> Answer:
        return _page(status, page_template("said.html.j2", __package__, PACKAGE).render(sentence=sentence, home=HOME))

    def _list(self, asked: Mapping[str, Sequence[str]]) -> Answer:
        entries, more = self.shelf.entries()
        view = View.of(asked)
        kinds = sorted({of.kind for of in entries})
        page = page_template("runs.html.j2", __package__, PACKAGE).render(
            top=brief(str(self.shelf.top)),
            entries=[(of, brief(of.name), _cells(of), _when(of)) for of in view.chosen(entries)],
            total=len(entries),
            more=MOST if more else 0,
            view=view,
            kinds=kinds,
            columns=[(title, numeric, view.sorted_by(title)) for title, numeric in (("Run", False), *COLUMNS)],
            when=view.sorted_by("Written"),
            missing=NOT_GIVEN,
        )
        return _page(200, page)


def _page(status: int, text: str) -> Answer:
    return Answer(status, "text/html; charset=utf-8", text.encode("utf-8", "replace"), _OWN)


def _cells(entry: Entry) -> tuple[Cell, ...]:
    """Return the cells of a folder; of one that is no run, what is wrong with it."""
    return () if entry.row is None else row_cells(entry.row)


def _when(entry: Entry) -> str:
    return datetime.fromtimestamp(entry.changed, UTC).strftime("%Y-%m-%d %H:%M") if entry.changed else NOT_GIVEN


_Value = str | float | None

SORTS: Mapping[str, Callable[[Entry], _Value]] = {
    "Run": lambda of: of.name,
    "Verdict": lambda of: of.row.verdict if of.row else of.kind,
    "Data and model": lambda of: f"{of.row.dataset} {of.row.model}" if of.row else None,
    "Unlearning": lambda of: of.row.method if of.row else None,
    "Leading attack": lambda of: of.row.attack if of.row else None,
    "AUC": lambda of: of.row.auc if of.row else None,
    "TPR at 1 % FPR": lambda of: of.row.tpr if of.row else None,
    "Epsilon at least": lambda of: of.row.epsilon if of.row else None,
    "Deleted, others": lambda of: float(of.row.n_positive) if of.row else None,
    "Worlds": lambda of: of.row.n_worlds if of.row else None,
    "Written": lambda of: of.changed,
}
"""What the list can be sorted by."""


@dataclass(frozen=True)
class View:
    """Which folders are listed, and in which order.

    Attributes
    ----------
    text
        What the name, data, model, method or attack has to hold.
    kind
        What kind they have to be; empty for any.
    sort
        One of `SORTS`.
    down
        Whether the largest comes first.
    """

    text: str
    kind: str
    sort: str
    down: bool

    @classmethod
    def of(cls, asked: Mapping[str, Sequence[str]]) -> View:
        """Return what a query asks for; what is unknown in it is as if it were not there."""
        text, kind, sort, order = (asked.get(name, [""])[-1] for name in ("q", "kind", "sort", "order"))
        return cls(text.strip(), kind, sort if sort in SORTS else "Run", order == "down")

    def chosen(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries that are listed, in order; those without a value come last."""
        words = self.text.casefold()
        listed = [of for of in entries if self.kind in ("", of.kind) and words in _words(of).casefold()]
        value = SORTS[self.sort]
        known = sorted((of for of in listed if value(of) is not None), key=value, reverse=self.down)  # type: ignore[arg-type]
        return [*known, *(of for of in listed if value(of) is None)]

    def sorted_by(self, title: str) -> tuple[str, str]:
        """Return the address of the list sorted by a column, and how it is sorted by it now, for a screen reader."""
        now = "" if title != self.sort else "descending" if self.down else "ascending"
        query = {"q": self.text, "kind": self.kind, "sort": title, "order": "up" if now == "descending" else "down"}
        return f"{HOME}?{urlencode(query, errors='replace')}", now


def _words(entry: Entry) -> str:
    row = entry.row
    more = () if row is None else (row.dataset, row.model, row.method, row.attack, row.verdict, row.regime)
    return " ".join((entry.name, entry.kind, *(of for of in more if of)))
