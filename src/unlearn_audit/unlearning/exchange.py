"""What passes between an audit and a program of the user's that unlearns: files of records, weights and posteriors.

==============  ========================================================================================
``original``    of a network its weights, as safetensors with the names of its classes, its architecture and the shape
                of its inputs as metadata; of any other model a Parquet file of its posteriors for every record
``forget``      Parquet: the records that are to be forgotten
``retain``      Parquet: those that are to be retained
``query``       Parquet: every record of the dataset, whoever it is, without its label
``unlearned``   what the program writes: of a network weights as safetensors; or posteriors of all records of ``query``,
                as Parquet, CSV, JSON lines or NPZ in the format of `unlearn_audit.observations.one_version`
==============  ========================================================================================

Records have the columns ``record`` (an id), ``label`` (the place of their class among the ``p_`` columns of posteriors,
or among a network's outputs) and one column a feature: those of the dataset, or for a network the numbers that its
module takes, ``x0``, ``x1`` and so on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError, missing_extra
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.program.files import (
    check_classes,
    content_as,
    distinct_ids,
    features_of,
    keys_of,
    places_of,
    put,
    suffix_by_content,
    table_of,
    written_file,
)
from unlearn_audit.models.steps import is_network
from unlearn_audit.observations.one_version import PREFIX, read_answers
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.training import take
from unlearn_audit.utils.messages import reason
from unlearn_audit.utils.programs import SUFFIXES
from unlearn_audit.utils.temporary import temporary_folder
from unlearn_audit.utils.tensors import is_tensors
from unlearn_audit.utils.typing import Positions

if TYPE_CHECKING:
    from unlearn_audit.models.networks.opened import OpenedNetwork

ORIGINAL, FORGET, RETAIN, QUERY, UNLEARNED = "original", "forget", "retain", "query", "unlearned"
FILES = (ORIGINAL, FORGET, RETAIN, QUERY, UNLEARNED)
"""The names of the files."""


class Answered:
    """A model of which nothing is known but its answers for the records of a dataset.

    Attributes
    ----------
    classes_
        (k,) labels.
    """

    def __init__(self, places: dict[bytes, int], posteriors: npt.NDArray[Any], class_values: npt.NDArray[Any]) -> None:
        self._places, self._posteriors, self.classes_ = places, posteriors, class_values

    def predict_proba(self, X: Any) -> npt.NDArray[Any]:
        """Return (m, k) the answers for (m, ...) records of the dataset.

        Raises
        ------
        AuditError
            If a record is none of them.
        """
        at = [self._places.get(key, -1) for key in keys_of(X)]
        if -1 in at:
            raise AuditError(
                f"an unlearning command answered for the records of the dataset, and {at.count(-1):,} others are "
                "asked; leave out --probes, or let the command write the weights of a network"
            )
        return np.asarray(self._posteriors[at])


@dataclass(frozen=True, eq=False)
class Exchange:
    """The files of the requests to one original.

    Attributes
    ----------
    folder
        Where they lie.
    original
        What is unlearned from.
    suffixes
        By name, that of a file of records; Parquet where none is said.
    of_all
        The files that all requests have; None if these are they.
    """

    folder: Path
    original: Trained
    suffixes: Mapping[str, str] = field(default_factory=dict)
    of_all: Exchange | None = None

    @classmethod
    @contextmanager
    def opened(cls, original: Trained, names: Mapping[str, str]) -> Iterator[Exchange]:
        """Write those files of ``names`` that all requests have, and remove all in the end; see `for_one_request`.

        Raises
        ------
        AuditError
            If they cannot be written, or a library is missing.
        """
        with temporary_folder() as folder:
            exchange = cls(folder, original, names)
            if ORIGINAL in names:
                exchange._write_original()
            if QUERY in names:
                exchange._write(QUERY, exchange._records(np.arange(len(original.data)), labelled=False))
            yield exchange

    @contextmanager
    def for_one_request(self) -> Iterator[Exchange]:
        """Yield the same files in a new folder, so that no other request meets what a program does to them.

        Raises
        ------
        AuditError
            If they cannot be written.
        """
        with temporary_folder() as folder:
            own = Exchange(folder, self.original, self.suffixes, self)
            for path in self.folder.iterdir():
                with own._writing():
                    shutil.copy(path, folder / path.name)
            yield own

    @property
    def is_network(self) -> bool:
        """Whether weights are exchanged, and not only answers."""
        return is_network(self.original.model)

    @property
    def data(self) -> Dataset:
        """The records."""
        return self.original.data

    def path(self, name: str) -> Path:
        """Return where a file is, or is to be."""
        weights = self.is_network and name in (ORIGINAL, UNLEARNED)
        return self.folder / f"{name}{'.safetensors' if weights else self.suffixes.get(name, SUFFIXES[0])}"

    def write_records(self, name: str, positions: Positions) -> None:
        """Write records with their labels."""
        self._write(name, self._records(positions, labelled=True))

    def read(self) -> Any:
        """Return the unlearned model that a program wrote.

        Raises
        ------
        AuditError
            If it wrote nothing, or nothing that could be the model.
        """
        content = written_file(self.folder, UNLEARNED)
        if self.is_network and is_tensors(content):
            return self._from_weights(content)
        return self._from_posteriors(content)

    def _opened(self) -> OpenedNetwork:
        from unlearn_audit.models.networks.opened import OpenedNetwork

        return OpenedNetwork(self.original.model)

    def _from_weights(self, content: bytes) -> Any:
        library, opened = _safetensors(), self._opened()
        try:
            weights = library.load(content)
        except Exception as error:
            raise AuditError(f"wrote an incomplete safetensors file ({reason(error)})") from error
        if (why := opened.why_not(weights)) is not None:
            raise AuditError(f"wrote {why}; write the weights of {{{ORIGINAL}}}, with other values")
        return opened.with_weights(weights)

    def _from_posteriors(self, content: bytes) -> Answered:
        data = self.data
        try:
            # a program may add posteriors to the records that it was given
            answers = read_answers(
                Path(UNLEARNED).with_suffix(suffix_by_content(content)),
                content=content,
                ignored=self._names_of_features,
                read_as=ReadAs(values="probabilities", strict=True),
            )
        except AuditError as error:
            known = "neither safetensors nor posteriors" if self.is_network else "no file of posteriors"
            raise AuditError(f"wrote {known}: {error}") from error
        check_classes(answers.classes, data.class_names)
        if answers.partial:
            raise AuditError("wrote partial posteriors; write complete ones")
        at = places_of(answers.ids, self._ids)
        posteriors = np.zeros((len(data), len(data.class_names)), dtype=np.float32)
        columns = [data.class_names.index(name) for name in answers.classes]
        posteriors[:, columns] = answers.posteriors[at]
        return Answered(self._places, posteriors, data.class_values)

    @property
    def _names_of_features(self) -> list[str]:
        return [name for name, _ in features_of(take(self.data.X, np.arange(1)))]

    @cached_property
    def _ids(self) -> npt.NDArray[np.int64]:
        return distinct_ids(self.data.record_ids) if self.of_all is None else self.of_all._ids

    @cached_property
    def _places(self) -> dict[bytes, int]:
        if self.of_all is not None:
            return self.of_all._places
        # of records that are alike a model answers alike; the first one stands for all
        places: dict[bytes, int] = {}
        for at, key in enumerate(keys_of(self.data.X)):
            places.setdefault(key, at)
        return places

    def _write_original(self) -> None:
        if not self.is_network:
            everyone = np.arange(len(self.data))
            table, data = self._records(everyone, labelled=False), self.data
            posteriors = query(self.original.model, data.X, data.class_values, self.original.source.name)
            for column, name in enumerate(data.class_names):
                table = table.append_column(PREFIX + name, pa.array(posteriors[:, column]))
            self._write(ORIGINAL, table)
            return
        library, opened, data = _safetensors(), self._opened(), self.data
        known = np.searchsorted(data.class_values, opened.classes)
        about = {
            "architecture": type(opened.module).__name__,
            "classes": json.dumps([data.class_names[at] for at in known]),
            "input_shape": json.dumps(list(opened.inputs(take(data.X, np.arange(1))).shape[1:])),
        }
        self._put(ORIGINAL, library.save(opened.weights, about))

    def _records(self, positions: Positions, *, labelled: bool) -> pa.Table:
        """Return records as a table of columns."""
        data = self.data
        X, labels = take(data.X, positions), np.searchsorted(data.class_values, data.y[positions])
        if self.is_network:
            opened = self._opened()
            X = opened.inputs(X).cpu().numpy()
            labels = opened.codes(data.y[positions]).cpu().numpy() if labelled else labels
        first = {"record": self._ids[positions], **({"label": labels.astype(np.int64)} if labelled else {})}
        return table_of(first, X, "an unlearning command")

    def _write(self, name: str, table: pa.Table) -> None:
        self._put(name, content_as(table, self.path(name).suffix))

    def _put(self, name: str, content: Any) -> None:
        with self._writing():
            put(self.path(name), content)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise AuditError(
                f"the records cannot be written for an unlearning command to {self.folder} ({error.strerror}); free "
                "space there, or name another folder with --store"
            ) from error


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise missing_extra("an unlearning command for networks", "safetensors", "torch") from error
    return safetensors.torch
