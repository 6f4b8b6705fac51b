"""What is said of a method beside exact retraining, in every corner."""

import re

import pytest

from made_arms import attack, best, comparison
from unlearn_audit.audits.methods.findings import reading_of
from unlearn_audit.findings.comparison import EpsilonMeasured, Klom, Measured
from unlearn_audit.report.three_arms import ARMS_COLUMNS, arms_plot, arms_rows, arms_words, epsilon_words


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0.02, 0.2), "scrub gives the deletion away more than exact retraining"),
        ((-0.2, -0.02), "scrub gives the deletion away less than exact retraining"),
        ((-0.1, 0.1), "scrub cannot be told apart from exact retraining here"),
        ((0.0, 0.1), "scrub cannot be told apart from exact retraining here"),
    ],
)
def test_the_interval_decides(ends, said):
    first, *_ = arms_words(comparison(update=best(ends)))
    assert first.startswith(said)
    assert ("would have been detected with a probability of 80 %" in first) == ("cannot" in said)


def test_what_could_not_have_been_seen_is_said():
    for seen, said in (
        (None, "it is not known how large a difference would have been detected"),
        (0.5, "only a difference above 0.5 w"),
    ):
        first, *_ = arms_words(comparison(update=best((-0.5, 0.5), seen=seen)))
        assert said in first


@pytest.mark.parametrize("ends", [(0.02, 0.2), (-0.2, -0.02)])
def test_a_method_that_changed_nothing_gives_nothing_away_whatever_two_fits_make_of_it(ends):
    first, *others = arms_words(comparison(moved=0.0, update=best(ends), attacks=(attack(ends=ends),)))
    assert first == "scrub changed no answer: nothing was forgotten, and the update reveals nothing."
    assert not any("attacks, each read separately" in of for of in others)


def test_answers_of_retraining_are_named_and_not_compared_any_more():
    words = arms_words(comparison(apart=0.0, residual=best((0.1, 0.2))))
    assert words == ("scrub answers exactly as retraining does, so both give away the same.",)


def test_nothing_is_called_forgotten_or_not_where_retraining_changes_nothing_either():
    found = comparison(moved=0.0, apart=0.0)
    assert arms_words(found) == ("scrub answers exactly as retraining does, so both give away the same.",)
    assert reading_of(found) == "as-retraining"


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0.05, 0.2), "recognised better than after exact retraining: they are not forgotten"),
        (
            (-0.2, -0.05),
            "recognised less well than after exact retraining: over-forgotten, which gives them away as well",
        ),
    ],
)
def test_the_margin_says_which_way_the_unlearned_model_errs(ends, said):
    alone = attack("margin-unlearned", "unlearned", ends)
    found = comparison(attacks=(attack(), alone), residual=best((0.05, 0.2)))
    assert any(said in of for of in arms_words(found))


def test_without_a_direction_the_best_attack_is_read():
    more, same = (
        [of for of in arms_words(comparison(residual=best(ends))) if "unlearned model alone" in of]
        for ends in ((0.05, 0.2), (-0.1, 0.1))
    )
    assert "deleted records are recognised more often than after exact retraining" in more[0]
    assert "the two cannot be told apart" in same[0]


def test_an_auc_below_one_half_is_a_distance():
    first, *_ = arms_words(comparison(update=best((0.05, 0.2), one=0.2, other=0.6)))
    assert "in the distance from 0.5" in first


def test_single_attacks_stand_apart_from_what_is_claimed_and_the_original_alone_says_nothing():
    attacks = (attack("a", ends=(0.01, 0.2)), attack("b", ends=(-0.2, -0.01)), attack("c", "original", (0.01, 0.2)))
    (said,) = (of for of in arms_words(comparison(attacks=attacks)) if of.startswith("Of 3 attacks"))
    assert "1 shows more than under retraining (a) and 1 shows less than under retraining (b)." in said


def test_other_regimes_are_said():
    assert any(
        "different regimes (fresh; fixed)" in of
        for of in arms_words(comparison(update=best((-0.1, 0.1), regime="fresh")))
    )


def test_distances_are_stated_with_what_chance_shows():
    klom = Klom(
        role="deleted", records=30, models=20, mean=None, median=None, high=None, infinite=2, noise=0.2, histogram=3.0
    )
    (said,) = (of for of in arms_words(comparison(klom=(klom,))) if of.startswith("KLOM"))
    assert "deleted infinite (95 % of 30 records below –)" in said
    assert "If nothing differs, 95 % of records are below 0.20." in said


@pytest.mark.parametrize(
    ("at_least", "certified", "said"),
    [
        (0.3, None, "could have been shown)."),
        (0.3, 1.0, "scrub states at most 1.00, which this result does not contradict."),
        (1.3, 1.0, "it does not hold here, or those models differ from retrained ones just as much."),
    ],
)
def test_a_certificate_is_no_more_than_it_says(at_least, certified, said):
    found = EpsilonMeasured(at_least=at_least, ceiling=4.0, delta=1e-5, certified=certified)
    assert epsilon_words("scrub", found).endswith(said)


def test_weights_that_stayed_are_known_even_where_answers_moved():
    weights = Measured(name="moved.weights", mean=0.0, retrained=1.0, none=0.0, difference=-1.0, difference_ci=None)
    assert comparison(measures=(weights,)).weights_unchanged
    assert not comparison().weights_unchanged
    assert comparison(moved=0.0).weights_unchanged


def test_the_table_has_a_cell_for_every_column_and_the_plot_every_attack():
    found = comparison(attacks=(attack("a<b"), attack("c", "original"), attack("d", "unlearned")))
    assert all(len(cells) == len(ARMS_COLUMNS) for _, cells in arms_rows(found))
    plot = arms_plot(found)
    assert "a&lt;b" in plot
    assert "a<b" not in plot
    assert not re.search(r"https?://(?!www\.w3\.org)", plot)
