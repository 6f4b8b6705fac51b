"""What is measured: one world with few deletions, and one fit of each attack model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks import Attack
from unlearn_audit.attacks.formula.label_only import PROBED
from unlearn_audit.attacks.influence.base import Influence
from unlearn_audit.engine.executors.base import Item, Work
from unlearn_audit.engine.executors.processes import in_processes
from unlearn_audit.engine.observe import Original, learn_original, observe_world
from unlearn_audit.engine.originals import kept_original
from unlearn_audit.engine.store.marks import mark_of
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.metrics import Scored, evaluate
from unlearn_audit.observations.piece import Packed, Piece, table_of
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.memory import peak_memory
from unlearn_audit.utils.tensors import bytes_of_tensors
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Array, Positions

Clock = Callable[[], float]
"""Tells the time in seconds."""

ENOUGH_SECONDS = 2.0
"""A pilot deletes more and more until it took this long, or deletes as many as the audit."""

SLOW_SECONDS = 10.0
"""A first run that took this long is not repeated."""

_UNDONE = "pilot is not done; use smaller models or worlds, or a machine with more memory"

MOST_ROWS = 4000
"""Attack models are timed on at most so many rows; beyond them a fit is taken to grow with the rows."""


@dataclass(frozen=True)
class Pilot:
    """What one world took.

    Attributes
    ----------
    fixed, per_chain
        Seconds: of the original and all else that is done once, and of each chain of updates with its queries.
    chains
        Most chains timed.
    rows, scored, fitted
        Rows of a chain: asked in all, of them those that no attacker knows, and those that attacks are fitted on.
    bytes_per_row, bytes_per_world
        On disk: of the observations, and of what is kept with them.
    memory_per_row
        Bytes of a row of observations in memory.
    peak_memory
        Bytes, the most that the process ever held; None where the system does not tell.
    original
        Seconds, of those that are fixed, of the original's training.
    bytes_per_original
        On disk, of an original that is kept; 0 where none is.
    """

    fixed: float
    per_chain: float
    chains: int
    rows: float
    scored: float
    fitted: float
    bytes_per_row: float
    bytes_per_world: int
    memory_per_row: float
    peak_memory: int | None
    original: float = 0.0
    bytes_per_original: int = 0

    def seconds(self, chains: int) -> float:
        """Return the time of a world of so many chains."""
        return self.fixed + self.per_chain * chains


@dataclass(frozen=True)
class AttackTimes:
    """What the attacks take, in seconds.

    Attributes
    ----------
    fit, score
        By kind of attack: of one fit on the shadow side's rows, and of scoring one row.
    figures
        Of all figures of one attack, by row.
    """

    fit: Mapping[str, float]
    score: Mapping[str, float]
    figures: float


def measure(task: SideTask, clock: Clock = time.perf_counter, observe: Callable[..., Any] = observe_world) -> Pilot:
    """Time one world of a side with 1, 2, 4, … chains.

    The first run warms up, and counts only where it is too slow for a second one.

    Parameters
    ----------
    task
        The side.
    clock, observe
        The clock, and how a world is made.
    """
    most, chains = task.plan.sizes.deletions, 1
    timed: list[tuple[int, float]] = []
    started = clock()
    while True:
        sizes = task.plan.sizes.model_copy(update={"deletions": chains})
        world = replace(task.plan, sizes=sizes).world(0)
        began = clock()
        original = learn_original(task, world)
        learned = clock() - began
        piece, stats = observe(task, world, original)
        ended = clock()
        timed.append((chains, ended - began))
        warm = len(timed) > 1
        if (warm and chains == most) or ended - started >= (ENOUGH_SECONDS if len(timed) > 2 else SLOW_SECONDS):
            break
        chains = min(2 * chains, most) if warm else 1
    pilot = _pilot(task, timed[1:] or timed, piece, stats)
    return replace(pilot, original=min(learned, pilot.fixed), bytes_per_original=_bytes_of(task, original))


def _pilot(task: SideTask, timed: Sequence[tuple[int, float]], piece: Piece, stats: Mapping[str, Any]) -> Pilot:
    table = table_of([piece])
    chains = timed[-1][0]
    fixed, per_chain = line(timed, task.plan.scenario.versions)
    observed, noted = _stored_bytes(task, piece, stats)
    in_memory = int(table.rows.memory_usage(deep=True).sum()) + table.posteriors.nbytes
    in_memory += sum(values.nbytes for values in table.signals.values())
    return Pilot(
        fixed=fixed,
        per_chain=per_chain,
        chains=chains,
        rows=len(table) / chains,
        scored=int((table.roles != "reference").sum()) / chains,
        fitted=2 * int((table.paper & (table.roles == "deleted")).sum()) / chains,
        bytes_per_row=observed / len(table),
        bytes_per_world=noted,
        memory_per_row=in_memory / len(table),
        peak_memory=peak_memory(),
    )


def line(timed: Sequence[tuple[int, float]], versions: int) -> tuple[float, float]:
    """Return seconds once and seconds a chain, by the line through the first and the last of some timings.

    With a single one, all trainings are taken to cost the same.

    Examples
    --------
    >>> line([(1, 3.0), (2, 3.4), (4, 4.5)], versions=1)
    (2.5, 0.5)
    >>> line([(1, 3.0)], versions=1)
    (1.5, 1.5)
    """
    (fewest, least), (most, longest) = timed[0], timed[-1]
    if fewest == most:
        each = longest / (1 + most * versions)
        return each, each * versions
    per_chain = min(max((longest - least) / (most - fewest), 0.0), longest / most)
    return longest - per_chain * most, per_chain


def _bytes_of(task: SideTask, original: Original) -> int:
    """Return how many bytes a store takes for an original; 0 where it keeps none."""
    kept = kept_original(original) if task.keep_originals else None
    if kept is None:
        return 0
    tensors, notes = kept
    content = bytes_of_tensors(tensors.arrays)
    return len(content) + len(mark_of(task.documents("")[0], content, notes).encode())


def _stored_bytes(task: SideTask, piece: Piece, stats: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many bytes a store takes for a world's observations, and for what is kept with them."""
    content = Packed.of(piece).content
    return len(content), len(mark_of(task.documents("")[0], content, stats).encode())


def start_worker() -> None:
    """Wait until a worker process is running, with this package imported."""
    _in_worker(_peak_memory, None)


def measure_in_worker(task: SideTask) -> Pilot:
    """Return `measure` of a side in a worker process, started as those of an audit are."""
    pilot: Pilot = _in_worker(_measure, task)
    return pilot


def _in_worker(work: Work, shared: Any) -> Any:
    ((_, result),) = in_processes(2, 1, work, shared, [(0, 0)], _UNDONE)
    return result


def _peak_memory(shared: None, item: Item) -> int | None:  # noqa: ARG001
    return peak_memory()


def _measure(task: SideTask, item: Item) -> Pilot:  # noqa: ARG001
    return measure(task)


def kind_of_attack(attack: Attack) -> str:
    """Return what tells apart attacks that take different times: the attack model, or the attack where it has none."""
    return attack.attack_model or attack.name


def time_attacks(
    attacks: Sequence[Attack],
    fitted: Mapping[Literal["paper", "all"], int],
    target: int,
    classes: int,
    references: int,
    clock: Clock = time.perf_counter,
) -> AttackTimes:
    """Time each kind of attack once on random posteriors, and once all figures of one attack.

    Parameters
    ----------
    attacks
        What an audit runs; the first of each kind is timed.
    fitted
        Rows that attacks are fitted on, by which rows they take.
    target
        Rows that they score.
    classes, references
        Of the models, and reference records of a pair of them.
    clock
        The clock.
    """
    rng = np.random.default_rng(0)
    fit, score = {}, {}
    with one_thread():
        for name, attack in {kind_of_attack(attack): attack for attack in reversed(attacks)}.items():
            rows = fitted[attack.training_rows]
            n = min(max(rows, 40), MOST_ROWS)
            shadow = _random_view(n, classes, references, rng)
            began = clock()
            ready = attack.with_influence(_RandomInfluence(n)).fit(shadow, 0)
            ended = clock()
            ready.score(shadow.view)
            fit[name], score[name] = (ended - began) * max(rows / n, 1), (clock() - ended) / n
        rows = min(max(target, 40), 10 * MOST_ROWS)
        first, second = rng.random((2, rows))
        began = clock()
        evaluate(
            Scored(first, calibrated=first),
            np.arange(rows) % 20 == 0,
            np.arange(rows) * 10 // rows,
            baseline=Scored(second, calibrated=second),
        )
        figures = (clock() - began) / rows
    return AttackTimes(fit, score, figures)


class _RandomInfluence(Influence):
    """Random numbers, as costly to use as the influence of records on a linear model."""

    def __init__(self, n_records: int) -> None:
        self._n_records = n_records

    @property
    def n_records(self) -> int:
        """As many as there are rows in the view that attacks are timed on."""
        return self._n_records

    def change(self, candidates: Positions, references: Positions) -> Array:
        """Return (references, candidates) numbers."""
        return np.random.default_rng(0).normal(size=(len(references), len(candidates)))


def _random_view(n: int, classes: int, references: int, rng: np.random.Generator) -> LabelledView:
    """Return posteriors of every version of a chain, twenty rows a pair, of which positives can just be identified."""
    positive = np.arange(n) % 2 == 0
    pair = np.arange(n) // 20
    known = np.repeat(np.unique(pair), references)

    def view(pair: npt.NDArray[np.int64], leak: npt.NDArray[np.bool_], beside: View | None) -> View:
        logits = rng.normal(size=(len(pair), 1, classes)) + rng.normal(size=(len(pair), 2, classes)) / 10
        logits[:, 1, 0] += leak / 2
        weights = np.exp(logits)
        posteriors = (weights / weights.sum(axis=2, keepdims=True)).astype(np.float32)
        positions = np.arange(len(pair)) if beside is not None else np.arange(len(pair)) % max(references, 1)
        near = dict.fromkeys(PROBED, posteriors[:, :, 0])
        return View(posteriors, np.zeros(len(pair), dtype=np.int64), pair, near, beside, positions, positions // 40)

    beside = view(known, np.zeros(len(known), dtype=bool), None) if references else None
    return LabelledView(view(pair, positive, beside), positive)
