"""Retraining from scratch on the records that remain: exact unlearning, and the arm all others are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.regimes import Draws, Regime, RowOrder, fixed_order, remaining_rows
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import SeedOf, Trained, Unlearner, check_request
from unlearn_audit.unlearning.trainers import Retraining, Trainer, learn, retrain, trainers_for, why_plain
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.design import Chain, Request

UNREPEATABLE = (
    "trainings of {} on the same records with the same seed gave different answers; it draws from a source that cannot "
    "be seeded, and the results cannot be reproduced"
)

UNHEEDED = (
    "{} gives the same answers whatever seed it is given: either it draws no random numbers, or it sets its own seed, "
    "which all worlds share"
)

ROUNDED = "trainings of {} with the same seed gave answers that differ by up to {:.1g}, as rounding can"


@dataclass(frozen=True)
class Retrain(Unlearner):
    """Fit a new model on what remains of the original's training records.

    Attributes
    ----------
    regime
        How the new model's randomness relates to the original's.
    order
        In which order the remaining records are fitted.
    plain
        Whether each model is trained by its own ``fit``, even where several could be trained at once.
    opened
        Whether a method of other people's looks into the models, so that trees and forests must be scikit-learn's own.
    """

    regime: Regime
    order: RowOrder
    # no part of the text that goes into keys, in which the trainer says what was trained at once
    plain: bool = field(default=False, repr=False)
    opened: bool = field(default=False, repr=False)

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
            instead = "" if asked is Regime.FRESH else f"regime {asked} was requested, but fresh ran: "
            return cls(Regime.FRESH, RowOrder.MINUS), instead + UNREPEATABLE.format(source.name)
        notes = [ROUNDED.format(source.name, draws.again)] if draws.again else []
        if not draws.heeds_seeds:
            notes.append(UNHEEDED.format(source.name))
        if asked is Regime.FRESH and not draws.heeds_seeds:
            notes.insert(0, "regime fresh was requested, but same-seed ran")
            return cls(Regime.SAME_SEED, RowOrder.MINUS), ": ".join(notes)
        order = fixed_order(source.make(seed=0)) if asked is Regime.FIXED else RowOrder.MINUS
        if order is None:
            notes.insert(
                0,
                f"regime fixed was requested; {source.name} cannot keep each draw with its record, so it ran as "
                "same-seed: the same seed on fewer records",
            )
            return cls(Regime.SAME_SEED, RowOrder.MINUS), "; ".join(notes)
        return cls(asked, order), "; ".join(notes) or None

    def trainer(self, source: ModelSource, data: Dataset) -> str | None:
        """Return what trains this model in place of its own ``fit``, None if nothing does."""
        return next(self._trainers(source, data)).key

    def learns_as(self, source: ModelSource, data: Dataset) -> str | None:
        """Return how originals are learned; None if a class derived from this one learns differently."""
        if type(self).learn is not Retrain.learn:
            return None
        return f"{self.regime} {self.trainer(source, data) or 'fit'}"

    def why_plain(self, source: ModelSource, data: Dataset) -> str | None:
        """Return why networks are trained one at a time; None if they are not, or the model is no network."""
        return None if self.plain else why_plain(source, data, self.regime)

    def _trainers(self, source: ModelSource, data: Dataset) -> Iterator[Trainer]:
        return trainers_for(source, data, self.regime, plain=self.plain, opened=self.opened)

    def learn(self, source: ModelSource, data: Dataset, training: Positions, seed: int) -> Trained:
        """Return a trained model."""
        return learn(self._trainers(source, data), training, seed)

    def unlearn(self, original: Trained, request: Request, seed: int) -> Trained:
        """Return a model retrained without the deleted and with the added records."""
        return next(self.unlearn_many(original, [request], [seed]))

    def unlearn_many(self, original: Trained, requests: Sequence[Request], seeds: Sequence[int]) -> Iterator[Trained]:
        """Return the retrained model of each request; logistic regressions, trees and networks are trained together."""
        own = seeds if self.regime is Regime.FRESH else [original.seed] * len(requests)
        retrainings = [
            Retraining(request, rows_after(original.training, request, self.order), seed)
            for request, seed in zip(requests, own, strict=True)
        ]
        return self._retrained(original, retrainings)

    def _retrained(self, original: Trained, retrainings: Sequence[Retraining]) -> Iterator[Trained]:
        # nothing is trained before the first model is asked for
        yield from retrain(self._trainers(original.source, original.data), original, retrainings)

    def unlearn_chains(self, original: Trained, chains: Sequence[Chain], seed_of: SeedOf) -> Iterator[list[Trained]]:
        """Yield the versions of each chain of updates, the original first.

        What an update leaves is trained on from scratch, so all updates of all chains are requests to the original.
        """
        steps = [(j, t) for j, chain in enumerate(chains) for t in range(len(chain))]
        # each of these seeds takes as long to draw as a model of a few features takes to solve
        seeds = [seed_of(j, t) for j, t in steps] if self.regime is Regime.FRESH else [original.seed] * len(steps)
        left: list[Positions] = []
        for j, t in steps:
            left.append(rows_after(left[-1] if t else original.training, chains[j][t], self.order))
        requests = [_up_to(chains[j], t) for j, t in steps]
        many = self._retrained(original, [Retraining(*of) for of in zip(requests, left, seeds, strict=True)])
        for chain in chains:
            yield [original, *islice(many, len(chain))]


def rows_after(training: Positions, request: Request, order: RowOrder) -> Positions:
    """Return (n,) positions of the training records after a request, in the order to fit them in.

    Raises
    ------
    AuditError
        If the request deletes nothing, or nothing would be left.
    """
    check_request(training, request)
    remaining = remaining_rows(training, request.deleted, order)
    return np.concatenate([remaining, request.added]) if len(request.added) else remaining


def _up_to(chain: Chain, t: int) -> Request:
    """Return the updates of a chain, the t-th the last, as one request."""
    if t == 0:
        return chain[0]
    deleted, added = ([getattr(request, name) for request in chain[: t + 1]] for name in ("deleted", "added"))
    return Request(np.concatenate(deleted), np.concatenate(added))
