"""One world from start to end: train the original, unlearn each request, query every pair."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.measures import Measuring, Took, measures_of
from unlearn_audit.engine.probes import AGREEMENT, BOUNDARY, Label, Probes, Probing
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.models.cart.model import CartModel
from unlearn_audit.models.parameters import count_parameters
from unlearn_audit.models.posteriors import can_ask_many, query, query_many
from unlearn_audit.models.privacy import Spent, most_spent
from unlearn_audit.models.trees import answers_by_record
from unlearn_audit.observations.piece import Piece
from unlearn_audit.observations.table import ROLES
from unlearn_audit.unlearning import Trained, Unlearner
from unlearn_audit.unlearning.base import SeedOf
from unlearn_audit.unlearning.options import is_ours
from unlearn_audit.unlearning.training import take
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.seeds import SIDES, Kind, integer_seed, seeded_globals
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Positions, Posteriors
from unlearn_audit.worlds import Query, World

_PAIRS_AT_ONCE = 20
"""Chains asked at once where their models can be."""


@dataclass(frozen=True)
class Original:
    """The original of a world.

    Attributes
    ----------
    trained
        The model.
    took
        What its training took; None where that is not known.
    warned
        What its training warned of besides `Trained.warnings`, one sentence each.
    """

    trained: Trained
    took: Took | None = None
    warned: tuple[str, ...] = ()


def learn_original(task: SideTask, world: World) -> Original:
    """Train the original of a world."""
    took, seed = Took(), original_seed(task, world)
    with warned() as texts, _method(task.unlearner), took.measured():
        trained = task.unlearner.learn(task.source, task.data, world.training, seed)
    return Original(trained, took, tuple(texts))


def original_seed(task: SideTask, world: World) -> int:
    """Return the seed of the training of a world's original."""
    return integer_seed(task.plan.seed, Kind.ORIGINAL, SIDES[world.side], world.index)


def observe_world(task: SideTask, world: World, original: Original | None = None) -> tuple[Piece, dict[str, Any]]:
    """Return the observations of one world and what is known of its models.

    Parameters
    ----------
    task
        What is trained on, with what, how it unlearns, and what is measured.
    world
        One of its worlds.
    original
        The original; trained if it is not there yet.

    Returns
    -------
    observations
        One row a record queried, pair by pair, all versions; with probes their two signals.
    stats
        ``overfitting`` (train minus test accuracy of the original), ``warnings`` (text to count), ``privacy``
        (the most that one of its private trainings spent, or None), ``parameters`` (of the original, or None) and, if
        anything is measured, ``measures``.
    """
    start = original or learn_original(task, world)
    with warned() as texts:
        piece, stats = _observed(task, world, start)
    counted = Counter(stats["warnings"])
    counted.update((*start.warned, *texts))
    return piece, {**stats, "warnings": dict(counted)}


def _observed(task: SideTask, world: World, start: Original) -> tuple[Piece, dict[str, Any]]:
    data, seed, original, side = task.data, task.plan.seed, start.trained, SIDES[world.side]
    # that no model of this side is trained on: for the test accuracy, by the owner's labels
    held_out, probing = np.sort(task.plan.pool.unseen), Probing.of(task.plan)
    posteriors = []
    trainings = _Trainings()
    trainings.add(original)

    def seed_of(j: int, step: int) -> int:
        return integer_seed(seed, Kind.UNLEARNED, side, world.index, j, step)

    # a model may draw when it is asked too
    with one_thread(), seeded_globals(integer_seed(seed, Kind.QUERY, side, world.index)):
        prober = None if probing is None else _Prober(original, world, probing, seed)
        measuring = _measuring(task, original, world, held_out)
        unlearning, measured = Took(), 0
        chains = _chains(task.unlearner, original, world, seed_of)
        pairs = zip(chains if measuring is None else _timed(chains, unlearning), world.queries, strict=True)
        asker = _Asker(original, world)
        while together := list(islice(pairs, asker.at_once)):
            posteriors += asker.ask([versions for versions, _ in together], [asked for _, asked in together])
            for versions, asked in together:
                if prober is not None:
                    prober.ask(versions, asked.positions)
                if measuring is not None:
                    measuring.add(measured, versions[-1])
                    measured += 1
                for version in versions[1:]:
                    trainings.add(version)
        true = data.y if data.true_y is None else data.true_y
        overfitting = accuracy(original, world.training, data.y) - accuracy(original, held_out, true)
    columns, signals = _columns(data, world), {} if prober is None else prober.signals
    piece = Piece(data.name, world.side, world.index, columns, np.concatenate(posteriors), data.class_names, signals)
    noted = {} if measuring is None else {"measures": measuring.notes(start.took, unlearning)}
    counted = {"parameters": count_parameters(original.model)}
    return piece, {"overfitting": overfitting, **trainings.stats, **counted, **noted}


def _measuring(task: SideTask, original: Trained, world: World, held_out: Positions) -> Measuring | None:
    """Return what measures the pairs of a world; None if nothing is measured."""
    measures = measures_of(task.measures)
    if not measures:
        return None
    return Measuring(measures, original, world, held_out, task.plan.seed, task.unlearner.regime)


@contextmanager
def warned() -> Iterator[list[str]]:
    """Yield a list that gets what a block warns of, one sentence each."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
    texts += [f"{w.category.__name__}: {' '.join(str(w.message).split())}" for w in caught]


def _timed(chains: Iterator[list[Trained]], took: Took) -> Iterator[list[Trained]]:
    """Yield chains, and count what making them takes, without what is done with them meanwhile."""
    while True:
        with took.measured():
            versions = next(chains, None)
        if versions is None:
            return
        yield versions


def _chains(unlearner: Unlearner, original: Trained, world: World, seed_of: SeedOf) -> Iterator[list[Trained]]:
    with _method(unlearner):
        yield from unlearner.unlearn_chains(original, world.chains, seed_of)


def _method(unlearner: Unlearner) -> AbstractContextManager[None]:
    """Return what tells of an error in a method of other people's; one of our own would be a fault of ours."""
    of = type(unlearner)
    return nullcontext() if is_ours(of) else foreign(f"unlearning method {of.__name__} raised")


class _Trainings:
    """What the trainings of a world warned of and spent."""

    def __init__(self) -> None:
        self.warnings: Counter[str] = Counter()
        self.spent: list[Spent | None] = []

    def add(self, trained: Trained) -> None:
        """Count a training."""
        self.warnings.update(trained.warnings)
        self.spent.append(trained.spent)

    @property
    def stats(self) -> dict[str, Any]:
        """How often what was warned of, and the most that one training spent."""
        most = most_spent(self.spent)
        return {"warnings": dict(self.warnings), "privacy": None if most is None else asdict(most)}


def accuracy(trained: Trained, positions: Positions, labels: npt.NDArray[Any]) -> float:
    """Return the share of the records at some positions whose most probable class is their label, given (n,) of all."""
    data = trained.data
    posteriors = query(trained.model, take(data.X, positions), data.class_values, trained.source.name)
    return float(np.mean(data.class_values[posteriors.argmax(axis=1)] == labels[positions]))


class _Asker:
    """Asks the versions of a world's chains, many at once where their kind can, and no version twice for nothing."""

    def __init__(self, original: Trained, world: World) -> None:
        self.data, self.source = original.data, original.source
        self.original = original
        self.at_once = _PAIRS_AT_ONCE if can_ask_many(original.model) else 1
        self.known: Posteriors | None = None
        self.leaves: npt.NDArray[np.int32] | None = None
        if answers_by_record(original.model):
            self.asked = np.unique(np.concatenate([asked.positions for asked in world.queries]))
            if isinstance(original.model, CartModel):
                self.leaves = original.model.find_leaves(take(self.data.X, self.asked))
            self.known = self._query(original, self.asked)

    def ask(self, chains: list[list[Trained]], asked: list[Query]) -> list[Posteriors]:
        """Return (m, versions, classes) for each chain.

        All versions of a chain answer the same block of records, so that equal models give equal bits.
        """
        sizes = {(len(versions), len(queried.positions)) for versions, queried in zip(chains, asked, strict=True)}
        kinds = {type(version.model) for versions in chains for version in versions}
        if len(chains) > 1 and len(sizes) == len(kinds) == 1:
            blocks = take(self.data.X, np.stack([queried.positions for queried in asked]))
            by_version = [
                query_many([t.model for t in version], blocks, self.data.class_values, self.source.name)
                for version in zip(*chains, strict=True)
            ]
            return list(np.stack(by_version, axis=2))
        return [self._ask_one(versions, queried.positions) for versions, queried in zip(chains, asked, strict=True)]

    def _ask_one(self, versions: list[Trained], positions: Positions) -> Posteriors:
        first = (
            self._query(self.original, positions)
            if self.known is None
            else self.known[np.searchsorted(self.asked, positions)]
        )
        return np.stack([first, *(self._query(version, positions) for version in versions[1:])], axis=1)

    def _query(self, trained: Trained, positions: Positions) -> Posteriors:
        model = trained.model
        if self.leaves is not None and isinstance(model, CartModel) and model.is_version_of(self.original.model):
            model = model.asked(self.leaves, np.searchsorted(self.asked, positions))
        return query(model, take(self.data.X, positions), self.data.class_values, self.source.name)


class _Prober:
    """Asks the versions of a world's chains for labels near each record; the original once for all chains."""

    def __init__(self, original: Trained, world: World, probing: Probing, seed: int) -> None:
        everyone = np.concatenate([asked.positions for asked in world.queries])
        self.probes = Probes.of(original.data, everyone, probing.donors, probing.copies, seed)
        self.of_original = self.probes.ask(_labels_of(original))
        self.answers: list[list[tuple[Posteriors, Posteriors]]] = []

    def ask(self, versions: list[Trained], positions: Positions) -> None:
        """Ask every version of a chain near (m,) records."""
        at = np.searchsorted(self.probes.positions, positions)
        near = self.probes.take(positions)
        agreement, boundary = self.of_original
        self.answers.append([(agreement[at], boundary[at]), *(near.ask(_labels_of(v)) for v in versions[1:])])

    @property
    def signals(self) -> dict[str, Posteriors]:
        """(n, versions) agreement and (n, versions, lines) boundary, chain by chain."""
        return {
            name: np.concatenate([np.stack([signals[i] for signals in chain], axis=1) for chain in self.answers])
            for i, name in enumerate((AGREEMENT, BOUNDARY))
        }


def _labels_of(trained: Trained) -> Label:
    """Return what a version is asked with when it tells labels alone."""
    classes, name = trained.data.class_values, trained.source.name
    return lambda X: query(trained.model, X, classes, name).argmax(axis=1).astype(np.int64)


def _columns(data: Dataset, world: World) -> dict[str, np.ndarray[Any, Any]]:
    """Return the columns of a piece, one row a record asked, pair by pair."""
    sizes = [len(asked.positions) for asked in world.queries]
    together = {
        name: np.concatenate([getattr(asked, name) for asked in world.queries])
        for name in ("positions", "paper", "deleted_at")
    }
    # most queries share one array of roles
    different = {id(asked.roles): asked.roles for asked in world.queries}
    roles = {key: _places(names) for key, names in different.items()}
    positions = together["positions"]
    return {
        "request": np.repeat(np.arange(len(sizes)), sizes),
        "record": data.record_ids[positions],
        "query": np.zeros(len(positions), dtype=np.int64),
        "role": np.concatenate([roles[id(asked.roles)] for asked in world.queries]),
        "paper": together["paper"],
        "deleted_at": together["deleted_at"],
        "label": np.searchsorted(data.class_values, data.y[positions]),
    }


def _places(roles: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """Return where in `ROLES` each of some roles stands."""
    return np.array([ROLES.index(role) for role in roles])
