"""The perceptron of the attacks: scikit-learn's for two classes, to the last bit, trained without its checks.

A step on a few hundred rows takes scikit-learn ten times as long as its arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from unlearn_audit.utils.typing import Array

_HIDDEN = 100
_HELD_OUT = 0.1
_BATCH = 200
_EPOCHS = 200
_PATIENCE = 10
_TOLERANCE = 1e-4
_STEP = 0.01
_DECAY = 1e-4
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class Perceptron:
    """One hidden layer of 100 units, trained by Adam (Kingma and Ba, ICLR 2015) until a held-out tenth gains nothing.

    It is ``MLPClassifier(early_stopping=True, learning_rate_init=0.01)``. Where a tenth is too few rows to hold one of
    each answer, scikit-learn's own is trained, which stops when its loss does not fall.

    Parameters
    ----------
    random_state
        The seed of the first weights, of the rows held out and of the order of the others.

    Examples
    --------
    >>> X, y = np.arange(40.0)[:, None] / 10 - 2, np.arange(40) >= 20
    >>> Perceptron(random_state=0).fit(X, y).predict_proba(X[[0, 39]]).argmax(axis=1).tolist()
    [0, 1]
    """

    def __init__(self, *, random_state: int) -> None:
        self.random_state = random_state

    def fit(self, X: Array, y: npt.NDArray[np.bool_]) -> Self:
        """Fit (n, features) rows to (n,) answers.

        Raises
        ------
        ValueError
            If a row is not finite.
        """
        X, y = _finite(X), np.asarray(y, dtype=bool)
        enough = math.ceil(_HELD_OUT * len(y)) >= 2 and min(y.sum(), (~y).sum()) >= 2
        if enough and X.dtype == np.float64:
            self.model_: _Weights | MLPClassifier = _trained(X, y, np.random.RandomState(self.random_state))
        else:
            self.model_ = MLPClassifier(
                early_stopping=enough, learning_rate_init=_STEP, random_state=self.random_state
            ).fit(X, y)
        return self

    def predict_proba(self, X: Array) -> Array:
        """Return (n, 2) probabilities of either answer."""
        if isinstance(self.model_, MLPClassifier):
            return np.asarray(self.model_.predict_proba(X))
        likely = self.model_.forward(_finite(X).astype(np.float64, copy=False))[1].ravel()
        return np.vstack([1 - likely, likely]).T


def _finite(X: Array) -> Array:
    X = np.asarray(X)
    if not np.isfinite(X).all():
        raise ValueError("a feature is not a finite number")
    return X


@dataclass(frozen=True)
class _Weights:
    """All weights as views of one vector, so that a step of the optimiser is one on it.

    Attributes
    ----------
    every
        (features × 100 + 201,) all of them.
    inner, inner_bias
        (features, 100) and (100,) those of the hidden layer.
    outer, outer_bias
        (100, 1) and (1,) those of the output.
    """

    every: Array
    inner: Array
    inner_bias: Array
    outer: Array
    outer_bias: Array

    @classmethod
    def zeros(cls, features: int) -> Self:
        """Return as many as there are for so many features."""
        ends = np.cumsum([features * _HIDDEN, _HIDDEN, _HIDDEN, 1])
        every = np.zeros(ends[-1])
        inner, inner_bias, outer, outer_bias = np.split(every, ends[:-1])
        return cls(every, inner.reshape(features, _HIDDEN), inner_bias, outer[:, None], outer_bias)

    @classmethod
    def drawn(cls, features: int, random: np.random.RandomState) -> Self:
        """Return first weights, drawn as by Glorot and Bengio (AISTATS 2010)."""
        first = cls.zeros(features)
        inner, outer = math.sqrt(6 / (features + _HIDDEN)), math.sqrt(6 / (_HIDDEN + 1))
        for bound, weights in (
            (inner, first.inner),
            (inner, first.inner_bias),
            (outer, first.outer),
            (outer, first.outer_bias),
        ):
            weights[:] = random.uniform(-bound, bound, weights.shape)
        return first

    def forward(self, X: Array) -> tuple[Array, Array]:
        """Return (n, 100) what the hidden units put out, and (n, 1) probabilities."""
        hidden = X @ self.inner
        hidden += self.inner_bias
        np.maximum(hidden, 0, out=hidden)
        likely = hidden @ self.outer
        likely += self.outer_bias
        return hidden, expit(likely, out=likely)


def _trained(X: Array, y: npt.NDArray[np.bool_], random: np.random.RandomState) -> _Weights:
    """Return the weights that were best on the rows held out."""
    weights = _Weights.drawn(X.shape[1], random)
    rows, held_out = train_test_split(np.arange(len(y)), test_size=_HELD_OUT, stratify=y, random_state=random)
    X_held, y_held = X[held_out], y[held_out]
    optimiser = _Adam(weights)
    best, best_score, without_gain = weights.every.copy(), -math.inf, 0
    X, y = X[rows], y[rows]
    order = np.arange(len(rows))
    for _ in range(_EPOCHS):
        order = order[random.permutation(len(rows))]
        for start in range(0, len(rows), _BATCH):
            batch = order[start : start + _BATCH]
            optimiser.step(X[batch], y[batch])
        score = float(np.mean((weights.forward(X_held)[1].ravel() > 0.5) == y_held))
        without_gain = without_gain + 1 if score < best_score + _TOLERANCE else 0
        if score > best_score:
            best, best_score = weights.every.copy(), score
        if without_gain > _PATIENCE:
            break
    weights.every[:] = best
    return weights


class _Adam:
    """Steps of gradient descent on the logistic loss, with weight decay, each as long as its past gradients say."""

    def __init__(self, weights: _Weights) -> None:
        self.weights = weights
        self.gradient = _Weights.zeros(len(weights.inner))
        self.first = np.zeros_like(weights.every)
        self.second = np.zeros_like(weights.every)
        self.steps = 0

    def step(self, X: Array, y: npt.NDArray[np.bool_]) -> None:
        """Go one step down the loss of (n, features) rows with (n,) answers."""
        self._differentiate(X, y)
        self.steps += 1
        gradient = self.gradient.every
        self.first *= _BETA_1
        self.first += (1 - _BETA_1) * gradient
        self.second *= _BETA_2
        self.second += (1 - _BETA_2) * gradient**2
        rate = _STEP * math.sqrt(1 - _BETA_2**self.steps) / (1 - _BETA_1**self.steps)
        # in this order, so that every bit is scikit-learn's
        weights = self.weights.every
        weights += -rate * self.first / (np.sqrt(self.second) + _EPSILON)

    def _differentiate(self, X: Array, y: npt.NDArray[np.bool_]) -> None:
        of, to = self.weights, self.gradient
        hidden, likely = of.forward(X)
        error = likely - y[:, None]
        back = error @ of.outer.T
        back[hidden == 0] = 0
        for before, after, weights, gradient, bias in (
            (hidden, error, of.outer, to.outer, to.outer_bias),
            (X, back, of.inner, to.inner, to.inner_bias),
        ):
            np.matmul(before.T, after, out=gradient)
            gradient += _DECAY * weights
            gradient /= len(y)
            np.divide(after.sum(axis=0), len(y), out=bias)
