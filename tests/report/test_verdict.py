import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit, stdtrit

from unlearn_audit.errors import AuditError
from unlearn_audit.findings.kinds import Evidence, decide
from unlearn_audit.findings.precision import detectable_auc, worlds_for_auc_found, worlds_for_auc_worth_seeing
from unlearn_audit.findings.sections import RecordRisk
from unlearn_audit.report.verdict import verdict
from unlearn_audit.report.wording import number

NO_GAIN = {"auc_minus_classical": 0.01, "auc_minus_classical_ci": (-0.02, 0.04)}
NOTHING = {
    "auc": 0.52,
    "auc_ci": (0.48, 0.56),
    "auc_claim_ci": (0.475, 0.565),
    "auc_hint_ci": (0.487, 0.553),
    "auc_simultaneous_ci": (0.46, 0.58),
    "auc_error": 0.018,
    **NO_GAIN,
}
CASES = {
    "leak-by-update": {},
    "leak": NO_GAIN,
    "leak-original": {"view": "original", "auc_minus_classical": None, "auc_minus_classical_ci": None},
    "reversed": {
        "auc": 0.3,
        "auc_ci": (0.25, 0.36),
        "auc_claim_ci": (0.24, 0.37),
        "auc_hint_ci": (0.26, 0.35),
        "auc_minus_classical": -0.2,
        "auc_minus_classical_ci": (-0.25, -0.15),
    },
    "hint": NOTHING | {"auc_hint_ci": (0.501, 0.54)},
    "too-few-worlds": NOTHING | {"n_worlds": 2, "auc_freedom": 1, "auc_error": 0.05, "auc_claim_ci": (0.1, 0.92)},
    "nothing-seen": NOTHING,
}


@pytest.fixture
def words(result_of, selected_of):
    def build(*others, regime="fixed", note=None, moved=None, record_risk=None, **changes):
        result = result_of(**changes)
        return verdict([*others, result], selected_of(result), regime, note, moved=moved, record_risk=record_risk)

    return build


@pytest.fixture
def classical(result_of):
    return result_of(
        attack="classical-sorted",
        view="original",
        auc=0.52,
        auc_ci=(0.49, 0.55),
        auc_simultaneous_ci=(0.48, 0.56),
        silent_without_change=False,
        auc_minus_classical=None,
        baseline=None,
    )


@pytest.mark.parametrize("case", CASES)
def test_the_kind_names_the_case(case, words):
    assert words(**CASES[case]).kind == case


@pytest.mark.parametrize("case", CASES)
def test_no_case_says_safe(case, words, classical):
    said = words(classical, **CASES[case])
    assert not re.search("safe|secure|no leak$|no risk", " ".join([said.summary, *said.limits]), re.IGNORECASE)


@pytest.mark.parametrize("case", CASES)
def test_every_case_states_game_view_regime_worlds_and_interval(case, words, classical):
    summary = words(classical, regime="same-seed", **CASES[case]).summary
    for expected in ("game deleted-vs-unseen", "view ", "regime same-seed", " worlds with", "97 % interval"):
        assert expected in summary


def test_a_leak_of_the_update_gives_both_attacks_and_their_difference(words, classical):
    summary = words(classical).summary
    assert summary.startswith("The update reveals deleted records. ")
    assert "sorted-diff with random-forest, chosen on shadow data alone" in summary
    assert "0.800 (97 % interval 0.755 to 0.839" in summary
    assert (
        "reaches 0.520; the difference is +0.280 (95 % interval +0.240 to +0.320): this is what the update" in summary
    )


def test_a_leak_whose_difference_includes_zero_is_not_laid_on_the_update(words, classical):
    summary = words(classical, **CASES["leak"]).summary
    assert "the update is not shown to be the cause" in summary.partition(". ")[0]
    assert "the interval includes 0" in summary


def test_a_difference_without_an_attack_on_the_change_alone_is_not_laid_on_the_update(words, classical):
    """A second fit to the same answers can do a little better than the first."""
    said = words(classical, attack="direct-concat", silent_without_change=False)
    assert said.kind == "leak"
    assert "may be the same information fitted twice" in said.summary
    assert "this is what the update adds" not in said.summary


def test_an_attack_on_the_change_alone_lays_another_ones_leak_on_the_update(words, classical, result_of):
    change = result_of(attack="margin-difference", attack_model=None, auc_simultaneous_ci=(0.51, 0.6))
    assert words(classical, change, attack="direct-concat", silent_without_change=False).kind == "leak-by-update"
    weak = change.model_copy(update={"auc_simultaneous_ci": (0.49, 0.6)})
    assert words(classical, weak, attack="direct-concat", silent_without_change=False).kind == "leak"


def test_where_no_answer_changed_the_update_reveals_nothing_whatever_the_difference(words, classical):
    said = words(classical, moved=0.0, attack="direct-concat", silent_without_change=False)
    assert (said.kind, said.gate) == ("unchanged", "fail")
    assert "but the original model alone reveals deleted records. " in said.summary
    assert "check that the right models or files were compared" in said.summary
    assert "what the update adds" not in said.summary
    quiet = words(classical, moved=0.0, **NOTHING)
    assert (quiet.kind, quiet.gate) == ("unchanged", "pass")
    assert words(classical, moved=1e-4).kind == "leak-by-update"


def test_another_attack_that_shows_a_leak_comes_first_with_its_figures(words, classical, result_of):
    """An attack chosen on shadow worlds that collapsed on the target hides no leak of another."""
    other = result_of(
        attack="score-ratio", attack_model=None, auc=0.95, auc_ci=(0.898, 0.976), auc_simultaneous_ci=(0.851, 0.984)
    )
    said = words(classical, other, **NOTHING)
    assert (said.kind, said.gate) == ("leak-by-update", "fail")
    assert (
        "The update reveals deleted records. Another attack shows it: score-ratio, with an AUC of 0.950 (98 % interval "
        "0.851 to 0.984, which holds for all 3 attacks at once). The leading attack" in said.summary
    )
    alike = other.model_copy(update={"silent_without_change": False})
    assert words(classical, alike, **NOTHING).kind == "leak"
    # above the attacks on the original alone, or the update is not the cause
    strong = classical.model_copy(update={"auc_simultaneous_ci": (0.6, 0.86)})
    assert words(strong, other, **NOTHING).kind == "leak"


def test_only_attacks_on_the_original_show_a_leak_of_the_original(words, classical):
    strong = classical.model_copy(update={"auc": 0.7, "auc_simultaneous_ci": (0.6, 0.8)})
    said = words(strong, **NOTHING)
    assert (said.kind, said.gate) == ("leak-original", "fail")
    assert "classical-sorted with random-forest, with an AUC of 0.700" in said.summary


def test_a_leak_that_the_original_reveals_better_is_not_laid_on_the_update(words, classical):
    summary = words(classical, auc_minus_classical=-0.05, auc_minus_classical_ci=(-0.08, -0.02)).summary
    assert "the update is not shown to be the cause" in summary
    assert "this attack does worse than the one on the original alone" in summary


def test_a_leak_with_nothing_to_compare_with_says_so(words):
    summary = words(auc_minus_classical=None, auc_minus_classical_ci=None, baseline=None).summary
    assert "the update is not shown to be the cause" in summary
    assert "not compared with an attack on the original model alone" in summary


def test_the_difference_is_given_without_the_classical_result(words):
    assert (
        "The difference from the strongest classical attack, on the original model alone, is +0.280"
    ) in words().summary


def test_nothing_seen_says_how_small_an_effect_could_have_been_seen(words, result_of):
    summary = words(**NOTHING).summary
    least = detectable_auc(result_of(**NOTHING))
    assert summary.startswith("No leak was found")
    assert f"An AUC of {least:.3f} or more would have been detected with a probability of 80 %" in summary


@pytest.mark.parametrize(
    ("signs", "named"),
    [
        ({"auc_hint_ci": (0.501, 0.553)}, "the 90 % interval of its AUC is above 0.5"),
        ({"auc_minus_classical": 0.1, "auc_minus_classical_ci": (0.01, 0.2)}, "its difference from the strongest"),
        ({"epsilon": 1.5, "epsilon_ceiling": 3.0}, "its lower bound on epsilon is above 0"),
        (
            {"record_risk": RecordRisk(records=9, identified=1, level=0.05, control="by", worlds_needed=3)},
            "1 record is identified",
        ),
    ],
)
def test_each_sign_makes_a_hint_that_names_it_and_says_how_many_worlds_would_do(signs, named, words, result_of):
    said = words(**NOTHING | signs)
    assert (said.kind, said.gate) == ("hint", "cannot-tell")
    assert named in said.summary
    found = worlds_for_auc_found(result_of(**NOTHING))
    assert f"An AUC as large as the one found here would be shown by about {found:,} such target worlds" in said.summary


@pytest.mark.parametrize("auc", [0.48, 0.5, 1.0])
def test_a_hint_at_an_auc_that_no_number_of_worlds_would_show_asks_for_worlds_that_show_another(auc, words):
    said = words(**NOTHING | {"auc": auc, "epsilon": 0.5, "epsilon_ceiling": 3.0})
    assert said.kind == "hint"
    assert re.search(r"An AUC of 0.7 would be detected with a probability of 80 % in about \d+ such", said.summary)


def test_hardly_any_data_could_have_shown_nothing(words):
    said = words(**CASES["too-few-worlds"])
    assert said.gate == "cannot-tell"
    assert said.summary.startswith("No leak could have been detected: there are too few worlds. ")
    assert re.search(r"Only an AUC of 0\.\d+ or more would have been detected", said.summary)
    assert re.search(r"An AUC of 0.7 would be detected with a probability of 80 % in about \d+ such", said.summary)


@pytest.mark.parametrize("unknown", [{"auc_error": None, "auc_freedom": None}, {"auc_error": 0.0}])
def test_without_an_error_no_precision_is_claimed(unknown, words):
    said = words(**NOTHING | unknown)
    assert (said.kind, said.gate) == ("too-few-worlds", "cannot-tell")
    assert "It is not known how large an AUC would have been detected" in said.summary


def test_a_reversed_attack_is_a_leak_and_is_flipped(words):
    said = words(**CASES["reversed"])
    assert said.gate == "fail"
    assert "reliably wrong" in said.summary.partition(". ")[0]
    assert "flipping them gives 0.700 (0.630 to 0.760)" in said.summary


def test_another_attack_that_is_reliably_wrong_is_a_leak_too(words, result_of):
    other = result_of(attack="direct-diff", auc=0.2, auc_simultaneous_ci=(0.1, 0.4))
    said = words(other, **NOTHING)
    assert (said.kind, said.gate) == ("reversed", "fail")
    assert "Another attack is reliably wrong: direct-diff with random-forest, with an AUC of 0.200" in said.summary


def test_an_attack_on_the_original_alone_says_nothing_about_the_update(words):
    assert "says nothing about what the update adds" in words(**CASES["leak-original"]).summary


def test_other_games_speak_of_their_own_roles(words):
    summary = words(game="retained-vs-unseen").summary
    assert summary.startswith("The update reveals retained records.")
    assert "records that are still in the training data from records that were never" in summary


def test_attacks_of_other_games_rows_and_defences_are_no_family(words, result_of):
    strangers = [
        result_of(attack="direct-diff", **other)
        for other in ({"game": "deleted-vs-retained"}, {"rows": "paper"}, {"defense": "top-1"}, {"adaptive": False})
    ]
    assert words(*strangers, **NOTHING).kind == "nothing-seen"


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
    assert "as fitted on this shadow data" in text
    assert "Only 2 attacks were tried" in text


def test_the_limits_state_which_epsilon_and_no_second_precision(words):
    plain, bounded = (" ".join(words(**more).limits) for more in ({}, {"epsilon": 1.25, "epsilon_ceiling": 3.5}))
    assert "Epsilon" not in plain
    assert "would be detected with" not in plain
    assert "Epsilon is at least 1.25 at a confidence of 95 %" in bounded
    assert "would have shown 3.50: a larger epsilon is not ruled out" in bounded


def test_the_limits_say_by_which_intervals_a_leak_is_claimed(words):
    assert any("97 % for the leading attack and of 98 % for all attacks at once" in limit for limit in words().limits)


def test_an_unknown_regime_or_view_is_stated_by_name(words):
    limits = words(regime="warm-start", view="gradients").limits
    assert any(limit.startswith("Regime: warm-start; ") for limit in limits)
    assert any("the view gradients" in limit for limit in limits)


def test_an_interval_of_one_attack_among_many_is_called_no_finding(words, result_of):
    other = result_of(attack="direct-diff", auc_simultaneous_ci=(0.49, 0.9))
    limits = words(other, **NOTHING).limits
    assert any(limit.startswith("1 of the 1 other attacks has a 95 % interval that excludes 0.5") for limit in limits)
    assert not any("excludes 0.5, each" in limit for limit in words(other).limits)
    shown = result_of(attack="direct-diff")
    assert "Other attacks with a simultaneous interval that excludes 0.5: 1 above 0.5, of 1." in words(shown).limits


def test_the_verdict_leads_with_all_rows(words, result_of):
    assert "0.800" in words(result_of(rows="paper", auc=0.9, auc_ci=(0.8, 0.95))).summary


def test_a_selected_attack_without_result_is_an_error(result_of, selected_of):
    with pytest.raises(AuditError, match="sorted-diff with mlp has no result"):
        verdict([result_of()], selected_of(result_of(attack_model="mlp")), "fixed")


def run_of(result_of, auc, error, worlds, **more):
    """A result whose intervals all come of one error."""

    def ends(confidence):
        half = stdtrit(worlds - 1, (1 + confidence) / 2) * error / (auc * (1 - auc))
        return tuple(float(expit(logit(auc) + side * half)) for side in (-1, 1))

    levels = {"auc_ci": 0.95, "auc_claim_ci": 0.97, "auc_hint_ci": 0.9, "auc_simultaneous_ci": 0.995}
    values = {name: ends(confidence) for name, confidence in levels.items()}
    return result_of(auc=auc, auc_error=error, auc_freedom=worlds - 1, n_worlds=worlds, **values | more)


@pytest.mark.parametrize("worlds", [5, 12, 40])
def test_an_attack_of_the_detectable_auc_is_claimed_in_eight_of_ten_runs(worlds, result_of):
    error = 0.2 / math.sqrt(worlds)
    least = detectable_auc(run_of(result_of, 0.5, error, worlds))
    rng = np.random.default_rng(3)
    found = rng.normal(logit(least), error / 0.25, size=40_000)
    # the error of a run of so many worlds varies as chi-square does
    errors = error / 0.25 * np.sqrt(rng.chisquare(worlds - 1, size=40_000) / (worlds - 1))
    assert 0.76 <= (found - stdtrit(worlds - 1, 0.985) * errors > 0).mean() <= 0.83


@given(auc=st.floats(0.505, 0.9), error=st.floats(0.005, 0.1), worlds=st.integers(2, 40))
def test_as_many_worlds_as_named_would_do_and_one_fewer_would_not(result_of, auc, error, worlds):
    result = run_of(result_of, auc, error, worlds)

    def with_worlds(count):
        return run_of(result_of, auc, error * math.sqrt(worlds / count), count)

    found = worlds_for_auc_found(result)
    if found is not None:
        assert with_worlds(found).auc_claim_ci[0] > 0.5
        assert found == worlds + 1 or with_worlds(found - 1).auc_claim_ci[0] <= 0.5
    worth = worlds_for_auc_worth_seeing(result)
    if worth is not None and auc < 0.6:
        # where it is no more than what was found, it is not given
        assert (detectable_auc(with_worlds(worth)) or 0.6) < 0.7
        assert worth == worlds + 1 or detectable_auc(with_worlds(worth - 1)) >= 0.7


def test_no_number_of_worlds_is_named_beyond_the_most(words):
    said = words(**NOTHING | {"auc": 0.5001, "epsilon": 0.5, "epsilon_ceiling": 1.0})
    assert "more than 1,000 such target worlds" in said.summary


@given(
    auc=st.floats(0.02, 0.98),
    error=st.floats(0.001, 0.2),
    worlds=st.integers(2, 12),
    factor=st.integers(2, 20),
    gain=st.floats(-0.3, 0.3),
    epsilon=st.sampled_from([None, 0.0, 0.4]),
)
def test_more_worlds_with_the_same_scores_never_weaken_a_verdict(result_of, auc, error, worlds, factor, gain, epsilon):
    strength = {"too-few-worlds": 0, "nothing-seen": 1, "hint": 1, "leak": 2, "reversed": 2, "leak-by-update": 3}
    kinds = []
    for count in (worlds, worlds * factor):
        narrowed = error * math.sqrt(worlds / count)
        reach = stdtrit(count - 1, 0.975) * narrowed
        result = run_of(
            result_of, auc, narrowed, count, auc_minus_classical_ci=(gain - reach, gain + reach), epsilon=epsilon
        )
        kinds.append(decide(Evidence(result)).kind)
    assert strength[kinds[0]] <= strength[kinds[1]]
    if kinds[0] == "hint":
        assert kinds[1] != "nothing-seen"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.99998, "0.99998"), (1.0, "1.000"), (0.9996, "0.9996"), (0.9994, "0.999"), (2e-5, "0.00002"), (0.0, "0.000"),
        (0.50003, "0.50003"), (0.5, "0.500"), (1 - 1e-15, "1.000"), (-3e-4, "−0.0003"),
    ],
)  # fmt: skip
def test_what_is_not_quite_nothing_guessing_or_certain_is_not_printed_as_such(value, said):
    assert number(value) == said
