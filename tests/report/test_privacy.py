"""The curve of leakage against epsilon: which attack stands on it."""

import pytest

from unlearn_audit.findings.sections import DefenseCost, PrivacySpent
from unlearn_audit.report.privacy import privacy_curve, privacy_plot


def with_attacks(findings, *results):
    """Findings of one private release and none, each with the given results."""
    spent = PrivacySpent(
        epsilon=2.0, delta=1e-5, neighbours="add or remove one record", noise_multiplier=1.0, max_grad_norm=1.0,
        sample_rate=0.1, steps=10,
    )  # fmt: skip
    released = tuple(
        DefenseCost(defense=defense, accuracy=0.8, brier=0.3, calibration_error=0.1, n=100, privacy=privacy)
        for defense, privacy in (("dp-sgd:2", spent), ("none", None))
    )
    of_both = [r.model_copy(update={"defense": of.defense}) for of in released for r in results]
    return findings.model_copy(update={"released": released, "results": tuple(of_both)})


@pytest.mark.parametrize("view", ["labels", "unlearned", "original"])
def test_an_attack_that_sees_no_two_posteriors_is_not_shown_as_the_pairs(findings, result_of, view):
    stronger = result_of(attack="another", attack_model=None, view=view, auc=0.97, shadow_auc=0.97)
    points = privacy_curve(with_attacks(findings, result_of(), stronger))
    assert [(p.defense, p.auc) for p in points] == [("dp-sgd:2", 0.8), ("none", 0.8)]


def test_an_attack_on_every_version_competes_with_those_on_the_pair(findings, result_of):
    stronger = result_of(attack="delta", attack_model=None, view="sequence", auc=0.97, shadow_auc=0.97)
    assert [p.auc for p in privacy_curve(with_attacks(findings, result_of(), stronger))] == [0.97, 0.97]


def test_a_release_without_an_attack_on_both_versions_has_no_point(findings, result_of):
    only = with_attacks(findings, result_of(view="labels"))
    assert privacy_curve(only) == ()
    assert privacy_plot(only) == ""
