"""The whole path from tables to an interval, simulated: nominal where nothing leaks, nominal where something does."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from unlearn_audit.attacks import GAMES, LearnedAttack
from unlearn_audit.attacks.run import run_attacks
from unlearn_audit.metrics import auc_interval
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import LabelledView, attacker_view
from unlearn_audit.utils.threads import one_thread

REPETITIONS = 1000
STAGED = 20
"""Repetitions that go through the whole stage, of which the others take what makes the scores."""

WORLDS, PAIRS, UNSEEN = 10, 5, 2
GAME = GAMES["deleted-vs-unseen"]
ATTACK = LearnedAttack("euclidean-distance", "logistic-regression")


DELETED = np.tile([True] + [False] * UNSEEN, WORLDS * PAIRS)
WORLD = np.repeat(np.arange(WORLDS), PAIRS * (1 + UNSEEN))
REQUEST = np.tile(np.repeat(np.arange(PAIRS), 1 + UNSEEN), WORLDS)
UNCHANGED = Observations.create(
    {"role": np.where(DELETED, "deleted", "unseen"), "world": WORLD, "request": REQUEST},
    np.full((len(WORLD), 2, 2), 0.5),
    ["no", "yes"],
)


def draw(rng, shift, world_spread=0.5, pair_spread=0.5) -> Observations:
    """A table whose change of posterior is a number with effects of world and pair, larger by ``shift`` if deleted."""
    size = rng.normal(size=len(WORLD)) + shift * DELETED
    size += (
        world_spread * rng.normal(size=WORLDS)[WORLD]
        + pair_spread * rng.normal(size=WORLDS * PAIRS)[WORLD * PAIRS + REQUEST]
    )
    moved = 0.4 / (1 + np.exp(-size))
    posteriors = UNCHANGED.posteriors.copy()
    posteriors[:, 1] += np.stack([moved, -moved], axis=1)
    return dataclasses.replace(UNCHANGED, posteriors=posteriors)


def shuffled_within_worlds(table, rng):
    """The same table with its roles dealt anew inside each world."""
    roles = rng.permuted(table.roles.reshape(WORLDS, -1), axis=1).ravel()
    return dataclasses.replace(table, rows=table.rows.assign(role=roles))


def scores_of(shadow, target):
    """Fit on the shadow table and score the target, without the cross-validation that judges an attack."""
    seen, asked = (attacker_view(table, ATTACK.view, np.ones(len(table), bool)) for table in (shadow, target))
    return ATTACK.fit(LabelledView(seen, shadow.roles == GAME.positive), 0).score(asked)


def share_covered(make_pair, truth):
    covered = 0
    for repetition in range(REPETITIONS):
        shadow, target = make_pair(np.random.default_rng([20260101, repetition]))
        with one_thread():
            scores = scores_of(shadow, target)
        if repetition < STAGED:
            outcome = run_attacks([ATTACK], GAME, shadow, [target], repetition, 1, lambda: None).scores[0][0]
            assert np.array_equal(outcome.scores, scores)
        estimate = auc_interval(scores, target.roles == GAME.positive, target.worlds)
        covered += estimate.low <= truth <= estimate.high
    return covered / REPETITIONS


def test_roles_shuffled_within_worlds_cover_one_half_at_the_nominal_rate():
    base = draw(np.random.default_rng(1), shift=1.0), draw(np.random.default_rng(2), shift=1.0)
    covered = share_covered(lambda rng: [shuffled_within_worlds(table, rng) for table in base], 0.5)
    # few worlds cover more: an interval is never narrower than if answers were independent
    assert 0.93 <= covered <= 0.98


def test_a_planted_auc_of_eight_tenths_is_covered_at_the_nominal_rate():
    def truth(shift, world=0.5, pair=0.5):
        """Expected AUC over all pairs of rows: of one pair, of one world, of two worlds."""
        spreads = np.sqrt(2 + 2 * np.array([0, pair**2, pair**2 + world**2]))
        share = np.array([1, PAIRS - 1, PAIRS * (WORLDS - 1)]) / (PAIRS * WORLDS)
        return float(share @ norm.cdf(shift / spreads))

    shift = brentq(lambda s: truth(s) - 0.8, 0, 5)
    assert truth(shift) == pytest.approx(0.8)
    # an attacker with the sign right: its shadow table leaks as the target does
    covered = share_covered(lambda rng: (draw(rng, shift), draw(rng, shift)), 0.8)
    # few worlds cover more: an interval is never narrower than if answers were independent
    assert 0.93 <= covered <= 0.98
