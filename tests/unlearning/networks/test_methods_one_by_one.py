"""What sets each method for networks apart, on examples worked out by hand where there are any."""

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F

from made_networks import NOBODY, method, module_of, network, normalising, task_of, weights_of
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import METHODS, Retrain
from unlearn_audit.unlearning.networks import gradients, losses
from unlearn_audit.unlearning.networks.loop import carry_out
from unlearn_audit.unlearning.networks.random_labels import wrong_labels
from unlearn_audit.unlearning.networks.salun import largest
from unlearn_audit.unlearning.networks.steps import Records
from unlearn_audit.worlds import Request

STILL = {"optimizer": "sgd"}


@pytest.fixture
def task(original, requests):
    return task_of(original, requests[0])


def now(task):
    return {name: weight.detach().clone() for name, weight in task.weights().items()}


def flat(weights):
    return torch.cat([weight.detach().flatten() for weight in weights.values()])


def loss_gradient(task, records):
    task.module.eval()
    logits = task.module(task.inputs(records.rows, torch.float32))
    found = torch.autograd.grad(F.cross_entropy(logits, records.labels), list(task.weights().values()))
    return torch.cat([slope.flatten() for slope in found])


def without_dropout(task):
    for layer in task.module:
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    return task


@pytest.mark.parametrize("beta", [0.95, 0.5])
def test_a_step_of_neggrad_plus_is_its_formula(task, beta):
    """One batch of all records of either kind, and the first step of SGD: weights - rate * gradient."""
    without_dropout(task).network.batch_size = 1000
    before = flat(now(task))
    expected = beta * loss_gradient(task, task.retain) - (1 - beta) * loss_gradient(task, task.forget)
    options = METHODS["neggrad-plus"](beta=beta, epochs=1, learning_rate=0.5, **STILL)
    carry_out(task, options.phases(task))
    assert torch.allclose((before - flat(now(task))) / 0.5, expected, atol=1e-6)


def test_gradient_ascent_raises_the_loss_of_what_it_forgets_and_clips(task):
    without_dropout(task).network.batch_size = 1000
    before, slope = flat(now(task)), loss_gradient(task, task.forget)
    half = float(slope.norm()) / 2
    options = METHODS["gradient-ascent"](epochs=1, learning_rate=0.1, clip=half)
    carry_out(task, options.phases(task))
    assert torch.allclose(flat(now(task)) - before, 0.1 * slope / 2, atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_wrong_labels_are_every_class_but_the_true_one(task, n_classes):
    task.network.classes_ = np.arange(n_classes)
    true = torch.arange(n_classes).repeat(200)
    task.forget = replace(task.forget, rows=true, ids=true, labels=true)
    drawn = wrong_labels(task)
    assert (drawn != true).all()
    counts = torch.zeros(n_classes, n_classes).index_put_((true, drawn), torch.ones(len(true)), accumulate=True)
    off = counts[~torch.eye(n_classes, dtype=torch.bool)]
    assert (abs(off - 200 / (n_classes - 1)) < 5 * np.sqrt(200 / (n_classes - 1)) + 1).all()


def test_wrong_labels_need_another_class(task):
    task.network.classes_ = np.arange(1)
    with pytest.raises(AuditError, match="knows only one class"):
        wrong_labels(task)


def test_the_incompetent_teacher_has_fresh_weights(original, task):
    (phase,) = METHODS["bad-teacher"]().phases(task)
    (stream,) = phase.streams
    kept = len(stream.records) - len(task.forget)
    assert kept == round(0.3 * len(task.retain))
    assert torch.equal(stream.values["teacher"][:kept], task.logits(stream.records)[:kept])
    untrained = stream.values["teacher"][kept:]
    right = (untrained.argmax(dim=1) == task.forget.labels).float().mean()
    assert right < 0.5 < (task.logits(task.forget).argmax(dim=1) == task.forget.labels).float().mean()
    # nor are they the weights from which the original's training began
    fresh = original.source.make(original.seed)
    with fresh[-1].begin(
        fresh[:-1].fit_transform(original.data.X[original.training]), original.data.y[original.training]
    ) as begun:
        pass
    assert not torch.allclose(task.logits(task.forget, begun.module.eval()), untrained)


def test_another_draw_makes_another_incompetent_teacher(original, requests):
    teachers = []
    for seed in (1, 2):
        task = task_of(original, requests[0], seed)
        (phase,) = METHODS["bad-teacher"](share=1.0).phases(task)
        teachers.append(phase.streams[0].values["teacher"][len(task.retain) :])
    assert not torch.equal(*teachers)


def test_divergence_from_a_teacher_is_its_formula():
    student, teacher = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    p, q = (logits[0].div(2).softmax(dim=0) for logits in (teacher, student))
    expected = 4 * (p * (p / q).log()).sum()
    found = losses.to_teacher(2.0)(student, {"teacher": teacher})
    assert float(found) == pytest.approx(float(expected), abs=1e-6)


def test_scrubs_student_moves_and_its_teacher_does_not(original, task):
    teacher, before = task.logits(task.forget), weights_of(original)
    forgotten, moved = set(task.forget.ids.tolist()), [flat(now(task))]
    # each phase is carried out before the next is asked for
    for phase in METHODS["scrub"](rewind=False).phases(task):
        if set(phase.streams[0].records.ids.tolist()) == forgotten:
            assert torch.equal(phase.streams[0].values["teacher"], teacher)
        carry_out(task, [replace(phase, goes_on=False)])
        moved.append(flat(now(task)))
    assert all(not torch.equal(one, other) for one, other in pairwise(moved))
    assert torch.equal(weights_of(original), before)


def test_scrub_goes_away_from_its_teacher_on_forgotten_records_and_stays_on_others(task, original):
    task.network.batch_size = 4
    teachers = [(records, task.logits(records).log_softmax(dim=1)) for records in (task.forget, task.retain)]
    options = METHODS["scrub"](learning_rate=2e-3, epochs=3, forget_epochs=3, rewind=False, optimizer="adam")
    away, *_, back = options.phases(task)
    carry_out(task, [away] * 15)
    far, near = (
        float((before.exp() * (before - task.logits(records).log_softmax(dim=1))).sum(dim=1).mean())
        for records, before in teachers
    )
    assert far > 1.5 * near > 0.1
    carry_out(task, [replace(back, goes_on=False)] * 3)
    _, before = teachers[1]
    assert float((before.exp() * (before - task.logits(task.retain).log_softmax(dim=1))).sum(dim=1).mean()) < near


def test_scrub_rewinds_to_the_epoch_whose_error_is_nearest(original, requests):
    """The passes by hand, with every epoch kept, against what is published."""
    options = METHODS["scrub"](learning_rate=1e-2, epochs=5, forget_epochs=3, held_out=0.5, optimizer="adam")
    published, by_hand = (task_of(original, requests[0]) for _ in range(2))
    published.network.batch_size = by_hand.network.batch_size = 4
    carry_out(published, options.phases(published))
    kept, errors = [], []

    def watched():
        for number, phase in enumerate(options.phases(by_hand)):
            # an epoch ended where the next one begins: after passes 2, 4, 6, 7
            if number in (2, 4, 6, 7):
                note()
            yield phase
            if number == 7:
                note()

    def note():
        kept.append(now(by_hand))
        errors.append(float((by_hand.logits(by_hand.forget).argmax(dim=1) != by_hand.forget.labels).float().mean()))

    carry_out(by_hand, watched())
    assert len(kept) == 5
    assert len(set(errors)) > 1
    chosen = [torch.equal(flat(now(published)), flat(weights)) for weights in kept]
    assert chosen.count(True) == 1
    _, held_out = options.parted(task_of(original, requests[0]))
    # by_hand was rewound too, so the last weights' reference is asked of them
    with torch.no_grad():
        for name, weight in by_hand.weights().items():
            weight.copy_(kept[-1][name])
    held = (by_hand.logits(held_out).argmax(dim=1) != held_out.labels).double()
    asked = torch.bincount(by_hand.forget.labels, minlength=10).double()
    there = torch.bincount(held_out.labels, minlength=10).double()
    per_class = [held[held_out.labels == c].mean() for c in range(10) if there[c] and asked[c]]
    shares = [asked[c] for c in range(10) if there[c] and asked[c]]
    reference = float(torch.stack(per_class).dot(torch.stack(shares)) / sum(shares))
    best = min(abs(error - reference) for error in errors)
    assert abs(errors[chosen.index(True)] - reference) == pytest.approx(best, abs=1e-9)


def test_salun_changes_only_salient_weights(task):
    task.network.weight_decay = 0.1
    before = now(task)
    mask = flat(largest(gradients.mean(task, task.forget), 0.5))
    assert int(mask.sum()) == round(len(mask) / 2)
    slope = loss_gradient(task, task.forget).abs()
    assert slope[mask].min() >= slope[~mask].max() - 1e-7
    carry_out(task, METHODS["salun"](epochs=2).phases(task))
    changed = flat(now(task)) != flat(before)
    assert not changed[~mask].any()
    assert changed[mask].float().mean() > 0.9


def test_the_norm_of_l1_sparse_falls_linearly_and_weights_shrink(task, original, requests):
    options = METHODS["l1-sparse"](alpha=0.01, epochs=3)
    (phase,) = options.phases(task)
    norm = flat(now(task)).abs().sum()
    last = phase.n_steps - 1
    for step, weight in ((0, 0.01), (1, 0.01 * last / (last + 1)), (last, 0.01 / (last + 1))):
        assert float(phase.penalty(now(task), step)) == pytest.approx(weight * float(norm), rel=1e-5)
    norms = [float(weights_of(method(name, epochs=3).unlearn(original, requests[0], 1)).abs().sum())
             for name in ("fine-tune", "l1-sparse")]  # fmt: skip
    assert norms[1] < norms[0]


def test_ssd_dampens_what_matters_to_forgotten_records_alone():
    weight, forgotten, of_all = torch.tensor([2.0, 2.0, 2.0, 2.0]), torch.tensor([50.0, 5.0, 10.0, 0.0]), torch.ones(4)
    found = METHODS["ssd"]().dampened(weight, forgotten, torch.tensor([1.0, 1.0, 1.0, 0.0]))
    assert found.tolist() == pytest.approx([0.04, 2.0, 2.0, 2.0])
    bounded = METHODS["ssd"](dampening=100, lower_bound=0.5).dampened(weight, forgotten, of_all)
    assert bounded.tolist() == [1.0, 2.0, 2.0, 2.0]
    squared = METHODS["ssd"](exponent=2, dampening=5).dampened(weight, forgotten, of_all)
    assert squared.tolist() == pytest.approx([0.02, 2.0, 2.0, 2.0])


@pytest.mark.parametrize("batch_size", [1, 7, 32, 500])
def test_importances_are_mean_squared_gradients_of_batches(task, batch_size):
    squares = []
    for rows in torch.split(torch.arange(len(task.forget)), batch_size):
        squares.append(loss_gradient(task, task.forget.at(rows)).square())
    if batch_size > 1:
        assert len(squares[-1]) != 1
    found = flat(gradients.mean_square(task, task.forget, batch_size))
    assert torch.allclose(found, torch.stack(squares).mean(dim=0), atol=1e-7)
    assert torch.allclose(flat(gradients.mean(task, task.forget)), loss_gradient(task, task.forget), atol=1e-6)


class Unusual(nn.Linear):
    """A layer that vmap is not known to take."""


def test_importances_of_unusual_layers_are_those_of_usual_ones(original, requests):
    found = []
    for kind in (nn.Linear, Unusual):
        task = task_of(original, requests[0])
        task.module[0].__class__ = kind
        found.append(flat(gradients.mean_square(task, task.forget, 1)))
    assert torch.allclose(*found, atol=1e-7)


MODELS = {
    "sgd": make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss")),
    "mlp": MLPClassifier((8,), max_iter=20),
    "passed through": Pipeline([("scale", "passthrough"), ("none", None), ("mlp", MLPClassifier((8,), max_iter=20))]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", MODELS)
def test_fine_tuning_goes_on_with_partial_fits(model, digits, rows):
    source = resolve_model(MODELS[model])
    unlearner = method("fine-tune", source, epochs=3)
    original = Retrain.for_model(source, Regime.SAME_SEED)[0].learn(source, digits, rows[:200], 1)
    before = copy.deepcopy(original.model)
    request = Request(rows[:5], NOBODY)
    result, again = (unlearner.unlearn(original, request, 1).model for _ in range(2))
    asked = digits.X[rows[200:300]]
    assert np.array_equal(result.predict_proba(asked), again.predict_proba(asked))
    assert not np.array_equal(result.predict_proba(asked), before.predict_proba(asked))
    assert np.array_equal(original.model.predict_proba(asked), before.predict_proba(asked))
    assert not unlearner.why_plain(source, digits)


@pytest.mark.parametrize("model", [GaussianNB(), MultinomialNB(), MLPClassifier(solver="lbfgs")])
def test_fine_tuning_refuses_what_counts_its_records_or_cannot_go_on(model, digits):
    why = METHODS["fine-tune"]().why_not(resolve_model(model), digits)
    assert "fine-tune needs a neural network or an SGDClassifier or MLPClassifier with partial_fit" in why


def test_a_phase_adds_noise_and_keeps_within_a_radius(task):
    (phase,) = METHODS["fine-tune"](epochs=1, learning_rate=1e-9, **STILL).phases(task)
    start = flat(now(task))
    carry_out(task, [replace(phase, noise=0.1, steps=4)])
    moved = flat(now(task)) - start
    assert float(moved.std()) == pytest.approx(0.2, rel=0.05)
    carry_out(task, [replace(phase, radius=1.5)])
    assert float(flat(now(task)).norm()) == pytest.approx(1.5, rel=1e-5)


def test_an_earlier_step_keeps_what_it_was_fitted_on(original, requests):
    result = method("fine-tune", epochs=1).unlearn(original, requests[0], 1)
    assert np.array_equal(result.model[0].mean_, original.model[0].mean_)
    assert module_of(result) is result.model[-1].module_
    assert network().make(0)[0].__class__ is result.model[0].__class__


def test_fisher_noise_is_large_where_no_retained_record_needs_a_weight(task):
    options = METHODS["fisher"](alpha=1e-4, most=100.0)
    assert options.deviation(torch.tensor([0.0, 0.001, 1.0, 4.0])).tolist() == pytest.approx([0.1, 0.1, 0.01, 0.005])
    with torch.no_grad():
        # pixels that no record has lit, and so weights in which every loss is flat
        task.pool[:, :5] = 0.0
    before = now(task)
    carry_out(task, options.phases(task))
    moved = now(task)["0.weight"] - before["0.weight"]
    assert float(moved[:, :5].std()) == pytest.approx(0.1, rel=0.2)
    assert float(moved[:, 5:].std()) < float(moved[:, :5].std())


def test_fishers_information_is_that_of_the_models_own_answers(task):
    """One layer, by hand: the gradient of the loss for label y is (p - e_y) x, so F is p (1 - p) times the mean x^2."""
    task.module[1], task.module[2] = nn.Identity(), nn.Identity()
    task.module[0], task.module[3] = nn.Linear(task.pool.shape[1], 10), nn.Identity()
    spread = []
    for seed in range(3):
        again = replace(task, seed=seed)
        with torch.no_grad():
            task.module[0].bias.zero_()
            task.module[0].weight.zero_()
        carry_out(again, METHODS["fisher"](alpha=1e-4, most=1e9).phases(again))
        spread.append(task.module[0].bias.detach().clone())
    expected = float(np.sqrt(1e-4 / (0.1 * 0.9)))
    assert float(torch.cat(spread).std()) == pytest.approx(expected, rel=0.35)


def test_a_curvature_is_the_gauss_newton_matrix(task):
    """Against the matrix itself, of a network small enough to write it down."""
    task.module[0], task.module[2], task.module[3] = nn.Linear(task.pool.shape[1], 2), nn.Identity(), nn.Linear(2, 10)
    task.module.double().eval()
    rows = task.retain.rows[:7]
    records = replace(task.retain, rows=rows, ids=task.retain.ids[:7], labels=task.retain.labels[:7])
    weights, inputs = task.weights(), task.inputs(rows, torch.float64)
    slopes = torch.autograd.functional.jacobian(
        lambda *of: torch.func.functional_call(task.module, dict(zip(weights, of, strict=True)), (inputs,)),
        tuple(weights.values()),
    )
    slopes = torch.cat([of.flatten(2) for of in slopes], dim=2)
    chances = task.module(inputs).softmax(dim=1).detach()
    inner = torch.diag_embed(chances) - chances[:, :, None] * chances[:, None, :]
    matrix = torch.einsum("nkd,nkl,nle->de", slopes, inner, slopes) / 7
    vector = torch.randn(len(matrix), dtype=torch.float64)
    assert torch.allclose(gradients.curvature(task, records)(vector), matrix @ vector, atol=1e-12)


def test_at_an_optimum_influence_is_newtons_step_without_the_forgotten(task):
    """A convex loss: the retained loss's gradient, which deletion leaves, is nearly gone after the step."""
    task.module[1], task.module[2], task.module[3] = nn.Identity(), nn.Identity(), nn.Identity()
    task.module[0] = nn.Linear(task.pool.shape[1], 10)
    task.module.double().eval()
    task.network.weight_decay = 0.05
    # one record, so that the loss is nearly quadratic as far as the step goes
    task.forget = Records(task.forget.rows[:1], task.forget.ids[:1], task.forget.labels[:1])
    rows, labels = (torch.cat([getattr(of, name) for of in (task.retain, task.forget)]) for name in ("rows", "labels"))
    optimizer = torch.optim.LBFGS(
        task.module.parameters(), max_iter=500, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def loss(rows, labels):
        penalty = 0.025 * sum(weight.square().sum() for weight in task.weights().values())
        return F.cross_entropy(task.module(task.inputs(rows, torch.float64)), labels) + penalty

    def of_everyone():
        optimizer.zero_grad()
        found = loss(rows, labels)
        found.backward()
        return found

    def left():
        found = torch.autograd.grad(loss(task.retain.rows, task.retain.labels), list(task.weights().values()))
        return float(torch.cat([of.flatten() for of in found]).norm())

    optimizer.step(of_everyone)
    before = left()
    assert before > 1e-4
    carry_out(task, METHODS["influence"](damping=1e-9, iterations=500).phases(task))
    assert left() < before / 100


@pytest.mark.parametrize("k", [1, 2, 9])
@pytest.mark.parametrize("name", ["cf-k", "eu-k"])
def test_the_last_layers_alone_are_trained(name, k, task):
    before = now(task)
    carry_out(task, METHODS[name](k=k, epochs=1).phases(task))
    changed = [key for key, weight in now(task).items() if not torch.equal(weight, before[key])]
    assert changed == (["3.weight", "3.bias"] if k == 1 else ["0.weight", "0.bias", "3.weight", "3.bias"])


@pytest.fixture(scope="module")
def normalised(digits, rows):
    source = network(normalising, epochs=3)
    return Retrain.for_model(source, Regime.SAME_SEED)[0].learn(source, digits, rows[:100], 1)


@pytest.mark.parametrize("n_retained", [1, 80])
@pytest.mark.parametrize("name", ["cf-k", "eu-k"])
def test_running_figures_of_frozen_layers_stay(name, n_retained, normalised, rows):
    request = Request(rows[: 100 - n_retained], NOBODY)
    for k, changes in ((1, False), (2, n_retained > 1 or name == "eu-k")):
        task = task_of(normalised, request)
        before = {key: of.clone() for key, of in task.module.named_buffers()}
        carry_out(task, METHODS[name](k=k, epochs=1).phases(task))
        assert any(not torch.equal(of, before[key]) for key, of in task.module.named_buffers()) == changes


def test_running_figures_of_layers_from_scratch_start_anew(normalised, rows):
    task = task_of(normalised, Request(rows[:20], NOBODY))
    assert float(task.module[1].running_mean.abs().max()) > 0
    next(METHODS["eu-k"](k=2).phases(task))
    assert float(task.module[1].running_mean.abs().max()) == 0
    assert torch.equal(task.module[1].running_var, torch.ones(16))


@pytest.mark.parametrize("salient", [False, True])
def test_running_figures_of_a_layer_without_a_salient_weight_stay(salient, normalised, rows):
    task = task_of(normalised, Request(rows[:20], NOBODY))
    before = task.module[1].running_mean.clone()
    (phase,) = METHODS["salun"](epochs=1).phases(task)
    mask = {name: torch.full_like(of, name.startswith("3") or (salient and name == "1.bias"))
            for name, of in phase.mask.items()}  # fmt: skip
    carry_out(task, [replace(phase, mask=mask)])
    assert torch.equal(task.module[1].running_mean, before) is not salient


def test_layers_from_scratch_start_from_weights_of_their_own(task):
    before = now(task)
    phases = METHODS["eu-k"](k=1).phases(task)
    phase = next(phases)
    assert phase.epochs == task.network.epochs
    start = now(task)["3.weight"]
    assert float((start * before["3.weight"]).mean() / (start.std() * before["3.weight"].std())) < 0.2
    assert float(start.abs().max()) <= 1 / np.sqrt(32) + 1e-6
