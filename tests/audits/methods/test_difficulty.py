"""Difficulty is read where the noise of the attacked model does not reach, or is marked."""

import numpy as np
import pytest

from unlearn_audit.attacks import GAMES
from unlearn_audit.attacks.catalogue import CATALOGUE
from unlearn_audit.audits.methods.difficulty import by_difficulty, in_other_worlds
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.findings.three_arms import play_arm
from unlearn_audit.observations import Observations

ROLES = ("deleted", "unseen", "retained")


def noise(seed, recurring, worlds=18, records=30):
    """Worlds of which every model answers at random."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-rng.normal(size=worlds * records)))
    world, record = np.repeat(np.arange(worlds), records), np.tile(np.arange(records), worlds)
    columns = {
        "dataset": ["made"] * len(p),
        "side": ["target"] * len(p),
        "world": world,
        "request": np.zeros(len(p), dtype=int),
        "record": record if recurring else record + records * world,
        "role": [ROLES[turn] for turn in (record + world) % 3],
        "paper": [True] * len(p),
        "label": np.ones(len(p), dtype=int),
    }
    last = np.stack([1 - p, p], axis=1)
    return Observations.create(columns, np.stack([np.full_like(last, 0.5), last], axis=1), ("no", "yes"))


@pytest.mark.parametrize("recurring", [True, False])
def test_noise_alone_is_no_trend_or_is_marked(recurring):
    sides = SideTables(noise(1, recurring), noise(2, recurring))
    game, attack = GAMES["deleted-vs-unseen"], CATALOGUE["margin-difference"]
    played, _ = play_arm(game, [attack], sides, "these", 0, 1, lambda: None)
    groups, trends = by_difficulty(played, played, sides)
    (trend,) = (of for of in trends if of.by == "margin-retrained")
    low, high = trend.rank_correlation_ci
    assert (low <= 0 <= high) == recurring
    assert {of.coupled for of in groups if of.by == "margin-retrained"} == {trend.coupled} == {not recurring}


def test_a_margin_is_that_of_other_worlds():
    rng = np.random.default_rng(0)
    records, worlds, values = rng.integers(0, 9, 80), rng.integers(0, 4, 80), rng.normal(size=80)
    found = in_other_worlds(values, records, worlds)
    for i in range(80):
        others = values[(records == records[i]) & (worlds != worlds[i])]
        assert found[i] == pytest.approx(others.mean() if len(others) else np.nan, nan_ok=True)
