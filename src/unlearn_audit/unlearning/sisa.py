"""SISA: sharded, isolated, sliced and aggregated training (Bourtoule et al., IEEE S&P 2021).

The training records are dealt to shards, each shard to slices. Every shard has a model of its own, trained
slice by slice with a checkpoint after each; the ensemble answers with the mean posterior or the share of
votes. A deletion retrains its shard alone, from the last checkpoint before the record's slice.

Going on from a checkpoint is for models for which one pass over the slices equals a fit on all of them: the
naive Bayes models that count, and those that declare it (``partial_fit_is_exact = True``). For others
``partial_fit`` is one step of many, or missing. They are refitted on the cumulated slices, and of those fits
only the last, on all slices of the shard, is made: the models that the others would leave are never used.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB

from unlearn_audit.data.base import Dataset
from unlearn_audit.data.rows import n_records
from unlearn_audit.errors import AuditError
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.privacy import Spent, most_spent
from unlearn_audit.models.regimes import Regime, remaining_rows
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained, Unlearner
from unlearn_audit.unlearning.options import Exactness, Options
from unlearn_audit.unlearning.retrain import Retrain, rows_after
from unlearn_audit.unlearning.trainers import Retraining, Trainer, learn, retrain, trainers_for
from unlearn_audit.unlearning.training import fit, passes_on
from unlearn_audit.utils.seeds import Kind, integer_seed
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.design import Request

Aggregation = Literal["mean", "vote"]

# not GaussianNB: it smooths by the variance of the last slice, not of all records, and where a feature is
# constant within a class (one-hot columns) that moves posteriors as much as a deletion does
_EXACT = (BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB)


@dataclass(frozen=True)
class Shard:
    """One part of the training records and its model.

    Attributes
    ----------
    slices
        Positions of the records of each slice, in training order.
    checkpoints
        The model after each slice; one model in all where slices are fitted at once; none for no records.
    seed
        The seed of its training.
    warnings
        What its last training warned of, one sentence each.
    """

    slices: tuple[Positions, ...]
    checkpoints: tuple[Any, ...]
    seed: int
    warnings: tuple[str, ...] = ()

    @property
    def records(self) -> Positions:
        """All its records, in training order."""
        return np.concatenate(self.slices)


@dataclass(frozen=True)
class SisaEnsemble:
    """The models of all shards as one classifier.

    Attributes
    ----------
    shards
        The parts.
    aggregation
        ``mean`` of the shards' posteriors, or ``vote``: the share of shards whose most probable class it is.
    classes_
        (k,) all classes of the dataset; one that a shard never saw gets probability 0 from it.
    name
        What the model is called in messages.
    labels_alone
        Whether the shards name a class alone: the ensemble names the one that most of them do, the first of equals.
    """

    shards: tuple[Shard, ...]
    aggregation: Aggregation
    classes_: npt.NDArray[Any]
    name: str
    labels_alone: bool = False

    @property
    def spent_(self) -> Spent | None:
        """What the shard that spent most did: each record is in one shard alone."""
        return most_spent(getattr(shard.checkpoints[-1], "spent_", None) for shard in self.shards if shard.checkpoints)

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return (m, k) aggregated posteriors."""
        answers = np.stack(
            [query(s.checkpoints[-1], X, self.classes_, self.name) for s in self.shards if s.checkpoints]
        ).astype(np.float64)
        if self.aggregation == "vote":
            answers = np.eye(len(self.classes_))[answers.argmax(axis=2)]
        shares = np.asarray(answers.mean(axis=0))
        return np.eye(len(self.classes_))[shares.argmax(axis=1)] if self.labels_alone else shares


@dataclass(frozen=True)
class _Update:
    """What a request makes of a shard: its slices, the seed of its training, and the checkpoints that it keeps."""

    request: Request
    slices: tuple[Positions, ...]
    seed: int
    checkpoints: tuple[Any, ...]


class OneClass:
    """What a shard whose records are all of one class answers: that class, always."""

    def __init__(self, only: Any) -> None:
        self.classes_ = np.array([only])

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return (m, 1) ones."""
        return np.ones((n_records(X), 1))


@dataclass(frozen=True)
class Sisa(Unlearner):
    """Sharded training, and unlearning by retraining the shards that held the deleted records.

    Attributes
    ----------
    inner
        How a shard is retrained: regime and row order.
    shards, slices
        Into how many parts the records are dealt.
    aggregation
        How the shards' answers become one.
    """

    inner: Retrain
    shards: int = 10
    slices: int = 1
    aggregation: Aggregation = "mean"

    # a property cannot take the place of a plain attribute in the eyes of mypy; here nothing ever assigns to it
    @property
    def regime(self) -> Regime:  # type: ignore[override]
        """The regime in which a shard is retrained."""
        return self.inner.regime

    def learn(self, source: ModelSource, data: Dataset, training: Positions, seed: int) -> Trained:
        """Train every shard.

        Raises
        ------
        AuditError
            If there are more shards, or slices in a shard, than records.
        """
        if self.shards * self.slices > len(training):
            raise AuditError(
                f"{self.shards} shards of {self.slices} slices need at least {self.shards * self.slices:,} training "
                f"records and there are {len(training):,}; use fewer shards or slices"
            )
        # records come in random order, so dealing them in turn is a random split into equal shards
        parts = [training[i :: self.shards] for i in range(self.shards)]
        shards = tuple(
            self._train_shard(source, data, tuple(np.array_split(part, self.slices)), _shard_seed(seed, i))
            for i, part in enumerate(parts)
        )
        return self._assemble(source, data, training, shards, seed, trained=shards)

    def unlearn(self, original: Trained, request: Request, seed: int) -> Trained:
        """Retrain the shards that hold a deleted record; added records take the deleted ones' places."""
        return next(self.unlearn_many(original, [request], [seed]))

    def unlearn_many(self, original: Trained, requests: Sequence[Request], seeds: Sequence[int]) -> Iterator[Trained]:
        """Yield the ensemble after each request; what is retrained of one shard is trained together where it can be."""
        trainings = [rows_after(original.training, request, self.inner.order) for request in requests]
        updates = [self._updates(original, request, seed) for request, seed in zip(requests, seeds, strict=True)]
        before: tuple[Shard, ...] = original.model.shards
        retrained = [
            self._retrained(original, shard, [of[i] for of in updates if i in of]) for i, shard in enumerate(before)
        ]
        for training, update in zip(trainings, updates, strict=True):
            anew = {i: next(retrained[i]) for i in update}
            shards = tuple(anew.get(i, shard) for i, shard in enumerate(before))
            # what the other shards warned of was reported with the original
            yield self._assemble(original.source, original.data, training, shards, original.seed, tuple(anew.values()))

    def _updates(self, original: Trained, request: Request, seed: int) -> dict[int, _Update]:
        """Return what a request changes in each shard that it reaches."""
        updates: dict[int, _Update] = {}
        incoming = request.added
        for i, shard in enumerate(original.model.shards):
            hit = [np.isin(part, request.deleted) for part in shard.slices]
            share = sum(int(of.sum()) for of in hit)
            if share == 0:
                continue
            arriving, incoming = incoming[:share], incoming[share:]
            own = _shard_seed(seed, i) if self.regime is Regime.FRESH else shard.seed
            first = next(s for s, of in enumerate(hit) if of.any())
            updates[i] = self._update(shard, first, Request(request.deleted, arriving), own)
        return updates

    def fit_sizes(self, n_training: int) -> frozenset[int]:
        """Return the sizes of the shards: records are dealt in turn, so there are at most two."""
        return frozenset({n_training // self.shards, -(-n_training // self.shards)})

    @property
    def least_training(self) -> int:
        """The fewest training records that give every slice one, and every shard two."""
        return self.shards * max(self.slices, 2)

    def _update(self, shard: Shard, first: int, request: Request, seed: int) -> _Update:
        """Return a shard's training from slice ``first`` on; what came before it did not hold the deleted records."""
        # the order is that of the whole shard, since slices may be fitted at once; a model that goes on from
        # a checkpoint has order minus, in which this cut leaves every slice what it had
        rows = remaining_rows(shard.records, request.deleted, self.inner.order)
        ends = np.cumsum([np.count_nonzero(~np.isin(part, request.deleted)) for part in shard.slices])
        *earlier, last = np.split(rows, ends[:-1])
        slices = (*earlier, np.concatenate([last, request.added]))
        sliced = len(shard.checkpoints) == len(shard.slices) > 1
        # a checkpoint carries the original's generator on, so fresh randomness starts without one
        kept = shard.checkpoints[:first] if sliced and self.regime is not Regime.FRESH else ()
        return _Update(request, slices, seed, kept)

    def _retrained(self, original: Trained, shard: Shard, updates: Sequence[_Update]) -> Iterator[Shard]:
        """Yield a shard after each of some requests."""
        source, data = original.source, original.data
        whole = [_is_fitted_whole(source, data, update.slices, update.seed) for update in updates]
        retrainings = [
            Retraining(update.request, np.concatenate(update.slices), update.seed)
            for update, at_once in zip(updates, whole, strict=True)
            if at_once
        ]
        fitted: Iterator[Trained] = iter(())
        if retrainings:
            before = Trained(shard.checkpoints[-1], source, data, shard.records, shard.seed)
            fitted = retrain(self._trainers(source, data), before, retrainings)
        for update, at_once in zip(updates, whole, strict=True):
            if at_once:
                trained = next(fitted)
                yield Shard(update.slices, (trained.model,), update.seed, trained.warnings)
            else:
                yield _train_slices(source, data, update.slices, update.seed, update.checkpoints)

    def _train_shard(self, source: ModelSource, data: Dataset, slices: tuple[Positions, ...], seed: int) -> Shard:
        """Train a shard of an original."""
        if not _is_fitted_whole(source, data, slices, seed):
            return _train_slices(source, data, slices, seed, ())
        trained = learn(self._trainers(source, data), np.concatenate(slices), seed)
        return Shard(slices, (trained.model,), seed, trained.warnings)

    def _trainers(self, source: ModelSource, data: Dataset) -> Iterator[Trainer]:
        return trainers_for(source, data, self.regime, same_bits=True)

    def _assemble(
        self,
        source: ModelSource,
        data: Dataset,
        training: Positions,
        shards: tuple[Shard, ...],
        seed: int,
        trained: Sequence[Shard],
    ) -> Trained:
        """Return the ensemble of all shards with the warnings of those just trained."""
        ensemble = SisaEnsemble(shards, self.aggregation, data.class_values, source.name, bool(source.labels_alone))
        warnings = tuple(text for shard in trained for text in shard.warnings)
        return Trained(ensemble, source, data, training, seed, warnings)


class SisaOptions(Options):
    """What can be set of SISA."""

    exactness = Exactness.EXACT
    keeps_accuracy = False
    reference = "Bourtoule et al., Machine Unlearning, IEEE S&P 2021"

    shards: int = Field(default=10, ge=1, description="parts with a model of their own")
    slices: int = Field(default=1, ge=1, description="steps of training within a shard")
    aggregation: Aggregation = Field(default="mean", description="how shards answer together")

    def unlearner(self, retrain: Retrain) -> Sisa:
        """Return SISA with these options."""
        return Sisa(retrain, self.shards, self.slices, self.aggregation)


def goes_on(model: Any) -> bool:
    """Return whether a model can train on where it stopped and end where one fit on everything ends.

    Examples
    --------
    >>> from sklearn.linear_model import SGDClassifier
    >>> goes_on(MultinomialNB()), goes_on(SGDClassifier())
    (True, False)
    """
    # the type itself: a subclass may do anything in its partial_fit, and can declare what it does
    exact = getattr(model, "partial_fit_is_exact", type(model) in _EXACT)
    return bool(exact) and hasattr(model, "partial_fit")


def _is_fitted_whole(source: ModelSource, data: Dataset, slices: tuple[Positions, ...], seed: int) -> bool:
    """Return whether a shard takes one fit on all its records, which are of more than one class."""
    classes = np.unique(data.y[np.concatenate(slices)])
    if len(classes) < 2:
        return False
    # partial_fit gets all classes at the start, and some models give one without records a share
    return (
        len(slices) == 1
        or len(classes) < len(data.class_values)
        or passes_on(source, data)
        or not goes_on(source.make(seed))
    )


def _train_slices(
    source: ModelSource, data: Dataset, slices: tuple[Positions, ...], seed: int, checkpoints: tuple[Any, ...]
) -> Shard:
    """Train the slices that have no checkpoint yet, of a shard that is not fitted whole."""
    classes = np.unique(data.y[np.concatenate(slices)])
    if len(classes) < 2:
        return Shard(slices, tuple(OneClass(only) for only in classes), seed)
    models: list[Any] = list(checkpoints)
    warnings: list[str] = []
    for part in slices[len(checkpoints) :]:
        model = copy.deepcopy(models[-1]) if models else source.make(seed)
        if len(part):
            warnings += fit(model, "partial_fit", source.name, data, part, seed, classes=data.class_values)
        models.append(model)
    return Shard(slices, tuple(models), seed, tuple(warnings))


def _shard_seed(seed: int, shard: int) -> int:
    """Return the seed of a shard; the first has the model's own, so that one shard is plain training."""
    return seed if shard == 0 else integer_seed(seed, Kind.SHARD, shard)
