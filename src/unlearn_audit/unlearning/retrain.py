"""Retraining from scratch on the records that remain: exact unlearning, and the arm all others are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.logistic import VERSION, LogisticModel, LogisticSettings, solve
from unlearn_audit.models.regimes import Draws, Positions, Regime, RowOrder, fixed_order, remaining_rows
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import SeedOf, Trained, train, unlearn_in_turn
from unlearn_audit.unlearning.batches import Batches
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.worlds.design import Chain, Request

UNREPEATABLE = (
    "trainings of {} on the same records with the same seed gave different answers; it draws from what cannot be "
    "seeded, and the results cannot be repeated"
)

UNHEEDED = (
    "{} gives the same answers whatever seed it is given: either it draws nothing, or it sets a seed of its own, which "
    "all worlds share"
)

ROUNDED = "trainings of {} with the same seed gave answers that differ by up to {:.1g}, as rounding does"


@dataclass(frozen=True)
class Retrain:
    """Fit a new model on what remains of the original's training records.

    Attributes
    ----------
    regime
        How the new model's randomness relates to the original's.
    order
        In which order the remaining records are fitted.
    plain
        Whether each model is trained by its own ``fit``, even where several could be trained at once.
    """

    regime: Regime
    order: RowOrder
    # no part of the text that goes into keys, which tell by the trainer what was batched
    plain: bool = field(default=False, repr=False)

    @classmethod
    def for_model(cls, source: ModelSource, asked: Regime, draws: Draws | None = None) -> tuple[Retrain, str | None]:
        """Return retraining in the regime asked for, or in the one that this model really runs, and what to know of it.

        Parameters
        ----------
        source
            The model.
        asked
            The regime asked for.
        draws
            What training it several times showed (see `measure`); None takes it at its word.

        Examples
        --------
        >>> from unlearn_audit.models import resolve_model
        >>> Retrain.for_model(resolve_model("mlp"), Regime.FIXED)[0].regime
        <Regime.SAME_SEED: 'same-seed'>
        """
        draws = draws or Draws()
        if not draws.repeats:
            instead = "" if asked is Regime.FRESH else f"regime {asked} was asked for and fresh ran: "
            return cls(Regime.FRESH, RowOrder.MINUS), instead + UNREPEATABLE.format(source.name)
        notes = [ROUNDED.format(source.name, draws.again)] if draws.again else []
        if not draws.heeds_seeds:
            notes.append(UNHEEDED.format(source.name))
        if asked is Regime.FRESH and not draws.heeds_seeds:
            notes.insert(0, "regime fresh was asked for and same-seed ran")
            return cls(Regime.SAME_SEED, RowOrder.MINUS), ": ".join(notes)
        order = fixed_order(source.make(seed=0)) if asked is Regime.FIXED else RowOrder.MINUS
        if order is None:
            notes.insert(
                0,
                f"regime fixed was asked for; {source.name} cannot keep each draw with its record, so it ran as "
                "same-seed: the same seed on fewer records",
            )
            return cls(Regime.SAME_SEED, RowOrder.MINUS), "; ".join(notes)
        return cls(asked, order), "; ".join(notes) or None

    def trainer(self, source: ModelSource, data: Dataset) -> str | None:
        """Return what trains this model in place of its own ``fit``, None if nothing does."""
        if self._logistic(source, seed=0) is not None:
            return f"logistic/{VERSION}"
        batches = self._batches(source, data)
        return None if batches is None else batches.trainer

    def why_plain(self, source: ModelSource, data: Dataset) -> str | None:
        """Return why networks are trained one at a time; None if they are not, or the model is no network."""
        batches = None if self.plain else Batches.of(source, data, self.regime)
        return batches if isinstance(batches, str) else None

    def _logistic(self, source: ModelSource, seed: int) -> LogisticSettings | None:
        return None if self.plain else LogisticSettings.of(source.make(seed))

    def _batches(self, source: ModelSource, data: Dataset) -> Batches | None:
        batches = None if self.plain else Batches.of(source, data, self.regime)
        return batches if isinstance(batches, Batches) else None

    def learn(self, source: ModelSource, data: Dataset, training: Positions, seed: int) -> Trained:
        """Return a trained model."""
        settings = self._logistic(source, seed)
        with one_thread():
            solved = None if settings is None else solve(settings, data.X, data.y, training)
        if solved is not None:
            return Trained(solved[0], source, data, training, seed)
        batches = None if settings is not None else self._batches(source, data)
        if batches is not None:
            return next(batches.train([training], [seed]))
        return train(source, data, training, seed, self.regime)

    def unlearn(self, original: Trained, request: Request, seed: int) -> Trained:
        """Return a model retrained without the deleted and with the added records."""
        return next(self.unlearn_many(original, [request], [seed]))

    def unlearn_many(self, original: Trained, requests: Sequence[Request], seeds: Sequence[int]) -> Iterator[Trained]:
        """Yield the retrained model of each request; logistic regressions and networks are trained together."""
        own = seeds if self.regime is Regime.FRESH else [original.seed] * len(requests)
        trainings = [_after(original.training, request, self.order) for request in requests]
        solved = self._solved(original, requests)
        if solved is not None:
            for model, training, seed in zip(solved, trainings, own, strict=True):
                yield Trained(model, original.source, original.data, training, seed)
            return
        batches = self._batches(original.source, original.data)
        if batches is not None:
            yield from batches.train(trainings, own)
            return
        for training, seed in zip(trainings, own, strict=True):
            yield train(original.source, original.data, training, seed, self.regime)

    def unlearn_chains(self, original: Trained, chains: Sequence[Chain], seed_of: SeedOf) -> Iterator[list[Trained]]:
        """Yield the versions of each chain of updates, the original first.

        What an update leaves is trained on from scratch, so all updates of all chains are requests to the original,
        unless the order in which records are fitted depends on those before it.
        """
        if self.order is not RowOrder.MINUS:
            yield from unlearn_in_turn(self, original, chains, seed_of)
            return
        steps = [(j, t) for j, chain in enumerate(chains) for t in range(len(chain))]
        # each of these seeds takes as long to draw as a model of a few features takes to solve
        seeds = [seed_of(j, t) for j, t in steps] if self.regime is Regime.FRESH else [original.seed] * len(steps)
        many = self.unlearn_many(original, [_up_to(chains[j], t) for j, t in steps], seeds)
        for chain in chains:
            yield [original, *islice(many, len(chain))]

    def _solved(self, original: Trained, requests: Sequence[Request]) -> list[LogisticModel] | None:
        """Return the logistic regressions after some requests, None if the original is none or they are no case."""
        if not isinstance(original.model, LogisticModel):
            return None
        data, settings = original.data, original.model.settings
        with one_thread():
            changes = [(request.deleted, request.added) for request in requests]
            solved = solve(settings, data.X, data.y, original.training, changes, start=original.model)
        return None if solved is None else solved[1:]


def _after(training: Positions, request: Request, order: RowOrder) -> Positions:
    """Return the training records after a request, in the order to fit them in."""
    remaining = remaining_rows(training, request.deleted, order)
    return np.concatenate([remaining, request.added]) if len(request.added) else remaining


def _up_to(chain: Chain, t: int) -> Request:
    """Return the updates of a chain, the t-th the last, as one request."""
    if t == 0:
        return chain[0]
    deleted, added = ([getattr(request, name) for request in chain[: t + 1]] for name in ("deleted", "added"))
    return Request(np.concatenate(deleted), np.concatenate(added))
