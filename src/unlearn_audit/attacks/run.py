"""Fits attacks on shadow worlds and scores target rows: the step from observations to scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import rankdata

from unlearn_audit.attacks.base import Attack, label
from unlearn_audit.attacks.calibration import Calibrated, Calibration
from unlearn_audit.attacks.cross_validation import Split
from unlearn_audit.attacks.games import Game
from unlearn_audit.attacks.shadow_side import ShadowSide
from unlearn_audit.attacks.stored import Kept, ScoreStore
from unlearn_audit.engine.executors.base import Item, in_order
from unlearn_audit.engine.executors.processes import Processes
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Area, Clusters, Estimate, Scored, auc, auc_interval, best_threshold
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import ROWS_AT_ONCE, Asked, LabelledView, View
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.spilled import spilled
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Array, Mask

_UNDONE = "attacks are not fitted yet; use fewer --jobs, fewer attacks or a machine with more memory"

_COSTLIEST = ("random-forest", "mlp")
"""Attack models that are started first, so that short tasks fill the gap at the end."""


@dataclass(frozen=True)
class AttackScores:
    """What one attack made of the target's rows.

    Attributes
    ----------
    attack
        The attack, unfitted.
    shadow_auc
        AUC of cross-validation over shadow worlds, the mean over folds: all that a selection may look at.
    shadow
        The AUC of the same out-of-fold scores, ranked within their folds, with its error over shadow worlds: next to
        the target's it shows whether the two sides are alike.
    scores
        (n,) higher for the positive, for the game's rows of the target, in the table's order.
    calibration
        From scores to probabilities of being positive, by the shadow worlds' out-of-fold scores.
    threshold
        From which score on a row is called positive where a bound on epsilon is sought, chosen on the same
        out-of-fold scores.
    """

    attack: Attack
    shadow_auc: float
    shadow: Estimate
    scores: Array
    calibration: Calibration
    threshold: float

    @classmethod
    def kept(cls, attack: Attack, found: Kept) -> list[AttackScores]:
        """Return what `keepable` made, of each target."""
        shadow_auc, threshold, *estimate = found["figures"].tolist()
        n = sum(name.startswith("scores_") for name in found)
        calibration = Calibration.of_arrays(found)
        return [
            cls(attack, shadow_auc, Estimate(*estimate), found[f"scores_{t}"], calibration, threshold) for t in range(n)
        ]

    @property
    def calibrated(self) -> Array:
        """(n,) probability of being positive, calibrated; computed anew."""
        return self.calibration.transform(self.scores)

    @property
    def spilled(self) -> AttackScores:
        """The same with the scores of many rows in a file: of all attacks at once they would fill the memory."""
        return replace(self, scores=spilled(self.scores))

    def scored(self, rows: Mask, area: Area | None = None) -> Scored:
        """Return what the attack says of some rows; their AUC may be known.

        Where it holds no probabilities itself, they are the calibrated ones.
        """
        scores = self.scores if rows.all() else self.scores[rows]
        calibrated = Calibrated(scores, self.calibration)
        return Scored(scores, scores if self.attack.probabilistic else calibrated, calibrated, area)


_ESTIMATE = ("value", "low", "high", "error", "freedom")


def keepable(found: Sequence[AttackScores]) -> Kept:
    """Return what one attack made of all targets as arrays."""
    first = found[0]
    arrays = {
        "figures": np.array([first.shadow_auc, first.threshold, *(getattr(first.shadow, of) for of in _ESTIMATE)])
    }
    return arrays | first.calibration.arrays | {f"scores_{t}": of.scores for t, of in enumerate(found)}


@dataclass(frozen=True)
class Failure:
    """An attack that could not be run.

    Attributes
    ----------
    attack
        Which.
    game
        In which game.
    reason
        What it raised, in words.
    """

    attack: Attack
    game: str
    reason: str


@dataclass(frozen=True)
class Policy:
    """How attacks are run.

    Attributes
    ----------
    keep_going
        Whether the others go on where an attack fails; by default it ends the run.
    fit_rows
        On how many shadow rows an attack is fitted at most, if it can be on a sample; None for all.
    kept
        Where scores of before are, and these are kept; None for nowhere.
    """

    keep_going: bool = False
    fit_rows: int | None = None
    kept: ScoreStore | None = None


PLAIN = Policy()
"""Everything is fitted, on all rows, and a failure ends the run."""


@dataclass(frozen=True)
class AttackRun:
    """What came of some attacks.

    Attributes
    ----------
    scores
        For each target, what each attack that did not fail made of it.
    failures
        Those that failed; none unless the run was to keep going.
    """

    scores: tuple[tuple[AttackScores, ...], ...]
    failures: tuple[Failure, ...] = ()


def run_attacks(
    attacks: Sequence[Attack],
    game: Game,
    shadow: Observations,
    targets: Sequence[Observations],
    seed: int,
    jobs: int,
    progress: Callable[[], None],
    policy: Policy = PLAIN,
) -> AttackRun:
    """Fit every attack on the shadow's rows and score the game's rows of each target.

    Parameters
    ----------
    attacks, game
        What to run, each as one task; and which roles are distinguished.
    shadow, targets
        The attacker's table, and those under attack (the same rows, as released in different ways).
    seed
        The seed of the audit; each attack has its own, keyed by its name and the game.
    jobs
        Worker processes; results do not depend on it.
    progress
        Called when an attack is done.
    policy
        What happens where an attack fails, how many rows it is fitted on, and whether scores are kept.

    Raises
    ------
    AuditError
        If a role of the game is missing or has too few shadow rows, or an attack fails.
    """
    side = ShadowSide.of(shadow, game, policy.fit_rows)
    kept = policy.kept
    documents: dict[int, dict[str, Any]] = {}
    results: dict[int, list[AttackScores]] = {}
    if kept is not None:
        every = kept.documents(attacks, game, shadow, targets, seed, policy.fit_rows)
        documents = {i: document for i, document in enumerate(every) if document is not None}
        for i, document in documents.items():
            if (found := kept.get(document)) is not None:
                results[i] = AttackScores.kept(attacks[i], found)
                progress()
    order = sorted(set(range(len(attacks))) - results.keys(), key=lambda i: (_cost_rank(attacks[i]), i))
    tasks = side.tasks([attacks[i] for i in order], targets, seed)
    items = [(0, i) for i in range(len(tasks))]
    scored = in_order(Processes(jobs, _UNDONE).run(_run_nth, tasks, items), items)
    failures: list[Failure] = []
    for i, result in zip(order, scored, strict=True):
        if isinstance(result, str):
            if not policy.keep_going:
                raise AuditError(f"the attack {label(attacks[i])} failed: {result}; --keep-going continues without it")
            failures.append(Failure(attacks[i], game.name, result))
        else:
            results[i] = [of.spilled for of in result]
            if kept is not None and i in documents:
                kept.put(documents[i], keepable(result))
        progress()
    done = sorted(results)
    scores = tuple(tuple(results[i][t] for i in done) for t in range(len(targets)))
    return AttackRun(scores, tuple(failures))


def _cost_rank(attack: Attack) -> int:
    if attack.training_rows == "all":
        return -1
    return _COSTLIEST.index(attack.attack_model) if attack.attack_model in _COSTLIEST else len(_COSTLIEST)


def _run_nth(tasks: Sequence[Any], item: Item) -> list[AttackScores] | str:
    return _run_one(*tasks[item[1]])


def _run_one(
    attack: Attack,
    shadow: LabelledView,
    targets: Sequence[Asked],
    fitted_on: Mask,
    splits: Sequence[Split],
    clusters: Clusters,
    seed: int,
) -> list[AttackScores] | str:
    """Return what an attack made of the targets, or why it failed, whatever it raises.

    An `AuditError` says by itself what to do.
    """
    try:
        with foreign(""):
            return _scores_of(attack, shadow, targets, fitted_on, splits, clusters, seed)
    except AuditError as error:
        return " ".join(str(error).split())


def _scores_of(
    attack: Attack,
    shadow: LabelledView,
    targets: Sequence[Asked],
    fitted_on: Mask,
    splits: Sequence[Split],
    clusters: Clusters,
    seed: int,
) -> list[AttackScores]:
    """Cross-validate on shadow worlds, then fit on all of them and score the targets."""
    out_of_fold, in_fold = np.empty(len(fitted_on)), np.empty(len(fitted_on))
    aucs = []
    with one_thread():
        if len(shadow.view) <= ROWS_AT_ONCE:  # of more rows it would take too much memory
            shadow = attack.prepared(shadow)
        of_every = None if attack.learns else _scored(attack, shadow.view)
        for train, held in splits:
            out_of_fold[held] = (
                _scored(attack.fit(shadow.take(train), seed), shadow.view.take(held))
                if of_every is None
                else of_every[held]
            )
            # attacks of two folds are two attacks, and their scores need not lie on one scale
            in_fold[held] = rankdata(out_of_fold[held]) / (held.sum() + 1)
            if 0 < shadow.positive[held].sum() < held.sum():
                aucs.append(auc(out_of_fold[held], shadow.positive[held]))
        fitted = attack.fit(shadow.take(fitted_on), seed) if attack.learns else attack
        scores = [_scored(fitted, target) for target in targets]
    calibration = Calibration.fit(out_of_fold, shadow.positive, probabilistic=attack.probabilistic)
    for of_target in scores:
        calibration.check(of_target)
    shadow_auc = float(np.mean(aucs)) if aucs else auc(out_of_fold, shadow.positive)
    validated = auc_interval(in_fold, shadow.positive, clusters)
    threshold = best_threshold(out_of_fold, shadow.positive)
    return [AttackScores(attack, shadow_auc, validated, of_target, calibration, threshold) for of_target in scores]


def _scored(fitted: Attack, seen: View | Asked) -> Array:
    """Return (n,) scores, block by block: a row's score depends on no other row, and the work of many rows is large."""
    scores = [fitted.score(block) for block in seen.blocks()]
    return scores[0] if len(scores) == 1 else np.concatenate(scores)
