"""Pseudo-probability unlearning: what its refinement does, what it does not, and what its networks answer."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import entr, softmax
from torch import nn

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.networks import TorchClassifier
from unlearn_audit.models.regimes import Regime
from unlearn_audit.testing import check_unlearner
from unlearn_audit.unlearning import METHODS, Exactness, Retrain
from unlearn_audit.unlearning.networks.refine import entropies, refined
from unlearn_audit.worlds import Request

FORGET, RETAIN, CLASSES = 6, 300, 4


def answers(seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((FORGET, CLASSES)), softmax(3 * rng.normal(size=(RETAIN, CLASSES)), axis=1)


def stacked(drawn, retained):
    return np.concatenate([drawn / drawn.sum(axis=1, keepdims=True), retained])


def by_hand(P, columns, inverse_weights, start):
    """The formula's matrix, with ν from a general minimiser of the convex dual instead of Newton's method."""
    h = inverse_weights

    def matrix(nu):
        M = P * np.exp(-np.outer(h, nu))
        return M / M.sum(axis=1, keepdims=True)

    def dual(nu):
        return (np.log((P * np.exp(-np.outer(h, nu))).sum(axis=1)) / h).sum() + columns @ nu

    found = minimize(
        dual, start, jac=lambda nu: columns - matrix(nu).sum(axis=0), method="BFGS", options={"gtol": 1e-9}
    )
    return matrix(found.x)


@pytest.mark.parametrize("weights", ["equal", "entropy"])
def test_the_published_column_target_leaves_the_matrix_as_it_was(weights):
    drawn, retained = answers()
    P = stacked(drawn, retained)
    found = METHODS["ppu"](weights=weights).targets(drawn, retained)
    assert np.abs(found - P).max() < 1e-7
    # wherever the search starts: it is no accident of starting at the solution
    h = np.ones(len(P)) if weights == "equal" else entropies(P)
    elsewhere = by_hand(P, P.sum(axis=0), h, np.array([0.3, -0.2, 0.1, 0.4]))
    assert np.abs(elsewhere - P).max() < 1e-7


@pytest.mark.parametrize("weights", ["equal", "entropy"])
@pytest.mark.parametrize("pseudo", ["random", "uniform"])
def test_our_column_target_is_met_and_the_matrix_is_the_nearest(weights, pseudo):
    drawn, retained = answers(1)
    found = METHODS["ppu"](weights=weights, pseudo=pseudo, columns="retained").targets(drawn, retained)
    columns = (FORGET + RETAIN) * retained.mean(axis=0)
    assert np.abs(found.sum(axis=0) - columns).max() < 1e-5
    assert np.abs(found.sum(axis=1) - 1).max() < 1e-12
    P = stacked(np.ones_like(drawn) if pseudo == "uniform" else drawn, retained)
    assert 1e-3 < np.abs(found - P).max() < 0.1
    h = np.ones(len(P)) if weights == "equal" else entropies(P)
    assert np.allclose(found, by_hand(P, columns, h, np.zeros(CLASSES)), atol=1e-6)
    # nearer, in the weighted divergence, than other matrices of the same sums
    rng = np.random.default_rng(0)
    for _ in range(20):
        (i, k), (a, b) = rng.choice(len(P), 2, replace=False), rng.choice(CLASSES, 2, replace=False)
        shift, other = 1e-4 * found[[i, i, k, k], [a, b, a, b]].min(), found.copy()
        other[[i, k], [a, b]] += shift
        other[[i, k], [b, a]] -= shift
        assert distance(found, P, h) < distance(other, P, h)


def distance(M, P, h):
    return ((M * np.log(M / P)).sum(axis=1) / h).sum()


@pytest.mark.parametrize("weights", ["equal", "entropy"])
@pytest.mark.parametrize("columns", ["published", "retained"])
def test_from_uniform_starts_all_forgotten_rows_become_identical(weights, columns):
    drawn, retained = answers(2)
    found = METHODS["ppu"](weights=weights, columns=columns, pseudo="uniform").targets(drawn, retained)[:FORGET]
    assert np.abs(found - found[0]).max() < 1e-12
    apart = METHODS["ppu"](weights=weights, columns=columns).targets(drawn, retained)[:FORGET]
    assert np.abs(apart - apart[0]).max() > 0.1


def test_entropies_are_those_of_scipy_and_a_sure_row_has_none():
    _, retained = answers()
    rows = np.concatenate([retained, [[1.0, 0, 0, 0]]])
    assert np.allclose(entropies(rows), entr(rows).sum(axis=1))


def test_columns_that_no_matrix_has_are_refused():
    sure = np.tile([1.0, 0.0], (5, 1))
    with pytest.raises(AuditError, match="ppu found no matrix with the requested column sums"):
        refined(sure, np.array([4.0, 1.0]))


def small(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, n_classes))


def test_the_network_answers_forgotten_records_by_their_targets_and_others_as_before():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(140, 5))
    data = Dataset("made", X, (X[:, 0] > 0).astype(int), np.arange(2), ("no", "yes"), np.arange(140))
    source = resolve_model(TorchClassifier(small, epochs=20, batch_size=16, learning_rate=0.01, device="cpu"))
    retrain, _ = Retrain.for_model(source, Regime.FIXED)
    ppu = METHODS["ppu"](pseudo="uniform", batch_size=32, epochs=60, learning_rate=0.1).unlearner(retrain)
    original = ppu.learn(source, data, np.arange(120), 0)
    # sure answers, but not the surest, which lie so far out that a smooth function can hardly be unsure there alone
    sure = np.argsort(np.abs(original.model.predict_proba(X[:120]).min(axis=1) - 0.02))[:3]
    update = ppu.update_of(original, Request(sure, np.arange(0)), 1)
    unlearned = ppu.forget(original, update).predict_proba(X)
    before = original.model.predict_proba(X)
    kept = np.setdiff1d(np.arange(120), sure)
    assert np.abs(unlearned[sure] - 0.5).mean() < 0.7 * np.abs(before[sure] - 0.5).mean()
    assert np.abs(unlearned[kept] - before[kept]).mean() < 0.1


def test_it_keeps_the_contract_and_says_what_it_promises():
    options = METHODS["ppu"](epochs=1)
    check_unlearner(options, "torch-logistic-regression")
    assert options.exactness is Exactness.APPROXIMATE
    assert "needs a neural network" in options.why_not(resolve_model("decision-tree"), None)
