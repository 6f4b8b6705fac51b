"""DP-SGD: what it spends, that it hides, that shared noise does not, and what it refuses."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

torch = pytest.importorskip("torch")
pytest.importorskip("opacus")

from torch import nn  # noqa: E402

from unlearn_audit.errors import AuditError  # noqa: E402
from unlearn_audit.models.networks import Privacy, TorchClassifier, TrainingWarning, modules  # noqa: E402
from unlearn_audit.models.networks.draws import RecordDraws  # noqa: E402
from unlearn_audit.models.networks.private import calibrated  # noqa: E402
from unlearn_audit.models.networks.training import Recipe, train_network  # noqa: E402


@pytest.fixture(scope="module")
def records():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    return rng.normal(size=(120, 6)) + 1.5 * y[:, None], y


def network(**settings):
    usual = {"epochs": 10, "batch_size": 20, "learning_rate": 0.05, "random_state": 0}
    return TorchClassifier(modules.logistic_regression, **{**usual, **settings})


def test_it_spends_at_most_what_it_may_and_as_much_as_the_accountant_says(records):
    from opacus.accountants import PRVAccountant

    net = network(privacy=Privacy(3.0)).fit(*records)
    spent = net.spent_
    assert 2.9 < spent.epsilon <= 3.0
    assert (spent.delta, spent.max_grad_norm, spent.steps) == (1e-5, 1.0, 60)
    assert spent.sample_rate == pytest.approx(20 / 120)
    accountant = PRVAccountant()
    accountant.history = [(spent.noise_multiplier, spent.sample_rate, spent.steps)]
    assert accountant.get_epsilon(1e-5) == pytest.approx(spent.epsilon)
    assert network().fit(*records).spent_ is None


def test_less_epsilon_is_more_noise():
    noise = [calibrated(Privacy(epsilon), 0.1, 100).noise_multiplier for epsilon in (0.5, 2.0, 8.0)]
    assert noise[0] > noise[1] > noise[2] > 0


def test_without_noise_and_clipping_a_step_is_that_of_plain_training(records):
    """The oracle: a private step with no noise and a clip that never binds is the gradient of the mean loss."""
    from unlearn_audit.models.networks.private import private_steps
    from unlearn_audit.models.privacy import Spent

    X, y = torch.tensor(records[0], dtype=torch.float32), torch.tensor(records[1])
    weights = []
    for private in (False, True):
        torch.manual_seed(0)
        module = nn.Linear(6, 2)
        optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
        if private:
            spent = Spent(np.inf, 1e-5, 0.0, 1e6, 1.0, 1)
            with private_steps(module, optimizer, spent, len(y), torch.Generator()) as (wrapped, stepped):
                nn.functional.cross_entropy(wrapped(X), y, reduction="sum").backward()
                stepped.step()
        else:
            nn.functional.cross_entropy(module(X), y).backward()
            optimizer.step()
        weights.append(module.weight.detach().clone())
    assert torch.allclose(*weights, atol=1e-6)


def test_each_records_gradient_is_clipped(records):
    """With a clip of c and no noise, one step of n records moves the weights by at most lr * c."""
    from unlearn_audit.models.networks.private import private_steps
    from unlearn_audit.models.privacy import Spent

    X, y = torch.tensor(100 * records[0], dtype=torch.float32), torch.tensor(records[1])
    module = nn.Linear(6, 2, bias=False)
    before = module.weight.detach().clone()
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0)
    spent = Spent(np.inf, 1e-5, 0.0, 0.1, 1.0, 1)
    with private_steps(module, optimizer, spent, len(y), torch.Generator()) as (wrapped, stepped):
        nn.functional.cross_entropy(wrapped(X), y, reduction="sum").backward()
        stepped.step()
    assert 0 < float((module.weight.detach() - before).norm()) <= 0.1 + 1e-6


def test_a_batch_of_nobody_is_a_step_of_noise_alone():
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        net = network(batch_size=1, epochs=3, privacy=Privacy(5.0)).fit(rng.normal(size=(12, 6)), np.arange(12) % 2)
    assert net.n_steps_ == 36
    assert np.isfinite(net.predict_proba(rng.normal(size=(3, 6)))).all()


def test_a_private_training_repeats_and_another_seed_is_another(records):
    X, _ = records
    one, two, other = (network(privacy=Privacy(5.0), random_state=s).fit(*records).predict_proba(X) for s in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.allclose(one, other)


def _update(epsilon, shared, deletions=30, n=100):
    """AUC of the change of the true class's margin (deleted against unseen), and its median size over all records."""
    rng = np.random.default_rng(1)
    y = torch.as_tensor(rng.integers(0, 2, n + deletions))
    X = torch.as_tensor(rng.normal(size=(n + deletions, 8)) + 0.4 * y.numpy()[:, None], dtype=torch.float32)
    recipe = Recipe("linear", (20,) * 5, 30, torch.optim.SGD, 0.05, 0.0, calibrated(Privacy(epsilon), 0.2, 30))
    everyone = torch.arange(n + deletions)

    def margins(rows, seed):
        torch.manual_seed(0)
        module = nn.Linear(8, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrainingWarning)
            # sampling is keyed by record, so that it is shared as well as the noise
            train_network(module, X[rows], y[rows], lambda x: x, recipe, seed, RecordDraws(seed, rows))
        with torch.no_grad():
            logits = module(X)
        return (logits[everyone, y] - logits[everyone, 1 - y]).numpy()

    ids = torch.arange(n)
    original = margins(ids, 0)
    changes = [original - margins(ids[ids != i], 0 if shared else 1 + i) for i in range(deletions)]
    deleted = [change[i] for i, change in enumerate(changes)]
    unseen = [change[n + i] for i, change in enumerate(changes)]
    leak = roc_auc_score(np.repeat([1, 0], deletions), deleted + unseen)
    return leak, np.median([np.sqrt((change**2).mean()) for change in changes])


def test_shared_noise_cancels_in_the_difference_whatever_the_epsilon():
    """Why dp-sgd is refused in the regimes fixed and same-seed."""
    (leak_1, size_1), (leak_10, size_10) = (_update(epsilon, shared=True) for epsilon in (1.0, 10.0))
    assert min(leak_1, leak_10) > 0.85
    assert abs(leak_1 - leak_10) < 0.03
    assert size_1 == pytest.approx(size_10, rel=0.05)
    (fresh_1, noisy_1), (fresh_10, noisy_10) = (_update(epsilon, shared=False) for epsilon in (1.0, 10.0))
    assert max(fresh_1, fresh_10) < 0.65
    assert noisy_1 > 2 * noisy_10 > 4 * size_10


def test_a_module_that_mixes_records_is_refused_with_its_reason(records):
    def normalised(n_features, n_classes):
        return nn.Sequential(nn.Linear(n_features, 4), nn.BatchNorm1d(4), nn.Linear(4, n_classes))

    net = TorchClassifier(normalised, epochs=1, batch_size=20, privacy=Privacy(5.0))
    with pytest.raises(AuditError) as told:
        net.fit(*records)
    sentence = str(told.value)
    assert "network normalised cannot be trained by dp-sgd" in sentence
    assert "BatchNorm" in sentence
    assert "GroupNorm" in sentence
    assert "\n" not in sentence
