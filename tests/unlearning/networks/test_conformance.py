"""What every method for networks keeps, whichever it is."""

import copy
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from made_networks import (
    NETWORK_METHODS,
    NOBODY,
    convolutional,
    doubled,
    method,
    module_of,
    network,
    normalising,
    task_of,
    weights_of,
)  # fmt: skip
from unlearn_audit.config import UnlearningConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.privacy import Privacy
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import METHODS, Retrain, unlearner_for
from unlearn_audit.unlearning.networks.loop import carry_out
from unlearn_audit.unlearning.networks.together import carry_out_together
from unlearn_audit.worlds import Request


@pytest.fixture(scope="module")
def retrained(original, requests):
    return Retrain.for_model(network(), Regime.SAME_SEED)[0].unlearn(original, requests[0], 1)


ALL = pytest.mark.parametrize("name", NETWORK_METHODS)
TRAINING = [name for name in NETWORK_METHODS if "epochs" in METHODS[name].model_fields]


def short(name, **options):
    """A method with one epoch a phase."""
    few = {field: 1 for field in ("epochs", "recovery_epochs") if field in METHODS[name].model_fields}
    return {**few, **options}


def accuracy(trained, rows):
    return float((trained.model.predict(trained.data.X[rows]) == trained.data.y[rows]).mean())


@ALL
def test_a_batch_is_the_loop_in_double_precision(name, original, requests):
    start = doubled(original)
    plain, together = (method(name, regime=Regime.FIXED, plain=of, **short(name)) for of in (True, False))
    assert together.why_plain(start.source, start.data) is None
    alone, batch = (list(of.unlearn_many(start, requests, [4, 5, 6])) for of in (plain, together))
    for one, other in zip(alone, batch, strict=True):
        assert float((weights_of(one) - weights_of(other)).abs().max()) < 1e-6
        assert np.array_equal(one.training, other.training)


@ALL
def test_convolutions_with_dropout_are_computed_together_as_in_the_loop(name, digits, rows, requests):
    source = network(convolutional, epochs=1)
    start = doubled(Retrain.for_model(source, Regime.SAME_SEED)[0].learn(source, digits, rows[:300], 1))
    options = METHODS[name](**short(name))
    alone, batch = ([task_of(start, of, seed) for of, seed in zip(requests, (4, 5, 6), strict=True)] for _ in range(2))
    for task in alone:
        carry_out(task, options.phases(task))
    carry_out_together(batch, [options.phases(task) for task in batch])
    for one, other in zip(alone, batch, strict=True):
        for left, right in zip(one.module.parameters(), other.module.parameters(), strict=True):
            assert float((left - right).detach().abs().max()) < 1e-6


@ALL
def test_it_repeats_with_its_seed_whoever_else_is_asked_for(name, original, requests):
    unlearner = method(name, regime=Regime.FRESH, **short(name))
    first, second, _ = unlearner.unlearn_many(original, requests, [4, 5, 6])
    (again,) = unlearner.unlearn_many(original, requests[1:2], [5])
    assert torch.equal(weights_of(second), weights_of(again))
    assert torch.equal(weights_of(first), weights_of(unlearner.unlearn(original, requests[0], 4)))


@pytest.mark.parametrize("name", TRAINING)
def test_another_seed_makes_another_model(name, original, requests):
    unlearner = method(name, regime=Regime.FRESH, plain=True, **short(name))
    one, other = (weights_of(unlearner.unlearn(original, requests[0], seed)) for seed in (4, 5))
    assert not torch.equal(one, other)


@ALL
def test_the_original_stays_as_it_was(name, original, requests):
    before, training = copy.deepcopy(module_of(original).state_dict()), module_of(original).training
    result = method(name, **short(name)).unlearn(original, requests[0], 4)
    after = module_of(original).state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert module_of(original).training is training is module_of(result).training is False
    assert module_of(result) is not module_of(original)
    if METHODS[name].changes_weights:
        assert not torch.equal(weights_of(result), weights_of(original))


class TalkativeOptions(METHODS["fine-tune"]):
    name = "talkative"

    def phases(self, task):
        warnings.warn(f"first record {int(task.forget.ids[0])}", stacklevel=2)
        yield from super().phases(task)
        warnings.warn(f"last record {int(task.forget.ids[-1])}", stacklevel=2)


@pytest.mark.parametrize("plain", [True, False])
def test_a_model_has_the_warnings_of_its_own_request(plain, original, rows):
    nines = rows[:500][original.data.y[rows[:500]] == 9]
    mixed, others = rows[: len(nines)], rows[:500][original.data.y[rows[:500]] == 3]
    retrain = replace(Retrain.for_model(network(), Regime.FRESH)[0], plain=plain)
    unlearner = TalkativeOptions(epochs=1).unlearner(retrain)
    requests = [Request(of, NOBODY) for of in (nines, mixed, others)]
    made = unlearner.unlearn_many(original, requests, [4, 5, 6])
    for request, unlearned, gone in zip(requests, made, ("9", None, "3"), strict=True):
        ids = original.data.record_ids[request.deleted]
        expected = [f"UserWarning: {end} record {ids[at]}" for end, at in (("first", 0), ("last", -1))]
        if gone is not None:
            expected.insert(0, f"WholeClassWarning: a request forgets every training record of {gone}")
        assert list(unlearned.warnings) == expected


@ALL
def test_a_request_that_cannot_be_met_is_refused(name, original, requests):
    unlearner = method(name)
    for deleted, said in ((NOBODY, "no record"), (original.training, "all 500"), (np.array([1796]), "not trained on")):
        if said == "not trained on" and 1796 in original.training:
            deleted = np.setdiff1d(np.arange(1797), original.training)[:1]
        with pytest.raises(AuditError, match=said):
            unlearner.unlearn(original, Request(deleted, NOBODY), 4)


@ALL
def test_forgotten_records_are_never_retained(name, original, requests):
    """Neither among the retained records, nor in a batch whose loss goes down for their true labels."""
    task = task_of(original, requests[0])
    forgotten = set(task.forget.ids.tolist())
    assert forgotten == set(original.data.record_ids[requests[0].deleted].tolist())
    assert not forgotten & set(task.retain.ids.tolist())
    for phase in METHODS[name](**short(name)).phases(task):
        for stream in phase.streams:
            there = torch.tensor([of in forgotten for of in stream.records.ids.tolist()])
            if not there.any() or stream.weight < 0:
                continue
            if "targets" in stream.values:
                targets, labels = stream.values["targets"][there], stream.records.labels[there]
                right = targets == labels if targets.ndim == 1 else targets.gather(1, labels[:, None])[:, 0] > 0.99
                assert not right.any()
            else:
                # the teacher of what is forgotten is another than the original
                assert not torch.equal(stream.values["teacher"][there], task.logits(task.forget))


@pytest.mark.parametrize("name", ["fine-tune", "l1-sparse"])
def test_what_needs_retained_records_alone_reads_no_forgotten_one(name, original, requests):
    task = task_of(original, requests[0])
    task.pool[task.forget.rows] = torch.nan
    carry_out(task, METHODS[name](**short(name)).phases(task))
    assert all(weight.isfinite().all() for weight in task.module.parameters())


@ALL
def test_methods_that_are_meant_to_keep_accuracy_do(name, original, requests, rows, retrained, record_property):
    after = method(name).unlearn(original, requests[0], 1)
    own, theirs = (accuracy(of, rows[500:]) for of in (after, retrained))
    record_property("accuracy", own)
    assert theirs > 0.9
    if METHODS[name].keeps_accuracy:
        assert own > theirs - 0.05


@ALL
def test_of_other_models_it_says_what_it_needs(name, digits):
    source = resolve_model("decision-tree")
    with pytest.raises(AuditError, match=f"{name} needs a neural network.*; decision-tree is a DecisionTreeClassifier"):
        unlearner_for(UnlearningConfig(method=name), source, Regime.FIXED, data=digits)
    assert METHODS[name]().why_not(network(), digits) is None


def test_a_private_network_loses_no_guarantee_in_silence(digits):
    private = network(privacy=Privacy(epsilon=3.0))
    with pytest.raises(AuditError, match="the steps of scrub are not private, so its guarantee would be lost"):
        unlearner_for(UnlearningConfig(method="scrub"), private, Regime.FIXED, data=digits)
    assert METHODS["none"]().why_not(private, digits) is None


@ALL
def test_weights_that_are_no_numbers_are_named(name, original, requests):
    task = task_of(original, requests[0])
    broken = method(name, plain=True)
    with torch.no_grad():
        next(task.module.parameters())[0, 0] = torch.inf
    with pytest.raises(AuditError, match=f"{name} made a weight .* lower its {METHODS[name].lower} \\(now "):
        broken.check_numbers(task)


@ALL
@pytest.mark.parametrize("n", [1, 20])
def test_batch_normalisation_runs_alone_also_for_one_record(name, n, digits, rows):
    source = network(normalising, epochs=1)
    if (why := METHODS[name]().why_not(source, digits)) is not None:
        assert "BatchNorm" in why
        return
    unlearner = method(name, source, **short(name))
    assert "batch normalisation" in unlearner.why_plain(source, digits)
    start = unlearner.learn(source, digits, rows[:100], 1)
    unlearner.unlearn(start, Request(rows[:n], NOBODY), 4)


def test_a_record_of_a_new_class_is_refused(digits, rows):
    known = rows[digits.y[rows] != 9][:100]
    unlearner = method("fine-tune", plain=True)
    start = unlearner.learn(network(), digits, known, 1)
    nine = np.flatnonzero(digits.y == 9)[:1]
    with pytest.raises(AuditError, match="of a class that the network"):
        unlearner.unlearn(start, Request(known[:1], nine), 4)


def test_added_records_are_trained_on(original, rows, requests):
    with_added = Request(requests[0].deleted, rows[600:605])
    unlearner = method("fine-tune", epochs=1)
    result = unlearner.unlearn(original, with_added, 4)
    assert set(rows[600:605]) <= set(result.training)
    task = task_of(original, with_added)
    assert np.array_equal(np.sort(task.retain.ids), np.sort(original.data.record_ids[result.training]))
    network_of = original.model[-1]
    scaled = original.model[:-1].transform(original.data.X[result.training]).astype(np.float32)
    assert torch.equal(task.inputs(task.retain.rows, torch.float32), network_of.inputs(torch.from_numpy(scaled)))


def test_the_plan_refuses_a_model_that_the_method_cannot_take(command):
    done = command("plan", "--dataset=digits", "--model=decision-tree", "--unlearning=scrub:gamma=0.9")
    assert done.code == 2
    assert "scrub needs a neural network; decision-tree is a DecisionTreeClassifier" in " ".join(done.err.split())
