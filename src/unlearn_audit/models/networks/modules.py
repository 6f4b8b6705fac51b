"""The networks of the paper (Chen et al., CCS 2021) as functions that make an untrained module.

A factory says by the names of its parameters what it needs to know: ``n_features`` for flat records,
``image_shape`` (channels, height, width) for images, and ``n_classes``. It returns a module that maps a batch
to (batch, n_classes) logits.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from torch import nn

from unlearn_audit.errors import AuditError, missing_extra

HIDDEN = (256, 128, 64, 32)
"""Units of the perceptron's hidden layers."""

SMALLEST_DENSENET_IMAGE = 32
"""The side below which the five halvings of a DenseNet leave nothing."""

ImageShape = tuple[int, int, int]


def logistic_regression(n_features: int, n_classes: int) -> nn.Module:
    """Return a softmax regression: one linear layer."""
    return nn.Linear(n_features, n_classes)


def mlp(n_features: int, n_classes: int) -> nn.Module:
    """Return a perceptron with hidden layers of 256, 128, 64 and 32 units."""
    sizes = (n_features, *HIDDEN)
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(HIDDEN[-1], n_classes))


def simple_cnn(image_shape: ImageShape, n_classes: int) -> nn.Module:
    """Return two blocks of convolution and pooling, then two linear layers with dropout between them.

    Without batch normalisation, so that it can be trained by DP-SGD, which clips each record's gradient.
    """
    channels, height, width = image_shape
    if min(height, width) < 4:
        raise AuditError(f"images of {height} x {width} pixels are too small for simple-cnn; 4 x 4 is the least")
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * (height // 4) * (width // 4), 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, n_classes),
    )


def resnet50(image_shape: ImageShape, n_classes: int) -> nn.Module:
    """Return a ResNet-50 (He et al., CVPR 2016), untrained, as MONAI builds it."""
    nets = _monai_nets("resnet50")
    net: nn.Module = nets.resnet50(spatial_dims=2, n_input_channels=image_shape[0], num_classes=n_classes)
    return net


def densenet121(image_shape: ImageShape, n_classes: int) -> nn.Module:
    """Return a DenseNet-121 (Huang et al., CVPR 2017), untrained, as MONAI builds it.

    It halves an image five times, so smaller images get a border of zeros up to 32 x 32.
    """
    nets = _monai_nets("densenet121")
    net: nn.Module = nets.DenseNet121(spatial_dims=2, in_channels=image_shape[0], out_channels=n_classes)
    missing = [max(SMALLEST_DENSENET_IMAGE - side, 0) for side in image_shape[1:]]
    if not any(missing):
        return net
    vertical, horizontal = missing
    border = (horizontal // 2, horizontal - horizontal // 2, vertical // 2, vertical - vertical // 2)
    return nn.Sequential(nn.ZeroPad2d(border), net)


def _monai_nets(name: str) -> Any:
    try:
        from monai.networks import nets
    except ImportError as error:
        raise missing_extra(f"model {name}", "MONAI", "torch") from error
    return nets


def asked_for(factory: Callable[..., Any]) -> set[str]:
    """Return the names of a factory's parameters."""
    try:
        return set(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        return set()
