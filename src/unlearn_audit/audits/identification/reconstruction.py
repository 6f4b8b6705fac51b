"""How well deleted records are read off the weights of two versions, over the worlds of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.audits.identification.refused import refuse_unsupported
from unlearn_audit.audits.identification.weights import PublicKnowledge, Reader, Scaler, Weights
from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import LOW_FPR, Estimate, auc_interval, share, tpr_at_fpr_interval
from unlearn_audit.models.logistic import LogisticModel, LogisticSettings, solve
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Array, Positions

CANDIDATES = 1000
"""Records among which the deleted one is looked for, itself one of them."""


@dataclass(frozen=True)
class Reconstruction:
    """How well the deleted records were read off two versions.

    Attributes
    ----------
    scaler, deletions, candidates
        What was done.
    cosine
        Median cosine of the reconstructed and the true record, standardised.
    above
        Share of deletions with a cosine of at least 0.95.
    first
        Share of deletions in which the true record fits best of all candidates.
    label
        Share in which the label was read off rightly.
    auc, tpr
        Of the fit as an attack of the view ``weights`` in the game deleted-vs-unseen: its AUC, and the true-positive
        rate at a false-positive rate of 1 %.
    """

    scaler: Scaler
    deletions: int
    candidates: int
    cosine: float
    above: Estimate
    first: Estimate
    label: Estimate
    auc: Estimate
    tpr: Estimate

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON; they name nobody."""
        shares = {name: getattr(self, name) for name in ("above", "first", "label", "auc", "tpr")}
        return {
            "game": "deleted-vs-unseen",
            "view": "weights",
            "scaler": self.scaler,
            "deletions": self.deletions,
            "candidates": self.candidates,
            "cosine": self.cosine,
            **{name: estimate.value for name, estimate in shares.items()},
            **{f"{name}_ci": list(estimate.interval) for name, estimate in shares.items()},
        }


def reconstruct_deleted(
    task: AuditTask, execution: Execution, scaler: Scaler = "refitted", decimals: int | None = None
) -> Reconstruction:
    """Train the target worlds of an audit, and read each deleted record off the weights of the two versions.

    Parameters
    ----------
    task, execution
        The audit, and how to show progress; weights are kept nowhere.
    scaler
        ``refitted``, as the model is; or ``fixed`` on the shadow side's records.
    decimals
        To which the weights are rounded before they are published; None for not at all.

    Raises
    ------
    AuditError
        If the model is no logistic regression, or something is asked that it cannot do (`refuse_unsupported`).
    """
    with one_thread():
        return _reconstruct_deleted(task, execution, scaler, decimals)


def _reconstruct_deleted(task: AuditTask, execution: Execution, scaler: Scaler, decimals: int | None) -> Reconstruction:
    refuse_unsupported(task, "reconstruct", from_weights=True)
    sides = plan_audit(task).undefended.tasks
    target = _Target.of(sides["target"], sides["shadow"], scaler, decimals)
    n_worlds = sides["target"].plan.n_worlds
    show = execution.reporter.stage("Training and reading worlds", n_worlds)
    rng = np.random.default_rng(task.config.seed)
    found: list[_Read] = []
    for index in range(n_worlds):
        found += target.read(index, rng)
        show(index + 1)
    return _reconstruction(scaler, found)


def _reconstruction(scaler: Scaler, found: Sequence[_Read]) -> Reconstruction:
    """Return the figures of all deletions."""
    worlds, cosines = np.array([one.world for one in found]), np.array([one.cosine for one in found])
    scores = np.concatenate([[one.fit for one in found], *(one.of_unseen for one in found)])
    positive = np.arange(len(scores)) < len(found)
    of_scores = np.concatenate([worlds, np.repeat(worlds, [len(one.of_unseen) for one in found])])
    low = tpr_at_fpr_interval(scores, positive, of_scores, LOW_FPR)
    if low is None:
        raise AuditError("too few unseen records were compared with the deleted ones; use more deletions or worlds")
    return Reconstruction(
        scaler=scaler,
        deletions=len(found),
        candidates=CANDIDATES,
        cosine=float(np.median(cosines)),
        above=share(cosines >= 0.95, worlds),
        first=share(np.array([one.first for one in found]), worlds),
        label=share(np.array([one.label for one in found]), worlds),
        auc=auc_interval(scores, positive, of_scores),
        tpr=low,
    )


def _settings(task: SideTask) -> LogisticSettings:
    settings = LogisticSettings.of(task.source.make(0))
    if settings is None or not settings.standardized or settings.class_weight is not None:
        raise AuditError(
            "records are read off the weights of a logistic regression on standardised features, and "
            f"{task.source.name} is not one; choose the model logistic-regression"
        )
    if not settings.one_vs_rest and len(task.data.class_values) > 2:
        raise AuditError("a softmax regression of several classes is not supported; use one regression per class")
    if len(task.plan.pool.train) + len(task.plan.pool.unseen) < CANDIDATES:
        raise AuditError(
            f"the deleted records are searched for among {CANDIDATES:,} records, and the target side has fewer"
        )
    return settings


def _published(model: LogisticModel, decimals: int | None) -> Weights:
    weights = Weights.of(model)
    return weights if decimals is None else Weights(np.round(weights.parameters, decimals))


@dataclass(frozen=True, eq=False)
class _Read:
    """What was read off one pair of versions.

    Attributes
    ----------
    world
        Its world.
    cosine, first, label
        Of the record read and the true one; whether the true one fits best; whether the label is right.
    fit, of_unseen
        How well the deleted record explains the change, and (m,) how well unseen candidates do.
    """

    world: int
    cosine: float
    first: bool
    label: bool
    fit: float
    of_unseen: Array


@dataclass(frozen=True, eq=False)
class _Target:
    """The target's worlds, and what an attacker knows of them.

    Attributes
    ----------
    task
        The target side.
    settings
        What its models are.
    X
        (records, features) as its models read them.
    known
        What is public.
    decimals
        To which the weights are rounded before they are published; None for not at all.
    """

    task: SideTask
    settings: LogisticSettings
    X: Array
    known: PublicKnowledge
    decimals: int | None

    @classmethod
    def of(cls, target: SideTask, shadow: SideTask, scaler: Scaler, decimals: int | None) -> _Target:
        """Take the shadow side's records as public.

        Raises
        ------
        AuditError
            If the models are none whose weights can be read.
        """
        settings = _settings(target)
        public = np.concatenate([shadow.plan.pool.train, shadow.plan.pool.unseen])
        X = target.data.X.astype(np.float64)
        mean, spread = X[public].mean(axis=0), X[public].std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        if scaler == "fixed":
            X = (X - mean) / spread
            mean, spread = np.zeros(X.shape[1]), np.ones(X.shape[1])
            settings = replace(settings, standardized=False)
        known = PublicKnowledge(X[public], target.plan.sizes.train_size, settings.C, scaler, mean, spread)
        return cls(target, settings, X, known, decimals)

    def read(self, index: int, rng: np.random.Generator) -> list[_Read]:
        """Train a world and read each of its deletions, each among candidates that ``rng`` draws.

        Raises
        ------
        AuditError
            If the world's models could not be solved.
        """
        pool, world = self.task.plan.pool, self.task.plan.world(index)
        register = np.concatenate([pool.train, pool.unseen])
        deleted = [request.deleted for (request,) in world.chains]
        nothing = np.zeros(0, dtype=np.int64)
        models = solve(
            self.settings, self.X, self.task.data.y, world.training, [(records, nothing) for records in deleted]
        )
        if models is None:
            raise AuditError(
                f"world {index} could not be solved to its optimum; use other records or a stronger penalty"
            )
        before, *after = [_published(model, self.decimals) for model in models]
        reader = Reader(before, self.known)
        found = []
        for version, (at,) in zip(after, deleted, strict=True):
            among = np.append(at, rng.choice(register[register != at], CANDIDATES - 1, replace=False))
            found.append(self._one(index, reader, version, among, models[0].classes_))
        return found

    def _one(self, world: int, reader: Reader, after: Weights, among: Positions, classes: npt.NDArray[Any]) -> _Read:
        """Read one deletion, the first of some candidates."""
        unseen = np.isin(among[1:], self.task.plan.pool.unseen)
        if np.array_equal(reader.before.parameters, after.parameters):
            return _Read(world, 0.0, False, False, 0.0, np.zeros(unseen.sum()))
        y, known = self.task.data.y[among], self.known
        is_class = (y[:, None] == classes[None]) if len(classes) > 2 else (y == classes[1])[:, None]
        true, found = ((x - known.mean) / known.spread for x in (self.X[among[0]], reader.read(after)))
        length = float(np.linalg.norm(true) * np.linalg.norm(found))
        fits = reader.fits(after, self.X[among], is_class)
        error = reader.gradient(after)[-1]
        label = classes[int(np.argmin(error))] if len(classes) > 2 else classes[int(error[0] < 0)]
        return _Read(
            world,
            float(true @ found) / length if length else 0.0,
            bool((fits[1:] < fits[0]).all()),
            bool(label == y[0]),
            float(fits[0]),
            fits[1:][unseen],
        )
