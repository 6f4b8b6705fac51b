"""A query from start to end: read the records, ask both versions batch by batch, and write their answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from unlearn_audit.audits.query.answers import as_posteriors, classes_of, posteriors_of
from unlearn_audit.audits.query.asked import Asked, Columns
from unlearn_audit.audits.query.batches import Batches
from unlearn_audit.audits.query.result import QueryResult
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.models.program.files import PREFIX, content_as
from unlearn_audit.models.regimes import ROUNDING
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.keywords import known_keywords
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.progress import Reporter, usual_reporter
from unlearn_audit.utils.retrying import Clock
from unlearn_audit.versions import Asking, Replies, Version, kind_of
from unlearn_audit.versions.function import FittedVersion
from unlearn_audit.versions.headers import headers_of

SIDES = ("before", "after")

TWICE = 10
"""Records that each version is asked about once more, to see whether it repeats itself."""


@known_keywords()
def query(
    records: str | Path | pd.DataFrame,
    before: Any,
    after: Any,
    out: str | Path,
    *,
    record: str | None = None,
    label: str | None = None,
    person: str | None = None,
    groups: Sequence[str] = (),
    send: Sequence[str] = (),
    exclude: Sequence[str] = (),
    classes: Sequence[str] = (),
    batch: int | None = None,
    module: str | None = None,
    logits: bool = False,
    request: str = "instances",
    answers: str | None = None,
    headers: Sequence[str] = (),
    timeout: float = 60.0,
    time_limit: float = 86_400.0,
    attempts: int = 6,
    wait: float = 1.0,
    rate: float | None = None,
    force: bool = False,
    progress: Reporter | None = None,
) -> QueryResult:
    """Query two finished versions of a model on records, and write their answers to files.

    Parameters
    ----------
    records
        A file of columns, or a DataFrame: one row per record.
    before, after
        Each version: an address of a prediction API, the path of an ``.onnx`` file or of weights, ``module:function``,
        a command, or a fitted model.
    out
        The folder for ``before.parquet`` and ``after.parquet``. An interrupted query continues in it.
    record, label, person, groups
        Columns to write to the files: the id (by default the row's number), the class, the person, and groups by which
        to break down the risk. Only ``groups`` are sent.
    send, exclude
        The columns that are sent, in this order; or those that are not.
    classes
        Names of the classes, in the order in which the versions answer, if the versions do not state them.
    batch
        Records per query; the default depends on the kind of version.
    module, logits
        See `unlearn_audit.versions.Asking`.
    request, answers, headers, timeout, time_limit, attempts, wait, rate
        The same, for versions behind HTTP; each header as ``Name: env:VARIABLE`` or ``Name: file:PATH``.
    force
        Whether to replace another query in the folder.
    progress
        Shows progress.

    Raises
    ------
    AuditError
        If records or versions are not available, or a version does not answer as it should.
    """
    columns = Columns(record, label, person, tuple(groups), tuple(send), tuple(exclude))
    for name, value, least in (
        ("batch", batch, 1),
        ("attempts", attempts, 1),
        ("timeout", timeout, 0),
        ("rate", rate, 0),
    ):
        if value is not None and (value < least or value == 0):
            raise AuditError(f"{name} is {value}; give a number above 0")
    asked = Asked.of(records, columns)
    with ExitStack() as stack:
        shown = progress or usual_reporter()
        asking = Asking(
            tuple(map(str, classes)), module, logits, request, answers, headers_of(headers), timeout,
            Clock(time_limit, rate), attempts, wait, shown.say,
        )  # fmt: skip
        versions = {
            side: stack.enter_context(_opened(given, asking))
            for side, given in zip(SIDES, (before, after), strict=True)
        }
        at_once = batch or min(version.batch for version in versions.values())
        work = _Work(Path(out), asked, columns, versions, asking, at_once)
        return work.run(shown, force=force)


def _opened(given: Any, asking: Asking) -> AbstractContextManager[Version]:
    if isinstance(given, str | Path):
        return kind_of(str(given)).opened(str(given), asking)
    return nullcontext(given if isinstance(given, Version) else FittedVersion(given, f"a {type(given).__name__}"))


@dataclass(frozen=True)
class _Work:
    """All that a query is made of."""

    folder: Path
    asked: Asked
    columns: Columns
    versions: Mapping[str, Version]
    asking: Asking
    batch: int

    @property
    def identity(self) -> dict[str, Any]:
        """What the query is; no secret is in it, and nothing that changes no answer."""
        return {
            "query": {
                "records": self.asked.digest,
                "columns": {name: list(of) if isinstance(of, tuple) else of for name, of in vars(self.columns).items()},
                "classes": list(self.asking.classes),
                "logits": self.asking.logits,
                "batch": self.batch,
                **{side: dict(version.identity) for side, version in self.versions.items()},
            }
        }

    def run(self, shown: Reporter, *, force: bool) -> QueryResult:
        """Ask, write, and return what came of it."""
        with run_folder(self.folder, self.identity, shown.say, force=force):
            batches = Batches(self.folder)
            replied = self._ask_all(batches, shown)
            classes = classes_of(replied, self.asking)
            self._check_labels(classes)
            both = {side: posteriors_of(of, classes) for side, of in replied.items()}
            labels_only = any(of.values is None for side in replied.values() for of in side)
            changed = float((both["before"] != both["after"]).any(axis=1).mean())
            notes = (*self._repeats(replied), *_notes(changed, labels_only))
            result = QueryResult(
                self.folder, len(self.asked), classes, changed, labels_only, notes, self._options_after()
            )
            for side, posteriors in both.items():
                write_atomic(self.folder / f"{side}.parquet", content_as(self._table(posteriors, classes), ".parquet"))
            write_atomic(self.folder / "query.json", json.dumps(self._document(result), indent=1) + "\n")
            batches.remove()
        return result

    def _ask_all(self, batches: Batches, shown: Reporter) -> dict[str, list[Replies]]:
        """Ask both versions in turns, so that what changes with time changes both alike."""
        starts = range(0, len(self.asked), self.batch)
        show = shown.stage("Asking both versions", 2 * len(starts))
        replied: dict[str, list[Replies]] = {side: [] for side in SIDES}
        done = 0
        for number, start in enumerate(starts):
            records = self.asked.records.part(start, min(start + self.batch, len(self.asked)))
            for side, version in self.versions.items():
                found = batches.get(side, number, len(records))
                if found is None:
                    found = as_posteriors(version.ask(records), self.asking, version.where)
                    batches.keep(side, number, found)
                replied[side].append(found)
                done += 1
                show(done)
        return replied

    def _repeats(self, replied: Mapping[str, Sequence[Replies]]) -> list[str]:
        """Ask a few records again, and return a note of each version that answers them otherwise."""
        few, notes = self.asked.records.part(0, min(TWICE, self.batch, len(self.asked))), []
        for side, version in self.versions.items():
            again = as_posteriors(version.ask(few), self.asking, version.where)
            first = replied[side][0]
            one, two = _compared(first, len(few)), _compared(again, len(few))
            if one.shape != two.shape:
                differ, most = len(few), 1.0
            elif one.dtype == object:
                differ, most = int((one != two).any(axis=1).sum()), 1.0
            else:
                apart = np.abs(one - two).max(axis=1)
                differ, most = int((apart > ROUNDING).sum()), float(apart.max())
            if differ:
                by = f", by up to {most:.2g}" if one.dtype != object and one.shape == two.shape else ""
                notes.append(
                    f"{side} ({version.where}) answered {differ} of {len(few)} records differently when queried "
                    f"again{by}: its answers do not repeat, so part of the change between the versions is chance"
                )
        return notes

    def _check_labels(self, classes: Sequence[str]) -> None:
        labels = self.asked.kept.get("label")
        strays = [] if labels is None else sorted({*labels.tolist()} - {*classes})
        if strays:
            raise AuditError(
                f"column '{self.columns.label}' holds the label {strays[0]!r}, and the versions answer for the classes "
                f"{shortened(classes)}; give --classes the names that the labels have, in the order of the answers"
            )

    def _table(self, posteriors: npt.NDArray[np.float64], classes: Sequence[str]) -> pa.Table:
        columns = {"record": self.asked.ids, **self.asked.kept}
        return pa.table(
            {name: pa.array(values, pa.string()) for name, values in columns.items()}
            | {PREFIX + name: pa.array(posteriors[:, at]) for at, name in enumerate(classes)}
        )

    def _options_after(self) -> dict[str, Any]:
        person = {"--person": self.columns.person} if self.columns.person else {}
        return person | ({"--group-by": self.columns.groups} if self.columns.groups else {})

    def _document(self, result: QueryResult) -> dict[str, Any]:
        return {
            **{side: version.where for side, version in self.versions.items()},
            "records": result.records,
            "sent": self.asked.records.names,
            "classes": list(result.classes),
            "changed": result.changed,
            "labels_only": result.labels_only,
            "notes": list(result.notes),
        }


def _compared(replies: Replies, n: int) -> npt.NDArray[Any]:
    """Return what is compared of the first n replies: numbers or labels, and (n, columns) in either case."""
    found = replies.labels[:, None] if replies.labels is not None else replies.values
    assert found is not None
    return found[:n]


def _notes(changed: float, labels_only: bool) -> list[str]:
    notes = []
    if labels_only:
        notes.append(
            "only labels were answered: each counts as a probability of 1, and less can be seen than from probabilities"
        )
    if not changed:
        notes.append("both versions answered every query identically; check that they are different versions")
    return notes
