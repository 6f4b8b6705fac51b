"""Audits of neural networks from start to end."""

import numpy as np
import pytest

from unlearn_audit import Execution, run
from unlearn_audit.config import build_config

SMALL = {
    "worlds": {"shadow": 2, "target": 2, "train_size": 100, "deletions": 5, "unseen": 3, "references": 4},
    "features": ["sorted-diff"],
    "attack_models": ["logistic-regression"],
}


def audited(tmp_path, store, jobs=1, regime="fixed", model="torch-logistic-regression", **network):
    config = build_config({**SMALL, "target": {"model": model, "network": network}, "regime": regime})
    return run(config, Execution(jobs=jobs, store=tmp_path / store))


@pytest.mark.usefixtures("two_threads")
def test_an_audit_repeats_to_the_last_bit_in_any_number_of_processes(tmp_path):
    one, other = (audited(tmp_path, str(jobs), jobs, epochs=5, learning_rate=0.01) for jobs in (1, 2))
    for side in ("shadow", "target"):
        tables = [result.observations[side] for result in (one, other)]
        assert np.array_equal(*(table.posteriors for table in tables))
        assert tables[0].rows.equals(tables[1].rows)
        # the update changed something for the deleted
        deleted = tables[0].select(tables[0].roles == "deleted").posteriors
        assert (deleted[:, 0] != deleted[:, 1]).any(axis=1).all()
    assert one.findings.results == other.findings.results
    assert one.findings.regime == "fixed"


@pytest.mark.filterwarnings("error")
def test_networks_that_learned_nothing_are_told_in_the_notes(tmp_path):
    findings = audited(
        tmp_path, "store", model="torch-mlp", regime="same-seed", max_steps=1, learning_rate=1e-9
    ).findings
    assert findings.regime == "same-seed"
    told = [note for note in findings.warnings if "learned nothing" in note]
    # two originals and ten unlearned models a side, of which chance may spare some
    assert [note.partition(" side")[0] for note in told] == ["shadow", "target"]
    assert all("try more epochs or steps, another learning rate" in note for note in told)
    assert "TrainingWarning" not in " ".join(note.text for note in findings.notes)


@pytest.mark.slow
def test_the_regime_decides_how_much_a_perceptron_leaks(real_data, tmp_path, monkeypatch):
    """One deletion changes a net little, and other draws hide that change."""
    monkeypatch.setenv("UNLEARN_AUDIT_DATA", str(real_data))
    leading = {}
    for regime in ("fixed", "same-seed", "fresh"):
        config = build_config(
            {
                "target": {"data": "adult", "model": "torch-mlp", "network": {"epochs": 10, "device": "cpu"}},
                "regime": regime,
                "worlds": {"train_size": 1000},
                "features": ["sorted-diff"],
                "attack_models": ["random-forest", "logistic-regression"],
            }
        )
        findings = run(config, Execution(jobs=2, store=tmp_path / "store")).findings
        assert findings.regime == regime
        leading[regime] = findings.leading()
    # measured: 0.678 [0.606, 0.743], 0.536 [0.500, 0.571], 0.561 [0.517, 0.604]
    assert leading["fixed"].auc_ci[0] > 0.55
    for other in ("same-seed", "fresh"):
        assert leading["fixed"].auc > leading[other].auc + 0.05
        assert leading[other].auc < 0.62
