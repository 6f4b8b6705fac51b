"""Many L2-regularised logistic regressions on almost the same records, each solved to its unique optimum.

The objective, sum of weighted log losses plus ``|w|^2 / (2 C)``, has one minimum, so how it is found decides nothing
but the time. All training sets of a world are solved in the coordinates that standardise the original's: there a
set's own standardisation is a penalty of its own on each coefficient, and its gradient at the original's optimum
needs no pass over the records. From there each set takes chord steps: the original's Hessian, factorised once, less
the rank of the deleted records and plus that of the added ones (Woodbury's identity), with one pass over the records
a step for all sets together. A deletion changes what is left of the Hessian by about 1/n, so each step gains some
three digits. What converges too slowly is finished by Newton's method.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cho_factor
from scipy.linalg.lapack import dpotrs
from scipy.special import log_expit, logsumexp, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

Change = tuple[Positions, Positions]
"""The records that a training set lacks of the original's, and those that it has beyond them."""

VERSION = 2
"""Raise it whenever the same records would give other parameters than before, or other answers."""

LOOSEST_TOLERANCE = 1e-6
"""Above it a solver's own error is part of the model, and may exceed the effect of a deletion."""

TOGETHER = 20
"""Training sets solved at once. It is fixed, and fewer are filled up, since BLAS rounds by the width of a product."""

_SOLVERS = ("newton-cholesky", "newton-cg", "lbfgs")
_ERROR = 1e-6
"""Largest estimated error of a training record's logit."""
_STEPS = 20
"""After so many steps, or one no shorter than the last, a set is left to Newton's method."""
_LEAST_GAIN = 0.05
"""The least that a step is thought to be of the one before it when what is left is estimated."""
_NEWTON_STEPS = 100
_FARTHEST = 20.0
"""The most that a step may move a training record's logit."""
_MOST_RANKS = 64
"""Largest change of rank that the kept Hessian is corrected for; beyond it the correction would cost more."""
_SUSPECT = 1e-8
"""Variance, relative to the original's, below which a feature is looked at for being constant."""
_VALUES_AT_ONCE = 500_000
"""Logits held in memory at once, few enough to stay in the cache."""


@dataclass(frozen=True)
class LogisticSettings:
    """What decides the optimum beside the records.

    Attributes
    ----------
    C
        Inverse strength of the L2 penalty; intercepts are free.
    standardized
        Whether features are standardised with the figures of each training set.
    one_vs_rest
        One binary regression a class, probabilities normalised to sum to 1; otherwise softmax regression (with
        two classes both are one binary regression).
    class_weight
        None, ``balanced``, or the weight of each label (under ``one_vs_rest`` of 0, the rest, and 1, the class).
    """

    C: float
    standardized: bool
    one_vs_rest: bool
    class_weight: str | Mapping[Any, float] | None = None

    @classmethod
    def of(cls, estimator: Any) -> LogisticSettings | None:
        """Return the settings of an estimator that is solved to such an optimum, None for any other.

        Examples
        --------
        >>> from sklearn.linear_model import LogisticRegression
        >>> LogisticSettings.of(LogisticRegression(tol=1e-8))
        LogisticSettings(C=1.0, standardized=False, one_vs_rest=False, class_weight=None)
        >>> LogisticSettings.of(LogisticRegression()) is None
        True
        """
        steps = [step for _, step in estimator.steps] if type(estimator) is Pipeline else [estimator]
        scalers, last = steps[:-1], steps[-1]
        if len(scalers) > 1 or any(type(s) is not StandardScaler or not (s.with_mean and s.with_std) for s in scalers):
            return None
        one_vs_rest = type(last) is OneVsRestClassifier
        regression = last.estimator if one_vs_rest else last
        if type(regression) is not LogisticRegression:
            return None
        asked = (
            regression.solver in _SOLVERS
            and regression.tol <= LOOSEST_TOLERANCE
            and getattr(regression, "penalty", "l2") in ("l2", "deprecated")
            and not regression.l1_ratio
            and regression.fit_intercept
            and not regression.warm_start
            and 0 < regression.C < math.inf
        )
        return cls(float(regression.C), bool(scalers), one_vs_rest, regression.class_weight) if asked else None


@dataclass(frozen=True)
class LogisticModel:
    """A solved logistic regression.

    Attributes
    ----------
    classes_
        (k,) labels.
    mean, scale
        (d,) each, what features are standardised with.
    coefficients, intercepts
        (d, outputs) and (outputs,); one output for two classes, else one a class.
    solved_on
        What it was solved on, if it was solved for itself: from there other training sets start.
    """

    settings: LogisticSettings
    classes_: npt.NDArray[Any]
    mean: Array
    scale: Array
    coefficients: Array
    intercepts: Array
    solved_on: _World | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the records out: a model that travels takes its parameters along."""
        return {**vars(self), "solved_on": None}

    def predict_proba(self, X: npt.NDArray[Any]) -> Array:
        """Return (m, k) posteriors of (m, d) records."""
        return np.asarray(self.predict_proba_many([self], X[None])[0])

    @classmethod
    def predict_proba_many(cls, models: Sequence[Self], blocks: npt.NDArray[Any]) -> Array:
        """Return (models, m, k) posteriors of the (models, m, d) records that each model is asked."""
        mean, scale = np.stack([m.mean for m in models]), np.stack([m.scale for m in models])
        coefficients = np.stack([m.coefficients for m in models])
        logits = (blocks - mean[:, None]) @ (coefficients / scale[:, :, None])
        logits += np.stack([m.intercepts for m in models])[:, None]
        if logits.shape[-1] == 1:
            return _probabilities(logits * [-1.0, 1.0], by_softmax=False)
        if not models[0].settings.one_vs_rest:
            return np.asarray(softmax(logits, axis=-1))
        # logarithms, so that a record of no class at all does not divide zero by zero
        return np.asarray(softmax(log_expit(logits), axis=-1))


class _UnsolvedError(Exception):
    """Newton's method did not reach the optimum."""


def solve(
    settings: LogisticSettings,
    X: Any,
    y: npt.NDArray[Any],
    original: Positions,
    changes: Sequence[Change] = (),
    start: LogisticModel | None = None,
) -> list[LogisticModel] | None:
    """Return the optimum of the original's training records, and that of each changed training set.

    Parameters
    ----------
    settings
        Penalty, weights, standardisation and kind.
    X, y
        (n, d) numbers and (n,) labels of all records.
    original
        Positions of the original's training records.
    changes
        For each further training set, the positions that it lacks of the original's and those it has beyond them.
    start
        The original's solution on the same records, where it is known.

    Returns
    -------
    One model a training set, the original's first; or None where this is no case for it: no array of finite
    numbers, a record twice in a training set, a training set that lacks a class, or rounding keeps the optimum out
    of reach.
    """
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype.kind not in "fiub":
        return None
    if _repeats(original) or any(_repeats(joined) for _, joined in changes):
        return None
    world = None if start is None else start.solved_on
    world = _World.of(settings, X, y, original) if world is None else world
    if world is None:
        return None
    try:
        W = world.optimum() if start is None else np.vstack([start.coefficients, start.intercepts])
        models = [LogisticModel(settings, world.classes, world.mean, world.scale, W[:-1], W[-1], world)]
        others = _Start.of(world, W).solve(X, y, changes) if changes else []
    except _UnsolvedError:
        return None
    return None if others is None else models + others


def _repeats(positions: Positions) -> bool:
    return len(positions) > 1 and not np.diff(np.sort(positions)).all()


@dataclass(frozen=True)
class _World:
    """The original's training records, class by class, in the coordinates that standardise them.

    Attributes
    ----------
    Z
        (n, d + 1) records and a column of ones, whose parameter is the intercept.
    codes, counts
        (n,) and (classes,) the class of each record, ascending, and the records of each.
    positions
        (n,) where the records lie in the dataset.
    """

    settings: LogisticSettings
    classes: npt.NDArray[Any]
    positions: Positions
    Z: Array
    codes: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    mean: Array
    scale: Array

    @classmethod
    def of(
        cls, settings: LogisticSettings, X: npt.NDArray[Any], y: npt.NDArray[Any], original: Positions
    ) -> _World | None:
        classes, codes = np.unique(y[original], return_inverse=True)
        by_class = np.argsort(codes, kind="stable")
        positions, codes = original[by_class], codes[by_class]
        raw = X[positions].astype(np.float64)
        if len(classes) < 2 or not np.isfinite(raw).all():
            return None
        mean, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
        if settings.standardized:
            mean = raw.mean(axis=0)
            scale = _spread(mean, np.square(raw - mean).mean(axis=0), len(raw))
        Z = np.empty((len(raw), X.shape[1] + 1))
        np.divide(raw - mean, scale, out=Z[:, :-1])
        Z[:, -1] = 1
        return cls(settings, classes, positions, Z, codes, np.bincount(codes), mean, scale)

    @property
    def softmax(self) -> bool:
        """Whether all outputs are one problem."""
        return len(self.classes) > 2 and not self.settings.one_vs_rest

    @property
    def n_outputs(self) -> int:
        return 1 if len(self.classes) == 2 else len(self.classes)

    @property
    def penalty(self) -> Array:
        """(d + 1,) weight of each squared parameter."""
        return np.append(np.full(self.Z.shape[1] - 1, 1 / self.settings.C), 0.0)

    def optimum(self) -> Array:
        """(d + 1, outputs) the original's parameters."""
        cold = np.zeros((self.Z.shape[1], self.n_outputs))
        return _newton(self.Z, self.codes, self.weights(self.counts)[0], self.penalty, cold, self.softmax)

    def weights(self, counts: npt.NDArray[np.int64]) -> Array:
        """(sets, outputs, classes) the weight of a record of each class in each output, from (sets, classes) counts."""
        counts = np.atleast_2d(counts)
        n_sets, k = counts.shape
        given = self.settings.class_weight
        shape = (n_sets, self.n_outputs, k)
        if given is None:
            return np.ones(shape)
        total = counts.sum(axis=1, keepdims=True)
        if not self.settings.one_vs_rest:
            each = (
                total / (k * counts)
                if isinstance(given, str)
                else np.array([[given.get(c, 1.0) for c in self.classes]])
            )
            return np.broadcast_to(each[:, None], shape).copy()
        # each class against the rest: a weight of its own for either
        own = counts if k > 2 else counts[:, 1:]
        if isinstance(given, str):
            positive, negative = total / (2 * own), total / (2 * (total - own))
        else:
            positive, negative = np.full(own.shape, given.get(1, 1.0)), np.full(own.shape, given.get(0, 1.0))
        return np.asarray(np.where(self.own[None], positive[:, :, None], negative[:, :, None]))

    @property
    def own(self) -> npt.NDArray[np.bool_]:
        """(outputs, classes) which class an output stands for."""
        return _is_own(len(self.classes), self.n_outputs)

    @cached_property
    def of_class(self) -> Array:
        """(classes, d + 1) the sum of the records of each class."""
        return np.stack([Z.sum(axis=0) for Z in np.split(self.Z, np.cumsum(self.counts)[:-1])])

    @cached_property
    def moments(self) -> tuple[Array, Array]:
        """(d,) each, the sum of every feature and of its square."""
        return self.Z[:, :-1].sum(axis=0), np.square(self.Z[:, :-1]).sum(axis=0)

    def sums(self, W: Array) -> Array:
        """(classes, d + 1, sets, outputs) sums of probability times record, at (d + 1, sets, outputs) parameters."""
        flat = W.reshape(len(W), -1)
        sums = np.zeros((len(self.classes), *flat.shape))
        step = max(1, _VALUES_AT_ONCE // flat.shape[1])
        at = 0
        for b, count in enumerate(self.counts):
            for low in range(at, at + count, step):
                Z = self.Z[low : min(low + step, at + count)]
                P = _probabilities((Z @ flat).reshape(len(Z), *W.shape[1:]), self.softmax)
                sums[b] += Z.T @ P.reshape(len(Z), -1)
            at += count
        return sums.reshape(-1, *W.shape)

    def figures(self, X: npt.NDArray[Any], rows: Positions, Z: Array, sign: Array) -> tuple[Array, Array]:
        """(sets, d) each, mean and deviation of the sets that some records leave or join, in the original's units."""
        n = len(self.Z) + sign.sum()
        shift = (self.moments[0] + np.einsum("m,jmd->jd", sign, Z)) / n
        variance = (self.moments[1] + np.einsum("m,jmd->jd", sign, np.square(Z))) / n - np.square(shift)
        suspect = variance < _SUSPECT
        spread = np.sqrt(np.where(suspect, 1.0, variance))
        # what hardly varies any more lost its digits above; it is counted anew
        for j, feature in zip(*np.nonzero(suspect & (Z != 0).any(axis=1)), strict=True):
            stay = self.positions[~np.isin(self.positions, rows[j, sign < 0])]
            values = X[np.concatenate([stay, rows[j, sign > 0]]), feature].astype(np.float64)
            mean = values.mean()
            own = _spread(mean, np.square(values - mean).mean(), len(values))
            shift[j, feature] = (mean - self.mean[feature]) / self.scale[feature]
            spread[j, feature] = own / self.scale[feature]
        return shift, spread


def _is_own(k: int, outputs: int) -> npt.NDArray[np.bool_]:
    """(outputs, classes) whether an output stands for a class: with two classes the only one stands for the second."""
    return np.array([[False, True]]) if outputs == 1 else np.eye(k, dtype=bool)


def _spread(mean: Array, variance: Array, n: int | npt.NDArray[np.int64]) -> Array:
    """Return what to divide a feature by: 1 where it is constant but for rounding, as scikit-learn's scaler has it."""
    eps = np.finfo(float).eps
    constant = variance <= n * eps * variance + np.square(n * mean * eps)
    return np.sqrt(np.where(constant, 1.0, variance))


def _probabilities(logits: Array, by_softmax: bool) -> Array:
    """Return probabilities from (..., outputs) logits; the array is used up."""
    if by_softmax:
        logits -= logits.max(axis=-1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=-1, keepdims=True)
        return logits
    with np.errstate(over="ignore"):  # exp(1000) is infinite and its probability 0, as it should be
        np.exp(np.negative(logits, out=logits), out=logits)
    logits += 1
    return np.reciprocal(logits, out=logits)


@dataclass(frozen=True)
class _Start:
    """The original's optimum, from which all other training sets of its world start.

    Attributes
    ----------
    W
        (d + 1, outputs) its parameters.
    sums
        (classes, d + 1, outputs) the sum of probability times record over the records of each class.
    factor
        Its Hessian, factorised.
    reach
        The length of the longest record: how far a step can move a logit.
    """

    world: _World
    W: Array
    sums: Array
    factor: _Factor
    reach: float

    @classmethod
    def of(cls, world: _World, W: Array) -> _Start:
        weights = world.weights(world.counts)[0]
        factor = _Factor.of(world.Z, world.codes, weights, world.penalty, W, world.softmax)
        reach = float(np.sqrt(np.square(world.Z).sum(axis=1).max()))
        return cls(world, W, world.sums(W[:, None])[:, :, 0], factor, reach)

    def solve(self, X: npt.NDArray[Any], y: npt.NDArray[Any], changes: Sequence[Change]) -> list[LogisticModel] | None:
        """Return the model of each training set, None if one of them is no case for it."""
        models: dict[int, LogisticModel] = {}
        shapes = [(len(gone), len(joined)) for gone, joined in changes]
        for shape in sorted(set(shapes)):
            alike = [i for i, of in enumerate(shapes) if of == shape]
            for at in range(0, len(alike), TOGETHER):
                which = alike[at : at + TOGETHER]
                full = which + which[:1] * (TOGETHER - len(which))
                rows = np.stack([np.concatenate(changes[i]) for i in full])
                block = _Block.of(self, X, y, rows, np.repeat([-1.0, 1.0], shape))
                if block is None:
                    return None
                models |= dict(zip(which, block.solve(len(which)), strict=True))
        return [models[i] for i in range(len(changes))]


@dataclass(frozen=True)
class _Block:
    """As many training sets as are solved at once; each lacks as many records as the others, and has as many more.

    Attributes
    ----------
    rows
        (sets, m) positions of the records that leave or join.
    Z, codes
        (sets, m, d + 1) and (sets, m) those records.
    sign
        (m,) -1 where they leave, 1 where they join.
    shift, spread
        (sets, d) each set's own mean and deviation, in the coordinates of the original's.
    weights
        (sets, outputs, classes).
    penalty
        (sets, d + 1).
    """

    start: _Start
    rows: Positions
    Z: Array
    codes: npt.NDArray[np.int64]
    sign: Array
    shift: Array
    spread: Array
    weights: Array
    penalty: Array

    @classmethod
    def of(cls, start: _Start, X: npt.NDArray[Any], y: npt.NDArray[Any], rows: Positions, sign: Array) -> _Block | None:
        world = start.world
        raw = X[rows].astype(np.float64)
        codes = np.minimum(np.searchsorted(world.classes, y[rows]), len(world.classes) - 1)
        each = codes[:, :, None] == np.arange(len(world.classes))
        counts = world.counts + (each * sign[:, None]).sum(axis=1).astype(np.int64)
        if (world.classes[codes] != y[rows]).any() or (counts < 1).any() or not np.isfinite(raw).all():
            return None
        Z = np.ones((*rows.shape, world.Z.shape[1]))
        Z[..., :-1] = (raw - world.mean) / world.scale
        d = raw.shape[2]
        shift, spread = np.zeros((len(rows), d)), np.ones((len(rows), d))
        if world.settings.standardized:
            shift, spread = world.figures(X, rows, Z[..., :-1], sign)
        penalty = np.ones((len(rows), d + 1)) * world.penalty
        penalty[:, :-1] *= np.square(spread)
        return cls(start, rows, Z, codes, sign, shift, spread, world.weights(counts), penalty)

    def solve(self, wanted: int) -> list[LogisticModel]:
        """Return the models of the first sets."""
        world, W = self.start.world, self.start.W
        inverse = _InverseHessian(_Corrected.of(self))
        # (d + 1, sets, outputs)
        now = np.repeat(W[:, None], len(self.rows), axis=1)
        gradient = self._gradient(now, self.start.sums[:, :, None])
        # the first step has none to be judged by
        before = np.full(len(self.rows), np.nan)
        done, slow = np.zeros(len(before), dtype=bool), np.zeros(len(before), dtype=bool)
        for _ in range(_STEPS):
            step = -inverse.times(gradient)
            length = _length(step)
            slow |= ~done & (length >= before)
            # all are computed and only these moved, so that what is asked beside a set leaves its bits alone
            step[:, done | slow] = 0
            now += step
            # a step much shorter than the last says little of the next
            gain = np.maximum(length / before, _LEAST_GAIN)
            left = gain / np.maximum(1 - gain, 1e-3) * length
            done |= ~slow & ((left < _ERROR / self.start.reach) | (length < 1e-3 * _ERROR / self.start.reach))
            if (done | slow).all():
                break
            before = length
            gradient, last = self._gradient(now, world.sums(now)), gradient
            inverse.learn(step, gradient - last)
        for j in map(int, np.flatnonzero(~done[:wanted])):
            now[:, j] = self._by_newton(j)
        mean, scale = world.mean + world.scale * self.shift, world.scale * self.spread
        coefficients = now[:-1].transpose(1, 0, 2) * self.spread[:, :, None]
        intercepts = now[-1] + np.einsum("jd,djc->jc", self.shift, now[:-1])
        return [
            LogisticModel(world.settings, world.classes, *of)
            for of in zip(mean[:wanted], scale, coefficients, intercepts, strict=False)
        ]

    def _gradient(self, now: Array, sums: Array) -> Array:
        """(d + 1, sets, outputs) from parameters of that shape and the `_World.sums` at them."""
        world = self.start.world
        if world.settings.class_weight is None:
            gradient = sums.sum(axis=0) - (world.of_class.T @ world.own.T)[:, None]
        else:
            residual = sums - world.own.T[:, None, None] * world.of_class[:, :, None, None]
            gradient = np.einsum(
                "bpjc,jcb->pjc", np.broadcast_to(residual, (*sums.shape[:2], *now.shape[1:])), self.weights
            )
        at = np.matmul(self.Z, now.transpose(1, 0, 2))
        residual = _probabilities(at, world.softmax) - world.own[:, self.codes].transpose(1, 2, 0)
        residual *= self.sign[:, None]
        residual *= np.take_along_axis(self.weights, self.codes[:, None, :], axis=2).transpose(0, 2, 1)
        gradient = gradient + np.matmul(self.Z.transpose(0, 2, 1), residual).transpose(1, 0, 2)
        return np.asarray(gradient + self.penalty.T[:, :, None] * now)

    def _by_newton(self, j: int) -> Array:
        """Return the optimum of one set that the chord is too slow for."""
        world = self.start.world
        stay = ~np.isin(world.positions, self.rows[j, self.sign < 0])
        Z = np.concatenate([world.Z[stay], self.Z[j, self.sign > 0]])
        codes = np.concatenate([world.codes[stay], self.codes[j, self.sign > 0]])
        return _newton(Z, codes, self.weights[j], self.penalty[j], self.start.W, world.softmax)


def _length(step: Array) -> Array:
    """(sets,) the length of the longest step of any output, from (d + 1, sets, outputs)."""
    return np.asarray(np.sqrt(np.square(step).sum(axis=0)).max(axis=1))


@dataclass(frozen=True)
class _Factor:
    """The factorised Hessian at some parameters: one matrix an output, or one of all outputs under softmax."""

    parts: list[tuple[Array, bool]]
    by_softmax: bool

    @classmethod
    def of(
        cls, Z: Array, codes: npt.NDArray[np.int64], weights: Array, penalty: Array, W: Array, by_softmax: bool
    ) -> _Factor:
        """Factorise; weights are (outputs, classes)."""
        P = _probabilities(Z @ W, by_softmax)
        (d, k), V = W.shape, weights[:, codes].T
        if not by_softmax:
            blocks = [(Z * (V[:, [c]] * P[:, [c]] * (1 - P[:, [c]]))).T @ Z + np.diag(penalty) for c in range(k)]
            return cls([_factorised(block) for block in blocks], by_softmax)
        H = np.empty((k, d, k, d))
        for a in range(k):
            for b in range(a, k):
                block = -(Z * (V[:, [a]] * P[:, [a]] * P[:, [b]])).T @ Z
                if a == b:
                    block += (Z * (V[:, [a]] * P[:, [a]])).T @ Z + np.diag(penalty)
                H[a, :, b, :] = block
                H[b, :, a, :] = block.T
        # only differences of intercepts matter; this holds their sum where it is
        H[:, -1, :, -1] += 1.0 / k
        return cls([_factorised(H.reshape(k * d, k * d))], by_softmax)

    def flat(self, gradient: Array) -> Array:
        """(problems, parameters, sets) from (d + 1, sets, outputs): outputs are problems, or under softmax one."""
        by_output = gradient.transpose(2, 0, 1)
        return np.ascontiguousarray(by_output.reshape(1, -1, by_output.shape[2]) if self.by_softmax else by_output)

    def unflat(self, flat: Array, outputs: int) -> Array:
        """Undo `flat`."""
        return flat.reshape(outputs, -1, flat.shape[2]).transpose(1, 2, 0)

    def solve(self, flat: Array) -> Array:
        """Return the inverse of each problem's Hessian times (problems, parameters, any)."""
        solved = np.empty(flat.shape)
        for c, ((factor, lower), of) in enumerate(zip(self.parts, flat, strict=True)):
            # LAPACK itself: cho_solve looks at its arguments for longer than it takes to solve for a few features
            solved[c] = dpotrs(factor, of, lower)[0]
        return solved


class _InverseHessian:
    """The inverse Hessian of each set as the steps reveal it (L-BFGS, Nocedal 1980), from a first estimate on."""

    def __init__(self, first: _Corrected) -> None:
        self.first = first
        self.learned: list[tuple[Array, Array, Array]] = []

    def learn(self, step: Array, change: Array) -> None:
        """Take note of how the gradient changed over a step, both (d + 1, sets, outputs)."""
        s, y = self.first.factor.flat(step), self.first.factor.flat(change)
        product = _inner(s, y)
        known = product > np.finfo(float).tiny
        self.learned.append((s, y, np.where(known, 1 / np.where(known, product, 1.0), 0.0)))

    def times(self, gradient: Array) -> Array:
        """Return each set's inverse Hessian times its gradient, both (d + 1, sets, outputs)."""
        q = self.first.factor.flat(gradient)
        weights = []
        for s, y, rho in reversed(self.learned):
            weights.append(rho * _inner(s, q))
            q = q - weights[-1] * y
        q = self.first.solve(q)
        for s, y, rho in self.learned:
            q = q + (weights.pop() - rho * _inner(y, q)) * s
        return self.first.factor.unflat(q, gradient.shape[2])


def _inner(a: Array, b: Array) -> Array:
    """(problems, 1, sets) inner products over the parameters."""
    return np.asarray(np.einsum("pds,pds->ps", a, b))[:, None]


@dataclass(frozen=True)
class _Corrected:
    """The original's Hessian, corrected for the records that leave or join a set (Woodbury's identity).

    Attributes
    ----------
    A
        (problems, sets, ranks, parameters) the square root of the change of the Hessian; None without a correction.
    HA
        The same shape, multiplied by the inverse of the original's Hessian.
    core
        (problems, sets, ranks, ranks) inverse of the signs plus ``A HA'``.
    """

    factor: _Factor
    A: Array | None = None
    HA: Array | None = None
    core: Array | None = None

    @classmethod
    def of(cls, block: _Block) -> _Corrected:
        factor, W = block.start.factor, block.start.W
        n_sets, m, d = block.Z.shape
        k = W.shape[1]
        if m * (k if factor.by_softmax else 1) > _MOST_RANKS:
            return cls(factor)
        P = _probabilities(block.Z @ W, factor.by_softmax)
        V = np.take_along_axis(block.weights, block.codes[:, None, :], axis=2).transpose(0, 2, 1)
        if factor.by_softmax:
            # diag(p) - p p' is Q Q' with Q = diag(sqrt p) - p sqrt(p)'
            root = np.sqrt(P)
            Q = root[..., None] * np.eye(k) - P[..., None] * root[..., None, :]
            Q *= np.sqrt(V)[..., None]
            A = np.einsum("jmcr,jmp->jmrcp", Q, block.Z).reshape(1, n_sets, m * k, k * d)
            sign = np.repeat(block.sign, k)
        else:
            A = np.sqrt(V * P * (1 - P)).transpose(2, 0, 1)[..., None] * block.Z
            sign = block.sign
        ranks = A.shape[2]
        HA = factor.solve(A.reshape(len(A), -1, A.shape[3]).transpose(0, 2, 1)).transpose(0, 2, 1).reshape(A.shape)
        core = A @ HA.transpose(0, 1, 3, 2)
        core[..., np.arange(ranks), np.arange(ranks)] += sign
        try:
            return cls(factor, A, HA, np.linalg.inv(core))
        except np.linalg.LinAlgError:  # a record that alone decides a parameter
            return cls(factor)

    def solve(self, flat: Array) -> Array:
        """Return each set's inverse Hessian times (problems, parameters, sets)."""
        solved = self.factor.solve(flat)
        if self.A is not None and self.HA is not None and self.core is not None:
            by_set = solved.transpose(0, 2, 1)[..., None]
            solved = solved - (self.HA.transpose(0, 1, 3, 2) @ (self.core @ (self.A @ by_set)))[..., 0].transpose(
                0, 2, 1
            )
        return solved


def _factorised(H: Array) -> tuple[Array, bool]:
    """Return the Cholesky factor of a Hessian, with the smallest ridge under which it has one."""
    ridge = 0.0
    scale = float(np.trace(H)) / len(H)
    while True:
        try:
            factor, lower = cho_factor(H + ridge * np.eye(len(H)), check_finite=False)
            return factor, bool(lower)
        except LinAlgError:
            ridge = max(10 * ridge, 1e-12 * scale)


def _newton(
    Z: Array, codes: npt.NDArray[np.int64], weights: Array, penalty: Array, W: Array, by_softmax: bool
) -> Array:
    """Return the optimum (d + 1, outputs) by Newton's method with step halving; weights are (outputs, classes)."""
    Y = _is_own(weights.shape[1], W.shape[1])[:, codes].T
    V = weights[:, codes].T
    if by_softmax:
        return _newton_of(Z, codes, Y, V, weights, penalty, W, by_softmax)
    parts = [
        _newton_of(Z, codes, Y[:, [c]], V[:, [c]], weights[[c]], penalty, W[:, [c]], by_softmax)
        for c in range(W.shape[1])
    ]
    return np.hstack(parts)


def _newton_of(
    Z: Array,
    codes: npt.NDArray[np.int64],
    Y: npt.NDArray[np.bool_],
    V: Array,
    weights: Array,
    penalty: Array,
    W: Array,
    by_softmax: bool,
) -> Array:
    """Solve one problem: all outputs under softmax, or one output."""
    reach = float(np.sqrt(np.square(Z).sum(axis=1).max()))

    def objective(W: Array) -> float:
        logits = Z @ W
        if by_softmax:
            loss = V[:, 0] @ (logsumexp(logits, axis=1) - logits[Y])
        else:
            loss = -(V * log_expit(np.where(Y, logits, -logits))).sum()
        return float(loss + 0.5 * (penalty[:, None] * np.square(W)).sum())

    value = objective(W)
    for _ in range(_NEWTON_STEPS):
        gradient = Z.T @ (V * (_probabilities(Z @ W, by_softmax) - Y)) + penalty[:, None] * W
        factor = _Factor.of(Z, codes, weights, penalty, W, by_softmax)
        step = -factor.unflat(factor.solve(factor.flat(gradient[:, None])), W.shape[1])[:, 0]
        # a long step from where probabilities are flat would lead to where they are flatter still
        size = _FARTHEST / max(float(np.abs(Z @ step).max()), _FARTHEST)
        slope = float((gradient * step).sum())
        tried = objective(W + size * step)
        # a decrease that rounding hides counts as one
        while tried > value + 1e-4 * size * slope + 1e-13 * abs(value) and size > 1e-8:
            size /= 2
            tried = objective(W + size * step)
        W, value = W + size * step, tried
        # quadratic convergence: what is left is about the square of the last step
        if size == 1.0 and float(np.sqrt(np.square(step).sum(axis=0)).max()) * reach < 1e-6:
            return W
    raise _UnsolvedError
