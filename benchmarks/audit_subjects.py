"""Models with a known truth for `validity`: three that know nothing of any record, and one with a planted leak."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax
from scipy.stats import norm
from sklearn.base import BaseEstimator, ClassifierMixin

Array = npt.NDArray[Any]

FEATURES = 6


def made_up(records: int, classes: int, seed: int) -> tuple[Array, Array]:
    """Return features and labels that depend on them a little."""
    rng = np.random.default_rng([seed, records, classes])
    X = rng.normal(size=(records, FEATURES))
    logits = X @ rng.normal(size=(FEATURES, classes))
    return X, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


class _Indifferent(ClassifierMixin, BaseEstimator):
    """A classifier whose answers do not depend on what it was fitted on."""

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Array, y: Array) -> _Indifferent:  # noqa: ARG002 - a classifier is fitted on features
        """Remember the classes and nothing else."""
        self.classes_ = np.unique(y)
        return self

    def _weights(self, seed: int, features: int) -> Array:
        return np.random.default_rng(seed).normal(size=(features, len(self.classes_)))


class FixedFunction(_Indifferent):
    """A fixed function of the features: no answer ever changes."""

    def predict_proba(self, X: Array) -> Array:
        """Return the same answers whatever was trained."""
        X = np.asarray(X)
        return np.asarray(softmax(X @ self._weights(7, X.shape[1]), axis=1))


class OtherData(_Indifferent):
    """Trained on other data than it is given, drawn anew for every training."""

    def predict_proba(self, X: Array) -> Array:
        """Return answers of a softmax regression whose weights are those of another draw each time."""
        X = np.asarray(X)
        own = self._weights(self.random_state, X.shape[1])
        return np.asarray(softmax(X @ (self._weights(7, X.shape[1]) + 0.5 * own), axis=1))


class RetrainingNoise(_Indifferent):
    """A fixed function, and for every training a noise of its own, the same whenever it is asked again."""

    def predict_proba(self, X: Array) -> Array:
        """Return the fixed answers, moved a little."""
        X = np.asarray(X)
        waves = np.sin(3 * X @ np.random.default_rng(self.random_state).normal(size=(X.shape[1], len(self.classes_))))
        return np.asarray(softmax(X @ self._weights(7, X.shape[1]) + 0.2 * waves, axis=1))


NULLS = {"fixed function": FixedFunction, "other data": OtherData, "retraining noise": RetrainingNoise}


class Planted(_Indifferent):
    """Margins of the label rise by a step for records trained on, and carry noise of their own for each training.

    The change of a margin is normal with variance 2 σ², and ``step`` higher for the deleted, so the AUC of
    `margin-difference` is Φ(step/(2 σ)).
    """

    NOISE = 0.05

    def __init__(self, auc: float = 0.8, random_state: int = 0) -> None:
        self.auc = auc
        super().__init__(random_state)

    def fit(self, X: Array, y: Array) -> Planted:
        """Remember which records were trained on, and their labels."""
        super().fit(X, y)
        self.labels_ = {_of(row): label for row, label in zip(np.asarray(X), y, strict=True)}
        return self

    def predict_proba(self, X: Array) -> Array:
        """Return answers of two classes: a fixed function, noise, and the step towards the label of who was seen."""
        X = np.asarray(X)
        step = min(2 * self.NOISE * norm.ppf(self.auc), 100 * self.NOISE)
        known = [self.labels_.get(_of(row)) for row in X]
        signs = np.array([0.0 if label is None else 1.0 if label == self.classes_[1] else -1.0 for label in known])
        noise = np.array([_normal(row, self.random_state) for row in X])
        first = expit(X @ self._weights(7, X.shape[1])[:, 0] + step * signs + self.NOISE * noise)
        return np.column_stack([1 - first, first])


def _of(row: Array) -> bytes:
    return blake2b(np.ascontiguousarray(row).tobytes(), digest_size=16).digest()


def _normal(row: Array, seed: int) -> float:
    """Return a normal number that depends on a record and a seed alone."""
    digest = blake2b(np.ascontiguousarray(row).tobytes(), digest_size=8, key=str(seed).encode()).digest()
    return float(norm.ppf((int.from_bytes(digest, "little") + 0.5) / 2**64))
