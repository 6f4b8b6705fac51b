"""Arms of one side on a few digits, whose originals are shared: what tests of the engine start from."""

import copy
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.datasets import load_digits

from unlearn_audit.config import ScenarioConfig, UnlearningConfig, WorldsConfig
from unlearn_audit.engine import Store, observe, observe_worlds, originals, work
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.steps import last_step
from unlearn_audit.unlearning import Forgetting, Retrain, Sisa, options_of
from unlearn_audit.unlearning.none import NoUnlearning
from unlearn_audit.worlds import plan_worlds
from unlearn_audit.worlds.from_arrays import prepare_arrays

SIZES = {"shadow": 2, "target": 2, "train_size": 60, "deletions": 3, "unseen": 2, "references": 4}


def few_digits():
    """The records of three digits."""
    X, y = load_digits(n_class=3, return_X_y=True)
    return prepare_arrays(X / 16, y, None, "digits", 0)


@dataclass(frozen=True)
class Ascent(Forgetting):
    """One step of gradient ascent on the forgotten records, as far as asked for."""

    step: float = 0.5

    def forget(self, original, update):
        import torch

        model = copy.deepcopy(original.model)
        network = last_step(model)
        X = torch.from_numpy(original.data.X[update.forget].astype(np.float32))
        labels = torch.from_numpy(np.searchsorted(network.classes_, original.data.y[update.forget]))
        torch.nn.functional.cross_entropy(network.module_(network.inputs(X)), labels).backward()
        with torch.no_grad():
            for weights in network.module_.parameters():
                weights += self.step * weights.grad
        return model


@dataclass(frozen=True)
class Spoiler(Forgetting):
    """A method that changes the original, which it must not."""

    def forget(self, original, update):
        original.model.theta_[:] = 0.0
        return original.model


def network(records):
    """A small network, as a named model is made."""
    pytest.importorskip("torch")
    return resolve_model("torch-mlp", {"epochs": 3, "batch_size": 16})


def tasks_of(records, source, kinds, scenario=ScenarioConfig(), **changes):  # noqa: B008
    """One task a kind of unlearning, of the target side."""
    if changes.get("keep_originals"):
        pytest.importorskip("safetensors")
    wanted = WorldsConfig(**SIZES)
    plans, _ = plan_worlds(records.split, records.persons, wanted, scenario, 0, "digits", ("shadow", "target"))
    retrain, _ = Retrain.for_model(source, Regime.SAME_SEED)
    made = {
        "retrain": retrain,
        "none": NoUnlearning(retrain.regime, retrain),
        "ascent": Ascent(retrain.regime, retrain),
        "more": Ascent(retrain.regime, retrain, 1.0),
        "spoiler": Spoiler(retrain.regime, retrain),
        "sisa": Sisa(retrain, 2),
        "fine-tune": options_of(UnlearningConfig(method="fine-tune")).unlearner(retrain),
    }
    return [SideTask(records.data, source, made[kind], plans["target"], kind, **changes) for kind in kinds]


def observed(tasks, folder, jobs=1, reuse=None):
    """By kind, what becomes of tasks, and how many worlds were done when."""
    seen = []
    found = observe_worlds(tasks, Store(folder), executor_for(None, jobs), seen.append, None, reuse)
    return {task.arm: (table, stats) for task, table, stats in found}, seen


def counted(monkeypatch):
    """Count the originals that are learned, in this process."""
    calls, learn = [], observe.learn_original

    def learning(task, world):
        calls.append((task.arm, world.index))
        return learn(task, world)

    for module in (observe, originals, work):
        monkeypatch.setattr(module, "learn_original", learning)
    return calls
