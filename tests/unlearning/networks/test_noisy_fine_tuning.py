"""Noisy fine-tuning: its noise by hand and in the worst case, its certificate, and steps by per-instance loss."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.optimize import minimize_scalar
from torch import nn

from unlearn_audit.config import UnlearningConfig
from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.networks import TorchClassifier
from unlearn_audit.models.per_instance import ORDER
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.steps import last_step
from unlearn_audit.testing import check_unlearner
from unlearn_audit.unlearning import METHODS, Exactness, Retrain, options_of
from unlearn_audit.unlearning.networks.noise import NoisySteps, epsilon_of, renyi_of
from unlearn_audit.unlearning.networks.noisy_fine_tuning import loss_along_training
from unlearn_audit.worlds import Request

NOBODY = np.arange(0)
NAME = "noisy-fine-tuning"


def small(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 8), nn.ReLU(), nn.Linear(8, n_classes))


def normalised(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.Linear(8, n_classes))


def made():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5))
    return Dataset("made", X, (X[:, 0] > 0).astype(int), np.arange(2), ("no", "yes"), np.arange(120))


def method(module=small, regime=Regime.FIXED, **options):
    source = resolve_model(TorchClassifier(module, epochs=4, batch_size=16, learning_rate=0.01, device="cpu"))
    retrain, _ = Retrain.for_model(source, regime)
    return source, METHODS[NAME](**options).unlearner(retrain)


def weights_of(trained):
    parameters = last_step(trained.model).module_.parameters()
    return torch.cat([p.detach().flatten() for p in parameters]).double().numpy()


def test_the_noise_is_that_of_two_examples_by_hand():
    # D = 2·1 + 2·1·0.1·10 = 4, and σ² = 4² / (2 · 0.5 · 10)
    plain = NoisySteps(start=1.0, clip=1.0, learning_rate=0.1, weight_decay=0.0, steps=10)
    assert math.isclose(plain.noise(0.5) ** 2, 1.6)
    # D = 2·(1/2)² + 2·(1 - (1/2)²) = 2, and σ² = 2² · (1/2 · 3/2) / (2 · 0.5 · (1 - (1/2)⁴))
    decayed = NoisySteps(start=1.0, clip=1.0, learning_rate=0.5, weight_decay=1.0, steps=2)
    assert math.isclose(decayed.noise(0.5) ** 2, 3.2)
    # a vanishing weight decay is none
    near = NoisySteps(start=1.0, clip=1.0, learning_rate=0.1, weight_decay=1e-7, steps=10)
    assert math.isclose(near.noise(0.5), plain.noise(0.5), rel_tol=1e-5)


def test_two_mistakes_of_a_public_trainer_are_not_made():
    """It divides by 4 ε_R T, and takes ε_R for the Rényi loss of every order."""
    steps = NoisySteps(start=1.0, clip=1.0, learning_rate=0.1, weight_decay=0.0, steps=10)
    by_four = steps.distance / math.sqrt(4 * 0.5 * 10)
    assert math.isclose(steps.noise(0.5), math.sqrt(2) * by_four)
    # with the factor α left out, α could grow without end and ε_R would be all that is spent
    assert renyi_of(1.0, 1e-5) < 1 / 40
    for renyi in (1e-4, 0.02, 1.0, 30.0):
        found = minimize_scalar(
            lambda log, r=renyi: (1 + math.exp(log)) * r + math.log(1e5) / math.exp(log), bounds=(-20, 20),
            method="bounded",
        )  # fmt: skip
        assert math.isclose(epsilon_of(renyi, 1e-5), found.fun, rel_tol=1e-6)
        assert math.isclose(renyi_of(epsilon_of(renyi, 1e-5), 1e-5), renyi, rel_tol=1e-9)


@pytest.mark.parametrize("weight_decay", [0.0, 0.7])
def test_the_bound_is_reached_by_two_networks_that_are_pulled_apart(weight_decay):
    """One weight, starts at C0 and -C0, gradients of C1 away from each other: normal at the end, with known moments."""
    steps = NoisySteps(start=0.5, clip=2.0, learning_rate=0.1, weight_decay=weight_decay, steps=7)
    sigma = steps.noise(0.3)
    mean, variance = 0.5, 0.0
    for _ in range(7):
        mean = mean - 0.1 * (-2.0 + weight_decay * mean)
        variance = (1 - 0.1 * weight_decay) ** 2 * variance + sigma**2
    assert math.isclose((2 * mean) ** 2 / (2 * variance), 0.3)
    assert math.isclose(steps.renyi(sigma), 0.3)


def test_the_weights_start_in_the_ball_and_get_the_noise():
    data = made()
    source, noisy = method(recovery_epochs=0, start=0.05, learning_rate=1e-3, steps=30)
    original = noisy.learn(source, data, np.arange(100), 3)
    before = weights_of(original)
    request = Request(np.array([4]), NOBODY)
    unlearned = noisy.unlearn(original, request, 9)
    sigma, certificate = noisy.options.certified(None)
    assert unlearned.certificate == certificate
    assert certificate.epsilon == 1.0
    assert math.isclose(sigma, (0.1 + 2e-3 * 30) / math.sqrt(2 * renyi_of(1.0, 1e-5) * 30))
    # 66 weights after 30 steps: the standard deviation of √30 σ, and of a sum that steps and start hardly move
    assert abs(np.std(weights_of(unlearned)) / (math.sqrt(30) * sigma) - 1) < 0.3
    assert np.array_equal(weights_of(original), before)
    assert original.certificate is None
    # without noise to speak of, what is left is the start: the original's direction, at the norm C0
    source, quiet = method(recovery_epochs=0, start=0.05, learning_rate=1e-9, steps=1, noise=1e-9)
    start = weights_of(quiet.unlearn(original, request, 9))
    assert np.allclose(start, 0.05 * before / np.linalg.norm(before), atol=1e-7)


@pytest.mark.parametrize("regime", [Regime.FIXED, Regime.SAME_SEED, Regime.FRESH])
def test_each_update_of_a_chain_has_noise_that_no_earlier_one_had(regime):
    """Its start holds the earlier noise, so the same again would be no noise that the certificate counts."""
    data = made()
    source, noisy = method(regime=regime, recovery_epochs=0, start=1e-3, learning_rate=1e-9, steps=1, noise=1.0)
    original = noisy.learn(source, data, np.arange(100), 3)
    chain = [Request(np.array([i]), NOBODY) for i in range(4)]
    (versions,) = noisy.unlearn_chains(original, [chain], lambda _, step: 10 + step)
    assert (versions[1].seed == original.seed) == (regime is not Regime.FRESH)
    related = np.corrcoef([weights_of(version) for version in versions[1:]])
    assert abs(related[~np.eye(4, dtype=bool)]).max() < 0.5
    (again,) = noisy.unlearn_chains(original, [chain], lambda _, step: 10 + step)
    assert np.array_equal(weights_of(versions[-1]), weights_of(again[-1]))


def test_a_gradient_longer_than_the_clipping_norm_is_clipped():
    data = made()
    source, noisy = method(recovery_epochs=0, start=1e3, clip=1e-3, learning_rate=1.0, steps=5, noise=1e-12)
    original = noisy.learn(source, data, np.arange(100), 3)
    moved = weights_of(noisy.unlearn(original, Request(np.array([4]), NOBODY), 9)) - weights_of(original)
    assert 1e-4 < np.linalg.norm(moved) <= 5 * 1e-3 * 1.001


def test_a_given_noise_is_certified_for_what_it_hides():
    _, noisy = method(noise=0.2, start=1.0, learning_rate=0.1, steps=10, delta=1e-4)
    _, certificate = noisy.options.certified("x")
    assert math.isclose(certificate.epsilon, epsilon_of(16 / (2 * 0.04 * 10), 1e-4))
    assert (certificate.delta, certificate.given) == (1e-4, "x")


def test_many_requests_at_once_are_met_as_one_by_one():
    data = made()
    source, noisy = method(recovery_epochs=1, steps=3)
    original = noisy.learn(source, data, np.arange(100), 3)
    requests = [Request(np.array([i]), NOBODY) for i in range(3)]
    together = list(noisy.unlearn_many(original, requests, [1, 2, 3]))
    for request, unlearned in zip(requests, together, strict=True):
        alone = noisy.forget(original, noisy.update_of(original, request, 1))
        assert np.allclose(unlearned.model.predict_proba(data.X), alone.predict_proba(data.X), atol=1e-4)
        assert unlearned.certificate == alone.certificate_


def test_the_number_of_steps_is_what_each_record_needs():
    data = made()
    settings = {"steps": "per-instance", "noise": 0.01, "weight_decay": 9.0, "learning_rate": 0.1, "start": 10.0}
    source, noisy = method(recovery_epochs=0, epsilon=0.1, **settings)
    original = noisy.learn(source, data, np.arange(100), 3)
    losses = loss_along_training(original, np.arange(100), noisy.regime, 4 * ORDER)
    easy, hard = int(np.argmin(losses)), int(np.argmax(losses))
    target = ORDER * renyi_of(0.1, 1e-5)
    expected = max(1, math.ceil(math.log(losses[hard] / target) * ORDER / (0.1 * 9.0)))
    steps = [noisy.options.predicted_steps(losses[[i]]) for i in (easy, hard)]
    assert noisy.options.predicted_steps(losses[[easy, hard]]) == steps[1] == expected > steps[0]
    requests = [Request(np.array([i]), NOBODY) for i in (easy, hard)]
    unlearned = list(noisy.unlearn_many(original, requests, [1, 2]))
    spent = [NoisySteps(10.0, 1.0, 0.1, 9.0, made).renyi(0.01) for made in steps]
    assert [u.certificate.epsilon for u in unlearned] == [epsilon_of(r, 1e-5) for r in spent]
    alone = noisy.forget(original, noisy.update_of(original, requests[1], 2))
    assert np.allclose(alone.predict_proba(data.X), unlearned[1].model.predict_proba(data.X), atol=1e-4)


def test_steps_by_record_are_refused_once_a_network_was_unlearned():
    """No training made the second version, so there is none to repeat for the losses."""
    data = made()
    settings = {"noise": 0.01, "weight_decay": 9.0, "learning_rate": 0.1, "start": 10.0, "recovery_epochs": 0}
    source, by_record = method(steps="per-instance", **settings)
    original = by_record.learn(source, data, np.arange(100), 3)
    first, second = (Request(np.array([i]), NOBODY) for i in range(2))
    unlearned = by_record.unlearn(original, first, 1)
    with pytest.raises(AuditError, match="steps each record needs for a network that was already unlearned"):
        by_record.unlearn(unlearned, second, 2)
    _, of_a_number = method(steps=3, **settings)
    assert of_a_number.unlearn(unlearned, second, 2).updates == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": 1.0, "weight_decay": 1.0}, "learning_rate times weight_decay has to be below 1"),
        ({"steps": 0}, "0 steps are too few"),
        ({"steps": "per-instance"}, "steps 'per-instance' need noise and weight_decay"),
        ({"steps": "per-instance", "noise": 0.1}, "steps 'per-instance' need noise and weight_decay"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        METHODS[NAME](**options)
    with pytest.raises(AuditError, match=message):
        options_of(UnlearningConfig(method=NAME, **options))


def test_a_network_that_remembers_in_buffers_has_no_certificate():
    data = made()
    source, noisy = method(normalised, Regime.SAME_SEED)
    why = noisy.options.why_not(source, data)
    assert "no certificate for networks with running figures" in why
    original = noisy.learn(source, data, np.arange(100), 3)
    with pytest.raises(AuditError, match="no certificate for networks with running figures"):
        noisy.unlearn(original, Request(np.array([4]), NOBODY), 9)
    assert "needs a neural network" in METHODS[NAME]().why_not(resolve_model("decision-tree"), data)
    assert METHODS[NAME]().why_not(method()[0], data) is None


def test_it_keeps_the_contract_and_takes_what_stands_before_the_network_as_given():
    check_unlearner(METHODS[NAME](recovery_epochs=1), "torch-logistic-regression")
    assert METHODS[NAME].exactness is Exactness.CERTIFIED
    data, source = made(), resolve_model("torch-logistic-regression")
    retrain, _ = Retrain.for_model(source, Regime.FIXED)
    noisy = METHODS[NAME](recovery_epochs=0).unlearner(retrain)
    original = noisy.learn(source, data, np.arange(100), 0)
    assert "before the network" in noisy.unlearn(original, Request(np.array([1]), NOBODY), 0).certificate.given
