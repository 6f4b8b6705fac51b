"""Findings beside those of single attacks, in words."""

import pytest

from unlearn_audit.findings.result import Result
from unlearn_audit.findings.sections import (
    DeletionTime,
    PaperComparison,
    RoleResult,
    ThreeWay,
)
from unlearn_audit.report.further import deletion_time_words, paper_words, three_way_words


def leading(attack="pair-scale", model=None):
    return Result(
        attack=attack,
        attack_model=model,
        game="deleted-vs-unseen",
        view="pair",
        rows="all",
        n_positive=100,
        n_negative=100,
        n_worlds=10,
        interval_unit="world",
        auc=0.9,
        auc_ci=(0.85, 0.93),
        auc_claim_ci=(0.84, 0.94),
        auc_hint_ci=(0.86, 0.92),
        tpr_at_fpr={},
        tpr_at_fpr_ci={},
        realised_fpr={},
        accuracy=0.8,
        accuracy_ci=(0.7, 0.9),
    )


@pytest.mark.parametrize(
    ("ends", "reading"),
    [
        ((0.01, 0.1), "better"),
        ((-0.009, 0.1), "not worse by more than 0.01"),
        ((-0.1, -0.02), "worse"),
        ((-0.1, 0.1), "which is better is not shown"),
    ],
)
def test_the_comparison_says_what_its_interval_shows(ends, reading):
    found = PaperComparison(
        attack="sorted-diff",
        attack_model="mlp",
        auc=0.8,
        tpr=None,
        difference=sum(ends) / 2,
        difference_ci=ends,
    )
    words = paper_words(found, leading())
    assert words.endswith(f": {reading}.")
    assert "sorted-diff with mlp, reaches 0.800" in words
    assert paper_words(found, leading("sorted-diff", "mlp")) == ""


@pytest.mark.parametrize(
    ("ends", "reading"),
    [
        ((0.1, 0.2), "is raised by the update"),
        ((-0.2, -0.1), "is lowered by it"),
        ((-0.1, 0.1), "is not shown to change"),
    ],
)
def test_the_risk_of_those_who_remain_is_read_off_its_interval(ends, reading):
    role = RoleResult(role="deleted", n=5, auc=0.9, auc_ci=(0.8, 0.95), added=0.3, added_ci=(0.2, 0.4))
    found = ThreeWay(
        macro_auc=0.7,
        macro_auc_ci=(0.6, 0.8),
        roles=(role,),
        retained_auc=0.6,
        retained_auc_ci=(0.5, 0.7),
        retained_added=sum(ends) / 2,
        retained_added_ci=ends,
        mia_efficacy=0.5,
        mia_efficacy_ci=(0.4, 0.6),
    )
    assert f"The risk of those who remain {reading}:" in three_way_words(found)
    assert ("The risk of those who remain does not change, since no answer changed:") in three_way_words(
        found, moved=False
    )


def test_the_time_of_a_deletion_stands_beside_a_guess():
    found = DeletionTime(
        statistic="delta-scaled", updates=5, n=1000, right=0.9, right_ci=(0.85, 0.95), mean_distance=0.123
    )
    words = deletion_time_words(found)
    assert "0.900 of 1,000 cases" in words
    assert "guessing: 0.200" in words
    assert "0.12 updates off" in words
