"""The worlds of an audit made the plain way: one process, one fit a model, and one query of all its records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.models.networks import modules
from unlearn_audit.unlearning.retrain import rows_after
from unlearn_audit.utils.seeds import SIDES, Kind, integer_seed
from unlearn_audit.utils.threads import one_thread

Fit = Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any], int], Any]
"""From records, labels and a seed to a fitted classifier with ``predict_proba`` and ``classes_``."""


def plain_worlds(task: SideTask, fit: Fit, chains: int | None = None) -> np.ndarray[Any, Any]:
    """Return the posteriors (rows, 2, classes) of every pair, in the order of an audit's table.

    Parameters
    ----------
    task
        The side.
    fit
        Trains one model.
    chains
        How many deletions of each world are done; all by default.
    """
    X, y, plan = task.data.X, task.data.y, task.plan
    classes = len(task.data.class_names)
    answers = []
    with one_thread():
        for index in range(plan.n_worlds):
            world = plan.world(index)
            seed = integer_seed(plan.seed, Kind.ORIGINAL, SIDES[plan.side], index)
            original = fit(X[world.training], y[world.training], seed)
            for (request,), asked in list(zip(world.chains, world.queries, strict=True))[:chains]:
                remaining = rows_after(world.training, request, task.unlearner.order)
                unlearned = fit(X[remaining], y[remaining], seed)
                pair = np.zeros((len(asked.positions), 2, classes), dtype=np.float32)
                for version, model in enumerate((original, unlearned)):
                    pair[:, version, model.classes_] = model.predict_proba(X[asked.positions])
                answers.append(pair)
    return np.concatenate(answers)


class Loop:
    """A network of one's own, trained by an ordinary loop over a DataLoader on the CPU."""

    def __init__(self, X: np.ndarray[Any, Any], y: np.ndarray[Any, Any], seed: int, epochs: int, classes: int) -> None:
        torch.manual_seed(seed)
        self.classes_ = np.arange(classes)
        if X.dtype == np.uint8:
            side = int(X.shape[1] ** 0.5)
            self.inputs = lambda rows: torch.from_numpy(rows.astype(np.float32).reshape(-1, 1, side, side) / 255)
            self.module = modules.simple_cnn((1, side, side), classes)
        else:
            scaler = StandardScaler().fit(X)
            self.inputs = lambda rows: torch.from_numpy(scaler.transform(rows).astype(np.float32))
            self.module = modules.mlp(X.shape[1], classes)
        loader = DataLoader(TensorDataset(self.inputs(X), torch.from_numpy(y)), batch_size=64, shuffle=True)
        optimizer = torch.optim.Adam(self.module.parameters(), lr=1e-3)
        self.module.train()
        for _ in range(epochs):
            for some, labels in loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(self.module(some), labels).backward()
                optimizer.step()
        self.module.eval()

    def predict_proba(self, X: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return (n, classes) posteriors."""
        with torch.no_grad():
            return np.asarray(self.module(self.inputs(X)).softmax(dim=1).numpy())
