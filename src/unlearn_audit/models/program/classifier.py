"""A program that trains and predicts, as a classifier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from weakref import finalize

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.base import BaseEstimator, ClassifierMixin

from unlearn_audit.data.base import Dataset
from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError
from unlearn_audit.models.fingerprint import Fingerprint
from unlearn_audit.models.program.files import (
    content_as,
    distinct_ids,
    keys_of,
    posteriors_of,
    put,
    read_any_answers,
    table_of,
)
from unlearn_audit.utils.programs import MODEL_TIMEOUT, Program, words_of
from unlearn_audit.utils.temporary import temporary_folder
from unlearn_audit.utils.typing import Positions

TRAIN, QUERY, ANSWERS, MODEL, SEED = "train", "query", "answers", "model", "seed"
NAMES = (TRAIN, QUERY, ANSWERS, MODEL, SEED)
"""What may stand in braces."""

_NEEDED = {
    TRAIN: "the records to learn from",
    QUERY: "the records to answer for",
    ANSWERS: "to which it must write its answers",
}


class ProgramClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Runs a program that learns from one file of records and answers for another.

    Each run trains anew, unless the command names ``{model}``: a folder that is empty when the program is first run,
    and in which it later finds what it wrote there. Its answers are kept, and it is not queried on the same records
    again. An audit passes the whole dataset, so a program without ``{model}`` answers for all records in one run.

    Parameters
    ----------
    command
        The program and its arguments, as for a shell, although no shell runs it. ``{train}``, ``{query}`` and
        ``{answers}`` are replaced by files, Parquet or, written as ``{train.csv}``, CSV; ``{model}`` for a folder and
        ``{seed}`` for a number.
    timeout
        Seconds after which a run is stopped.
    folder
        Where it runs; None for the working folder.
    random_state
        The seed; None for 0.

    Attributes
    ----------
    classes_
        (k,) labels.
    kept_
        What holds the folder ``{model}``, as its ``path``; None if the command names none.
    labels_alone_
        Whether it answers with labels but no probabilities.
    """

    shows_when_fitted: ClassVar[bool] = True
    """That a fit alone shows whether it answers with probabilities."""

    takes_dataset: ClassVar[bool] = True
    """That ``fit`` is to be given the dataset, and where in it the training records are."""

    def __init__(
        self,
        command: str,
        timeout: float = MODEL_TIMEOUT,
        folder: str | None = None,
        random_state: int | None = None,
    ) -> None:
        self.command = command
        self.timeout = timeout
        self.folder = folder
        self.random_state = random_state

    @property
    def program(self) -> Program:
        """The program.

        Raises
        ------
        AuditError
            If the command names none, or a name in braces is unknown or missing.
        """
        words = words_of(self.command, "model command", NAMES, _NEEDED, "./model.sh")
        folder = Path.cwd() if self.folder is None else Path(self.folder)
        return Program("model command", words, self.timeout, "--model-timeout", folder)

    def code(self) -> Fingerprint:
        """Return the command with the digests of the files that it names; what these run is unknown."""
        program = self.program
        unknown = (f"the model command {program.file} runs code that cannot be traced",)
        return Fingerprint(f"{self.command} {program.digest()}", unknown)

    def fit(
        self, X: Any, y: Any, dataset: Dataset | None = None, training: Positions | None = None
    ) -> ProgramClassifier:
        """Run the program, so that it learns from (n, ...) records, and keep what it answers.

        Parameters
        ----------
        X, y
            The records and their labels.
        dataset
            The dataset of the records: its classes are then known, and all of its records are queried at once.
        training
            (n,) where they are in it.

        Raises
        ------
        AuditError
            If it fails, takes too long, or writes no answers.
        """
        program = self.program
        program.check()
        if dataset is None or training is None:
            self.classes_, self._names = np.unique(y), tuple(map(str, np.unique(y)))
            self._everyone, ids = _Everyone(X, np.arange(len(X))), np.arange(len(X))
        else:
            self.classes_, self._names = dataset.class_values, dataset.class_names
            self._everyone = _everyone(dataset)
            ids = self._everyone.ids[training]
        labels = np.asarray(self._names, dtype=object)[np.searchsorted(self.classes_, np.asarray(y))]
        self._train = table_of({"record": ids, "label": labels.astype(str)}, X, "a program")
        self.kept_ = _KeptFolder() if MODEL in program.names else None
        self._known: dict[bytes, int] = {}
        self._rows = np.empty((0, len(self._names)))
        if self.kept_ is None:
            everyone = self._everyone
            self._known, self._rows = everyone.places, self._run(everyone.table, everyone.ids, everyone.X)
        else:
            self.predict_proba(X)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return (m, k) the answers for (m, ...) records; the program is run for those that it has not answered yet.

        Raises
        ------
        AuditError
            If it fails, takes too long, or writes no answers.
        """
        keys = list(keys_of(X))
        new = {key: at for at, key in reversed(list(enumerate(keys))) if key not in self._known}
        if new:
            at = np.sort(np.fromiter(new.values(), dtype=np.int64))
            asked = X.iloc[at] if hasattr(X, "iloc") else np.asarray(X)[at]
            ids = self._everyone.ids_of([keys[i] for i in at])
            answers = self._run(table_of({"record": ids}, asked, "a program"), ids, asked)
            self._known = self._known | {keys[i]: len(self._rows) + n for n, i in enumerate(at)}
            self._rows = np.concatenate([self._rows, answers])
        return np.asarray(self._rows[[self._known[key] for key in keys]])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return (m,) the most probable labels."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _run(self, query: pa.Table, ids: npt.NDArray[Any], X: Any) -> npt.NDArray[np.float64]:
        program = self.program
        with temporary_folder() as folder:
            paths = {name: folder / f"{name}{program.names.get(name, '')}" for name in (TRAIN, QUERY, ANSWERS)}
            with _writing(folder):
                for name, table in ((TRAIN, self._train), (QUERY, query)):
                    put(paths[name], content_as(table, paths[name].suffix))
            given = {name: str(path) for name, path in paths.items()} | {SEED: str(self.random_state or 0)}
            if self.kept_ is not None:
                given[MODEL] = str(self.kept_.path)
            program.run(given, lambda text: without_values(text, X))
            try:
                classes, found = read_any_answers(folder, ids)
                self.labels_alone_ = classes is None
                return posteriors_of(classes, found, self._names)
            except AuditError as error:
                raise program.failed(without_values(str(error), X)) from error


def programs_in(estimator: Any) -> list[ProgramClassifier]:
    """Return the programs that an estimator is, or that it holds."""
    parameters = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    return [of for of in (estimator, *parameters.values()) if isinstance(of, ProgramClassifier)]


@dataclass(eq=False)
class _Everyone:
    """All records that there are, laid out once for every model that is asked about them.

    Attributes
    ----------
    X
        (n, ...) records.
    ids
        (n,) what identifies them.
    """

    X: Any
    ids: npt.NDArray[Any]

    def __post_init__(self) -> None:
        # of records that are alike a model answers alike; the first one stands for all
        self.places: dict[bytes, int] = {}
        for at, key in enumerate(keys_of(self.X)):
            self.places.setdefault(key, at)
        self.table = table_of({"record": self.ids}, self.X, "a program")

    def __deepcopy__(self, memo: Any) -> _Everyone:
        return self

    def ids_of(self, keys: list[bytes]) -> npt.NDArray[np.int64]:
        """Return an id for each record of some keys; of records that are none of these, a number that is free."""
        free = int(self.ids.max(initial=-1)) + 1
        return np.array(
            [self.ids[self.places[key]] if key in self.places else free + n for n, key in enumerate(keys)],
            dtype=np.int64,
        )


_LAST: list[_Everyone] = []
"""The dataset that was last laid out: all models of an audit are asked about it."""


def _everyone(dataset: Dataset) -> _Everyone:
    ids = distinct_ids(dataset.record_ids)
    if not _LAST or _LAST[0].X is not dataset.X or not np.array_equal(_LAST[0].ids, ids):
        _LAST[:] = [_Everyone(dataset.X, ids)]
    return _LAST[0]


class _KeptFolder:
    """A folder that is there as long as a fitted model is, whose copies share it."""

    def __init__(self) -> None:
        stack = ExitStack()
        self.path = stack.enter_context(temporary_folder()) / "model"
        with _writing(self.path):
            self.path.mkdir(0o700)
        finalize(self, stack.close)

    def __deepcopy__(self, memo: Any) -> _KeptFolder:
        return self


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AuditError(
            f"the records cannot be written for a model command to {folder} ({error.strerror}); free space there, or "
            "name another folder with --store"
        ) from error
