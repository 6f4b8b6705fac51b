"""What every attack must do, run over all that are registered."""

import dataclasses

import numpy as np
import pytest

from unlearn_audit.attacks import ATTACK_MODELS, GAMES, PAPER_FEATURES, learned_attacks
from unlearn_audit.attacks.base import label
from unlearn_audit.metrics import auc
from unlearn_audit.observations.views import LabelledView, blind

ATTACKS = learned_attacks(PAPER_FEATURES, ATTACK_MODELS)
GAME = GAMES["deleted-vs-unseen"]


def sides(table, attack, leak=4.0):
    shadow, target = table(seed=1, worlds=6, pairs=10, leak=leak), table(seed=2, worlds=6, pairs=10, leak=leak)
    rows = GAME.rows(shadow, "shadow"), GAME.rows(target, "target")
    labelled = LabelledView(blind(shadow, attack.view, rows[0]), shadow.roles[rows[0]] == "deleted")
    return labelled, blind(target, attack.view, rows[1]), target.roles[rows[1]] == "deleted"


@pytest.fixture(params=ATTACKS, ids=label)
def attack(request):
    return request.param


def test_scores_are_probabilities_one_a_row_and_repeat(attack, table):
    shadow, target, _ = sides(table, attack)
    first, again = (attack.fit(shadow, seed=3).score(target) for _ in range(2))
    assert first.shape == (len(target),)
    assert ((first >= 0) & (first <= 1)).all()
    assert np.array_equal(first, again)


def test_the_order_of_rows_and_the_company_of_others_change_nothing(attack, table):
    shadow, target, _ = sides(table, attack)
    fitted = attack.fit(shadow, seed=3)
    scores = fitted.score(target)
    order = np.random.default_rng(0).permutation(len(target))
    assert np.allclose(fitted.score(target.take(order)), scores[order], atol=1e-12)
    for i in (0, 7):
        assert np.allclose(fitted.score(target.take(np.array([i]))), scores[i], atol=1e-12)


def test_constant_posteriors_give_half(attack, table):
    shadow, target, positive = sides(table, attack)
    constant = dataclasses.replace(target, posteriors=np.full_like(target.posteriors, 1 / target.posteriors.shape[2]))
    assert auc(attack.fit(shadow, seed=3).score(constant), positive) == 0.5


def test_a_planted_leak_is_found_with_the_right_sign(attack, table):
    if attack.view == "original":
        pytest.skip("the plant is in the change")
    shadow, target, positive = sides(table, attack, leak=15.0)
    found = auc(attack.fit(shadow, seed=3).score(target), positive)
    assert found > (0.75 if "concat" not in attack.name and attack.attack_model != "mlp" else 0.5)


def test_no_leak_is_invented(attack, table):
    shadow, target, positive = sides(table, attack, leak=0.0)
    assert abs(auc(attack.fit(shadow, seed=3).score(target), positive) - 0.5) < 0.15


def test_fitting_leaves_the_attack_itself_untouched(attack, table):
    shadow, _, _ = sides(table, attack)
    fitted = attack.fit(shadow, seed=3)
    assert attack.model_ is None
    assert fitted.model_ is not None
