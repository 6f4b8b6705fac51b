"""Fits attacks on shadow worlds and scores target rows: the step from observations to scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from joblib import delayed
from scipy.stats import rankdata

from unlearn_audit.attacks.base import Attack, label
from unlearn_audit.attacks.games import Game
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Calibrator, Clusters, Estimate, MidRanks, auc, auc_interval, best_threshold
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import LabelledView, View, attacker_view
from unlearn_audit.utils.seeds import Kind, integer_seed, name_key
from unlearn_audit.utils.threads import one_thread, worker_pool
from unlearn_audit.worlds.per_record import ROLES as WORLDS_OF_A_DRAW

Array = npt.NDArray[np.float64]

FOLDS = 5
"""Folds of the cross-validation over shadow worlds (fewer where there are fewer worlds)."""

FEWEST_ROWS = 10
"""Shadow positives and negatives below which no attack model is fitted."""

FEWEST_PER_ROLE = 2
"""Pairs in each role from which on something is learned of a record by itself."""

FEWEST_IN_A_FOLD = 6
"""Positives and negatives below which a fold of the cross-validation is not made smaller still."""

Rows = npt.NDArray[np.bool_]

Split = tuple[Rows, Rows]
"""Which rows a fold is fitted on, and which it scores."""

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
        The AUC of the same out-of-fold scores, ranked within their folds, with its error over shadow worlds: beside
        the target's it shows whether the two sides are alike.
    scores
        (n,) higher for the positive, for the game's rows of the target, in the table's order.
    calibrated
        (n,) probability of being positive, calibrated on the shadow worlds' out-of-fold scores, both classes weighing
        the same.
    threshold
        From which score on a row is called positive where a bound on epsilon is sought, chosen on the same
        out-of-fold scores.
    """

    attack: Attack
    shadow_auc: float
    shadow: Estimate
    scores: Array
    calibrated: Array
    threshold: float

    @property
    def confidences(self) -> Array:
        """(n,) what the attack itself holds for the probability of being positive; where it holds none, calibrated."""
        return self.scores if self.attack.probabilistic else self.calibrated


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


def run_attacks(
    attacks: Sequence[Attack],
    game: Game,
    shadow: Observations,
    targets: Sequence[Observations],
    seed: int,
    jobs: int,
    progress: Callable[[], None],
    failures: list[Failure] | None = None,
) -> list[list[AttackScores]]:
    """Fit every attack on the shadow's rows and score the game's rows of each target.

    Parameters
    ----------
    attacks
        What to run; each is cross-validated, fitted and scored as one task.
    game
        Which roles are told apart.
    shadow, targets
        The attacker's table, and the tables under attack (the same rows, as released in different ways): of
        them the attacks see a `View` alone.
    seed
        The seed of the audit; each attack has its own, keyed by its name and the game.
    jobs
        Worker processes; results do not depend on it.
    progress
        Called when an attack is done.
    failures
        Gets the attacks that fail, and the others go on; without it a failing attack ends the run.

    Returns
    -------
    For each target, the scores of each attack that did not fail.

    Raises
    ------
    AuditError
        If a role of the game is missing, there are too few shadow rows to fit anything, or an attack fails.
    """
    shadow_rows = game.rows(shadow, "the shadow side")
    positive = shadow.roles[shadow_rows] == game.positive
    fitted_on = shadow.paper[shadow_rows]
    fewest = min(int((positive & fitted_on).sum()), int((~positive & fitted_on).sum()))
    if fewest < FEWEST_ROWS:
        raise AuditError(
            f"the shadow side has {fewest} rows of a role of {game.name} to fit attacks on, fewer than {FEWEST_ROWS}; "
            "use more shadow worlds or deletions"
        )
    rows_of_game = shadow.select(shadow_rows)
    plans = {
        kind: (rows, cross_validation_splits(rows_of_game, positive, rows))
        for kind, rows in (("paper", fitted_on), ("all", np.ones_like(fitted_on)))
        if kind in {attack.training_rows for attack in attacks}
    }

    def seen_by(attack: Attack) -> tuple[LabelledView, list[View]]:
        ids = None if attack.influence is None else attack.influence.data.record_ids
        by_record = "records" in attack.needs
        return (
            LabelledView(attacker_view(shadow, attack.view, shadow_rows, ids, with_records=by_record), positive),
            [
                attacker_view(target, attack.view, game.rows(target, "the target side"), ids, with_records=by_record)
                for target in targets
            ],
        )

    views = {
        _view_key(attack): seen_by(attack) for attack in {_view_key(attack): attack for attack in attacks}.values()
    }
    order = sorted(range(len(attacks)), key=lambda i: _cost_rank(attacks[i]))
    run = worker_pool(min(jobs, len(attacks)), return_as="generator", batch_size=1, max_nbytes="100K")
    results: dict[int, list[AttackScores]] = {}
    tasks = (
        delayed(_run_one)(
            attacks[i],
            *views[_view_key(attacks[i])],
            *plans[attacks[i].training_rows],
            Clusters(rows_of_game.worlds, rows_of_game.records),
            _seed(seed, game, attacks[i]),
        )
        for i in order
    )
    for i, result in zip(order, run(tasks), strict=True):
        if isinstance(result, str):
            if failures is None:
                raise AuditError(f"the attack {label(attacks[i])} failed: {result}; --keep-going goes on without it")
            failures.append(Failure(attacks[i], game.name, result))
        else:
            results[i] = result
        progress()
    done = sorted(results)
    return [[results[i][t] for i in done] for t in range(len(targets))]


def _view_key(attack: Attack) -> tuple[str, bool, bool]:
    """Return what attacks are handed the same for: their view, and what they are told of the records."""
    return attack.view, attack.influence is not None, "records" in attack.needs


def _cost_rank(attack: Attack) -> int:
    if attack.training_rows == "all":
        return -1
    return _COSTLIEST.index(attack.attack_model) if attack.attack_model in _COSTLIEST else len(_COSTLIEST)


def _seed(root: int, game: Game, attack: Attack) -> int:
    return integer_seed(root, Kind.ATTACK, name_key(game.name), name_key(label(attack)))


def _run_one(
    attack: Attack,
    shadow: LabelledView,
    targets: Sequence[View],
    fitted_on: Rows,
    splits: Sequence[Split],
    clusters: Clusters,
    seed: int,
) -> list[AttackScores] | str:
    """Return what an attack made of the targets, or why it failed: whatever an attack raises is told, and nothing lost.

    An `AuditError` says by itself what to do.
    """
    try:
        return _scores_of(attack, shadow, targets, fitted_on, splits, clusters, seed)
    except Exception as error:  # noqa: BLE001 - an attack may raise anything
        name = "" if isinstance(error, AuditError) else f"{type(error).__name__}: "
        return f"{name}{' '.join(str(error).split())}"


def _scores_of(
    attack: Attack,
    shadow: LabelledView,
    targets: Sequence[View],
    fitted_on: Rows,
    splits: Sequence[Split],
    clusters: Clusters,
    seed: int,
) -> list[AttackScores]:
    """Cross-validate on shadow worlds, then fit on all of them and score the targets."""
    out_of_fold, in_fold = np.empty(len(fitted_on)), np.empty(len(fitted_on))
    aucs = []
    with one_thread():
        for train, held in splits:
            out_of_fold[held] = attack.fit(shadow.take(train), seed).score(shadow.view.take(held))
            # attacks of two folds are two attacks, and their scores need not lie on one scale
            in_fold[held] = rankdata(out_of_fold[held]) / (held.sum() + 1)
            if 0 < shadow.positive[held].sum() < held.sum():
                aucs.append(auc(out_of_fold[held], shadow.positive[held]))
        fitted = attack.fit(shadow.take(fitted_on), seed)
        scores = [fitted.score(target) for target in targets]
    calibrated = _calibrated(attack, out_of_fold, shadow.positive, scores)
    shadow_auc = float(np.mean(aucs)) if aucs else auc(out_of_fold, shadow.positive)
    validated = auc_interval(in_fold, shadow.positive, clusters)
    threshold = best_threshold(out_of_fold, shadow.positive)
    return [
        AttackScores(attack, shadow_auc, validated, *of_target, threshold)
        for of_target in zip(scores, calibrated, strict=True)
    ]


def _calibrated(attack: Attack, out_of_fold: Array, positive: Rows, scores: Sequence[Array]) -> list[Array]:
    """Return scores as calibrated probabilities; those that are no probabilities by their rank among shadow rows."""
    if not attack.probabilistic:
        ranks = MidRanks.of(out_of_fold, positive)
        out_of_fold, scores = ranks.transform(out_of_fold), [ranks.transform(of_target) for of_target in scores]
    calibrator = Calibrator.fit(out_of_fold, positive)
    return [calibrator.transform(of_target) for of_target in scores]


def cross_validation_splits(shadow: Observations, positive: Rows, fitted_on: Rows) -> list[Split]:
    """Return the cross-validation's pairs of rows to fit on and rows to score; together the latter are all rows.

    Worlds are held out whole. Records recur across worlds, an unseen one always with the same answer, so an
    attack that recognised them would look better than it is: rows of held-out records are never fitted on.
    Where that would leave too little, as in small tables, halves of the records are held out in turn too.
    """
    if audits_by_record(shadow, shadow, positive):
        # who has every role in turn is recognised for nothing; but the roles of a block of worlds are drawn together,
        # so that the others would tell which role a record has in one that is held out
        folds = _folds(shadow, positive, shadow.worlds // WORLDS_OF_A_DRAW)
        return [(~(folds == fold) & fitted_on, folds == fold) for fold in np.unique(folds)]
    folds = _folds(shadow, positive)
    records = np.unique(shadow.records, return_inverse=True)[1].reshape(-1)
    by_world = [(~(folds == fold) & fitted_on, folds == fold) for fold in np.unique(folds)]
    disjoint = [(train & ~np.isin(records, records[held]), held) for train, held in by_world]
    if all(
        _answers(t, positive) >= _answers(w, positive) // 2 for (t, _), (w, _) in zip(disjoint, by_world, strict=True)
    ):
        return disjoint
    half = np.random.default_rng(0).permutation(records.max() + 1)[records] % 2
    crossed = [(train & (half != h), held & (half == h)) for train, held in by_world for h in (0, 1)]
    crossed = [(train, held) for train, held in crossed if held.any()]
    if all(_answers(train, positive) >= FEWEST_IN_A_FOLD for train, _ in crossed):
        return crossed
    return by_world


def audits_by_record(shadow: Observations, target: Observations, positive: Rows) -> bool:
    """Return whether shadow rows show every record of the target in both roles, in at least two pairs each."""
    records = shadow.rows["record"].to_numpy()
    asked = np.unique(target.rows["record"].to_numpy())
    counts = [np.unique(records[rows], return_counts=True) for rows in (positive, ~positive)]
    return all(np.isin(asked, names[n >= FEWEST_PER_ROLE]).all() for names, n in counts)


def _answers(rows: Rows, positive: Rows) -> int:
    """Return how many rows the rarer answer has."""
    return min(int((rows & positive).sum()), int((rows & ~positive).sum()))


def _folds(
    shadow: Observations, positive: npt.NDArray[np.bool_], blocks: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.int64]:
    """Assign shadow rows to folds: by block of worlds if told, by world, by pair in a single world, or by record.

    Every fold has both answers, or cross-validation could not judge an attack.
    """
    for groups in (*(() if blocks is None else (blocks,)), shadow.worlds, shadow.pairs):
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
