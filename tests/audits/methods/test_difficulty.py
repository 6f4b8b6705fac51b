"""Difficulty is read where the noise of the attacked model does not reach, or is marked."""

import numpy as np
import pandas as pd
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


@pytest.mark.parametrize("sign", [1, -1])
def test_losses_are_looked_up_by_world_and_record(sign):
    """One loss follows the leak of each row; the same records in other worlds have others."""
    sides = SideTables(noise(1, True), noise(2, True))
    game, attack = GAMES["deleted-vs-unseen"], CATALOGUE["margin-difference"]
    played, _ = play_arm(game, [attack], sides, "these", 0, 1, lambda: None)
    rows, positive = played.rows, played.positive
    losses = pd.DataFrame(
        {
            "world": rows.worlds[positive],
            "request": -1,
            "name": [f"difficulty.per-instance-loss.{of}" for of in rows.records[positive]],
            "value": sign * played.leading.scores[positive],
        }
    )
    moved = pd.DataFrame({"world": [0], "request": [0], "name": ["moved.weights"], "value": [1.0]})
    measures = pd.concat([losses.sample(frac=1, random_state=0), moved], ignore_index=True)
    groups, trends = by_difficulty(played, played, sides, measures)
    (trend,) = (of for of in trends if of.by == "per-instance-loss")
    assert trend.rank_correlation == pytest.approx(sign, abs=0.01)
    assert trend.coupled
    aucs = [of.auc for of in groups if of.by == "per-instance-loss"]
    assert aucs == sorted(aucs, reverse=sign < 0)
    assert not any(of.by == "per-instance-loss" for of in by_difficulty(played, played, sides, moved)[1])
