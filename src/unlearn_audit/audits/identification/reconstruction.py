"""The deleted record itself, from the published weights of two versions of a logistic regression.

Deleting x from the training records of a regularised regression moves its optimum θ by H⁻¹ ∇ℓ(x), with H the Hessian
of what remains and ∇ℓ(x) = (p - t)(x, 1): t is 1 if x has the label, p its probability. Who knows H reads ∇ℓ(x) off the
two versions, and x off ∇ℓ(x): its last entry is p - t, the others are x times that. H is estimated on public records of
the same kind: Ĥ = n E[p (1 - p) (x, 1)(x, 1)ᵀ] + penalty (Bertran et al., "Reconstruction Attacks on Machine
Unlearning: Simple Models are Vulnerable", NeurIPS 2024, carried over to logistic regression).

Where each version standardises its records anew, the penalty moves too. In the records' own coordinates it is
½ Σ σ_j² θ_j² / C, and without x the variance is σ_j'² = n/(n - 1) σ_j² - n/(n - 1)² (x_j - μ_j)², so that
Ĥ(θ' - θ) = (p - t)(x, 1) - (σ'² - σ²) θ / C. Its intercept has no penalty and gives p - t; what is left is a quadratic
in each feature. Means move nothing, since the intercept takes them up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.engine.runner import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import LOW_FPR, Estimate, auc_interval, share, tpr_at_fpr_interval
from unlearn_audit.models.logistic import LogisticModel, LogisticSettings, solve
from unlearn_audit.utils.threads import one_thread

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

Scaler = Literal["fixed", "refitted"]
"""Whether both versions standardise with the same public figures, or each with those of its own training records."""

CANDIDATES = 1000
"""Records among which the deleted one is looked for, itself one of them."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A version of a model as it is published: parameters in the records' own coordinates.

    Attributes
    ----------
    parameters
        (d + 1, outputs) the intercept last; one output for two classes, else one a class.
    """

    parameters: Array

    @classmethod
    def of(cls, model: LogisticModel) -> Weights:
        """Take the scaler of a model into its coefficients."""
        coefficients = model.coefficients / model.scale[:, None]
        return cls(np.vstack([coefficients, model.intercepts - model.mean @ coefficients]))


@dataclass(frozen=True, eq=False)
class Known:
    """What the attacker knows beside the two versions.

    Attributes
    ----------
    X
        (m, d) public records of the same kind.
    n
        How many records the original was trained on.
    C
        Inverse strength of its penalty.
    scaler
        Whether the penalty moves with the training records.
    mean, spread
        (d,) that the penalty is taken with.
    """

    X: Array
    n: int
    C: float
    scaler: Scaler
    mean: Array
    spread: Array

    @cached_property
    def rows(self) -> Array:
        """(m, d + 1) records and a one."""
        return with_one(self.X)

    def hessian(self, parameters: Array) -> Array:
        """(outputs, d + 1, d + 1) estimated Hessians of n - 1 records."""
        p = expit(self.rows @ parameters)
        penalty = np.append(np.square(self.spread) / self.C, 0.0)
        weighted = [(self.n - 1) / len(self.rows) * (self.rows.T * w) @ self.rows for w in (p * (1 - p)).T]
        return np.stack(weighted) + np.diag(penalty)

    def penalty_moves(self, x: Array) -> Array:
        """(..., d) by how much σ² / C changes when x is deleted."""
        if self.scaler == "fixed":
            return np.zeros_like(x)
        n = self.n
        return (np.square(self.spread) / (n - 1) - n / (n - 1) ** 2 * np.square(x - self.mean)) / self.C


def with_one(X: Array) -> Array:
    """(m, d + 1) records and a one."""
    return np.column_stack([X, np.ones(len(X))])


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads deleted records off later versions of one original.

    Attributes
    ----------
    before, known
        The original, and what the attacker knows.
    """

    before: Weights
    known: Known

    @cached_property
    def hessian(self) -> Array:
        """(outputs, d + 1, d + 1)."""
        return self.known.hessian(self.before.parameters)

    @cached_property
    def roots(self) -> Array:
        """(outputs, d + 1, d + 1) roots of the inverses, in whose metric errors of Ĥ weigh the same everywhere."""
        return np.asarray(np.linalg.cholesky(np.linalg.inv(self.hessian)))

    def gradient(self, after: Weights) -> Array:
        """Return (d + 1, outputs) Ĥ (θ' - θ): the gradient of the deleted record, and what the penalty moved."""
        moved = after.parameters - self.before.parameters
        return np.asarray(np.einsum("oij,jo->io", self.hessian, moved))

    def read(self, after: Weights) -> Array:
        """Return (d,) the deleted record.

        Raises
        ------
        AuditError
            If the versions are the same, so that nothing was deleted.
        """
        return _solved(self.gradient(after), self.before, self.known)

    def fits(self, after: Weights, X: Array, is_class: npt.NDArray[np.bool_]) -> Array:
        """Return (m,) the cosine of what was read off a version with what each candidate's deletion would show.

        Parameters
        ----------
        after
            The later version.
        X, is_class
            (m, d) candidates, and (m, outputs) whether each has the class that an output stands for.
        """
        seen, rows, parameters = self.gradient(after), with_one(X), self.before.parameters
        moves = self.known.penalty_moves(X)
        total, squares, length = np.zeros(len(X)), np.zeros(len(X)), 0.0
        for output, root in enumerate(self.roots):
            expected = rows * (expit(rows @ parameters[:, output]) - is_class[:, output])[:, None]
            expected[:, :-1] -= moves * parameters[:-1, output]
            ours, theirs = expected @ root, seen[:, output] @ root
            total += ours @ theirs
            squares += np.square(ours).sum(axis=1)
            length += float(theirs @ theirs)
        return np.asarray(total / np.sqrt(np.maximum(squares * length, np.finfo(float).tiny)))


def _solved(of: Array, before: Weights, known: Known) -> Array:
    """Solve (p - t) x - (σ'² - σ²) θ / C = the gradient for x, output by output weighed by p - t."""
    error = of[-1]
    if not error.any():
        raise AuditError("both versions have the same weights, so nothing tells who was deleted; compare two versions")
    naive = np.asarray(of[:-1] @ error / (error @ error))
    if known.scaler == "fixed":
        return naive
    # a quadratic in each feature: a u² + u = b, with u the distance from the mean
    weight = before.parameters[:-1] @ error / (error @ error) / known.C
    n = known.n
    a = weight * n / (n - 1) ** 2
    b = naive - known.mean + weight * np.square(known.spread) / (n - 1)
    # the root that goes to b as the penalty's part vanishes; where rounding left none, the vertex
    u = 2 * b / (1 + np.sqrt(np.maximum(1 + 4 * a * b, 0.0)))
    return np.asarray(known.mean + u)


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
            **{name: of.value for name, of in shares.items()},
            **{f"{name}_ci": list(of.interval) for name, of in shares.items()},
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
        If the model is no logistic regression, or more than one record is deleted at once.
    """
    with one_thread():
        return _reconstruct_deleted(task, execution, scaler, decimals)


def _reconstruct_deleted(task: AuditTask, execution: Execution, scaler: Scaler, decimals: int | None) -> Reconstruction:
    if task.config.worlds.canaries != "none":
        raise AuditError("reconstruct reads off people with their own labels; leave canaries out")
    sides = plan_audit(task).plain.tasks
    target, shadow = sides["target"], sides["shadow"]
    if target.data is not shadow.data:
        raise AuditError("the public records have to be of the same data; leave the shadow dataset out")
    settings = _settings(target)
    public = np.concatenate([shadow.plan.pool.train, shadow.plan.pool.unseen])
    X = target.data.X.astype(np.float64)
    mean, spread = X[public].mean(axis=0), X[public].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    if scaler == "fixed":
        X = (X - mean) / spread
        mean, spread = np.zeros(X.shape[1]), np.ones(X.shape[1])
        settings = replace(settings, standardized=False)
    known = Known(X[public], target.plan.sizes.train_size, settings.C, scaler, mean, spread)
    show = execution.reporter.stage("Training and reading worlds", target.plan.n_worlds)
    rng = np.random.default_rng(task.config.seed)
    register = np.concatenate([target.plan.pool.train, target.plan.pool.unseen])
    worlds: list[int] = []
    found: list[_Read] = []
    for index in range(target.plan.n_worlds):
        world = target.plan.world(index)
        deleted = [request.deleted for (request,) in world.chains]
        with one_thread():
            models = solve(
                settings, X, target.data.y, world.training, [(d, np.zeros(0, dtype=np.int64)) for d in deleted]
            )
        if models is None:
            raise AuditError(
                f"world {index} could not be solved to its optimum; use other records or a stronger penalty"
            )
        before, *after = [_published(model, decimals) for model in models]
        reader = Reader(before, known)
        for of, (at,) in zip(after, deleted, strict=True):
            among = np.append(at, rng.choice(register[register != at], CANDIDATES - 1, replace=False))
            worlds.append(index)
            found.append(_one(reader, of, X, target, among, models[0].classes_))
        show(index + 1)
    of_worlds, cosines = np.array(worlds), np.array([of.cosine for of in found])
    scores = np.concatenate([[of.fit for of in found], *(of.of_unseen for of in found)])
    positive = np.arange(len(scores)) < len(found)
    of_scores = np.concatenate([of_worlds, np.repeat(of_worlds, [len(of.of_unseen) for of in found])])
    low = tpr_at_fpr_interval(scores, positive, of_scores, LOW_FPR)
    if low is None:
        raise AuditError("too few unseen records were compared with the deleted ones; ask for more deletions or worlds")
    return Reconstruction(
        scaler=scaler,
        deletions=len(worlds),
        candidates=CANDIDATES,
        cosine=float(np.median(cosines)),
        above=share(cosines >= 0.95, of_worlds),
        first=share(np.array([of.first for of in found]), of_worlds),
        label=share(np.array([of.label for of in found]), of_worlds),
        auc=auc_interval(scores, positive, of_scores),
        tpr=low,
    )


def _settings(task: SideTask) -> LogisticSettings:
    settings = LogisticSettings.of(task.source.make(0))
    if settings is None or not settings.standardized or settings.class_weight is not None:
        raise AuditError(
            "records are read off the weights of a logistic regression on standardised features, and "
            f"{task.source.name} is none; choose the model logistic-regression"
        )
    if not settings.one_vs_rest and len(task.data.class_values) > 2:
        raise AuditError("a softmax regression of several classes is not read; use one regression a class")
    if task.plan.scenario.name not in ("single", "retained"):
        raise AuditError(f"one deleted record is read, and the scenario {task.plan.scenario.name} deletes several")
    if len(task.plan.pool.train) + len(task.plan.pool.unseen) < CANDIDATES:
        raise AuditError(f"the deleted are looked for among {CANDIDATES:,} records, and the target side has fewer")
    return settings


def _published(model: LogisticModel, decimals: int | None) -> Weights:
    weights = Weights.of(model)
    return weights if decimals is None else Weights(np.round(weights.parameters, decimals))


@dataclass(frozen=True, eq=False)
class _Read:
    """What was read off one pair of versions.

    Attributes
    ----------
    cosine, first, label
        Of the record read and the true one; whether the true one fits best; whether the label is right.
    fit, of_unseen
        How well the deleted record explains the change, and (m,) how well unseen candidates do.
    """

    cosine: float
    first: bool
    label: bool
    fit: float
    of_unseen: Array


def _one(
    reader: Reader, after: Weights, X: Array, task: SideTask, among: Positions, classes: npt.NDArray[Any]
) -> _Read:
    """Read one deletion, the first of some candidates."""
    unseen = np.isin(among[1:], task.plan.pool.unseen)
    if np.array_equal(reader.before.parameters, after.parameters):
        return _Read(0.0, False, False, 0.0, np.zeros(unseen.sum()))
    y, known = task.data.y[among], reader.known
    is_class = (y[:, None] == classes[None]) if len(classes) > 2 else (y == classes[1])[:, None]
    true, found = ((x - known.mean) / known.spread for x in (X[among[0]], reader.read(after)))
    length = float(np.linalg.norm(true) * np.linalg.norm(found))
    fits = reader.fits(after, X[among], is_class)
    error = reader.gradient(after)[-1]
    label = classes[int(np.argmin(error))] if len(classes) > 2 else classes[int(error[0] < 0)]
    return _Read(
        float(true @ found) / length if length else 0.0,
        bool((fits[1:] < fits[0]).all()),
        bool(label == y[0]),
        float(fits[0]),
        fits[1:][unseen],
    )
