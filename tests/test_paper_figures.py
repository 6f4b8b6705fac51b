"""The figures that this tool stands for, on real data at default sizes: `make figures`, about 20 minutes.

`test_conductor.py` checks the same at a small size with every run of the tests.
"""

import numpy as np
import pytest

from unlearn_audit import AuditConfig, Execution, run

SEEDS = (0, 1, 2)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


def paper_rows(data, model, seed, store, jobs=2):
    config = AuditConfig.model_validate({"target": {"data": data, "model": model}, "seed": seed})
    findings = run(config, Execution(jobs=jobs, store=store)).findings
    assert findings.regime == "fixed"
    rows = [r for r in findings.results if r.rows == "paper"]
    best = max(r.auc for r in rows if r.view == "pair")
    return best, [r.auc for r in rows if r.view == "original"], findings.leading("paper")


def over_seeds(data, model, store):
    runs = [paper_rows(data, model, seed, store) for seed in SEEDS]
    best = np.mean([best for best, _, _ in runs])
    classical = np.mean([np.mean(aucs) for _, aucs, _ in runs])
    gain = np.mean([leading.auc_minus_classical for _, _, leading in runs])
    return best, classical, gain


def test_adult_decision_tree(real_data, store):
    best, classical, _ = over_seeds("adult", "decision-tree", store)
    assert 0.82 <= best <= 0.92
    assert 0.45 <= classical <= 0.58


def test_adult_logistic_regression(real_data, store):
    best, _, _ = over_seeds("adult", "logistic-regression", store)
    assert best >= 0.78


def test_adult_random_forest(real_data, store):
    _, _, gain = over_seeds("adult", "random-forest", store)
    assert gain >= 0.08


@pytest.mark.parametrize("city", ["checkins-nyc", "checkins-jakarta"])
def test_checkins_decision_tree(real_data, store, city):
    best, _, _ = over_seeds(city, "decision-tree", store)
    assert best >= 0.80
