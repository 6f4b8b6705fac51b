"""Releases of exactly retrained logistic regressions, many and quickly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from unlearn_audit.audits.release import Pair, Rows
from unlearn_audit.models.logistic import LogisticSettings, solve

SETTINGS = LogisticSettings(C=1.0, standardized=True, one_vs_rest=False)


@dataclass
class Population:
    """People of 6 features whose label depends on them; ``rows`` records each, alike within a person."""

    rng: np.random.Generator

    def draw(self, persons, rows=1, alike=0.0):
        rows = np.broadcast_to(rows, persons)
        person = np.repeat(np.arange(persons), rows)
        own = self.rng.normal(size=(persons, 6))[person]
        X = np.sqrt(alike) * own + np.sqrt(1 - alike) * self.rng.normal(size=(len(person), 6))
        y = (X[:, 0] - X[:, 1] + self.rng.logistic(size=len(person)) > 0).astype(np.int64)
        return X, y, person


def asked(models, X, y, person):
    return Rows(np.stack([m.predict_proba(X) for m in models], axis=1).astype(np.float32), y, person)


def releases(seed, originals, each, deletions=1, train=300):
    """Yield (population, original, unlearned, deleted X, deleted y) of many releases."""
    population = Population(np.random.default_rng(seed))
    for _ in range(originals):
        X, y, _ = population.draw(train)
        gone = [population.rng.choice(train, deletions, replace=False) for _ in range(each)]
        original, *unlearned = solve(SETTINGS, X, y, np.arange(train), [(g, np.arange(0)) for g in gone])
        for g, after in zip(gone, unlearned, strict=True):
            yield population, (original, after), X[g], y[g]


def pair(deleted, references, changed=1.0):
    names = np.arange(deleted.persons).astype(str).astype(object)
    return Pair(deleted, references, ("no", "yes"), names, changed)


@pytest.fixture(scope="session")
def simulate():
    """`releases`, and what makes pairs of them."""
    return releases


@pytest.fixture(scope="session")
def ask():
    return asked


@pytest.fixture(scope="session")
def make_pair():
    return pair
