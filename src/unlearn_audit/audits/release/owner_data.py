"""The owner's own side: records, model and unlearning, of which trial releases are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.audits.release.comparable import Kinds
from unlearn_audit.audits.release.pair import Pair, Rows
from unlearn_audit.config import UnlearningConfig
from unlearn_audit.data import (
    Images,
    Table,
    checked_identifiers,
    encode,
    encoded,
    first_of_duplicates,
    load_dataset,
    read_table,
)
from unlearn_audit.data.base import Dataset
from unlearn_audit.data.encoding import ENCODED, Encoding
from unlearn_audit.data.identifiers import without_identifiers
from unlearn_audit.errors import AuditError
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.regimes import Draws, Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.observations.one_version import group_texts, texts_of
from unlearn_audit.unlearning.base import Trained, Unlearner
from unlearn_audit.unlearning.draws import measure, needs_measuring
from unlearn_audit.unlearning.methods import unlearner_for
from unlearn_audit.unlearning.training import take
from unlearn_audit.utils.columns import read_columns
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.probabilities import moved
from unlearn_audit.utils.seeds import Kind, integer_seed
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.design import Request
from unlearn_audit.worlds.persons import Persons


@dataclass(frozen=True, eq=False)
class OwnerData:
    """The owner's records, of which some are held out of training as references.

    Attributes
    ----------
    data
        All of them, encoded by what the training records hold.
    ids
        (n,) texts that identify them.
    persons
        Which records belong together.
    names
        (persons,) what identifies each person.
    training, held_out
        Positions, ascending; no person is in both.
    kinds, kind
        The kinds of records, and (n,) of which each is.
    numbers
        (n, d) the features as numbers, by which people are found alike; none where texts alone are given to the model.
    """

    data: Dataset
    ids: pd.Index[Any]
    persons: Persons
    names: npt.NDArray[np.object_]
    training: Positions
    held_out: Positions
    kinds: Kinds
    kind: Positions
    numbers: npt.NDArray[Any]


@dataclass(frozen=True)
class RawRecords:
    """Records as their owner wrote them.

    Attributes
    ----------
    raw
        Features, labels, and maybe whose each is.
    ids
        (n,) texts that identify them.
    person, names
        (n,) whose each record is, 0, 1, ...; and what identifies each person.
    groups
        (n,) values, as texts, by the name of a group.
    """

    raw: Table | Images
    ids: pd.Index[Any]
    person: Positions
    names: npt.NDArray[np.object_]
    groups: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)

    def hold_out(self, held_out: npt.NDArray[np.bool_], encoding: Encoding, used: npt.NDArray[np.bool_]) -> OwnerData:
        """Return the records with some held out of training, and those not ``used`` left out of it.

        Raises
        ------
        AuditError
            If a person has records on both sides.
        """
        training = np.flatnonzero(used & ~held_out)
        both = np.intersect1d(self.person[training], self.person[held_out])
        if len(both):
            raise AuditError(
                f"{len(both):,} people have reference and training records, such as {self.names[both[0]]}; references "
                "must be people on whose data the model is not trained"
            )
        X, notes = encoded(self.raw, training, encoding) if isinstance(self.raw, Table) else (self.raw.flat(), ())
        numbers = X if encoding in ENCODED or isinstance(self.raw, Images) else _numbers_of(self.raw, training)
        classes = self.raw.class_names
        data = Dataset(
            self.raw.name,
            X,
            self.raw.labels,
            np.arange(len(classes)),
            classes,
            np.arange(len(self.ids)),
            self.raw.persons,
            (*self.raw.notes, *notes),
            encoded=isinstance(self.raw, Table) and encoding in ENCODED,
        )
        kinds, kind = Kinds.of(np.asarray(self.raw.labels, dtype=np.int64), classes, self.groups)
        return OwnerData(
            data, self.ids, Persons(self.person), self.names, training, np.flatnonzero(held_out), kinds, kind, numbers
        )


def _numbers_of(raw: Table, training: Positions) -> npt.NDArray[Any]:
    """Return (n, d) codes of the features that a model gets as they are; none of texts that differ in nearly all."""
    try:
        left, _ = without_identifiers(raw, np.ones(len(raw.labels), dtype=bool))
        return encode(left, training)[0]
    except AuditError:  # no other feature is left
        return np.empty((len(raw.labels), 0))


def read_owner_data(
    path: Path,
    label: str,
    record: str | None,
    person: str | None,
    groups: Sequence[str] = (),
    exclude: Sequence[str] = (),
    encoding: Encoding = "codes",
) -> RawRecords:
    """Read the owner's table; without a column ``record``, ids are row numbers counted from 0.

    Columns that are named as ``groups`` tell people apart, and stay features unless they are excluded as well. What
    identifies is dropped or refused as the encoding needs.

    Raises
    ------
    AuditError
        If it cannot be read, a column is absent, or ids repeat or are missing.
    """
    raw = read_table(path, label, person, [name for name in exclude if name != record])
    texts = read_columns(path, [name for name in (record, person) if name])
    ids = pd.Index(np.arange(len(raw.labels)).astype(str), dtype=object)
    if record is not None:
        if record not in raw.features:
            raise AuditError(f"no record column '{record}' in {path}; name the column that holds the id")
        ids = pd.Index(texts_of(texts[record], record, path).tolist(), dtype=object)
        if bool(ids.has_duplicates):
            again = ids[ids.duplicated()]
            raise AuditError(f"{path} holds {len(again.unique()):,} record ids more than once, such as {again[0]}")
        raw = replace(raw, features=raw.features.drop(columns=[record]))
    # references hold none of the texts that the training records hold
    raw, warnings = checked_identifiers(raw, first_of_duplicates(raw), encoding)
    raw = replace(raw, notes=(*warnings, *raw.notes))
    codes, names = pd.factorize(np.asarray(ids if person is None else texts_of(texts[person], person, path)))
    lacking = [name for name in groups if name not in texts.column_names]
    if lacking:
        raise AuditError(f"no group column '{lacking[0]}' in {path}; it has {shortened(texts.column_names)}")
    values = {name: group_texts(texts[name], name, path) for name in groups}
    return RawRecords(raw, ids, codes.astype(np.int64), np.asarray(names, dtype=object), values)


def named_records(name: str) -> RawRecords:
    """Return a named dataset without exact duplicates; ids are row numbers counted from 0."""
    raw = load_dataset(name)
    keep = first_of_duplicates(raw)
    raw = raw.kept(keep)
    ids = pd.Index(np.flatnonzero(keep).astype(str), dtype=object)
    own = np.arange(len(ids)) if raw.persons is None else raw.persons
    codes, names = pd.factorize(own)
    return RawRecords(raw, ids, codes.astype(np.int64), np.asarray(names.astype(str), dtype=object))


@dataclass(frozen=True, eq=False)
class TrialReleases:
    """Releases of one original model, each by exact retraining without some people.

    Attributes
    ----------
    owner
        Records and who they belong to.
    original
        The model that everybody in training is in.
    retrain
        How it is trained again.
    note
        What is to be known of the regime, or None.
    most
        How many records leave at most.
    draws
        What training the model several times showed; None if it is known what it does.
    """

    owner: OwnerData
    original: Trained
    retrain: Unlearner
    note: str | None
    seed: int
    most: int = 1
    draws: Draws | None = None

    @classmethod
    def of(cls, owner: OwnerData, source: ModelSource, regime: Regime, seed: int, people: int = 1) -> TrialReleases:
        """Train the original, to be released without so many people at most.

        The regime is the one asked for, or the one that the model really runs where it is trained on so many records.
        """
        draws = measure(source, owner.data, owner.training, regime, seed) if needs_measuring(source) else None
        most = int(np.sort(owner.persons.sizes(np.unique(owner.persons.codes[owner.training])))[-people:].sum())
        retrain, note = _retraining(owner, source, regime, most, draws)
        drawn = integer_seed(seed, Kind.RELEASE, int(Kind.ORIGINAL))
        original = retrain.learn(source, owner.data, owner.training, drawn)
        return cls(owner, original, retrain, note, seed, most, draws)

    def in_regime(self, regime: Regime) -> TrialReleases:
        """Return releases of the same original in another regime."""
        retrain, note = _retraining(self.owner, self.original.source, regime, self.most, self.draws)
        return replace(self, retrain=retrain, note=note)

    def answers(self, model: Any, rows: Positions) -> npt.NDArray[np.float32]:
        """Return (m, classes) posteriors of some records."""
        data = self.owner.data
        with one_thread():
            return query(model, take(data.X, rows), data.class_values, self.original.source.name)

    def pairs(
        self, gone: Sequence[Positions], references: Sequence[Positions], first: int = 0
    ) -> Iterator[tuple[Pair, Any]]:
        """Yield what an observer sees of each release, and the unlearned model.

        Parameters
        ----------
        gone
            By release, the persons deleted.
        references
            By release, the held-out persons asked.
        first
            The number of the first release, for its seed where randomness is fresh.
        """
        owner = self.owner
        rows = [owner.persons.rows(persons) for persons in gone]
        before = self.answers(self.original.model, np.arange(len(owner.data)))
        nobody = np.empty(0, dtype=np.int64)
        seeds = [integer_seed(self.seed, Kind.RELEASE, int(Kind.UNLEARNED), first + i) for i in range(len(gone))]
        after = self.retrain.unlearn_many(self.original, [Request(r, nobody) for r in rows], seeds)
        for deleted, of, own, unlearned in zip(gone, references, rows, after, strict=True):
            known = owner.persons.rows(of)
            asked = np.concatenate([own, known])
            both = np.stack([before[asked], self.answers(unlearned.model, asked)], axis=1)
            labels = owner.data.y[asked].astype(np.int64)
            whose = owner.persons.codes[asked]
            sides = []
            for part in (slice(0, len(own)), slice(len(own), None)):
                person = pd.factorize(whose[part])[0].astype(np.int64)
                sides.append(Rows(both[part], labels[part], person, owner.kind[asked[part]]))
            changed = float(moved(both).mean())
            names = owner.names[deleted]
            yield Pair(sides[0], sides[1], owner.data.class_names, names, changed, (), owner.kinds), unlearned.model


def _retraining(
    owner: OwnerData, source: ModelSource, regime: Regime, most: int, draws: Draws | None
) -> tuple[Unlearner, str | None]:
    """Return how a model is retrained without so many of its records, and what to know of the regime."""
    return unlearner_for(UnlearningConfig(), source, regime, len(owner.training), most, draws=draws)
