"""Every attack on three arms: paired, two-sided, and right about nothing where there is nothing."""

import dataclasses

import numpy as np
import pytest

from unlearn_audit.attacks import GAMES
from unlearn_audit.attacks.base import label
from unlearn_audit.attacks.catalogue import CATALOGUE
from unlearn_audit.attacks.learned.classifier import LearnedAttack
from unlearn_audit.config import AuditConfig
from unlearn_audit.findings.assess import assess
from unlearn_audit.findings.attack_plan import AttackPlan, available_in_tables
from unlearn_audit.findings.tables import NONE, RETRAINING, SideTables
from unlearn_audit.findings.three_arms import compare_arms, play_arm
from unlearn_audit.metrics import auc_difference

GAME = GAMES["deleted-vs-unseen"]
FAST = [CATALOGUE[name] for name in ("score-difference", "margin-difference", "score-ratio", "margin-unlearned")]


def arm(table, seed, leak=0.0, known=0.0):
    """The same worlds, originals, deletions and queries under another method.

    A deletion lowers the first logit of the deleted record by ``leak``, and raises the label's by ``known``.
    """
    rng = np.random.default_rng(seed)
    logits = np.log(table.posteriors[:, 0].astype(np.float64))
    logits += rng.normal(0, 0.05, logits.shape)
    deleted = np.flatnonzero(table.roles == "deleted")
    logits[deleted, 0] -= leak
    logits[deleted, table.rows["label"].to_numpy()[deleted]] += known
    unlearned = np.exp(logits - logits.max(axis=1, keepdims=True))
    unlearned /= unlearned.sum(axis=1, keepdims=True)
    return dataclasses.replace(
        table, posteriors=np.stack([table.posteriors[:, 0], unlearned.astype(np.float32)], axis=1)
    )


def compared(table, seed, method, retrained, attacks=FAST, worlds=8):
    """Compare two ways of unlearning, each given by `arm`'s settings, on made-up worlds."""
    shadow, target = table(seed=seed, side="shadow", worlds=worlds), table(seed=seed + 1, worlds=worlds)
    arms = []
    for i, settings in enumerate((method, retrained)):
        sides = SideTables(arm(shadow, seed + 2 + i, **settings), arm(target, seed + 4 + i, **settings))
        played, _ = play_arm(GAME, attacks, sides, "these", 0, 1, lambda: None)
        arms.append((played, sides))
    return compare_arms("a method", *arms), arms


@pytest.mark.parametrize(
    ("n", "leak", "most"),
    [(30, 0.06, 4), *(pytest.param(200, leak, 18, marks=pytest.mark.slow) for leak in (0.0, 0.06))],
)
def test_a_method_that_is_like_retraining_is_told_apart_in_5_percent_at_most(table, n, leak, most):
    """The whole pipeline, with fresh noise on either arm: choice on shadow worlds, all claims of a comparison.

    The most that is allowed for is what a binomial of 5 % stays within with a probability of 98 %.
    """
    wrong = 0
    for seed in range(n):
        found, _ = compared(table, 10 * seed, {"leak": leak}, {"leak": leak})
        wrong += found.update.side != "same" or any(found.others) or found.direction != "same"
    assert wrong <= most


def test_what_gives_more_away_is_more_and_what_gives_less_is_less(table):
    more, _ = compared(table, 0, {"known": -0.1}, {}, worlds=12)
    less, _ = compared(table, 0, {}, {"known": -0.1}, worlds=12)
    assert more.update.side == "more"
    assert less.update.side == "less"
    assert more.update.excess == pytest.approx(-less.update.excess, abs=0.1)
    assert {of.attack for of in more.others[0]} >= {"score-difference", "margin-difference"}


def test_the_unlearned_model_alone_says_which_way(table):
    """Margins that are higher after the method than after retraining: not forgotten; lower: over-forgotten."""
    remembered, _ = compared(table, 0, {"known": 2.5}, {})
    over, _ = compared(table, 0, {"known": -2.5}, {})
    assert remembered.direction == "remembered"
    assert over.direction == "over-forgotten"
    # whoever is reliably wrong knows as much
    assert over.residual.unlearned.auc < 0.5
    assert over.residual.excess > 0


def test_every_attack_of_the_first_game_runs_on_every_arm(table):
    sides = {side: table(seed=seed, side=side, worlds=6) for seed, side in enumerate(("shadow", "target"))}
    tables = {
        name: SideTables(*(arm(of, 5 + i, leak) for of in sides.values()))
        for i, (name, leak) in enumerate((("none", 0.2), (RETRAINING, 0.1), (NONE, 0.0)))
    }
    config = AuditConfig.model_validate(
        {"unlearning": "sisa", "features": ["sorted-diff"], "attack_models": ["logistic-regression"]}
    )
    plan = AttackPlan.of(config, available_in_tables(config, tables))
    calls = []
    found = assess(tables, plan, progress=lambda: calls.append(0))
    ran = {label(of) for of in plan.by_game["deleted-vs-unseen"].runs}
    assert {of.label for of in found.arms.attacks} == ran
    assert all(of.none is not None for of in found.arms.attacks)
    assert len(calls) == plan.n_fits(list(tables)) == 3 * len(ran)
    first = {(r.attack, r.attack_model): r for r in found.results if r.rows == "all"}
    for of in found.arms.attacks:
        assert (of.unlearned.auc, of.unlearned.auc_ci) == (
            first[of.attack, of.attack_model].auc,
            first[of.attack, of.attack_model].auc_ci,
        )
        # all at once is wider than one alone
        assert of.excess_all_ci[0] <= of.excess_ci[0] <= of.excess <= of.excess_ci[1] <= of.excess_all_ci[1]
    assert found.retraining.difference == next(
        of.difference for of in found.arms.attacks if of.attack == found.selected.attack
    )


def test_differences_are_paired_by_row(table):
    found, (method, retrained) = compared(table, 0, {"leak": 0.1}, {"leak": 0.05})
    for of in found.attacks:
        scores = [
            next(o.scores for o in played.outcomes if o.attack.name == of.attack) for played, _ in (method, retrained)
        ]
        expected = auc_difference(*scores, method[0].positive, method[0].clusters)
        assert (of.difference, of.difference_ci) == (expected.value, expected.interval)


def test_the_best_attack_of_each_arm_is_chosen_on_its_own_shadow_worlds(table):
    attacks = [*FAST, LearnedAttack("sorted-diff", "logistic-regression")]
    found, arms = compared(table, 3, {"leak": 0.2}, {"leak": 0.1}, attacks)
    for name, (played, _) in zip((found.update.unlearned_attack, found.update.retrained_attack), arms, strict=True):
        of_versions = [o for o in played.outcomes if o.attack.view == "pair"]
        assert name == label(max(of_versions, key=lambda o: o.shadow_auc).attack)


def test_what_is_seen_agrees_with_the_interval(table):
    """A difference as large as would have been seen lies outside of the claiming interval of no difference."""
    found, _ = compared(table, 0, {"leak": 0.05}, {"leak": 0.05})
    best = found.update
    assert best.seen > (best.excess_claim_ci[1] - best.excess_claim_ci[0]) / 2


def test_arms_that_do_not_differ_are_known_as_such(table):
    sides = SideTables(table(seed=0, side="shadow", worlds=6), table(seed=1, worlds=6))
    played = play_arm(GAME, FAST, sides, "these", 0, 1, lambda: None)[0], sides
    found = compare_arms("a method", played, played, played)
    assert (found.apart, found.update.excess, found.update.seen) == (0, 0, None)
    assert found.moved > 0
    still = SideTables(*(dataclasses.replace(of, posteriors=of.posteriors[:, [0, 0]]) for of in sides))
    nothing = play_arm(GAME, FAST, still, "these", 0, 1, lambda: None)[0], still
    found = compare_arms("a method", nothing, played)
    assert (found.moved, found.weights_unchanged) == (0, True)
