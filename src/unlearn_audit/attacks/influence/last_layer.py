"""The influence of records on a softmax regression, and on a network through the features before its last layer.

A network whose last layer is linear is a softmax regression on features that it learned. A deletion moves the last
layer as it moves a softmax regression: by H⁻¹ ∇ℓ(x), with ∇ℓ(x) = (p - e_y) ⊗ a the gradient of the deleted record of
features a, posterior p and label y, and H = Σ (diag p - p pᵀ) ⊗ a aᵀ over the records that remain. In their place stand
training records of the attacker's own, without x where it is one of them (`unlearn_audit.attacks.influence.downdate`).
The features are those of one network of the attacker's own, trained on records of the same kind; that they move too is
left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.utils.class_weight import compute_class_weight

from unlearn_audit.attacks.influence.base import Influence, dense
from unlearn_audit.attacks.influence.downdate import held, pull
from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.posteriors import query_exactly
from unlearn_audit.models.source import ModelSource
from unlearn_audit.models.steps import before_last_step, last_step
from unlearn_audit.unlearning.training import take, train
from unlearn_audit.utils.seeds import Kind, generator, integer_seed
from unlearn_audit.utils.typing import Array, Positions

DAMPING = 1e-2
"""Of the mean of H's diagonal, added to it where nothing penalises weights: a network at rest on its training records
has almost no curvature."""

MOST_PARAMETERS = 6000
"""Of a last layer: the Hessian of more takes over 0.3 GB."""

_SMALLEST = 1e-12

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}


@dataclass(frozen=True, eq=False)
class LastLayerInfluence(Influence):
    """What an attacker who trains one network expects of networks trained on others of the same kind.

    Attributes
    ----------
    data
        The records.
    source
        Its kind of network.
    model
        Its network.
    training
        Positions of what it was trained on.
    """

    data: Dataset
    source: ModelSource
    model: Any
    training: Positions

    @classmethod
    def is_for(cls, model: Any) -> bool:
        """Return whether a model is a network or a softmax regression."""
        last = last_step(model)
        return type(last) in (MLPClassifier, LogisticRegression) or hasattr(last, "before_last_layer")

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, own: Positions, n_training: int, seed: int) -> LastLayerInfluence:
        """Train the attacker's network."""
        rng = generator(seed, Kind.INFLUENCE, 0, 0)
        training = rng.choice(own, size=min(n_training, len(own)), replace=False)
        return cls(
            data, source, train(source, data, training, integer_seed(seed, Kind.INFLUENCE, 0, 1)).model, training
        )

    def change(self, candidates: Positions, references: Positions) -> Array:
        """Return (references, candidates) by how much the margin of a reference would drop."""
        features = self.features(candidates)
        # dφ/dz of a reference: its label against the mean of the others by their probabilities
        labels = self._labels(references)
        rest = np.where(labels > 0, 0.0, self._posteriors(references))
        by_logit = labels - rest / np.maximum(rest.sum(axis=1, keepdims=True), _SMALLEST)
        moved = cho_solve(self._factor, products_of_rows(self._pull(candidates, features), features).T)
        return np.asarray(products_of_rows(by_logit, self.features(references)) @ moved)

    def _pull(self, candidates: Positions, features: Array) -> Array:
        """(candidates, classes) label less probability, without its own part of H where H holds the candidate."""
        p, inside = self._posteriors(candidates), held(candidates, self.training)
        weight = self._weights(candidates)
        residual = weight[:, None] * (self._labels(candidates) - p)
        root = np.sqrt(weight[inside])[:, None, None] * _root(p[inside])
        return pull(residual, inside, root, self._leverage(features[inside]))

    def _weights(self, positions: Positions) -> Array:
        """(n,) what the class weight of a regression makes of each record; 1 without one, and for a network."""
        given = getattr(last_step(self.model), "class_weight", None)
        classes = np.unique(self.data.y[self.training])
        weights = np.ones(len(self.data.class_values))
        if given is not None:
            at = np.searchsorted(self.data.class_values, classes)
            weights[at] = compute_class_weight(given, classes=classes, y=self.data.y[self.training])
        return np.asarray(weights[np.searchsorted(self.data.class_values, self.data.y[positions])])

    def _leverage(self, features: Array) -> Array:
        """(n, classes, classes) (I ⊗ a)ᵀ H⁻¹ (I ⊗ a)."""
        k = len(self.data.class_values)
        found = np.empty((len(features), k, k))
        if len(features):
            for i in range(k):
                for j in range(k):
                    found[:, i, j] = np.einsum("nd,nd->n", features @ self._inverse[i, :, j], features)
        return found

    @cached_property
    def _inverse(self) -> Array:
        """(classes, d, classes, d) H⁻¹."""
        k = len(self.data.class_values)
        flat = cho_solve(self._factor, np.eye(len(self._factor[0])))
        return np.asarray(flat.reshape(k, len(flat) // k, k, len(flat) // k))

    @cached_property
    def _factor(self) -> tuple[Array, bool]:
        """The Cholesky factor of H.

        The same number added to all logits changes no probability: there H has no curvature, and no gradient goes
        there. What is added in that direction makes H invertible and changes no influence.
        """
        a, p = self.features(self.training), self._posteriors(self.training)
        d, k = a.shape[1], p.shape[1]
        if k * d > MOST_PARAMETERS:
            raise AuditError(
                f"the last layer of {self.source.name} has {k * d:,} weights, more than the {MOST_PARAMETERS:,} whose "
                "Hessian is worth the memory; leave the attack change-field out"
            )
        hessian, own = np.empty((k, d, k, d)), self._weights(self.training)
        for i in range(k):
            for j in range(i + 1):
                weights = own * p[:, i] * ((i == j) - p[:, j])
                hessian[i, :, j] = hessian[j, :, i] = (a * weights[:, None]).T @ a
        flat = hessian.reshape(k * d, k * d)
        mean = np.trace(flat) / (k * d)
        penalty = self._penalty
        flat[np.diag_indices(k * d)] += np.ravel(DAMPING * mean if penalty is None else penalty) + _SMALLEST
        hessian[:, np.arange(d), :, np.arange(d)] += mean
        factor, lower = cho_factor(flat)
        return factor, lower

    @property
    def _penalty(self) -> Array | None:
        """(classes, d) of a regression's squared weights; None where weights have none here, as in a network."""
        last, k = last_step(self.model), len(self.data.class_values)
        if type(last) is not LogisticRegression or not np.isfinite(last.C):
            return None
        # two classes have one vector of weights, the difference of these two
        penalty = np.full((k, self.features(self.training[:1]).shape[1]), (2 if k == 2 else 1) / last.C)
        # the intercept of a class that the model never saw is held by nothing else
        penalty[self._labels(self.training).any(axis=0), -1] = 0
        return penalty

    def _labels(self, positions: Positions) -> Array:
        """(n, classes) one where a class is the label."""
        return np.asarray(self.data.y[positions][:, None] == self.data.class_values[None], dtype=np.float64)

    def _posteriors(self, positions: Positions) -> Array:
        records = take(self.data.X, positions)
        return query_exactly(self.model, records, self.data.class_values, self.source.name)

    def features(self, positions: Positions) -> Array:
        """(n, d + 1) what the last layer takes, and a one."""
        found, network = dense(before_last_step(self.model, take(self.data.X, positions))), last_step(self.model)
        if type(network) is MLPClassifier:
            activation = _ACTIVATIONS[network.activation]
            for weights, bias in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
                found = activation(found @ weights + bias)
        elif type(network) is not LogisticRegression:
            found = network.before_last_layer(found)
        return np.column_stack([found, np.ones(len(found))])


def _root(p: Array) -> Array:
    """(n, k, k) Q with Q Qᵀ = diag p - p pᵀ."""
    root = np.sqrt(p)
    return np.asarray(root[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * root[:, None, :])


def products_of_rows(left: Array, right: Array) -> Array:
    """(n, k * d) of (n, k) and (n, d)."""
    return np.asarray((left[:, :, None] * right[:, None, :]).reshape(len(left), -1))
