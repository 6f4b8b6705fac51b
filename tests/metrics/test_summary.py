import json

import numpy as np
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.findings.result import Result
from unlearn_audit.metrics import Calibrator, Scored, auc, auc_interval, deg_count, evaluate

WORLDS = np.repeat(np.arange(5), 240)
POSITIVE = np.tile(np.arange(240) < 20, 5)


def probabilities(seed, shift):
    noise = np.random.default_rng(seed).normal(size=len(POSITIVE))
    return 1 / (1 + np.exp(-(noise + shift * POSITIVE)))


def result(figures):
    return Result(attack="a", attack_model=None, game="g", view="pair", rows="all", **vars(figures))


def test_figures_make_a_result_that_writes_to_json():
    new, base = probabilities(0, 1.5), probabilities(1, 0.5)
    calibrated = [Calibrator.fit(p, POSITIVE).transform(p) for p in (new, base)]
    figures = evaluate(
        Scored(new, calibrated=calibrated[0]),
        POSITIVE,
        WORLDS,
        baseline=Scored(base, calibrated=calibrated[1]),
    )
    found = result(figures)
    text = json.dumps(found.model_dump(mode="json"), allow_nan=False)
    assert json.loads(text)["auc"] == auc(new, POSITIVE)
    assert (found.n_positive, found.n_negative, found.n_worlds) == (100, 1100, 5)
    assert found.interval_unit == "world"
    assert found.auc_ci == auc_interval(new, POSITIVE, WORLDS).interval
    assert found.auc_minus_classical == pytest.approx(auc(new, POSITIVE) - auc(base, POSITIVE))
    assert found.deg_count == deg_count(new, base, POSITIVE).value
    assert found.deg_count_calibrated == deg_count(*calibrated, POSITIVE, ties_half=True).value
    assert found.bits > 0
    assert found.tpr_at_fpr["0.01"] is not None
    assert found.realised_fpr["0.01"] == 0.01
    assert found.tpr_at_fpr["0.001"] is found.tpr_at_fpr_ci["0.001"] is found.realised_fpr["0.001"] is None
    for name, value in vars(figures).items():
        if isinstance(value, float) and not name.endswith(("_error", "_freedom")):
            low, high = getattr(figures, f"{name}_ci")
            assert low <= value <= high, name


def test_without_a_baseline_the_comparisons_are_none():
    figures = evaluate(Scored(probabilities(0, 1.5)), POSITIVE, None, fprs=(0.05,))
    found = result(figures)
    assert (found.n_worlds, found.interval_unit) == (1, "record")
    assert list(found.tpr_at_fpr) == ["0.05"]
    compared = [name for name in vars(figures) if name.startswith(("deg_", "bits", "auc_minus"))]
    assert len(compared) == 16
    assert all(getattr(figures, name) is None for name in compared)


def test_calibrated_figures_need_both_attacks():
    new = probabilities(0, 1.5)
    figures = evaluate(Scored(new, calibrated=new), POSITIVE, WORLDS, baseline=Scored(probabilities(1, 0.5)))
    assert figures.deg_rate is not None
    assert figures.bits is figures.deg_rate_calibrated is None


def test_a_single_positive_still_gives_a_result():
    p, truth = np.array([0.8, 0.3, 0.4]), np.array([True, False, False])
    figures = evaluate(Scored(p, calibrated=p), truth, None, baseline=Scored(p / 2, calibrated=p / 2))
    found = result(figures)
    assert (found.auc_ci, found.deg_rate_ci, found.bits_ci) == ((0, 1), (-1, 1), None)
    assert found.bits is not None
    json.dumps(found.model_dump(mode="json"), allow_nan=False)


def test_one_world_is_counted_and_labelled():
    figures = evaluate(Scored(probabilities(0, 1.5)), POSITIVE, np.full(len(POSITIVE), 3))
    assert (figures.n_worlds, figures.interval_unit) == (1, "record")


def test_bad_rows_are_refused_in_one_sentence():
    p = probabilities(0, 1.5)
    with pytest.raises(AuditError, match="got 1200 and 0"):
        evaluate(Scored(p), np.ones(1200, dtype=bool), WORLDS)
    with pytest.raises(AuditError, match="NaN"):
        evaluate(Scored(np.where(POSITIVE, np.nan, p)), POSITIVE, WORLDS)
    with pytest.raises(AuditError, match="the baseline's scores must have one value per row"):
        evaluate(Scored(p), POSITIVE, WORLDS, baseline=Scored(p[:-1]))
    with pytest.raises(AuditError, match="one world per row"):
        evaluate(Scored(p), POSITIVE, WORLDS[:-1])
