"""Per-record risk: its p-values, and that its error rate holds where records share worlds."""

import math

import numpy as np
import pytest
from scipy import stats

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import record_p_values, records_at_risk, worlds_needed
from unlearn_audit.metrics.records import benjamini_yekutieli, e_benjamini_hochberg, e_values


def made(rng, records=60, worlds=24, risky=0, shared=1.0, leak=2.5):
    """A row a record and world; the worlds move all records together; some records leak."""
    truth = np.array([rng.permutation(worlds) < worlds // 2 for _ in range(records)])
    scores = rng.normal(size=(records, worlds)) + shared * rng.normal(size=worlds)
    scores[:risky] += leak * truth[:risky]
    return scores.ravel(), truth.ravel(), np.repeat(np.arange(records), worlds)


def test_p_values_are_those_of_mann_and_whitney_record_by_record():
    scores, truth, records = made(np.random.default_rng(0), records=5)
    found, p = record_p_values(scores, truth, records)
    assert found.tolist() == [0, 1, 2, 3, 4]
    of = records == 3
    expected = stats.mannwhitneyu(scores[of & truth], scores[of & ~truth], alternative="greater", method="exact").pvalue
    assert p[3] == pytest.approx(expected)
    order = np.random.default_rng(1).permutation(len(scores))
    assert np.allclose(record_p_values(scores[order], truth[order], records[order])[1], p)
    assert record_p_values(np.zeros(4), np.array([1, 1, 0, 0]), np.zeros(4, int))[1].tolist() == [1.0]


@pytest.mark.parametrize("control", ["by", "e-bh"])
@pytest.mark.parametrize("risky", [0, 15])
def test_the_error_rate_holds_with_shared_worlds(control, risky):
    rng = np.random.default_rng(risky)
    wrong = []
    for _ in range(300):
        scores, truth, records = made(rng, risky=risky, leak=4.0)
        _, p = record_p_values(scores, truth, records)
        told = records_at_risk(p, 0.05, control)
        wrong.append(told[risky:].sum() / max(told.sum(), 1))
    assert np.mean(wrong) <= 0.05


def test_tied_scores_of_few_rows_say_no_more_than_an_exact_test_could():
    scores, truth = np.array([1.0, *[0.0] * 20]), np.arange(21) == 0
    _, p = record_p_values(scores, truth, np.zeros(21, int))
    assert p[0] >= 1 / 21


def test_those_at_risk_are_found():
    scores, truth, records = made(np.random.default_rng(3), risky=15, shared=0.2, leak=4.0)
    told = records_at_risk(record_p_values(scores, truth, records)[1])
    assert told[:15].mean() > 0.8
    assert not told[15:].any()


def test_the_rules_by_hand():
    p = np.array([0.001, 0.004, 0.5, 0.9])
    bars = 0.05 * np.arange(1, 5) / (4 * (1 + 1 / 2 + 1 / 3 + 1 / 4))
    assert benjamini_yekutieli(p, 0.05).tolist() == [p[0] <= bars[0], p[1] <= bars[1], False, False]
    assert e_benjamini_hochberg(np.array([41.0, 40.0, 0.1]), 0.05).tolist() == [True, True, False]
    assert not e_benjamini_hochberg(np.array([19.0]), 0.05).any()
    uniform = (np.arange(200_000) + 0.5) / 200_000
    assert e_values(uniform).mean() <= 1.0


def test_how_many_worlds_a_record_needs():
    k = worlds_needed(50, 0.05)
    bar = 0.05 / (50 * np.sum(1 / np.arange(1, 51)))
    assert 1 / math.comb(2 * k, k) <= bar < 1 / math.comb(2 * k - 2, k - 1)
    with pytest.raises(AuditError, match="use per-record worlds"):
        record_p_values(np.zeros(2), np.array([1, 0]), np.array([3, 4]))
