"""Nobody is asked or deleted a second time before everybody was once, whatever the sizes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearn_audit.config import DataConfig, ScenarioConfig, WorldsConfig
from unlearn_audit.worlds import plan_worlds, split_records
from unlearn_audit.worlds.design import turn
from unlearn_audit.worlds.persons import Persons
from unlearn_audit.worlds.prepare import prepare

SIDES = ("shadow", "target")


@given(st.integers(1, 60), st.data(), st.integers(0, 9))
def test_turns_go_round(m, data, seed):
    n, rounds = data.draw(st.integers(0, m)), data.draw(st.integers(1, 40))
    values = 3 * np.arange(m)[::-1]
    turns = [turn(values, n, index, seed, 1) for index in range(rounds)]
    assert all(len(set(of)) == n for of in turns)
    _, counts = np.unique(np.concatenate([values, *turns]), return_counts=True)
    assert len(counts) == m
    assert np.ptp(counts) <= (n * rounds % m > 0)
    # whoever comes later changes nothing, and another order comes of another key
    assert np.array_equal(turns[-1], turn(values, n, rounds - 1, seed, 1))


def test_laps_differ_and_so_do_keys():
    laps = [tuple(turn(np.arange(50), 50, index, 0)) for index in range(5)]
    assert laps[0] == tuple(turn(np.arange(50), 50, 0, 0))
    halves = [frozenset(turn(np.arange(50), 10, index, 0)) for index in range(0, 50, 5)]
    assert len(set(halves)) == len(halves)
    assert len({tuple(turn(np.arange(50), 50, 0, seed, key)) for seed in range(3) for key in range(3)}) == 9


@pytest.mark.parametrize("index", [0, 2, 3, 7])
def test_everybody_is_as_likely_to_have_any_turn(index):
    draws = 3000
    counts = np.bincount(np.concatenate([turn(np.arange(11), 4, index, seed) for seed in range(draws)]), minlength=11)
    p = 4 / 11
    # (11 - 1) degrees of freedom of a multinomial whose draws exclude each other
    statistic = ((counts - draws * p) ** 2).sum() / (draws * p * (1 - p)) * (10 / 11)
    assert statistic < 29.6  # 99.9 %


def planned(n, codes, scenario, seed, **sizes):
    persons = Persons(codes)
    wanted = WorldsConfig(**{"retained": 1, **sizes})
    split = split_records(persons, seed)
    plans, _ = plan_worlds(split, persons, wanted, ScenarioConfig.model_validate(scenario), seed, "people", SIDES)
    return plans


def asked(queries, role):
    return np.concatenate([query.positions[query.roles == role] for query in queries])


def most(records, pool):
    """How often the one asked most often is, and how often it must be."""
    return np.unique(records, return_counts=True)[1].max(), -(-len(records) // len(pool))


SCENARIOS = st.sampled_from(
    ["single", "online", {"name": "group", "size": 4}, {"name": "multi-version", "versions": 3}, "retained"]
)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(200, 1500),
    SCENARIOS,
    st.integers(1, 12),
    st.integers(0, 40),
    st.integers(0, 60),
    st.integers(1, 9),
    st.integers(0, 5),
)
def test_unseen_and_deleted_records_are_spread_over_the_table(n, scenario, deletions, unseen, references, worlds, seed):
    sizes = {"train_size": 40, "deletions": deletions, "unseen": unseen, "references": references}
    for plan in planned(n, np.arange(n), scenario, seed, **sizes).values():
        made = [plan.world(index) for index in range(worlds)]
        queries = [query for world in made for query in world.queries]
        for world in made:
            assert len(set(world.training)) == 40
            assert set(world.training) <= set(plan.pool.train)
            # a world asks nobody twice before it asked everybody once
            ours = asked(world.queries, "unseen")
            assert set(ours) <= set(plan.pool.unseen) - set(plan.references)
            assert np.subtract(*most(ours, plan.unseen)) == 0
        for query in queries:
            assert len(set(query.positions)) == len(query.positions)
            assert (query.roles == "unseen").sum() == plan.n_unseen_asked
        often, needed = most(asked(queries, "unseen"), plan.unseen)
        assert often == needed
        deleted = asked(queries, "deleted")
        if plan.scenario.size * plan.scenario.versions * deletions <= 40:
            often, needed = most(deleted, plan.pool.train)
            assert often == needed
        for world in made:
            for chain in world.chains:
                gone = np.concatenate([request.deleted for request in chain])
                assert len(set(gone)) == len(gone)
                assert set(gone) <= set(world.training)


@pytest.mark.parametrize("side", SIDES)
def test_persons_take_turns_as_a_whole(side):
    codes = np.random.default_rng(0).integers(0, 900, 4000)
    plan = planned(4000, codes, "single", 0, train_size=600, deletions=20, references=30)[side]
    worlds = [plan.world(index) for index in range(30)]
    people = np.array([codes[request.deleted[0]] for world in worlds for (request,) in world.chains])
    often, needed = most(people, np.unique(codes[plan.pool.train]))
    assert often == needed == 2
    for world in worlds:
        assert len(world.training) <= 600
        assert not set(codes[world.training]) & set(codes[plan.pool.unseen])
    often, needed = most(asked([query for world in worlds for query in world.queries], "unseen"), plan.unseen)
    assert often == needed


def test_training_sets_are_no_more_alike_than_by_chance():
    plan = planned(4000, np.arange(4000), "single", 0, train_size=400, deletions=100, references=30)["target"]
    sets = [set(plan.world(index).training) for index in range(34)]
    shared = [len(a & b) for i, a in enumerate(sets) for b in sets[:i]]
    expected = 400 * 400 / len(plan.pool.train)
    assert abs(np.mean(shared) / expected - 1) < 0.05
    # also of worlds that are a lap apart, whose deleted records are the same ones of another draw
    assert abs(np.mean([len(a & b) for a, b in zip(sets, sets[16:], strict=False)]) / expected - 1) < 0.1


@pytest.mark.parametrize(("name", "side", "pool"), [("digits", "target", 153), ("adult", "target", 4148)])
def test_default_sizes(name, side, pool, real_data):
    records = prepare(DataConfig(name=name), 0)
    sizes = WorldsConfig(retained=1)
    plan = plan_worlds(records.split, records.persons, sizes, ScenarioConfig(), 0, name, SIDES)[0][side]
    worlds = [plan.world(index) for index in range(sizes.target)]
    unseen = asked([query for world in worlds for query in world.queries], "unseen")
    counts = np.unique(unseen, return_counts=True)[1]
    assert len(counts) == len(plan.unseen) == pool
    assert len(unseen) == 4200
    assert (counts.min(), counts.max()) == (4200 // pool, 4200 // pool + 1)
    deleted = asked([query for world in worlds for query in world.queries], "deleted")
    assert len(set(deleted)) == 200
