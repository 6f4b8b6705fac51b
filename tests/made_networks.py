"""Small networks, and methods for them, that tests of several rooms share."""

import copy
from dataclasses import replace

import numpy as np
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from unlearn_audit.models import resolve_model
from unlearn_audit.models.networks import TorchClassifier
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.steps import last_step
from unlearn_audit.unlearning import METHODS, Retrain, Trained
from unlearn_audit.unlearning.networks.base import NetworkOptions
from unlearn_audit.unlearning.networks.task import prepare

NETWORK_METHODS = [name for name, options in METHODS.items() if issubclass(options, NetworkOptions)]
NOBODY = np.arange(0)


def perceptron(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, n_classes))


def convolutional(n_features, n_classes):
    across = (n_features - 5) // 3 + 1
    return nn.Sequential(
        nn.Unflatten(1, (1, n_features)),
        nn.Conv1d(1, 4, 5, stride=3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(4 * across, n_classes),
    )


def normalising(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, n_classes))


def network(module=perceptron, **settings):
    settings = {"epochs": 30, "batch_size": 32, "learning_rate": 2e-3, "device": "cpu", **settings}
    return resolve_model(make_pipeline(StandardScaler(), TorchClassifier(module, **settings)))


def method(name, source=None, regime=Regime.SAME_SEED, *, plain=False, **options):
    retrain, _ = Retrain.for_model(source or network(), regime)
    return METHODS[name](**options).unlearner(replace(retrain, plain=plain))


def module_of(trained):
    return last_step(trained.model).module_


def weights_of(trained):
    return torch.cat([p.detach().flatten() for p in module_of(trained).parameters()])


def doubled(trained):
    """The same network in double precision."""
    model = copy.deepcopy(trained.model)
    last_step(model).module_.double()
    return Trained(model, trained.source, trained.data, trained.training, trained.seed)


def task_of(original, request, seed=7):
    update = replace(method("fine-tune").update_of(original, request, seed), seed=seed)
    return prepare(original, [update])(update)
