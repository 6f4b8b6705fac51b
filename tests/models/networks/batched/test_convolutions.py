"""Convolutions as products of patches, against PyTorch's own."""

import pytest
import torch
from torch import nn

from unlearn_audit.models.networks import modules
from unlearn_audit.models.networks.batched.batch import BatchPlan, train_batch
from unlearn_audit.models.networks.batched.convolutions import Convolution, Convolutions
from unlearn_audit.models.networks.batched.products import Products
from unlearn_audit.models.networks.batched.stacks import layers_of
from unlearn_audit.models.networks.classifier import Beginning
from unlearn_audit.models.networks.draws import RecordDraws
from unlearn_audit.models.networks.training import OPTIMIZERS, Recipe, batch_sizes, train_network

pytestmark = pytest.mark.filterwarnings("ignore::unlearn_audit.models.networks.TrainingWarning")

ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
DEVICES = ["cpu", pytest.param("cuda", marks=ON_GPU)]

CHAINS = {
    "plain": [nn.Conv2d(2, 3, 3)],
    "padded": [nn.Conv2d(2, 3, 3, padding=1), nn.ReLU()],
    "strided": [nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(0, 1), bias=False), nn.ReLU()],
    "dilated": [nn.Conv2d(2, 3, 2, dilation=(2, 1), stride=2), nn.Identity(), nn.ReLU()],
    "pooled": [nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)],
    "pooled first": [nn.Conv2d(2, 3, 2), nn.MaxPool2d((3, 2)), nn.ReLU()],
    "linear pooled": [nn.Conv2d(2, 3, 2), nn.MaxPool2d((1, 2))],
    "two": [nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 3, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2)],
    "three": [nn.Conv2d(2, 3, 3, stride=2, padding=2), nn.Conv2d(3, 4, 2, padding=1), nn.ReLU(),
              nn.Conv2d(4, 2, (2, 3), dilation=(1, 2), padding=(0, 2)), nn.MaxPool2d(2)],
}  # fmt: skip


@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
def test_it_is_the_convolution_of_pytorch(chain, group):
    """Answers and gradients of three models on 4 images of 7 x 8, in double precision."""
    models, size, shape = 3, 4, (2, 7, 8)
    torch.manual_seed(0)
    answer = nn.Sequential(*chain, nn.Flatten()).double()(torch.zeros(1, *shape, dtype=torch.float64))
    parts = layers_of(nn.Sequential(*chain, nn.Flatten(), nn.Linear(answer.shape[1], 2)), shape).convolutions
    images = torch.randn(models, size, *shape, dtype=torch.float64)
    # many equal numbers, so that windows have several largest ones
    images[:, :2] = images[:, :2].round()
    matrices = [torch.zeros(models, p.outputs, p.columns, dtype=torch.float64) for p in parts]
    slopes = [torch.zeros_like(matrix) for matrix in matrices]
    convolutions = [layer for layer in chain if isinstance(layer, nn.Conv2d)]
    weights = [torch.randn(models, *layer.weight.shape, dtype=torch.float64) for layer in convolutions]
    biases = [torch.randn(models, layer.out_channels, dtype=torch.float64) for layer in convolutions]
    for part, matrix, weight, bias in zip(parts, matrices, weights, biases, strict=True):
        matrix[..., : part.inputs] = part.matrices(weight)
        assert torch.equal(part.weights(matrix[..., : part.inputs]), weight)
        if part.bias:
            matrix[..., part.inputs] = bias
    features = torch.zeros(models, size, torch.Size(parts[-1].answers).numel(), dtype=torch.float64)
    errors = torch.randn_like(features)
    ours = Convolutions(parts, matrices, slopes, Products(group), size)
    ours.run(images.movedim(2, -1).flatten(2), features)
    ours.run_back(errors)
    for j in range(models):
        for layer, weight, bias in zip(convolutions, weights, biases, strict=True):
            layer.weight.data, layer.weight.grad = weight[j], None
            if layer.bias is not None:
                layer.bias.data, layer.bias.grad = bias[j], None
        theirs = nn.Sequential(*chain)(images[j]).flatten(1)
        assert torch.allclose(features[j], theirs, rtol=0, atol=1e-12)
        (theirs * errors[j]).sum().backward()
        for part, layer, slope in zip(parts, convolutions, slopes, strict=True):
            assert torch.allclose(part.weights(slope[:, :, : part.inputs])[j], layer.weight.grad, rtol=0, atol=1e-11)
            if part.bias:
                assert torch.allclose(slope[j, :, part.inputs], layer.bias.grad, rtol=0, atol=1e-11)


def flattened(*layers):
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(2))


@pytest.mark.parametrize(
    "module",
    [
        flattened(nn.Conv2d(2, 4, 3, groups=2)),
        flattened(nn.Conv2d(2, 4, 3, padding="same")),
        flattened(nn.Conv2d(2, 4, 3, padding=1, padding_mode="circular")),
        flattened(nn.Conv2d(2, 4, 3).requires_grad_(False)),
        flattened(nn.Conv2d(2, 4, 3), nn.MaxPool2d(3, stride=2)),
        flattened(nn.Conv2d(2, 4, 3), nn.MaxPool2d(2, ceil_mode=True)),
        flattened(nn.Conv2d(2, 4, 3), nn.MaxPool2d(2, padding=1)),
        flattened(nn.Conv2d(2, 4, 3), nn.MaxPool2d(2), nn.MaxPool2d(2)),
        flattened(nn.Conv2d(2, 4, 3), nn.AvgPool2d(2)),
        flattened(nn.Conv2d(2, 4, 3), nn.Dropout2d(0.5)),
        flattened(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)),
        flattened(nn.Conv2d(2, 4, 3), nn.Tanh()),
        flattened(nn.ReLU(), nn.Conv2d(2, 4, 3)),
        flattened(nn.MaxPool2d(2), nn.Conv2d(2, 4, 3)),
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(2), nn.Linear(20, 2)),
    ],
    ids=str,
)
def test_what_is_more_than_that_is_not_taken(module):
    assert layers_of(module, (2, 7, 8)) is None


def small_cnn(n_classes):
    return modules.simple_cnn((1, 8, 8), n_classes)


def strided(n_classes):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 2, bias=False), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.ReLU(), nn.Linear(3, 5, bias=False), nn.ReLU(), nn.Linear(5, n_classes),
    )  # fmt: skip


def begun(seed, *, factory, n=34, dtype=torch.float64, device="cpu", optimizer="adam", keyed=True):
    torch.manual_seed(seed)
    module = factory(3).to(dtype).to(device)
    everyone = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    X = everyone[:n].where(everyone[:n] > 0.5, 0).to(dtype).to(device)
    y = (X[:, 0, 0, 0] > 0).long() + (X[:, 0, 1, 1] > 0).long()
    sizes = batch_sizes(n, 8)
    recipe = Recipe("net", sizes, 3 * len(sizes) - 1, OPTIMIZERS[optimizer], 0.01, 0.01)
    draws = RecordDraws(seed, torch.arange(n, device=device)) if keyed else None
    return Beginning(module, X, y, lambda x: x, recipe, seed, draws)


def posteriors(one):
    with torch.no_grad():
        return one.module.eval()(one.records).double().softmax(dim=1)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("factory", [small_cnn, strided])
@pytest.mark.parametrize(("group", "n"), [(1, 34), (2, 33), (4, 34)])
def test_training_at_once_is_the_plain_loop(device, optimizer, factory, group, n):
    plan = BatchPlan(4, stacked=True, structure="", group=group)
    make = {"factory": factory, "n": n, "device": device, "optimizer": optimizer}
    at_once, alone = ([begun(seed, **make) for seed in (1, 2, 3)] for _ in range(2))
    assert [outcome.error for outcome in train_batch(plan, at_once)] == [None] * 3
    for one, other in zip(at_once, alone, strict=True):
        with other.keyed():
            train_network(
                other.module, other.records, other.labels, other.inputs, other.recipe, other.seed, other.draws
            )
        assert float((posteriors(one) - posteriors(other)).abs().max()) < 1e-9


def test_a_convolution_says_what_comes_out():
    part = Convolution.of("0", nn.Conv2d(3, 5, 3, stride=2, padding=1), (3, 9, 12))
    assert part.answers == (5, 5, 6)
    assert part.followed_by(nn.MaxPool2d(2)).answers == (5, 2, 3)
    assert part.followed_by(nn.MaxPool2d(6)) is None
