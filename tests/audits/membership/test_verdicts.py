"""Whole audits of tables with a known truth, and the verdict on them."""

import numpy as np
import pytest

from unlearn_audit import audit_observations
from unlearn_audit.config import AuditConfig
from unlearn_audit.observations import Observations

WORLDS, PAIRS, UNSEEN = 8, 25, 4
CONFIG = AuditConfig.model_validate(
    {"features": ["direct-diff", "direct-concat"], "attack_models": ["logistic-regression"]}
)


def side(seed, change, known=0.0):
    """A table of deleted and unseen records of class 0: ``change(rng, deleted)`` says how log-odds move.

    The original is surer of members by ``known``.
    """
    rng = np.random.default_rng(seed)
    roles = np.tile(["deleted", *["unseen"] * UNSEEN], WORLDS * PAIRS)
    deleted = roles == "deleted"
    before = rng.normal(size=(len(roles), 3)) + np.outer(known * deleted, [1, 0, 0])
    logits = np.stack([before, before + change(rng, deleted)], axis=1)
    odds = np.exp(logits - logits.max(axis=2, keepdims=True))
    columns = {
        "world": np.repeat(np.arange(WORLDS), PAIRS * (UNSEEN + 1)),
        "request": np.tile(np.repeat(np.arange(PAIRS), UNSEEN + 1), WORLDS),
        "record": np.arange(len(roles)) + seed * len(roles),
        "role": roles,
        "label": np.zeros(len(roles), int),
    }
    return Observations.create(columns, odds / odds.sum(axis=2, keepdims=True), ["a", "b", "c"])


def nothing(rng, deleted):
    return np.zeros((len(deleted), 3))


def noise(rng, deleted):
    return rng.normal(scale=0.3, size=(len(deleted), 3))


def fall(rng, deleted):
    """The log-odds of a deleted record's class fall."""
    return noise(rng, deleted) - np.outer(0.8 * deleted, [1, 0, 0])


def mark(shows):
    """A fall, and a change of the two other classes whose sense shows the deleted, or nothing."""

    def change(rng, deleted):
        sense = np.where(deleted, 1.0, -1.0) if shows else rng.choice([-1.0, 1.0], size=len(deleted))
        return fall(rng, deleted) + np.outer(sense, [0, 1, -1])

    return change


def audited(shadow, target, **known):
    return audit_observations(side(1, shadow, **known), side(2, target, **known), config=CONFIG).findings


def test_where_no_answer_changed_it_is_said_and_the_release_goes_on():
    found = audited(nothing, nothing)
    assert found.moved == 0
    assert (found.verdict.kind, found.verdict.gate) == ("unchanged", "pass")
    assert found.verdict.summary.startswith("No answer changed between the versions, so the update reveals nothing. ")


def test_where_no_answer_changed_a_leak_of_the_original_is_not_laid_on_the_update():
    found = audited(nothing, nothing, known=1.0)
    assert (found.verdict.kind, found.verdict.gate) == ("unchanged", "fail")
    assert "the original model alone reveals deleted records" in found.verdict.summary.partition(". ")[0]


def test_a_leak_of_the_original_under_changes_at_random_is_not_laid_on_the_update():
    found = audited(noise, noise, known=1.0)
    assert found.moved == 1
    assert found.verdict.kind in ("leak", "leak-original")


@pytest.mark.parametrize("known", [0.0, 1.0])
def test_a_leak_of_the_change_is_laid_on_the_update(known):
    assert audited(fall, fall, known=known).verdict.kind == "leak-by-update"


def test_a_perfect_attack_is_a_leak_in_one_world_and_in_any_number_of_them():
    def plain(rng, deleted):
        return np.outer(rng.normal(scale=0.05, size=len(deleted)) - 3 * deleted, [1, 0, 0])

    shadow, target = side(1, plain), side(2, plain)
    low = 0.0
    for worlds in (1, 2, 3, 5, WORLDS):
        found = audit_observations(shadow, target.select(target.worlds < worlds), config=CONFIG).findings
        leading = found.leading()
        # of two worlds the attack on the original alone may still vary a lot, and with it the difference
        assert leading.auc == 1
        assert found.verdict.kind in ("leak", "leak-by-update")
        assert low < leading.auc_ci[0] < leading.auc_ci[1] == 1
        low = leading.auc_ci[0]


def test_changes_at_random_show_nothing():
    found = audited(noise, noise)
    assert (found.verdict.kind, found.verdict.gate) == ("nothing-seen", "pass")
    assert found.warnings == ()


def test_a_chosen_attack_that_collapses_on_the_target_hides_no_leak_and_is_a_warning():
    found = audited(mark(True), mark(False))
    leading = found.leading()
    assert leading.attack.startswith("direct-")
    assert leading.shadow_auc > 0.95
    assert found.verdict.gate == "fail"
    assert "Another attack shows it: " in found.verdict.summary or leading.auc_claim_ci[0] > 0.5
    assert any("the attack chosen, direct-" in text and "further apart" in text for text in found.warnings)
