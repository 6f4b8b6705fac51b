"""DP-SGD as a defence: which networks can be private, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

pytest.importorskip("torch")
pytest.importorskip("opacus")

from unlearn_audit.defenses.dp_sgd import private_source
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.networks import Privacy, TorchClassifier, TrainingWarning, modules


@pytest.mark.parametrize("name", ["resnet50", "densenet121"])
def test_networks_with_batch_normalisation_are_refused_before_training(name):
    made, _ = private_source(resolve_model(name), Privacy(5.0))
    with pytest.raises(AuditError, match="BatchNorm"):
        made.make(0).check_private(np.zeros((2, 3 * 32 * 32), dtype=np.uint8), 10)


@pytest.mark.parametrize("name", ["torch-logistic-regression", "torch-mlp", "simple-cnn"])
def test_the_networks_of_the_paper_can_be_private(name):
    rng = np.random.default_rng(0)
    made, standardise = private_source(resolve_model(name, {"epochs": 1, "batch_size": 8}), Privacy(5.0))
    assert standardise == name.startswith("torch-")
    net = made.make(3)
    X, y = rng.normal(size=(40, 64)), np.arange(40) % 3
    net.check_private(X, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        assert net.fit(X, y).spent_.epsilon <= 5.0
    assert net.random_state == 3
    assert "opacus" in net.computed_with()


def test_sources_differ_by_their_guarantee():
    source = resolve_model("torch-mlp")
    prints = {private_source(source, Privacy(e))[0].fingerprint for e in (1.0, 2.0)} | {source.fingerprint}
    assert len(prints) == 3


def test_what_learns_outside_the_guarantee_is_refused():
    outside = make_pipeline(PCA(2), TorchClassifier(modules.mlp))
    with pytest.raises(AuditError, match="learns a PCA from the training records, outside the guarantee"):
        private_source(resolve_model(outside), Privacy(5.0))
    with pytest.raises(AuditError, match="decision-tree is not a neural network"):
        private_source(resolve_model("decision-tree"), Privacy(5.0))


def test_without_opacus_the_sentence_says_what_to_install(monkeypatch):
    import importlib.util

    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "opacus" else there(name))
    with pytest.raises(AuditError, match=r"dp-sgd needs Opacus, which is not installed; run: pip install .*\[dp\]"):
        private_source(resolve_model("torch-mlp"), Privacy(5.0))
