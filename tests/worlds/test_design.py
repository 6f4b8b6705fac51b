import re

import numpy as np
import pytest

from unlearn_audit.config import ScenarioConfig, WorldsConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.worlds import plan_worlds, split_records
from unlearn_audit.worlds.persons import Persons

SIDES = ("shadow", "target")


def plans(n=4000, codes=None, seed=0, scenario="single", **sizes):
    persons = Persons(np.arange(n) if codes is None else codes)
    wanted = WorldsConfig(**{"train_size": 300, "references": 30, **sizes})
    return plan_worlds(
        split_records(persons, seed), persons, wanted, ScenarioConfig.model_validate(scenario), seed, "people", SIDES
    )


def worlds(plan):
    return [plan.world(index) for index in range(plan.n_worlds)]


@pytest.mark.parametrize("side", SIDES)
def test_roles_are_true(side):
    made, notes = plans()
    assert notes == ()
    for world in worlds(made[side]):
        assert len(set(world.training)) == 300
        assert set(world.training) <= set(made[side].pool.train)
        for (request,), query in zip(world.chains, world.queries, strict=True):
            by_role = {role: query.positions[query.roles == role] for role in np.unique(query.roles)}
            assert set(by_role["deleted"]) == set(request.deleted) <= set(world.training)
            assert set(by_role["retained"]) <= set(world.training) - set(request.deleted)
            assert not set(by_role["unseen"]) & set(world.training)
            assert not set(by_role["reference"]) & set(world.training)
            assert len(set(by_role["unseen"])) == len(by_role["unseen"]) == 21
            assert not set(by_role["reference"]) & set(by_role["unseen"])


def test_reference_records_are_the_attackers_own_and_the_same_for_all_pairs():
    made, _ = plans()
    assert np.array_equal(made["shadow"].references, made["target"].references)
    assert set(made["target"].references) <= set(made["shadow"].pool.unseen)
    asked = {tuple(q.positions[q.roles == "reference"]) for s in SIDES for w in worlds(made[s]) for q in w.queries}
    assert asked == {tuple(made["shadow"].references)}


def test_the_papers_rows_are_one_of_each_role_a_pair():
    made, _ = plans()
    for query in made["target"].world(0).queries:
        assert sorted(query.roles[query.paper]) == ["deleted", "retained", "unseen"]


def test_no_record_is_deleted_twice_from_one_original():
    made, _ = plans(deletions=100)
    for world in worlds(made["target"]):
        deleted = np.concatenate([r.deleted for (r,) in world.chains])
        assert len(set(deleted)) == 100


@pytest.mark.parametrize("scenario", ["single", {"name": "group", "size": 3}, "online", {"name": "multi-version"}])
@pytest.mark.parametrize("side", SIDES)
def test_a_world_does_not_depend_on_how_many_worlds_there_are(side, scenario):
    few, _ = plans(scenario=scenario, shadow=2, target=2, deletions=30)
    many, _ = plans(scenario=scenario, shadow=9, target=300, deletions=30)
    for index in (1, 0):
        one, two = few[side].world(index), many[side].world(index)
        assert np.array_equal(one.training, two.training)
        assert len(one.chains) == len(two.chains) == 30
        for j in range(30):
            for a, b in zip(one.chains[j], two.chains[j], strict=True):
                assert np.array_equal(a.deleted, b.deleted)
                assert np.array_equal(a.added, b.added)
            assert np.array_equal(one.queries[j].positions, two.queries[j].positions)


def test_all_rows_of_a_unit_are_deleted_together():
    codes = np.random.default_rng(0).integers(0, 1500, 4000)
    made, _ = plans(codes=codes, train_size=300)
    for world in worlds(made["target"]):
        assert len(world.training) <= 300
        for (request,) in world.chains:
            person = set(codes[request.deleted])
            assert len(person) == 1
            assert set(np.flatnonzero(codes == person.pop())) == set(request.deleted)


def test_train_size_shrinks_to_half_the_pool_and_says_so():
    made, notes = plans(n=1000, train_size=2000, deletions=10)
    assert made["target"].sizes.train_size == 200
    assert "2,000 training records per world were requested; 200 are used" in notes[0]


def test_a_small_table_shrinks_references_and_unseen_and_says_so():
    made, notes = plans(n=200, train_size=40, deletions=5, references=100, unseen=20)
    text = " ".join(notes)
    assert "100 reference records were requested" in text
    assert "21 unseen records per pair were requested" in text
    sizes = made["target"].sizes
    assert 0 < sizes.references == len(made["target"].references)
    assert sizes.unseen < 20
    for world in worlds(made["shadow"]):
        for query in world.queries:
            unseen = query.positions[query.roles == "unseen"]
            assert len(set(unseen)) == len(unseen) == sizes.unseen + 1


def test_more_deletions_than_a_world_can_bear_are_refused():
    with pytest.raises(AuditError, match="too few for 50 deletions each"):
        plans(n=400, train_size=2000, deletions=50)


def skewed(persons=6129, largest=935, power=0.435):
    """Whose each record is, of persons as unequal as those of a log: 37 rows each in the mean, 935 at most."""
    sizes = np.maximum(largest / np.arange(1, persons + 1) ** power, 1).astype(int)
    return np.repeat(np.random.default_rng(0).permutation(persons), sizes)


def test_unequal_units_are_counted_as_worlds_draw_them_and_not_the_largest():
    codes = skewed()
    made, _ = plans(codes=codes, train_size=20_000, deletions=10, references=5000)
    for world in worlds(made["target"]):
        assert len(np.unique(codes[world.training])) >= 20
        deleted = [set(codes[request.deleted]) for (request,) in world.chains]
        assert all(len(persons) == 1 for persons in deleted)
        assert len(set.union(*deleted)) == 10
    # two of the largest persons alone have more records than such a world
    smaller, _ = plans(codes=codes, train_size=1500, deletions=2, references=5000)
    assert smaller["target"].sizes.train_size < 2 * 900
    assert min(len(smaller[side].members(i)) for side in SIDES for i in range(10)) >= 4


def test_where_units_truly_do_not_suffice_it_is_said_how_many_would_and_what_train_size():
    with pytest.raises(AuditError) as refused:
        plans(codes=skewed(), train_size=2000, deletions=200, references=5000)
    said = str(refused.value)
    assert "too few for 200 deletions each (as many must remain); use at most" in said
    most = int(re.search(r"use at most (\d+) deletions, or", said)[1])
    assert 10 < most < 200
    largest = re.search(r"for larger worlds \(--train-size, here at most ([\d,]+)\)$", said)[1].replace(",", "")
    plans(codes=skewed(), train_size=2000, deletions=most, references=5000)
    plans(codes=skewed(), train_size=int(largest), deletions=200, references=5000)


def test_a_world_that_one_unit_overfills_is_refused():
    with pytest.raises(AuditError, match=r"with as few as 0 people, .* remain\); for larger worlds \(--train-size"):
        plans(codes=skewed(), train_size=40, deletions=1, references=5000)


def test_online_worlds_need_as_many_arriving_records_as_they_delete_and_not_as_the_largest_have():
    sizes = {"train_size": 20_000, "deletions": 3, "references": 5000, "shadow": 3, "target": 3}
    made, _ = plans(codes=skewed(), scenario={"name": "online", "size": 20}, **sizes)
    largest = np.sort(np.bincount(skewed()))[-20:].sum()
    for side in SIDES:
        assert made[side].most_deleted() <= len(made[side].pool.replacement) < largest
    with pytest.raises(AuditError, match="records to add, fewer than the"):
        plans(codes=skewed(), scenario={"name": "online", "size": 120}, **sizes)
