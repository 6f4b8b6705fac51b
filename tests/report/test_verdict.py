import math
import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import expit, stdtrit

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.intervals import logit_interval
from unlearn_audit.report.findings import Result
from unlearn_audit.report.verdict import detectable_auc, outcome, standard_error, verdict

CASES = {
    "update": {},
    "not-shown-update": {"auc_minus_classical": 0.01, "auc_minus_classical_ci": (-0.02, 0.04)},
    "original": {"view": "original", "auc_minus_classical": None, "auc_minus_classical_ci": None},
    "reversed": {
        "auc": 0.3,
        "auc_ci": (0.25, 0.36),
        "auc_minus_classical": -0.2,
        "auc_minus_classical_ci": (-0.25, -0.15),
    },
    "nothing-seen": {
        "auc": 0.52,
        "auc_ci": (0.48, 0.56),
        "auc_minus_classical": 0.01,
        "auc_minus_classical_ci": (-0.02, 0.04),
    },
}


@pytest.fixture
def words(result_of, selected_of):
    def build(*others, regime="fixed", note=None, **changes):
        result = result_of(**changes)
        return verdict([*others, result], selected_of(result), regime, note)

    return build


@pytest.fixture
def classical(result_of):
    return result_of(
        attack="classical-sorted",
        view="original",
        auc=0.52,
        auc_ci=(0.49, 0.55),
        auc_minus_classical=None,
        baseline=None,
    )


@pytest.mark.parametrize("case", CASES)
def test_outcome_names_the_case(case, result_of):
    assert outcome(result_of(**CASES[case])) == case


@pytest.mark.parametrize("case", CASES)
def test_no_case_says_safe(case, words, classical):
    said = words(classical, **CASES[case])
    assert not re.search("safe|secure|no leak|no risk", " ".join([said.summary, *said.limits]), re.IGNORECASE)


@pytest.mark.parametrize("case", CASES)
def test_every_case_states_game_view_regime_worlds_and_interval(case, words, classical):
    summary = words(classical, regime="same-seed", **CASES[case]).summary
    for expected in ("game deleted-vs-unseen", "view ", "regime same-seed", "12 worlds", "95 % interval"):
        assert expected in summary


def test_a_leak_of_the_update_gives_both_attacks_and_their_difference(words, classical):
    summary = words(classical).summary
    assert summary.startswith("The update gives deleted records away. ")
    assert "sorted-diff with random-forest, chosen on shadow data alone" in summary
    assert "0.800 (95 % interval 0.760 to 0.835" in summary
    assert "reaches 0.520 (0.490 to 0.550)" in summary
    assert "+0.280 (+0.240 to +0.320): this is what the update adds" in summary


def test_a_leak_whose_difference_includes_zero_is_not_laid_on_the_update(words, classical):
    summary = words(classical, **CASES["not-shown-update"]).summary
    assert "not shown to come from the update" in summary.partition(". ")[0]
    assert "the interval includes 0" in summary


def test_a_leak_that_the_original_gives_away_better_is_not_laid_on_the_update(words, classical):
    summary = words(classical, auc_minus_classical=-0.05, auc_minus_classical_ci=(-0.08, -0.02)).summary
    assert "not shown to come from the update" in summary
    assert "gave this attack less than the original alone" in summary


def test_a_leak_with_nothing_to_compare_with_says_so(words):
    summary = words(auc_minus_classical=None, auc_minus_classical_ci=None, baseline=None).summary
    assert "not shown to come from the update" in summary
    assert "not compared with an attack on the original model alone" in summary


def test_the_difference_is_told_without_the_classical_result(words):
    assert "The difference to the strongest classical attack, on the original model alone, is +0.280" in words().summary


def test_nothing_seen_says_how_small_an_effect_could_have_been_seen(words, result_of):
    summary = words(**CASES["nothing-seen"]).summary
    least = detectable_auc(result_of(**CASES["nothing-seen"]))
    assert summary.startswith("Nothing was seen")
    assert f"An AUC of {least:.3f} or more would have been seen with a probability of 80 %" in summary


def test_nothing_seen_with_hardly_any_data_says_that_nothing_could_be_seen(words):
    assert "no effect, however large" in words(n_worlds=2, auc=0.5, auc_ci=(0.02, 0.98)).summary


def test_an_interval_without_width_claims_no_precision(words):
    summary = words(auc=0.5, auc_ci=(0.5, 0.5)).summary
    assert "has no width" in summary
    assert "80 %" not in summary


def test_a_reversed_attack_is_a_leak_and_is_flipped(words):
    summary = words(**CASES["reversed"]).summary
    assert "reliably wrong" in summary.partition(". ")[0]
    assert "whoever flips them reaches 0.700 (0.640 to 0.750)" in summary


def test_an_attack_on_the_original_alone_says_nothing_about_the_update(words):
    assert "says nothing about what the update adds" in words(**CASES["original"]).summary


def test_other_games_speak_of_their_own_roles(words):
    summary = words(game="retained-vs-unseen").summary
    assert summary.startswith("The update gives retained records away.")
    assert "records that are still in the training data from records that were never" in summary


def test_a_defence_and_a_single_world_are_named(words):
    said = words(defense="top-1", n_worlds=1, interval_unit="record")
    assert "defence top-1" in said.summary
    assert "on 1 world with" in said.summary
    assert any("Too few worlds" in limit for limit in words(n_worlds=2, interval_unit="record").limits)
    assert any("one world" in limit and "single records" in limit for limit in said.limits)


def test_few_worlds_are_named_as_few(words):
    assert any("fewer than 10 leave the intervals wide" in limit for limit in words(n_worlds=4).limits)
    assert not any("fewer than 10 leave" in limit for limit in words(n_worlds=10).limits)


def test_an_unprinted_rate_says_how_many_negatives_it_needs(words):
    limits = words().limits
    assert [limit for limit in limits if "not printed" in limit] == [
        "The true-positive rate at a false-positive rate of 0.1 % is not printed: 9,600 negatives let 9.6 false "
        "positives be expected, fewer than 10; at least 10,000 negatives are needed."
    ]


def test_the_limits_state_view_game_regime_fit_and_family(words, classical):
    limits = words(classical, note="The forest of this version cannot run fixed.").limits
    text = " ".join(limits)
    assert "the posteriors of both models and nothing else" in text
    assert "repeats every random draw of the original" in text
    assert "The forest of this version cannot run fixed." in limits
    assert "as fitted on these shadow data" in text
    assert "Only 2 attacks were tried" in text


def test_the_limits_state_what_so_many_rows_could_show_and_which_epsilon(words):
    plain, bounded = (" ".join(words(**more).limits) for more in ({}, {"epsilon": 1.25, "epsilon_ceiling": 3.5}))
    assert "From the number of rows alone, an AUC of 0." in plain
    assert "Epsilon" not in plain
    assert "Epsilon is at least 1.25 at a confidence of 95 %" in bounded
    assert "would have shown 3.50: a larger epsilon is not excluded" in bounded


def test_an_unknown_regime_or_view_is_stated_by_name(words):
    limits = words(regime="warm-start", view="gradients").limits
    assert any(limit.startswith("Regime: warm-start; ") for limit in limits)
    assert any("the view gradients" in limit for limit in limits)


def test_nothing_seen_counts_the_other_attacks_that_leave_out_one_half(words, result_of):
    other = result_of(attack="direct-diff")
    limits = words(other, **CASES["nothing-seen"]).limits
    assert any(limit.startswith("1 of the 1 other attacks has an interval that leaves out 0.5") for limit in limits)
    assert not any("leave" in limit and "out 0.5" in limit for limit in words(other).limits)


def test_the_verdict_leads_with_all_rows(words, result_of):
    assert "0.800" in words(result_of(rows="paper", auc=0.9, auc_ci=(0.8, 0.95))).summary


def test_a_selected_attack_without_result_is_an_error(result_of, selected_of):
    with pytest.raises(AuditError, match="sorted-diff with mlp has no result"):
        verdict([result_of()], selected_of(result_of(attack_model="mlp")), "fixed")


@given(
    auc=st.floats(0.05, 0.95),
    error=st.floats(0.001, 0.05),
    worlds=st.integers(2, 40),
)
def test_the_standard_error_undoes_the_interval(auc, error, worlds):
    half = stdtrit(worlds - 1, 0.975) * error / (auc * (1 - auc))
    middle = math.log(auc / (1 - auc))
    ends = (float(expit(middle - half)), float(expit(middle + half)))
    assume(ends[0] > 1e-9 and ends[1] < 1 - 1e-9)
    assert standard_error(simple(auc, ends, worlds)) == pytest.approx(error, rel=1e-5)


def test_an_interval_that_touches_the_edge_uses_the_scale_of_the_auc():
    assert standard_error(simple(0.9, (0.8, 1.0), 10)) == pytest.approx(0.1 / stdtrit(9, 0.975))


def test_the_detectable_auc_with_independent_records_counts_the_rarer_role(result_of):
    result = result_of(interval_unit="record", n_worlds=1, n_positive=30, auc=0.5, auc_ci=(0.46, 0.54))
    expected = 0.5 + (stdtrit(29, 0.975) + stdtrit(29, 0.8)) * standard_error(result)
    assert detectable_auc(result) == pytest.approx(expected)


@pytest.mark.parametrize("value", [0.35, 0.5, 0.82])
def test_the_standard_error_is_the_one_the_metrics_made_the_interval_of(value):
    estimate = logit_interval(value, 0.03, degrees_of_freedom=9, n_units=10)
    result = simple(value, (estimate.low, estimate.high), 10)
    assert standard_error(result) == pytest.approx(0.03)


@pytest.mark.parametrize("worlds", [5, 12, 40])
def test_an_attack_of_the_detectable_auc_is_seen_in_eight_of_ten_runs(worlds):
    spread = 0.05
    error = spread / math.sqrt(worlds)
    half = stdtrit(worlds - 1, 0.975) * error / 0.25
    least = detectable_auc(simple(0.5, (float(expit(-half)), float(expit(half))), worlds))
    runs = np.random.default_rng(3).normal(least, spread, size=(20_000, worlds))
    width = stdtrit(worlds - 1, 0.975) * runs.std(axis=1, ddof=1) / math.sqrt(worlds)
    assert 0.76 <= (runs.mean(axis=1) - width > 0.5).mean() <= 0.84


def simple(auc, ends, worlds):
    return Result(
        attack="a",
        attack_model=None,
        game="deleted-vs-unseen",
        view="pair",
        rows="all",
        n_positive=10,
        n_negative=10,
        n_worlds=worlds,
        interval_unit="world",
        auc=auc,
        auc_ci=ends,
        tpr_at_fpr={},
        tpr_at_fpr_ci={},
        realised_fpr={},
        accuracy=0.5,
        accuracy_ci=(0.4, 0.6),
    )
