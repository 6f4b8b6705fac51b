"""Fits attacks on shadow worlds and scores target rows: the step from observations to scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from unlearn_audit.attacks.base import Attack, label
from unlearn_audit.attacks.games import Game
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Calibrator, auc
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import LabelledView, View, blind
from unlearn_audit.seeds import Kind, integer_seed, name_key
from unlearn_audit.unlearning.base import one_thread

Array = npt.NDArray[np.float64]

FOLDS = 5
"""Folds of the cross-validation over shadow worlds (fewer where there are fewer worlds)."""

FEWEST_ROWS = 10
"""Shadow positives and negatives below which no attack model is fitted."""

_COSTLY_FIRST = ("random-forest", "mlp")


@dataclass(frozen=True)
class AttackScores:
    """What one attack made of the target's rows.

    Attributes
    ----------
    attack
        The attack, unfitted.
    shadow_auc
        AUC of cross-validation over shadow worlds, the mean over folds: all that a selection may look at.
    scores
        (n,) probability of being positive, for the game's rows of the target, in the table's order.
    calibrated
        (n,) the same, calibrated on the shadow worlds' out-of-fold scores, both classes weighing the same.
    """

    attack: Attack
    shadow_auc: float
    scores: Array
    calibrated: Array


def run_attacks(
    attacks: Sequence[Attack],
    game: Game,
    shadow: Observations,
    target: Observations,
    seed: int,
    jobs: int,
    progress: Callable[[], None],
) -> list[AttackScores]:
    """Fit every attack on the shadow's paper rows and score the game's target rows.

    Parameters
    ----------
    attacks
        What to run; each is cross-validated, fitted and scored as one task.
    game
        Which roles are told apart.
    shadow, target
        The attacker's table, and the table under attack: of it the attacks see a `View` alone.
    seed
        The seed of the audit; each attack has its own, keyed by its name and the game.
    jobs
        Worker processes; results do not depend on it.
    progress
        Called when an attack is done.

    Raises
    ------
    AuditError
        If a role of the game is missing, or there are too few shadow rows to fit anything.
    """
    shadow_rows, target_rows = game.rows(shadow, "the shadow side"), game.rows(target, "the target side")
    positive = shadow.roles[shadow_rows] == game.positive
    fitted_on = shadow.paper[shadow_rows]
    fewest = min(int((positive & fitted_on).sum()), int((~positive & fitted_on).sum()))
    if fewest < FEWEST_ROWS:
        raise AuditError(
            f"the shadow side has {fewest} rows of a role of {game.name} to fit attacks on, fewer than {FEWEST_ROWS}; "
            "use more shadow worlds or deletions"
        )
    folds = _folds(shadow.select(shadow_rows), positive)
    views = {
        view: (LabelledView(blind(shadow, view, shadow_rows), positive), blind(target, view, target_rows))
        for view in {attack.view for attack in attacks}
    }
    order = sorted(range(len(attacks)), key=lambda i: attacks[i].attack_model not in _COSTLY_FIRST)
    run = Parallel(n_jobs=min(jobs, len(attacks)), return_as="generator", batch_size=1, max_nbytes="100K")
    results: dict[int, AttackScores] = {}
    tasks = (
        delayed(_run_one)(attacks[i], *views[attacks[i].view], fitted_on, folds, _seed(seed, game, attacks[i]))
        for i in order
    )
    for i, result in zip(order, run(tasks), strict=True):
        results[i] = result
        progress()
    return [results[i] for i in range(len(attacks))]


def _seed(root: int, game: Game, attack: Attack) -> int:
    return integer_seed(root, Kind.ATTACK, name_key(game.name), name_key(label(attack)))


def _run_one(
    attack: Attack,
    shadow: LabelledView,
    target: View,
    fitted_on: npt.NDArray[np.bool_],
    folds: npt.NDArray[np.int64],
    seed: int,
) -> AttackScores:
    """Cross-validate on shadow worlds, then fit on all of them and score the target."""
    out_of_fold = np.empty(len(folds))
    aucs = []
    with one_thread():
        for fold in np.unique(folds):
            held = folds == fold
            fitted = attack.fit(shadow.take(~held & fitted_on), seed)
            out_of_fold[held] = fitted.score(shadow.view.take(held))
            if 0 < shadow.positive[held].sum() < held.sum():
                aucs.append(auc(out_of_fold[held], shadow.positive[held]))
        scores = attack.fit(shadow.take(fitted_on), seed).score(target)
    calibrator = Calibrator.fit(out_of_fold, shadow.positive)
    return AttackScores(attack, float(np.mean(aucs)), scores, calibrator.transform(scores))


def _folds(shadow: Observations, positive: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Assign shadow rows to folds: by world, or by pair in a single world, or by record in a single pair.

    Every fold has both answers, or cross-validation could not judge an attack.
    """
    for groups in (shadow.worlds, shadow.pairs):
        rank = np.unique(groups, return_inverse=True)[1].reshape(-1)
        n = min(FOLDS, int(rank.max()) + 1)
        folds = rank % n
        if n > 1 and all(0 < positive[folds == f].sum() < (folds == f).sum() for f in range(n)):
            return folds.astype(np.int64)
    # within each answer by record id, so that the order of rows in a file decides nothing
    folds = np.empty(len(positive), dtype=np.int64)
    for answer in (True, False):
        where = np.flatnonzero(positive == answer)
        ids = shadow.rows["record"].to_numpy()[where]
        folds[where[np.argsort(ids, kind="stable")]] = np.arange(len(where)) % FOLDS
    return folds
