import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from unlearn_audit.metrics import FlaggingRule, conformal_p_values, holm_adjusted, references_needed, rejected


def test_p_values_are_shares_with_ties_as_high():
    scores, references = np.random.default_rng(0).integers(0, 5, (2, 40)).astype(float)
    expected = [(1 + (references >= s).sum()) / 41 for s in scores]
    np.testing.assert_allclose(conformal_p_values(scores, references), expected)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.sampled_from([0.01, 0.05, 0.2]))
def test_rules_as_they_are_written_down(tenths, level):
    p = np.array(tenths) / 40
    m = len(p)
    ordered = np.sort(p)
    holm = 0
    while holm < m and ordered[holm] <= level / (m - holm) * (1 + 1e-9):
        holm += 1
    fdr = max([k for k in range(1, m + 1) if ordered[k - 1] <= level * k / m * (1 + 1e-9)], default=0)
    assert rejected(p, level).sum() == holm
    assert rejected(p, level, "fdr").sum() == fdr
    assert (rejected(p, level) == (holm_adjusted(p) <= level * (1 + 1e-9))).all()
    assert p[rejected(p, level, "fdr")].max(initial=0) <= p[~rejected(p, level, "fdr")].min(initial=1)


@pytest.mark.parametrize("control", ["holm", "fdr"])
@pytest.mark.parametrize("tests", [1, 3, 7, 60])
@pytest.mark.parametrize("level", [0.05, 0.01, 0.1])
def test_with_the_references_needed_something_can_be_rejected_and_with_fewer_nothing(control, tests, level):
    needed = references_needed(tests, level, control)
    least = np.full(tests, 1 / (1 + needed))
    assert rejected(least, level, control).any()
    assert not rejected(np.full(tests, 1 / needed), level, control).any()


def test_fdr_holds_its_rate_on_shared_references():
    """30 of 40 are null; all are compared with the same 199 references."""
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(2000):
        scores = rng.normal(size=40)
        scores[30:] += 4
        wrong = rejected(conformal_p_values(scores, rng.normal(size=199)), 0.1, "fdr")
        shares.append(wrong[:30].sum() / max(1, wrong.sum()))
    assert 0.05 < np.mean(shares) < 0.1 * 30 / 40 + 3 * np.std(shares) / np.sqrt(2000)


def test_the_wrong_share_of_a_threshold_is_distributed_as_said():
    rng = np.random.default_rng(2)
    realised = []
    for _ in range(1000):
        threshold = np.sort(rng.uniform(size=199))[::-1][9]  # k = 10 at a rate of 5 %
        realised.append(1 - threshold)
    assert kstest(realised, "beta", args=(10, 190)).pvalue > 0.01


@pytest.mark.parametrize("decimals", [9, 1])
def test_precision_is_covered(decimals):
    """Deleted people score N(1.5, 1), others N(0, 1), with and without ties."""
    rng = np.random.default_rng(3)
    of_all = np.round(rng.normal(size=400_000), decimals)
    of_deleted = np.round(rng.normal(1.5, 1, size=400_000), decimals)
    covered = {0.5: [], 0.01: []}
    for _ in range(1000):
        references = np.round(rng.normal(size=399), decimals)
        p = conformal_p_values(np.round(rng.normal(1.5, 1, size=20), decimals), references)
        threshold = np.sort(references)[::-1][19]
        observer = FlaggingRule.at(0.05, p, 399, int((references > threshold).sum()))
        found, wrong = (of_deleted > threshold).mean(), (of_all > threshold).mean()
        for base_rate, of_rate in covered.items():
            truth = base_rate * found / (base_rate * found + (1 - base_rate) * wrong)
            right = observer.precision(base_rate)
            of_rate.append(right.low <= truth <= right.high)
    assert min(np.mean(of_rate) for of_rate in covered.values()) >= 0.93


def test_too_few_references_show_no_observer():
    assert FlaggingRule.at(0.01, np.array([0.5]), 98, 0) is None
    assert FlaggingRule.at(0.01, np.array([0.5]), 99, 0).found_share.value == 0
    assert FlaggingRule.at(0.01, np.array([0.5]), 99, 0).precision(0.1).value == 0


def test_holms_rule_weighted_by_references_holds_its_level_and_spends_it():
    """Nobody was given away; people have 30 to 2,000 references each, whose least p-values sum to 4.6 %."""
    rng, references = np.random.default_rng(0), np.array([2000] * 4 + [500] * 3 + [60, 60, 200])
    wrong = []
    for _ in range(4000):
        p = (1 + rng.integers(0, references + 1)) / (1 + references)
        wrong.append(rejected(p, 0.05, references=references).any())
    assert 0.035 < np.mean(wrong) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)


def test_with_as_many_references_each_the_weights_change_nothing():
    rng = np.random.default_rng(1)
    p = rng.integers(1, 400, 12) / 400
    for references in (None, np.full(12, 399)):
        assert holm_adjusted(p, references) == pytest.approx(holm_adjusted(p))
        assert np.array_equal(rejected(p, 0.05, references=references), rejected(p, 0.05))
