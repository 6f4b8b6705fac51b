"""Many L2-regularised logistic regressions on almost the same records, each solved to its unique optimum.

The objective, sum of log losses plus ``|w|^2 / (2 C)``, has one minimum, so how it is found decides nothing but the
time. The records of one world are standardised once; the original is solved by Newton's method, and every other
training set starts from parameters that give the original's logits, whose gradient needs no pass over the records.
Chord steps, Newton's method with the original's Hessian kept, then reach its own optimum: a deletion changes the
Hessian by about 1/n, so each step gains three digits. What converges too slowly is finished by Newton's method.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import expit, log_expit, logsumexp, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

VERSION = 1
"""Raise it whenever the same records would give other parameters than before."""

LOOSEST_TOLERANCE = 1e-6
"""Above it a solver's own error is part of the model, and may exceed the effect of a deletion."""

_SOLVERS = ("newton-cholesky", "newton-cg", "lbfgs")
_ERROR = 1e-8
"""Largest estimated error of a training record's logit."""
_CHORD_STEPS = 8
_SLOW = 0.3
"""A chord that gains less than this factor a step is left to Newton's method."""
_NEWTON_STEPS = 100
_CONSTANT = 1e-10
"""Variance, relative to the original's, below which a feature no longer varies."""
_VALUES_AT_ONCE = 4_000_000
"""Logits held in memory at once."""


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
    """

    C: float
    standardized: bool
    one_vs_rest: bool

    @classmethod
    def of(cls, estimator: Any) -> LogisticSettings | None:
        """Return the settings of an estimator that is solved to such an optimum, None for any other.

        Examples
        --------
        >>> from sklearn.linear_model import LogisticRegression
        >>> LogisticSettings.of(LogisticRegression(tol=1e-8))
        LogisticSettings(C=1.0, standardized=False, one_vs_rest=False)
        >>> LogisticSettings.of(LogisticRegression()) is None
        True
        """
        steps = [step for _, step in estimator.steps] if type(estimator) is Pipeline else [estimator]
        scalers, last = steps[:-1], steps[-1]
        plain_scaler = {"with_mean": True, "with_std": True}
        if len(scalers) > 1 or any(type(s) is not StandardScaler for s in scalers):
            return None
        if any(s.get_params()[name] != value for s in scalers for name, value in plain_scaler.items()):
            return None
        one_vs_rest = type(last) is OneVsRestClassifier
        regression = last.estimator if one_vs_rest else last
        if type(regression) is not LogisticRegression:
            return None
        params = regression.get_params()
        asked = (
            params["solver"] in _SOLVERS
            and params["tol"] <= LOOSEST_TOLERANCE
            and params.get("penalty") in ("l2", "deprecated")
            and not params.get("l1_ratio")
            and params["class_weight"] is None
            and params["fit_intercept"]
            and not params["warm_start"]
            and 0 < params["C"] < math.inf
        )
        return cls(float(params["C"]), bool(scalers), one_vs_rest) if asked else None


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
    one_vs_rest
        See `LogisticSettings`.
    """

    classes_: npt.NDArray[Any]
    mean: Array
    scale: Array
    coefficients: Array
    intercepts: Array
    one_vs_rest: bool

    def predict_proba(self, X: npt.NDArray[Any]) -> Array:
        """Return (m, k) posteriors of (m, d) records."""
        logits = (X - self.mean) / self.scale @ self.coefficients + self.intercepts
        if logits.shape[1] == 1:
            return np.hstack([expit(-logits), expit(logits)])
        if not self.one_vs_rest:
            return np.asarray(softmax(logits, axis=1))
        # logarithms, so that a record of no class at all does not divide zero by zero
        return np.asarray(softmax(log_expit(logits), axis=1))


def solve(
    settings: LogisticSettings,
    X: Any,
    y: npt.NDArray[Any],
    original: Positions,
    others: Sequence[Positions] = (),
    start: LogisticModel | None = None,
) -> list[LogisticModel] | None:
    """Return the optimum of the original's training records, and that of each other training set.

    Parameters
    ----------
    settings
        Penalty, standardisation and kind.
    X, y
        (n, d) numbers and (n,) labels of all records.
    original
        Positions of the original's training records.
    others
        Positions of further training sets, which should differ from it by few records.
    start
        The original's solution, where it is known.

    Returns
    -------
    One model a training set, the original's first; or None where this is no case for it: no array of finite
    numbers, a record twice in a training set, or a training set that lacks a class.
    """
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype == object:
        return None
    universe = np.unique(np.concatenate([original, *others]))
    raw = X[universe]
    raw = raw.astype(np.float64)
    classes, codes = np.unique(y[universe], return_inverse=True)
    sets = [original, *others]
    members = np.stack([np.isin(universe, of, assume_unique=True) for of in sets], axis=1)
    counts = np.stack([members[codes == c].sum(axis=0) for c in range(len(classes))])
    if len(classes) < 2 or (counts == 0).any() or not np.isfinite(raw).all() or _repeats(sets):
        return None
    return _World(settings, raw, codes, classes, members).solve(start)


def _repeats(sets: Sequence[Positions]) -> bool:
    return any(len(np.unique(of)) != len(of) for of in sets)


@dataclass
class _World:
    """The records of all training sets together, standardised with the figures of the original's."""

    settings: LogisticSettings
    raw: Array
    codes: npt.NDArray[np.int64]
    classes: npt.NDArray[Any]
    members: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        first = self.raw[self.members[:, 0]]
        d = self.raw.shape[1]
        self.mean, self.scale = np.zeros(d), np.ones(d)
        if self.settings.standardized:
            self.mean = first.mean(axis=0)
            variance = np.square(first - self.mean).mean(axis=0)
            noise = np.square(self.mean) * 1e-24
            self.scale = np.sqrt(np.where(variance > noise, variance, 1.0))
        # with a column of ones, whose parameter is the intercept
        self.Z = np.column_stack([(self.raw - self.mean) / self.scale, np.ones(len(self.raw))])
        if self.settings.standardized:
            self.Z[:, :-1][:, variance <= noise] = (self.raw - self.mean)[:, variance <= noise]
        k = len(self.classes)
        self.softmax = k > 2 and not self.settings.one_vs_rest
        self.Y = np.eye(k)[self.codes] if k > 2 else self.codes[:, None].astype(np.float64)
        self.penalty = np.append(np.full(d, 1 / self.settings.C), 0.0)

    def solve(self, start: LogisticModel | None) -> list[LogisticModel]:
        first = self.members[:, 0]
        Z, Y = self.Z[first], self.Y[first]
        W = np.zeros((Z.shape[1], Y.shape[1]))
        if start is not None:
            W = np.vstack([start.coefficients, start.intercepts])
        W = _newton(Z, Y, self.penalty, W, self.softmax)
        model = LogisticModel(self.classes, self.mean, self.scale, W[:-1], W[-1], self.settings.one_vs_rest)
        n = self.members.shape[1]
        if n == 1:
            return [model]
        factor = _Factor(Z, self.penalty, W, self.softmax)
        at_once = max(1, _VALUES_AT_ONCE // self.Y.size)
        models = [model]
        for at in range(1, n, at_once):
            models += self._others(model, W, factor, self.members[:, at : at + at_once].astype(np.float64))
        return models

    def _others(self, model: LogisticModel, W: Array, factor: _Factor, members: Array) -> list[LogisticModel]:
        """Return the optima of some of the other training sets; members is (n, sets)."""
        sizes = members.sum(axis=0)
        d, outputs, n_sets = len(W) - 1, W.shape[1], members.shape[1]
        shift, spread = np.zeros((d, n_sets)), np.ones((d, n_sets))
        if self.settings.standardized:
            shift = self.Z[:, :-1].T @ members / sizes
            variance = np.square(self.Z[:, :-1]).T @ members / sizes - np.square(shift)
            spread = np.sqrt(np.where(variance > _CONSTANT * np.maximum(1, np.square(shift)), variance, 1.0))
            constant = variance <= _CONSTANT * np.maximum(1, np.square(shift))
        # the same logits as the original's, in each set's own standardised features: (d + 1, outputs, sets)
        now = np.empty((d + 1, outputs, n_sets))
        now[:-1] = W[:-1, :, None] * spread[:, None, :]
        now[-1] = W[-1][:, None] + W[:-1].T @ shift
        if self.settings.standardized:
            now[:-1][np.broadcast_to(constant[:, None, :], now[:-1].shape)] = 0.0
        reach = float(np.sqrt(np.square(self.Z).sum(axis=1).max()))
        residual = _probabilities(self.Z @ W, self.softmax) - self.Y
        plain = np.stack([(self.Z * residual[:, [c]]).T @ members for c in range(outputs)], axis=1)
        step = -factor.solve(self._own(plain, shift, spread, now))
        now += step
        before = self._length(step)
        done = np.zeros(n_sets, dtype=bool)
        slow = np.zeros(n_sets, dtype=bool)
        for _ in range(_CHORD_STEPS):
            going = np.flatnonzero(~done & ~slow)
            if not len(going):
                break
            part = now[:, :, going]
            scaled = part[:-1] / spread[:, None, going]
            offsets = part[-1] - np.einsum("dos,ds->os", scaled, shift[:, going])
            at = np.concatenate([scaled, offsets[None]])
            logits = (self.Z @ at.reshape(d + 1, -1)).reshape(len(self.Z), outputs, len(going))
            residual = _probabilities(logits, self.softmax) - self.Y[:, :, None]
            residual *= members[:, None, going]
            plain = (self.Z.T @ residual.reshape(len(self.Z), -1)).reshape(d + 1, outputs, len(going))
            step = -factor.solve(self._own(plain, shift[:, going], spread[:, going], part))
            now[:, :, going] = part + step
            length = self._length(step)
            gain = length / np.maximum(before[going], np.finfo(float).tiny)
            left = np.where(gain < 1, gain / np.maximum(1 - gain, 1e-3), np.inf) * length * reach
            done[going] = (left < _ERROR) | (length * reach < _ERROR * 1e-3)
            slow[going] = ~done[going] & ~(gain < _SLOW)
            before[going] = length
        models = []
        for j in range(n_sets):
            mean, scale = shift[:, j], spread[:, j]
            of = now[:, :, j]
            if not done[j]:
                rows = members[:, j] > 0
                own = np.column_stack([(self.Z[rows, :-1] - mean) / scale, np.ones(int(rows.sum()))])
                of = _newton(own, self.Y[rows], self.penalty, of, self.softmax)
            models.append(
                replace(
                    model,
                    mean=self.mean + self.scale * mean,
                    scale=self.scale * scale,
                    coefficients=of[:-1],
                    intercepts=of[-1],
                )
            )
        return models

    def _own(self, plain: Array, shift: Array, spread: Array, now: Array) -> Array:
        """Return gradients by each set's own parameters, from those by the original's features."""
        gradient = plain.copy()
        gradient[:-1] = (plain[:-1] - shift[:, None, :] * plain[-1]) / spread[:, None, :]
        return np.asarray(gradient + self.penalty[:, None, None] * now)

    def _length(self, step: Array) -> Array:
        """(sets,) the longest step of any output."""
        return np.asarray(np.sqrt(np.square(step).sum(axis=0)).max(axis=0))


def _probabilities(logits: Array, by_softmax: bool) -> Array:
    """(n, outputs, ...) from logits of the same shape."""
    return np.asarray(softmax(logits, axis=1) if by_softmax else expit(logits))


class _Factor:
    """The factorised Hessian at some parameters: one matrix an output, or one of all outputs under softmax."""

    def __init__(self, Z: Array, penalty: Array, W: Array, by_softmax: bool) -> None:
        P = _probabilities(Z @ W, by_softmax)
        self._softmax, (d, k) = by_softmax, W.shape
        if not by_softmax:
            blocks = [(Z * (P[:, [c]] * (1 - P[:, [c]]))).T @ Z + np.diag(penalty) for c in range(k)]
            self._factors = [_factorised(block) for block in blocks]
            return
        H = np.empty((k, d, k, d))
        for a in range(k):
            for b in range(a, k):
                block = -(Z * (P[:, [a]] * P[:, [b]])).T @ Z
                if a == b:
                    block += (Z * P[:, [a]]).T @ Z + np.diag(penalty)
                H[a, :, b, :] = block
                H[b, :, a, :] = block.T
        # only differences of intercepts matter; this holds their sum where it is
        H[:, -1, :, -1] += 1.0 / k
        self._factors = [_factorised(H.reshape(k * d, k * d))]

    def solve(self, gradient: Array) -> Array:
        """Return the Hessian's inverse times (d + 1, outputs, ...) gradients."""
        if not self._softmax:
            parts = [cho_solve(f, gradient[:, c]) for c, f in enumerate(self._factors)]
            return np.stack(parts, axis=1)
        d, k = gradient.shape[:2]
        flat = np.moveaxis(gradient, 1, 0).reshape(k * d, -1)
        solved = cho_solve(self._factors[0], flat).reshape(k, d, *gradient.shape[2:])
        return np.moveaxis(solved, 0, 1)


def _factorised(H: Array) -> tuple[Array, bool]:
    """Return the Cholesky factor of a Hessian, with the smallest ridge under which it has one."""
    ridge = 0.0
    scale = float(np.trace(H)) / len(H)
    while True:
        try:
            factor, lower = cho_factor(H + ridge * np.eye(len(H)))
            return factor, bool(lower)
        except LinAlgError:
            ridge = max(10 * ridge, 1e-12 * scale)


def _newton(Z: Array, Y: Array, penalty: Array, W: Array, by_softmax: bool) -> Array:
    """Return the optimum (d + 1, outputs) by Newton's method with step halving."""
    if not by_softmax and Y.shape[1] > 1:
        parts = [_newton(Z, Y[:, [c]], penalty, W[:, [c]], by_softmax=False) for c in range(Y.shape[1])]
        return np.hstack(parts)
    reach = float(np.sqrt(np.square(Z).sum(axis=1).max()))
    value = _objective(Z, Y, penalty, W, by_softmax)
    for _ in range(_NEWTON_STEPS):
        gradient = Z.T @ (_probabilities(Z @ W, by_softmax) - Y) + penalty[:, None] * W
        step = -_Factor(Z, penalty, W, by_softmax).solve(gradient)
        size, slope = 1.0, float((gradient * step).sum())
        tried = _objective(Z, Y, penalty, W + step, by_softmax)
        # a decrease that rounding hides counts as one
        while tried > value + 1e-4 * size * slope + 1e-13 * abs(value) and size > 1e-8:
            size /= 2
            tried = _objective(Z, Y, penalty, W + size * step, by_softmax)
        W, value = W + size * step, tried
        # quadratic convergence: what is left is about the square of the last step
        if size == 1.0 and float(np.sqrt(np.square(step).sum(axis=0)).max()) * reach < 1e-6:
            break
    return W


def _objective(Z: Array, Y: Array, penalty: Array, W: Array, by_softmax: bool) -> float:
    logits = Z @ W
    if by_softmax:
        loss = logsumexp(logits, axis=1).sum() - (Y * logits).sum()
    else:
        loss = -log_expit(np.where(Y > 0, logits, -logits)).sum()
    return float(loss + 0.5 * (penalty[:, None] * np.square(W)).sum())
