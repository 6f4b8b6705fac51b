"""The influence of records on trees and forests: whoever shares a leaf with the deleted moves with it.

Where n records remain in a leaf, a share p of them with the label of a reference, deleting record x from the leaf
lowered that share by ([labels equal] - p) / (n + 1). A forest answers with the mean of its trees. Which records share a
leaf the attacker learns from its own trees: a forest on as many records as the models under attack are trained on,
or, where these are single trees, many trees on different draws of as many. One of its trees that was grown with x (m
times, where it draws with repetition) has n + m records in that leaf: these m are taken out of n and p first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.influence.base import Influence, dense
from unlearn_audit.data.base import Dataset
from unlearn_audit.models.float32 import as_float32
from unlearn_audit.models.source import ModelSource
from unlearn_audit.models.steps import before_last_step, last_step
from unlearn_audit.models.trees import FORESTS, TREES
from unlearn_audit.unlearning.training import take, train
from unlearn_audit.utils.seeds import Kind, generator, integer_seed
from unlearn_audit.utils.typing import Array, Positions

OWN_TREES = 60
"""Trees that the attacker trains where a model under attack is one."""

_SURE = 1e-3
"""Nearest to 0 and 1 that a forest's share counts."""


@dataclass(frozen=True, eq=False)
class LeafInfluence(Influence):
    """What an attacker who grows trees expects of trees trained on others of the same kind.

    Attributes
    ----------
    data
        The records.
    models
        Those that it trained: pipelines that end with a tree or a forest, or these alone.
    trainings
        Positions of what each was trained on, in training order.
    """

    data: Dataset
    models: tuple[Any, ...]
    trainings: tuple[Positions, ...]

    @classmethod
    def is_for(cls, model: Any) -> bool:
        """Return whether a model is a tree or a forest."""
        return type(last_step(model)) in TREES + FORESTS

    @classmethod
    def of(cls, source: ModelSource, data: Dataset, own: Positions, n_training: int, seed: int) -> LeafInfluence:
        """Train the attacker's trees."""
        number = OWN_TREES if type(last_step(source.make(0))) in TREES else 1
        models, trainings = [], []
        for index in range(number):
            rng = generator(seed, Kind.INFLUENCE, index, 0)
            training = rng.choice(own, size=min(n_training, len(own)), replace=False)
            models.append(train(source, data, training, integer_seed(seed, Kind.INFLUENCE, index, 1)).model)
            trainings.append(training)
        return cls(data, tuple(models), tuple(trainings))

    def change(self, candidates: Positions, references: Positions) -> Array:
        """Return (references, candidates) by how much the margin of a reference would drop."""
        same_label = self.data.y[references][:, None] == self.data.y[candidates][None]
        total = np.zeros(same_label.shape)
        shares = np.zeros(len(references))
        n_trees = 0
        for place, model in enumerate(self.models):
            classes = list(last_step(model).classes_)
            column = np.array([classes.index(y) if y in classes else -1 for y in self.data.y[references]])
            leaves = [self._leaves(place, positions) for positions in (references, candidates)]
            times = self.times(place, candidates)
            for tree, leaf, other, own in zip(_trees(model), *leaves, times, strict=True):
                counts = tree.value[leaf, 0]
                counts = counts / counts.sum(axis=1, keepdims=True)
                share = np.where(column >= 0, counts[np.arange(len(leaf)), column], 0.0)
                size = tree.weighted_n_node_samples[other]
                # ([labels equal] - p) / (n + 1), with n and p without the candidate's own copies
                left = np.maximum(size - own, 1)
                by_size = size / (left * (left + 1))
                total += np.where(leaf[:, None] == other[None], (same_label - share[:, None]) * by_size, 0.0)
                shares += share
                n_trees += 1
        mean = np.clip(shares / n_trees, _SURE, 1 - _SURE)
        # the margin is the logit of the share of the label
        return np.asarray(total / n_trees / (mean * (1 - mean))[:, None])

    def times(self, place: int, candidates: Positions) -> list[npt.NDArray[np.int64]]:
        """Return how often each candidate is among the records that each tree of a model was grown on."""
        model, training, n = last_step(self.models[place]), self.trainings[place], len(self.data.y)
        grown_on = [training] if type(model) in TREES else (training[drawn] for drawn in model.estimators_samples_)
        return [np.bincount(grown, minlength=n)[candidates] for grown in grown_on]

    @cached_property
    def _known(self) -> npt.NDArray[np.int32]:
        """(models, records) the leaf of each record that was looked up in a tree, -1 of others."""
        return np.full((len(self.models), len(self.data.y)), -1, dtype=np.int32)

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels to other processes: not what was looked up, which would arrive there read-only."""
        return {name: value for name, value in vars(self).items() if name != "_known"}

    def _leaves(self, place: int, positions: Positions) -> list[npt.NDArray[np.intp]]:
        """Return the leaves of records in each tree of a model; those in single trees are looked up once."""
        model = self.models[place]
        trees = _trees(model)
        if len(trees) > 1:
            numbers = self._numbers(model, positions)
            return [tree.apply(numbers) for tree in trees]
        known = self._known[place]
        new = np.unique(positions[known[positions] < 0])
        if len(new):
            known[new] = trees[0].apply(self._numbers(model, new))
        return [known[positions].astype(np.intp)]

    def _numbers(self, model: Any, positions: Positions) -> npt.NDArray[np.float32]:
        return as_float32(dense(before_last_step(model, take(self.data.X, positions))))


def _trees(model: Any) -> list[Any]:
    last = last_step(model)
    return [last.tree_] if type(last) in TREES else [tree.tree_ for tree in last.estimators_]
