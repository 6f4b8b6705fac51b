"""The per-instance loss against the integrals that it stands for, and gradients along a training against autograd."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import nn

from unlearn_audit.models.networks import Privacy, TorchClassifier
from unlearn_audit.models.networks.gradients import fit_and_log
from unlearn_audit.models.per_instance import per_instance_loss, squared_norms, steps_for

pytestmark = pytest.mark.filterwarnings("ignore::unlearn_audit.models.networks.TrainingWarning")


def moment(delta, order, sigma, q):
    """E over z ~ N(0, σ²) of (1 - q + q N(z; Δ, σ²)/N(z; 0, σ²))^a, by quadrature."""

    def integrand(z):
        ratio = math.exp((2 * z * delta - delta**2) / (2 * sigma**2))
        return (1 - q + q * ratio) ** order * norm.pdf(z, scale=sigma)

    return quad(integrand, -15, order * delta + 15, limit=400, epsabs=0, epsrel=1e-12, points=[0, order * delta])[0]


@pytest.mark.parametrize(("q", "sigma", "order"), [(0.3, 1.0, 4.0), (0.05, 0.8, 8.0), (1.0, 2.0, 3.5)])
def test_two_steps_are_what_a_direct_evaluation_gives(q, sigma, order):
    # two runs of two steps, one record
    norms = np.array([[[0.9], [0.4]], [[0.7], [1.0]]])
    o = 6.0
    second = order * o / (o - 1) - 1 / o
    total = 0.0
    for i, alpha in enumerate((order, second)):
        a = math.ceil(alpha)
        runs = [moment(norms[run, i, 0], a, sigma, q) ** o for run in range(2)]
        total += (o - 1) ** i / o ** (i + 1) * math.log(sum(runs) / 2)
    expected = total / (order - 1)
    found = per_instance_loss(norms, noise=sigma, sample_rate=q, order=order)
    assert np.allclose(found, expected, rtol=1e-8)


def test_one_run_and_checkpoints_are_short_for_the_whole():
    norms = np.random.default_rng(0).random((3, 5))
    whole = np.repeat(norms, 4, axis=0)
    settings = {"noise": 1.3, "sample_rate": 0.2}
    assert np.allclose(per_instance_loss(norms, every=4, **settings), per_instance_loss(whole, **settings))
    assert np.allclose(per_instance_loss(norms, **settings), per_instance_loss(np.stack([norms] * 3), **settings))
    assert np.allclose(squared_norms(norms, noise=2.0, every=4), np.square(whole).sum(axis=0) / 4)
    assert np.allclose(per_instance_loss(0 * norms, **settings), 0)


def test_a_last_checkpoint_may_stand_for_fewer_steps():
    norms = np.random.default_rng(0).random((2, 3, 5))
    whole = np.repeat(norms, 4, axis=1)[:, :9]
    settings = {"noise": 1.3, "sample_rate": 0.2}
    assert np.allclose(per_instance_loss(norms, every=4, steps=9, **settings), per_instance_loss(whole, **settings))
    assert np.allclose(squared_norms(norms, noise=2.0, every=4, steps=9), squared_norms(whole, noise=2.0))


@pytest.mark.parametrize(("steps", "checkpoints", "made"), [(39, 20, 20), (7, 3, 3), (5, 4, 3), (2, 20, 2), (8, 1, 1)])
def test_there_are_no_more_checkpoints_than_asked_for(steps, checkpoints, made):
    X, y = data()
    settings = {"epochs": 20, "batch_size": 20, "max_steps": steps, "device": "cpu", "random_state": 1}
    logged = fit_and_log(TorchClassifier(two_layers, **settings), X, y, (X[:3], y[:3]), checkpoints=checkpoints)
    assert (len(logged.norms), logged.steps) == (made, steps)
    one = {"noise": logged.clip, "sample_rate": logged.sample_rate}
    each = np.repeat(logged.norms, logged.every, axis=0)[:steps]
    assert np.allclose(logged.loss(), per_instance_loss(each, **one))
    assert np.allclose(logged.proxy(), squared_norms(each, noise=logged.clip))


def test_without_sampling_a_step_costs_the_loss_of_normal_noise():
    """q = 1: log E = a(a-1) Δ²/(2σ²) for each step; with α close to whole over few steps, about α Δ²/(2σ²) each."""
    found = per_instance_loss(np.full((1, 1), 0.5), noise=1.0, sample_rate=1.0, order=8.0)
    assert np.allclose(found, 8 * 0.25 / 2)


def test_a_harder_record_needs_more_steps_and_an_easy_one_still_one():
    assert steps_for(np.array([0.0, 0.05, 0.2, 2.0]), 0.1, 0.5).tolist() == [1, 1, 2, 6]


def two_layers(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 6), nn.Dropout(0.3), nn.Tanh(), nn.Linear(6, n_classes))


def data():
    X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    return X, (X[:, 0] > 0).astype(int) + 3


@pytest.mark.parametrize(("keyed", "privacy"), [(False, None), (True, None), (False, Privacy(3.0, 1e-3, 0.5))])
def test_watching_a_training_changes_nothing_of_it(keyed, privacy):
    X, y = data()
    settings = {"epochs": 2, "batch_size": 20, "device": "cpu", "random_state": 1, "privacy": privacy}
    ids = np.arange(60) if keyed else None
    plain = TorchClassifier(two_layers, **settings).fit(X, y, ids)
    watched = TorchClassifier(two_layers, **settings)
    logged = fit_and_log(watched, X, y, (X[:7], y[:7]), clip=0.9, checkpoints=3, record_ids=ids)
    assert np.array_equal(plain.predict_proba(X), watched.predict_proba(X))
    assert logged.norms.shape == (3, 7)
    assert logged.every == 2
    assert logged.sample_rate == pytest.approx(1 / 3)
    assert logged.clip == (0.9 if privacy is None else 0.5)
    assert (logged.noise_multiplier is None) == (privacy is None)
    assert logged.norms.max() <= logged.clip
    assert np.isfinite(logged.loss()).all()
    assert np.isfinite(logged.proxy()).all()


class Recurrent(nn.Module):
    """A network that vmap does not take."""

    def __init__(self, n_features, n_classes):
        super().__init__()
        self.cells, self.last = nn.LSTM(1, 5, batch_first=True), nn.Linear(5, n_classes)

    def forward(self, rows):
        return self.last(self.cells(rows[..., None])[0][:, -1])


@pytest.mark.parametrize("make", [two_layers, Recurrent])
def test_the_norms_are_those_of_each_records_gradient_at_the_time(make):
    X, y = data()
    network = TorchClassifier(make, epochs=1, batch_size=20, max_steps=1, device="cpu", random_state=1)
    logged = fit_and_log(network, X, y, (X[:9], y[:9]), clip=100.0, checkpoints=1)
    with network.begin(X, y) as begun:
        module = begun.module.eval()
    for i in range(9):
        module.zero_grad()
        nn.functional.cross_entropy(module(torch.from_numpy(X[i : i + 1])), torch.tensor([y[i] - 3])).backward()
        length = torch.stack([p.grad.square().sum() for p in module.parameters()]).sum().sqrt()
        assert math.isclose(float(length), logged.norms[0, i], rel_tol=1e-4)
    assert logged.loss(noise_multiplier=1.0).shape == (9,)
    assert (logged.loss(noise_multiplier=1.0) < logged.loss(noise_multiplier=0.5)).all()
