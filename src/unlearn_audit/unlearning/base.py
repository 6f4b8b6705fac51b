"""The contract of an unlearning method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.privacy import Spent
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.models.steps import last_step
from unlearn_audit.unlearning.certificate import Certificate
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.design import Chain, Request

SeedOf = Callable[[int, int], int]
"""The seed of an update, from the number of its chain and its place in it."""


@dataclass(frozen=True)
class Trained:
    """A fitted model and what it was fitted with.

    Attributes
    ----------
    model
        The fitted estimator.
    source
        Where it came from: makes another of its kind.
    data
        The dataset that positions refer to.
    training
        (n,) positions of the training records, in training order.
    seed
        The seed of its training.
    warnings
        Warnings from fitting, one sentence each.
    updates
        How many updates, each starting from the previous model, led to it; 0 if it was trained.
    """

    model: Any
    source: ModelSource
    data: Dataset
    training: Positions
    seed: int
    warnings: tuple[str, ...] = ()
    updates: int = 0

    @property
    def spent(self) -> Spent | None:
        """The privacy budget that its training spent; None if it was not private."""
        return getattr(self.model, "spent_", None)

    @property
    def certificate(self) -> Certificate | None:
        """What a certified method proves about it; None without a proof."""
        return getattr(last_step(self.model), "certificate_", None)


class Unlearner(ABC):
    """An unlearning method.

    A method must define how it learns and unlearns. The other members have defaults for a method that shares no work
    between requests and fits each model on all records with the model's own ``fit``.

    Attributes
    ----------
    regime
        How an unlearned model's randomness actually relates to the original's.
    """

    regime: Regime

    @abstractmethod
    def learn(self, source: ModelSource, data: Dataset, training: Positions, seed: int) -> Trained:
        """Return the original model, trained as this method needs it."""

    @abstractmethod
    def unlearn(self, original: Trained, request: Request, seed: int) -> Trained:
        """Return the model after the request; ``seed`` is for randomness that the original does not share."""

    def unlearn_many(self, original: Trained, requests: Sequence[Request], seeds: Sequence[int]) -> Iterator[Trained]:
        """Yield the unlearned model of each request, each computed from the original only."""
        for request, seed in zip(requests, seeds, strict=True):
            yield self.unlearn(original, request, seed)

    def unlearn_chains(self, original: Trained, chains: Sequence[Chain], seed_of: SeedOf) -> Iterator[list[Trained]]:
        """Yield the versions of each chain of updates, the original first, each made from the one before it."""
        firsts = self.unlearn_many(
            original, [chain[0] for chain in chains], [seed_of(j, 0) for j in range(len(chains))]
        )
        for j, (chain, first) in enumerate(zip(chains, firsts, strict=True)):
            versions = [original, first]
            for step, request in enumerate(chain[1:], start=1):
                versions.append(self.unlearn(versions[-1], request, seed_of(j, step)))
            yield versions

    def trainer(self, source: ModelSource, data: Dataset) -> str | None:  # noqa: ARG002
        """Return what trains this model instead of its own ``fit``, as text for store keys; None if nothing does."""
        return None

    def learns_as(self, source: ModelSource, data: Dataset) -> str | None:  # noqa: ARG002
        """Return how originals are learned, as text; None if by this method alone.

        Methods with the same text learn the same original from the same records with the same seed, to the last bit,
        so an audit of several of them trains it once.
        """
        return None

    one_by_one: ClassVar[str] = "networks of {model} were trained one at a time"
    """What `why_plain` gives the reason of."""

    def why_plain(self, source: ModelSource, data: Dataset) -> str | None:  # noqa: ARG002
        """Return why models that could be trained together are trained one by one; None if there is no reason."""
        return None

    def fit_sizes(self, n_training: int) -> frozenset[int]:
        """Return how many records one ``fit`` may get when a model is trained on this many."""
        return frozenset({n_training})

    @property
    def least_training(self) -> int:
        """The fewest training records that it can work with."""
        return 2


def check_request(training: Positions, request: Request) -> None:
    """Raise unless a request deletes some of the (n,) training records, and not all of them.

    Raises
    ------
    AuditError
        If it deletes nothing or everything.
    """
    if not len(request.deleted):
        raise AuditError("a request deletes no record; give at least one record to forget")
    if len(request.deleted) >= len(training):
        raise AuditError(
            f"a request deletes all {len(training):,} training records; unlearning needs records to retain, so delete "
            "fewer, or withdraw the model"
        )
