"""Networks trained at once, against the plain loop that trains each alone."""

import functools
import random

import pytest
import torch
from torch import nn

from unlearn_audit.models.networks import TorchClassifier, modules
from unlearn_audit.models.networks.batched import batch
from unlearn_audit.models.networks.batched.batch import BatchPlan, Outcome, plan_batch, structure, train_batch
from unlearn_audit.models.networks.classifier import Beginning
from unlearn_audit.models.networks.draws import RecordDraws
from unlearn_audit.models.networks.training import OPTIMIZERS, Recipe, TrainingWarning, batch_sizes, train_network
from unlearn_audit.models.privacy import Privacy

pytestmark = pytest.mark.filterwarnings("ignore::unlearn_audit.models.networks.TrainingWarning")

ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
DEVICES = ["cpu", pytest.param("cuda", marks=ON_GPU)]
D, C = 6, 3

STACKED = BatchPlan(4, stacked=True, structure="", group=1)
TOGETHER = BatchPlan(4, stacked=True, structure="", group=4)
IN_PAIRS = BatchPlan(4, stacked=True, structure="", group=2)
VMAPPED = BatchPlan(4, stacked=False, structure="", group=4)
PLANS = pytest.mark.parametrize(
    "plan", [STACKED, TOGETHER, IN_PAIRS, VMAPPED], ids=["stacked", "together", "in pairs", "vmapped"]
)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def dropping(n_features, n_classes):
    inner = nn.Sequential(nn.Linear(12, 8, bias=False), nn.Dropout(0.2))
    first = (nn.Dropout(0.1), nn.Linear(n_features, 12), nn.ReLU(), nn.Dropout(0.5), nn.Dropout(0.0))
    return nn.Sequential(*first, inner, nn.ReLU(), nn.Linear(8, n_classes))


def smooth(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 9), nn.Tanh(), nn.LayerNorm(9), nn.Dropout(0.3), nn.Linear(9, n_classes))


def images(n_features, n_classes):
    return nn.Sequential(nn.Unflatten(1, (1, 2, 3)), nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Dropout2d(0.3),
                         nn.Flatten(), nn.Linear(24, n_classes))  # fmt: skip


class Frozen(nn.Module):
    """Has weights that are not trained, and one layer that is used twice."""

    def __init__(self, n_features, n_classes):
        super().__init__()
        self.first, self.twice, self.last = nn.Linear(n_features, 8), nn.Linear(8, 8), nn.Linear(8, n_classes)
        self.first.requires_grad_(False)

    def forward(self, x):
        return self.last(self.twice(torch.tanh(self.twice(torch.relu(self.first(x))))))


def begun(seed, *, n=50, ids=None, factory=modules.mlp, keyed=True, dtype=torch.float64, device="cpu", **settings):
    """What a training starts from: records by their ids, of which the first decide the label."""
    asked = {"optimizer": "adam", "weight_decay": 0.0, "batch_size": 8, "epochs": 3, "max_steps": None, "rate": 0.01}
    asked |= settings
    torch.manual_seed(seed)
    module = factory(D, C).to(dtype).to(device)
    ids = torch.arange(n) if ids is None else ids
    everyone = torch.randn(200, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    X = everyone[ids].to(dtype).to(device)
    y = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()
    sizes = batch_sizes(len(ids), asked["batch_size"])
    steps = min(asked["epochs"] * len(sizes), asked["max_steps"] or 10**6)
    recipe = Recipe("net", sizes, steps, OPTIMIZERS[asked["optimizer"]], asked["rate"], asked["weight_decay"])
    draws = RecordDraws(seed, ids.to(device)) if keyed else None
    return Beginning(module, X, y, lambda x: x, recipe, seed, draws)


def plainly(one):
    with one.keyed():
        train_network(one.module, one.records, one.labels, one.inputs, one.recipe, one.seed, one.draws)
    return one


def posteriors(one):
    with torch.no_grad():
        return one.module.eval()(one.records).double().softmax(dim=1)


def difference(make, plan, seeds=(1, 2, 3)):
    """The largest difference of any posterior after training at once and alone."""
    at_once, alone = ([make(seed) for seed in seeds] for _ in range(2))
    assert [outcome.error for outcome in train_batch(plan, at_once)] == [None] * len(seeds)
    return max(float((posteriors(a) - posteriors(plainly(b))).abs().max()) for a, b in zip(at_once, alone, strict=True))


def weights(one):
    return torch.cat([p.detach().flatten() for p in one.module.parameters()])


# equal to the plain loop


@PLANS
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("settings", [{}, {"weight_decay": 0.05}, {"optimizer": "sgd", "weight_decay": 0.05},
                                      {"max_steps": 10}, {"max_steps": 3}], ids=str)  # fmt: skip
@pytest.mark.parametrize("keyed", [True, False], ids=["by record", "by generator"])
def test_it_is_the_plain_loop(plan, device, settings, keyed):
    # 49 = 6 * 8 + 1, whose last record joins the batch before
    for n in (50, 49):
        assert difference(lambda seed, n=n: begun(seed, n=n, keyed=keyed, device=device, **settings), plan) < 1e-9


@PLANS
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("factory", [modules.logistic_regression, dropping])
def test_it_is_the_plain_loop_with_dropout_by_record(plan, device, optimizer, factory):
    assert difference(lambda seed: begun(seed, factory=factory, optimizer=optimizer, device=device), plan) < 1e-9


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("factory", [smooth, images, Frozen])
def test_vmap_is_the_plain_loop_for_other_modules(device, factory):
    assert difference(lambda seed: begun(seed, factory=factory, weight_decay=0.01, device=device), VMAPPED) < 1e-9


@PLANS
def test_single_precision_is_near(plan):
    assert difference(lambda seed: begun(seed, dtype=torch.float32), plan) < 1e-4


def test_frozen_weights_stay():
    one = begun(1, factory=Frozen, weight_decay=0.1)
    before = one.module.first.weight.clone()
    train_batch(VMAPPED, [one])
    assert torch.equal(one.module.first.weight, before)


# each model's result is its own


CASES = [(STACKED, f, "cpu") for f in (modules.mlp, dropping)] + [
    pytest.param(plan, factory, "cuda", marks=ON_GPU)
    for plan, factories in ((TOGETHER, (modules.mlp, dropping)), (VMAPPED, (smooth, images)))
    for factory in factories
]


@pytest.mark.parametrize(("plan", "factory", "device"), CASES, ids=lambda part: getattr(part, "__name__", ""))
@pytest.mark.parametrize("n", [50, 46])
def test_the_bits_of_a_model_do_not_depend_on_who_is_trained_beside_it(plan, device, factory, n):
    make = functools.partial(begun, n=n, factory=factory, dtype=torch.float32, device=device)
    alone = make(5)
    train_batch(plan, [alone])
    for place in range(plan.most):
        for size in range(place + 1, plan.most + 1):
            beside = [make(5 if j == place else 100 * size + 10 * place + j) for j in range(size)]
            train_batch(plan, beside)
            assert torch.equal(weights(beside[place]), weights(alone)), (place, size)


def test_a_model_that_diverges_takes_nobody_along():
    def make(seed, scale):
        one = begun(seed, optimizer="sgd", dtype=torch.float32)
        one.records.mul_(scale)
        return one

    alone, wrong = make(1, 1), make(2, 1e30)
    train_batch(STACKED, [alone])
    with pytest.raises(Exception, match="diverged in epoch 1") as said:
        plainly(make(2, 1e30))
    beside = make(1, 1)
    outcomes = train_batch(STACKED, [wrong, beside])
    assert str(outcomes[0].error) == str(said.value)
    assert outcomes[1].error is None
    assert torch.equal(weights(beside), weights(alone))


def test_a_training_that_learned_nothing_is_told_as_the_plain_loop_tells_it():
    make = functools.partial(begun, rate=1e-12, n=40)
    with pytest.warns(TrainingWarning) as caught:
        plainly(make(1))
    quick = begun(2, epochs=30, n=40)
    assert train_batch(STACKED, [make(1)]) == [Outcome(None, str(caught[0].message))]
    assert train_batch(STACKED, [quick]) == [Outcome(None, None)]


def test_deletions_and_additions_keep_everyone_elses_draws():
    """In the regime fixed, whoever is not in the first batch leaves no trace after one step."""
    make = functools.partial(begun, 1, factory=dropping, max_steps=1)
    whole = [make(ids=torch.arange(40)), *(make(ids=torch.arange(40)[torch.arange(40) != i]) for i in range(40))]
    train_batch(BatchPlan(1, True, "", 1), whole[:1])
    train_batch(STACKED, whole[1:])
    assert sum(not torch.equal(weights(one), weights(whole[0])) for one in whole[1:]) == 8
    replaced = torch.cat([torch.arange(35), torch.arange(100, 105)])
    assert difference(lambda seed: begun(seed, ids=replaced, factory=dropping), STACKED) < 1e-9


# the plan


def net(module=modules.mlp, **settings):
    return TorchClassifier(module, **{"device": "cpu"} | settings)


def normalised(n_features, n_classes):
    return nn.Sequential(nn.BatchNorm1d(n_features), nn.Linear(n_features, n_classes))


def hooked(n_features, n_classes):
    made = nn.Sequential(nn.Linear(n_features, n_classes))
    made[0].register_forward_hook(lambda module, inputs, answer: 2 * answer)
    return made


def tied(n_features, n_classes):
    layer = nn.Linear(n_features, n_features)
    return nn.Sequential(layer, nn.ReLU(), layer, nn.Linear(n_features, n_classes))


class TwoTypes(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.layer, self.wide = nn.Linear(n_features, n_classes), nn.Linear(1, n_classes).double()

    def forward(self, x):
        return self.layer(x)


@pytest.mark.parametrize("module", [modules.mlp, modules.logistic_regression, dropping])
def test_perceptrons_are_trained_at_once_on_a_cpu(module):
    plan = plan_batch(net(module), (D,), C, keyed=True)
    assert (plan.stacked, plan.group, plan.width(2000)) == (True, 1, batch.AT_MOST["cpu"])
    assert plan == plan_batch(net(module), (D,), C, keyed=True)


@pytest.mark.parametrize(
    ("network", "keyed", "said"),
    [
        (net(privacy=Privacy(1.0)), True, "DP-SGD"),
        (net(optimizer=torch.optim.RMSprop), True, "optimiser"),
        (net(normalised), True, "batch normalisation"),
        (net(dropping), False, "except in the regime fixed"),
        (net(smooth), True, "on a CPU only perceptrons"),
        (net(hooked), True, "on a CPU only perceptrons"),
        (net(tied), True, "on a CPU only perceptrons"),
        (net(TwoTypes), True, "several types"),
    ],
    ids=lambda part: "" if isinstance(part, TorchClassifier) else str(part),
)
def test_what_stays_plain_and_why(network, keyed, said):
    assert said in plan_batch(network, (D,), C, keyed)


def test_images_stay_plain_on_a_cpu():
    assert "on a CPU only perceptrons" in plan_batch(net(modules.simple_cnn), (64,), 10, keyed=True)


class Itself(nn.Module):
    def __init__(self, n_features, n_classes, does):
        super().__init__()
        self.layer, self.does, self.count = nn.Linear(n_features, n_classes), does, 0

    def forward(self, x):
        return self.layer(self.does(self, x))


def counts(self, x):
    self.count += 1
    return x


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (counts, "changes itself"),
        (lambda self, x: x + random.random(), "draws numbers"),
        (lambda self, x: nn.functional.dropout(x), "vmap cannot take it"),
        (lambda self, x: x if x.sum() > 0 else -x, "vmap cannot take it"),
    ],
    ids=["counts", "python", "torch", "branches"],
)
def test_what_vmap_cannot_take_stays_plain(does, said, monkeypatch):
    monkeypatch.setattr(batch, "unsuited", lambda *_: None)
    assert said in plan_batch(net(functools.partial(Itself, does=does)), (D,), C, keyed=True)


def test_vmap_takes_other_convolutional_networks(monkeypatch):
    monkeypatch.setattr(batch, "unsuited", lambda *_: None)
    assert plan_batch(net(modules.simple_cnn), (64,), 10, keyed=True).stacked
    assert not plan_batch(net(images), (6,), 10, keyed=True).stacked


def test_on_a_gpu_memory_says_how_many_groups_are_trained_at_once():
    plan = BatchPlan(1024, True, "", 32, numbers=10**6, numbers_of_record=10**3, device=torch.device("cuda"))
    of_model = 4 * (10**6 + 500 * 10**3)
    widths = [plan.width(500, free=int(free * of_model / batch.SHARE_OF_MEMORY)) for free in (0, 10, 33, 65.1, 10**6)]
    assert widths == [32, 32, 32, 64, 1024]
    # a product is made for as many models however much is free
    assert {plan.in_group(n) for n in (1, 500)} == {32}
    assert plan.in_group(10**6) == 1
    assert plan.width(10**6, free=0) == 1


def test_how_many_are_trained_at_once_follows_from_sizes_alone():
    plan = plan_batch(net(), (784,), 10, keyed=True)
    assert [plan.width(n) for n in (1000, 20_000, 60_000, 10**7)] == [8, 2, 1, 1]
    large = plan_batch(net(batch_size=40_000), (784,), 10, keyed=True)
    assert large.width(1000) < plan.width(1000)


def test_the_structure_tells_modules_apart_by_more_than_weights():
    one, other = modules.mlp(D, C), modules.mlp(D, C)
    assert structure(one) == structure(other.train())
    other[0].requires_grad_(False)
    assert structure(one) != structure(other)
    assert structure(nn.Dropout(0.1)) != structure(nn.Dropout(0.2))
