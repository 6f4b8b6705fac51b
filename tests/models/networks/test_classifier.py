"""The adapter of PyTorch modules: scikit-learn's contract, the regime fixed, shapes, and one-sentence errors."""

import functools
import itertools
import pickle
import random
import sys
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from torch import nn

from unlearn_audit.errors import AuditError
from unlearn_audit.models.networks import TorchClassifier, TrainingWarning, modules, network_classifier
from unlearn_audit.models.networks.training import batch_sizes

# most trainings here are too short to learn anything; those that test the warning catch it
pytestmark = pytest.mark.filterwarnings("ignore::unlearn_audit.models.networks.TrainingWarning")

ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.fixture(autouse=True)
def _one_thread():
    """As in an audit; several threads also only get into each other's way on nets this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X[:120] / 16).astype(np.float32), y[:120]


@pytest.fixture
def small():
    """60 records of which a net can learn the label."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 6)).astype(np.float32)
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


def with_dropout(n_features, n_classes):
    hidden = (nn.Linear(n_features, 16), nn.ReLU(), nn.Dropout(0.4), nn.Linear(16, 8), nn.Dropout(0.2))
    return nn.Sequential(*hidden, nn.Linear(8, n_classes))


class FunctionalDropout(nn.Module):
    """Draws from PyTorch's own generator, where no hash can reach."""

    def __init__(self, n_features, n_classes, draw=nn.functional.dropout, from_call=0):
        super().__init__()
        self.layer, self.draw, self.left = nn.Linear(n_features, n_classes), draw, from_call

    def forward(self, x):
        if self.training:
            self.left -= 1
            if self.left < 0:
                x = self.draw(x)
        return self.layer(x)


SETTINGS = {"epochs": 3, "batch_size": 10, "learning_rate": 0.01, "random_state": 0}


def net(module=with_dropout, **settings):
    return TorchClassifier(module, **SETTINGS | settings)


def joined(lists):
    return list(itertools.chain.from_iterable(lists))


def weights(network):
    return torch.cat([p.detach().cpu().flatten() for p in network.module_.parameters()])


def equal(one, two):
    return torch.equal(weights(one), weights(two))


# scikit-learn's contract


CHECKED = TorchClassifier(modules.logistic_regression, epochs=10, batch_size=8, learning_rate=0.05, random_state=0)


# not parametrize_with_checks, whose names of tests hold the function's address, another in each process
@pytest.mark.parametrize(
    ("estimator", "check"),
    list(estimator_checks_generator(CHECKED, mark="skip")),
    ids=lambda part: "" if isinstance(part, TorchClassifier) else getattr(part, "func", part).__name__,
)
def test_it_is_a_classifier_of_scikit_learn(estimator, check):
    check(estimator)


def test_pickles_and_clones(digits):
    fitted = net(modules.mlp).fit(*digits)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(digits[0]), fitted.predict_proba(digits[0]))
    assert not hasattr(clone(fitted), "module_")
    assert np.array_equal(clone(fitted).fit(*digits).predict_proba(digits[0]), fitted.predict_proba(digits[0]))


def test_it_learns_and_answers_with_probabilities(digits):
    # with longer steps where it ends depends on the processor's rounding
    fitted = net(modules.mlp, epochs=30, learning_rate=0.001, weight_decay=1e-4).fit(*digits)
    assert fitted.score(*digits) > 0.9
    posteriors = fitted.predict_proba(digits[0])
    assert posteriors.dtype == np.float64
    assert np.allclose(posteriors.sum(axis=1), 1, atol=1e-12)
    assert not fitted.module_.training


def test_labels_of_any_kind_come_back(small):
    X, y = small
    fitted = net(epochs=1).fit(X, np.array(["no", "yes"])[y])
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert set(fitted.predict(X)) <= {"no", "yes"}


def test_optimizers_and_their_settings(small):
    default = net().fit(*small)
    for changed in ({"optimizer": "sgd"}, {"optimizer": torch.optim.RMSprop}, {"weight_decay": 0.1}, {"epochs": 2}):
        assert not equal(default, net(**changed).fit(*small)), changed
    assert equal(default, net(optimizer=torch.optim.Adam).fit(*small))


# how it trains


def test_global_generators_are_left_alone(small):
    def states():
        _, keys, place, *_ = np.random.get_state()
        return random.getstate(), keys.tolist(), place, torch.get_rng_state().tolist()

    before = states()
    net().fit(*small)
    net().fit(*small, record_ids=np.arange(60))
    assert states() == before
    torch.manual_seed(99)
    one = net().fit(*small)
    torch.manual_seed(7)
    assert equal(one, net().fit(*small))
    assert not equal(one, net(random_state=1).fit(*small))


@pytest.mark.parametrize(
    ("settings", "steps"),
    [({"epochs": 2}, 12), ({"max_steps": 5}, 5), ({"max_steps": 100}, 18), ({"batch_size": 59, "epochs": 1}, 1)],
)
def test_steps_are_epochs_of_batches_up_to_the_cap(small, settings, steps):
    calls = []

    class Counted(torch.optim.SGD):
        def step(self, closure=None):
            calls.append(1)
            return super().step(closure)

    assert net(optimizer=Counted, **settings).fit(*small).n_steps_ == steps == len(calls)


def test_no_batch_is_of_one_record(small):
    def normalised(n_features, n_classes):
        return nn.Sequential(nn.BatchNorm1d(n_features), nn.Linear(n_features, n_classes))

    X, y = small
    for n, sizes in ((21, (10, 11)), (31, (10, 10, 11)), (22, (10, 10, 2)), (11, (11,)), (10, (10,))):
        assert batch_sizes(n, 10) == sizes
        assert net(normalised, epochs=1).fit(X[:n], y[:n]).n_steps_ == len(sizes)


def test_every_record_is_in_one_batch_of_an_epoch(small):
    seen = []

    class Seen(nn.Module):
        def __init__(self, n_features, n_classes):
            super().__init__()
            self.layer = nn.Linear(n_features, n_classes)

        def forward(self, x):
            if self.training:
                seen.append(x[:, 0].tolist())
            return self.layer(x)

    for ids in (None, np.arange(60)):
        seen.clear()
        net(Seen, epochs=2).fit(*small, record_ids=ids)
        epochs = [joined(seen[:6]), joined(seen[6:])]
        assert [sorted(epoch) for epoch in epochs] == [sorted(small[0][:, 0].tolist())] * 2
        assert epochs[0] != epochs[1]


# the regime fixed


IDS = np.arange(60) * 7 + 3


@pytest.mark.parametrize("module", [with_dropout, modules.mlp])
def test_keyed_training_repeats_and_the_order_of_rows_does_not_matter(small, module):
    X, y = small
    one = net(module).fit(X, y, record_ids=IDS)
    assert equal(one, net(module).fit(X, y, record_ids=IDS))
    order = np.random.default_rng(1).permutation(60)
    assert equal(one, net(module).fit(X[order], y[order], record_ids=IDS[order]))
    assert not equal(net(module).fit(X, y), net(module).fit(X[order], y[order]))
    assert not equal(one, net(module).fit(X, y, record_ids=IDS + 1))
    assert not equal(one, net(module, random_state=1).fit(X, y, record_ids=IDS))


def first_batch(X, y, ids):
    """Who is in the first batch: those whose absence changes what one step makes of the weights."""
    whole = net(max_steps=1).fit(X, y, record_ids=ids)
    rest = [np.arange(len(X)) != i for i in range(len(X))]
    return [i for i, r in enumerate(rest) if not equal(whole, net(max_steps=1).fit(X[r], y[r], record_ids=ids[r]))]


def test_a_deletion_moves_nobody_elses_order_or_masks(small):
    X, y = small
    # ten records are in the first batch, whose masks and order stay whoever else is deleted
    assert len(first_batch(X, y, IDS)) == 10
    whole = net(max_steps=1).fit(X, y)
    assert all(not equal(whole, net(max_steps=1).fit(X[r], y[r])) for r in (np.arange(60) != i for i in range(10)))


def test_a_deletion_passes_one_record_on_from_each_later_batch(small):
    batches = []

    class Seen(nn.Module):
        def __init__(self, n_features, n_classes):
            super().__init__()
            self.layer = nn.Linear(n_features, n_classes)

        def forward(self, x):
            if self.training:
                batches.append(x[:, 0].tolist())
            return self.layer(x)

    X, y = small
    net(Seen, epochs=1).fit(X, y, record_ids=IDS)
    whole, before = joined(batches), len(batches)
    gone = np.flatnonzero(X[:, 0] == np.float32(batches[2][4]))[0]
    batches.clear()
    net(Seen, epochs=1).fit(np.delete(X, gone, 0), np.delete(y, gone), record_ids=np.delete(IDS, gone))
    assert len(batches) == before
    assert joined(batches) == [v for v in whole if v != X[gone, 0]]
    assert batches[:2] == [whole[:10], whole[10:20]]


def test_a_deletion_leaves_the_initialisation(small):
    X, y = small
    for ids in (None, IDS):
        kept = {} if ids is None else {"record_ids": ids[1:]}
        whole = net(learning_rate=1e-30, epochs=1)
        whole.fit(X, y, record_ids=ids)
        assert equal(whole, clone(whole).fit(X[1:], y[1:], **kept))


@pytest.mark.parametrize(
    "draw",
    [
        functools.partial(nn.functional.dropout, training=True),
        lambda x: x + random.random(),
        lambda x: x * np.float32(np.random.random()),
    ],
    ids=["torch", "python", "numpy"],
)
@pytest.mark.parametrize("from_call", [0, 7])
def test_what_draws_elsewhere_is_refused_and_runs_without_ids(small, draw, from_call):
    module = functools.partial(FunctionalDropout, draw=draw, from_call=from_call)
    with pytest.raises(AuditError, match="otherwise than through") as caught:
        net(module).fit(*small, record_ids=IDS)
    assert "use the regime same-seed or fresh" in one_sentence(caught)
    assert net(module).fit(*small).n_steps_ == 18


def test_dropout_is_put_back_after_training(small):
    fitted = net().fit(*small, record_ids=IDS)
    assert [type(m) for m in fitted.module_] == [type(m) for m in with_dropout(6, 2)]
    assert not any(m.training for m in fitted.module_.modules())


# records and their shapes


def test_bytes_are_scaled(digits):
    pixels = (digits[0] * 255).round().astype(np.uint8)
    floats = (pixels / np.float32(255)).astype(np.float32)
    one, two = (net(modules.simple_cnn, max_steps=4).fit(X, digits[1]) for X in (pixels, floats))
    assert equal(one, two)
    assert np.array_equal(one.predict_proba(pixels), two.predict_proba(floats))


@pytest.mark.parametrize(
    ("values", "given", "seen"),
    [
        ((64,), None, (1, 8, 8)),
        ((48,), None, (3, 4, 4)),
        ((96,), (2, 6, 8), (2, 6, 8)),
        ((1, 6, 9), None, (1, 6, 9)),
        ((3, 4, 6), (1, 8, 9), (1, 8, 9)),
    ],
)
def test_images_of_all_shapes(values, given, seen):
    told = []

    def factory(image_shape, n_classes):
        told.append(image_shape)
        return modules.simple_cnn(image_shape, n_classes)

    X = np.random.default_rng(0).normal(size=(20, *values)).astype(np.float32)
    fitted = net(factory, image_shape=given, batch_size=20, max_steps=1)
    fitted.fit(X, np.arange(20) % 2)
    assert told == [seen]
    assert fitted.predict_proba(X).shape == (20, 2)


def test_an_image_in_its_shape_is_the_flat_image(digits):
    X, y = digits
    flat, shaped = (net(modules.simple_cnn, max_steps=4).fit(x, y) for x in (X, X.reshape(-1, 1, 8, 8)))
    assert equal(flat, shaped)


def test_many_records_are_asked_in_parts(digits, monkeypatch):
    fitted = net(modules.simple_cnn, max_steps=4).fit(*digits)
    whole = fitted.predict_proba(digits[0])
    monkeypatch.setattr("unlearn_audit.models.networks.classifier.ASKED_AT_ONCE", {"cpu": 50})
    assert np.allclose(fitted.predict_proba(digits[0]), whole, atol=1e-5)


class ByView(torch.nn.Module):
    """A network that takes its images' numbers to lie channel after channel."""

    def __init__(self, image_shape, n_classes):
        super().__init__()
        channels, height, width = image_shape
        self.images = torch.nn.Conv2d(channels, 3, 3, padding=1)
        self.answer = torch.nn.Linear(3 * height * width, n_classes)

    def forward(self, images):
        found = self.images(images)
        return self.answer(found.view(len(found), -1))


def test_convolutions_lie_with_channels_last_where_the_network_bears_it(digits):
    def lie_so(fitted):
        seen = []
        hooks = [m.register_forward_hook(lambda _, taken, out: seen.append(out)) for m in fitted.module_.modules()]
        fitted.predict_proba(digits[0])
        for hook in hooks:
            hook.remove()
        images = [of for of in seen if of.dim() == 4]
        assert images
        return all(of.is_contiguous(memory_format=torch.channels_last) for of in images)

    assert lie_so(net(modules.simple_cnn, max_steps=4).fit(*digits))
    three = np.repeat(digits[0].reshape(-1, 1, 8, 8), 3, axis=1)
    by_view = net(ByView, max_steps=4).fit(three, digits[1])
    assert not by_view.module_.images.weight.is_contiguous(memory_format=torch.channels_last)
    assert np.isfinite(by_view.predict_proba(three)).all()


@pytest.mark.parametrize(("name", "side"), [("resnet50", 28), ("densenet121", 28), ("densenet121", 32)])
def test_the_papers_large_networks_train_one_step(name, side):
    X = np.random.default_rng(0).random((6, side * side)).astype(np.float32)
    fitted = net(getattr(modules, name), batch_size=6, max_steps=1).fit(X, np.arange(6) % 3, record_ids=np.arange(6))
    posteriors = fitted.predict_proba(X)
    assert posteriors.shape == (6, 3)
    assert np.isfinite(posteriors).all()


def test_a_smaller_image_is_padded_to_what_a_densenet_takes():
    padded = modules.densenet121((1, 28, 27), 2)
    assert padded[0](torch.zeros(1, 1, 28, 27)).shape == (1, 1, 32, 32)
    assert not isinstance(modules.densenet121((1, 32, 40), 2), nn.Sequential)


# a training that fails


def one_sentence(caught):
    said = str(caught.value)
    assert "\n" not in said
    assert not said.endswith(".")
    return said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learning_rate": 1e30}, "(loss nan); try a learning rate below 1e+30, standardised features"),
        ({"learning_rate": 3e38, "max_steps": 1}, "(an infinite weight); try a learning rate below 3e+38"),
    ],
)
def test_divergence_is_an_error_that_says_what_to_try(small, settings, said):
    with pytest.raises(AuditError) as caught:
        net(modules.mlp, optimizer="sgd", **settings).fit(small[0] * 1000, small[1])
    assert f"the training of network mlp diverged in epoch 1 {said}" in one_sentence(caught)


@pytest.mark.parametrize("settings", [{"learning_rate": 1e-12}, {"max_steps": 1, "batch_size": 60}])
def test_a_network_that_learned_nothing_says_so(settings):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.permutation(np.arange(60) % 3)
    with pytest.warns(TrainingWarning, match="learned nothing.*; try more epochs or steps, another") as caught:
        net(**settings).fit(X, y)
    assert caught[0].filename == __file__
    assert "\n" not in str(caught[0].message)


def test_a_last_epoch_cut_short_is_no_reason_to_warn():
    """Nine of ten are of one class: one batch often holds no other, which a good net cannot beat."""
    rng = np.random.default_rng(0)
    y = (np.arange(200) % 10 == 0).astype(int)
    X = (rng.normal(size=(200, 3)) + 6 * y[:, None]).astype(np.float32)
    for seed in range(5):
        fitted = net(modules.logistic_regression, learning_rate=0.1, epochs=10, max_steps=121, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert fitted.fit(X, y).score(X, y) > 0.98


# errors


def raising(n_features, n_classes):
    raise RuntimeError("no\nlicence")


def too_wide(n_features, n_classes):
    return nn.Linear(n_features, n_classes + 1)


def pair(n_features, n_classes):
    class Pair(nn.Linear):
        def forward(self, x):
            return super().forward(x), x

    return Pair(n_features, n_classes)


def asks_for_more(n_features, n_classes, hidden):
    return nn.Linear(n_features, n_classes)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"module": too_wide}, "network too_wide answered 2 records with (2, 3); (2, 2) is needed"),
        ({"module": pair}, "network pair answered 2 records with tuple; (2, 2) is needed"),
        ({"module": raising}, "the factory of network raising raised RuntimeError: no licence, at test_classifier.py"),
        ({"module": asks_for_more}, "missing 1 required positional argument: 'hidden'"),
        ({"module": lambda n_features: n_features}, "made a int, not an nn.Module"),
        ({"module": lambda: nn.Linear(5, 2)}, "cannot take records of size 6 (RuntimeError"),
        ({"module": lambda: nn.Identity()}, "has no weights to train"),
        ({"module": nn.Linear(6, 2)}, "network Linear already exists and has weights"),
        ({"device": "cuda:77"}, "device 'cuda:77' was requested, but PyTorch finds"),
        ({"device": "tpu"}, "unknown device 'tpu'; use auto, cpu or cuda"),
        ({"device": "meta"}, "device 'meta' is not supported"),
        ({"image_shape": (1, 4, 4)}, "images of 1 x 4 x 4 have 16 values, the records have 6; give the image shape"),
        ({"module": modules.simple_cnn}, "records of 6 values are not a square image of one or three channels"),
        ({"module": modules.simple_cnn, "image_shape": (1, 2, 3)}, "2 x 3 pixels are too small for simple-cnn"),
        ({"batch_size": 64}, "a batch of 64 records is larger than the training data"),
        ({"epochs": 0}, "epochs 0 of network with_dropout is not a count"),
        ({"epochs": 2.5}, "epochs 2.5 of network with_dropout is not a count"),
        ({"max_steps": 0}, "max_steps 0 of network with_dropout is not a count"),
        ({"learning_rate": 0}, "learning_rate 0 of network with_dropout is out of range"),
        ({"learning_rate": float("nan")}, "learning_rate nan"),
        ({"weight_decay": -1}, "weight_decay -1 of network with_dropout is out of range"),
        ({"optimizer": "adagrad"}, "unknown optimizer 'adagrad' of network with_dropout; use adam, sgd"),
    ],
)
def test_what_cannot_be_trained_is_told_in_one_sentence(small, settings, said):
    with pytest.raises(AuditError) as caught:
        net(**settings).fit(*small)
    assert said in one_sentence(caught)


@pytest.mark.parametrize("ids", [IDS[:-1], IDS[:, None], IDS / 2])
def test_record_ids_are_one_integer_a_record(small, ids):
    with pytest.raises(AuditError, match="for 60 records; give one integer per record"):
        net().fit(*small, record_ids=ids)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(small):
    with pytest.raises(AuditError, match="'cuda' was requested, but PyTorch finds 0 GPUs here; use device auto or cpu"):
        net(device="cuda").fit(*small)
    assert {"torch": torch.__version__, "device": "cpu"}.items() <= net(device="auto").computed_with().items()


def test_monai_is_named_where_it_is_missing(monkeypatch, digits):
    monkeypatch.setitem(sys.modules, "monai", None)
    monkeypatch.setitem(sys.modules, "monai.networks", None)
    with pytest.raises(AuditError, match=r"model resnet50 needs MONAI, .*pip install 'unlearn-audit\[torch\]'"):
        net(modules.resnet50).fit(*digits)


# the classifier of a factory


def test_flat_records_are_standardised_and_images_are_not():
    pipeline = network_classifier(with_dropout, epochs=4)
    assert [type(step) for _, step in pipeline.steps] == [StandardScaler, TorchClassifier]
    assert pipeline[-1].epochs == 4
    assert isinstance(network_classifier(modules.simple_cnn), TorchClassifier)


def test_ids_reach_a_network_that_ends_a_pipeline(small):
    X, y = small
    pipeline = make_pipeline(StandardScaler(), net())
    pipeline.fit(X, y, torchclassifier__record_ids=IDS)
    alone = net().fit(StandardScaler().fit_transform(X), y, record_ids=IDS)
    assert equal(pipeline[-1], alone)


# on a GPU


@ON_GPU
def test_a_gpu_repeats_its_own_bits_and_leaves_its_generators(digits):
    for module in (modules.simple_cnn, modules.mlp):
        before = torch.cuda.get_rng_state()
        ids = np.arange(120)
        one, two = (net(module, device="cuda").fit(*digits, record_ids=ids) for _ in range(2))
        assert equal(one, two)
        assert torch.equal(torch.cuda.get_rng_state(), before)
        near = net(module, device="cpu").fit(*digits, record_ids=ids).predict_proba(digits[0])
        # the same order and masks, so that only rounding differs
        assert np.abs(one.predict_proba(digits[0]) - near).max() < 0.01


@ON_GPU
def test_what_draws_on_a_gpu_is_refused(small):
    with pytest.raises(AuditError, match="otherwise than through"):
        net(FunctionalDropout, device="cuda").fit(*small, record_ids=IDS)


@pytest.mark.parametrize("asks", [True, False])
def test_images_with_channels_last_are_refused_with_the_way_out(asks):
    def by_shape(image_shape, n_classes):
        return nn.Sequential(nn.Conv2d(image_shape[0], 2, 3), nn.Flatten(), nn.LazyLinear(n_classes))

    def fixed(n_classes):
        return nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.LazyLinear(n_classes))

    X, y = np.random.default_rng(0).normal(size=(20, 8, 8, 3)).astype(np.float32), np.arange(20) % 2
    network = TorchClassifier(by_shape if asks else fixed, batch_size=10, epochs=1, random_state=0)
    with pytest.raises(AuditError, match=r"pass X\.transpose\(0, 3, 1, 2\)"):
        network.fit(X, y)
    network.fit(X.transpose(0, 3, 1, 2), y)
    assert network.predict_proba(X.transpose(0, 3, 1, 2)).shape == (20, 2)
    flat = TorchClassifier(by_shape, image_shape=(8, 8, 3), batch_size=10, epochs=1)
    with pytest.raises(AuditError, match="looks like height, width and channels; give channels, height and width"):
        flat.fit(X.reshape(20, -1), y)
