"""KLOM by role, and epsilon of unlearned beside retrained models."""

import dataclasses

import numpy as np
import pytest

from unlearn_audit.findings.distances import epsilon_measured, klom_by_role
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.metrics import FEWEST_MODELS
from unlearn_audit.observations import Observations

ROLES = ("deleted", "unseen", "retained")


def per_record(seed, shift=0.0, spread=1.0, worlds=60, records=30):
    """Worlds that audit the same records: margins of the last version are normal, of the deleted shifted."""
    rng = np.random.default_rng(seed)
    turns = (np.arange(records)[None] + np.arange(worlds)[:, None]) % 3
    phi = rng.normal(size=(worlds, records))
    phi = np.where(turns == 0, shift + spread * phi, phi).ravel()
    p = 1 / (1 + np.exp(-phi))
    columns = {
        "dataset": ["made"] * len(p),
        "side": ["target"] * len(p),
        "world": np.repeat(np.arange(worlds), records),
        "request": np.zeros(len(p), dtype=int),
        "record": np.tile(np.arange(records), worlds),
        "role": [ROLES[turn] for turn in turns.ravel()],
        "paper": [True] * len(p),
        "label": np.ones(len(p), dtype=int),
    }
    last = np.stack([1 - p, p], axis=1)
    return Observations.create(columns, np.stack([np.full_like(last, 0.5), last], axis=1), ("no", "yes"))


def sides(*seeds, **changes):
    shadow, target = (per_record(seed, **changes) for seed in seeds)
    return SideTables(shadow, target)


def test_models_of_both_sides_count_and_the_figure_is_that_of_two_normal_distributions():
    found = {of.role: of for of in klom_by_role(sides(1, 2, shift=1.0), sides(3, 4))}
    assert set(found) == {"deleted", "retained", "unseen"}
    assert (found["deleted"].records, found["deleted"].models) == (30, 40)
    assert found["deleted"].mean == pytest.approx(0.5, abs=0.15)
    for role in ("retained", "unseen"):
        assert found[role].mean == pytest.approx(0.0, abs=0.04)
        assert found[role].high < 3 * found[role].noise


def test_the_same_models_are_at_no_distance():
    same = sides(1, 2)
    assert {(of.mean, of.median, of.infinite) for of in klom_by_role(same, same)} == {(0.0, 0.0, 0)}


def test_records_with_few_models_have_no_figure():
    few = sides(1, 2, worlds=9)
    assert FEWEST_MODELS > 2 * 9 / 3
    assert klom_by_role(few, few) == ()


def test_without_labels_there_are_no_figures():
    def unlabelled(tables):
        return SideTables(*(dataclasses.replace(of, rows=of.rows.assign(label=-1)) for of in tables))

    one, other = unlabelled(sides(1, 2)), unlabelled(sides(3, 4))
    assert klom_by_role(one, other) == ()
    assert epsilon_measured(one, other) is None


def test_no_epsilon_where_both_are_the_same_or_nothing_could_have_been_shown():
    one, other = sides(1, 2), sides(3, 4)
    assert epsilon_measured(one, one) is None
    assert epsilon_measured(one, other, (1.0, 0.9999)) is None


@pytest.mark.parametrize("shift", [4.0, -4.0])
def test_epsilon_is_seen_on_either_side(shift):
    found = epsilon_measured(sides(1, 2, shift=shift), sides(3, 4), (0.5, 1e-5))
    assert 1.5 < found.at_least <= found.ceiling
    assert (found.certified, found.delta) == (0.5, 1e-5)


def test_epsilon_is_above_0_in_5_percent_where_nothing_differs():
    small = {"worlds": 24, "records": 12}
    found = [
        epsilon_measured(sides(4 * i, 4 * i + 1, **small), sides(4 * i + 2, 4 * i + 3, **small)) for i in range(20)
    ]
    assert sum(of.at_least > 0 for of in found) <= 3
