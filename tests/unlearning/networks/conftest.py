"""A small network on digits, and requests to it."""

import numpy as np
import pytest

from made_networks import NOBODY, network
from unlearn_audit.config import build_config
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Retrain
from unlearn_audit.worlds import Request
from unlearn_audit.worlds.prepare import prepare


@pytest.fixture(scope="session")
def digits():
    return prepare(build_config({"target": {"data": "digits"}}, "a test").target.data, 0).data


@pytest.fixture(scope="session")
def rows(digits):
    return np.random.default_rng(0).permutation(len(digits.y))


@pytest.fixture(scope="session")
def original(digits, rows):
    return Retrain.for_model(network(), Regime.SAME_SEED)[0].learn(network(), digits, rows[:500], 1)


@pytest.fixture(scope="session")
def requests(rows):
    return [Request(rows[20 * i : 20 * (i + 1)], NOBODY) for i in range(3)]
