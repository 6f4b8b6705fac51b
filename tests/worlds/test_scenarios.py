import numpy as np
import pytest

from unlearn_audit.config import ScenarioConfig, WorldsConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.worlds import plan_worlds, split_records
from unlearn_audit.worlds.persons import Persons


def plan(scenario, n=4000, side="target", **sizes):
    persons = Persons(np.arange(n))
    wanted = WorldsConfig(**{"train_size": 300, "references": 30, "retained": 1, **sizes})
    plans, notes = plan_worlds(
        split_records(persons, 0),
        persons,
        wanted,
        ScenarioConfig.model_validate(scenario),
        0,
        "people",
        ("shadow", "target"),
    )
    return plans[side], notes


def by_role(query, role):
    return query.positions[query.roles == role]


def test_a_group_is_deleted_at_once_with_as_many_unseen_beside_it():
    made, _ = plan({"name": "group", "size": 7}, deletions=10)
    for world in (made.world(i) for i in range(3)):
        seen = []
        for (request,), query in zip(world.chains, world.queries, strict=True):
            assert len(set(request.deleted)) == 7
            assert set(request.deleted) == set(by_role(query, "deleted")) <= set(world.training)
            assert (query.roles[query.paper] == "deleted").sum() == (query.roles[query.paper] == "unseen").sum() == 7
            assert len(set(by_role(query, "unseen"))) == 27
            assert set(by_role(query, "retained")) <= set(world.training) - set(request.deleted)
            seen += list(request.deleted)
        assert len(set(seen)) == 70


def test_groups_that_use_up_a_world_start_anew_in_another_order():
    made, notes = plan({"name": "group", "size": 100}, deletions=10)
    assert "10 chains of 100 deletions share records" in notes[0]
    groups = [frozenset(chain[0].deleted) for chain in made.world(0).chains]
    assert len(set(groups)) == 10
    assert all(len(group) == 100 for group in groups)
    few, _ = plan({"name": "group", "size": 100}, deletions=4)
    assert groups[:4] == [frozenset(chain[0].deleted) for chain in few.world(0).chains]


def test_a_percentage_is_of_the_training_records():
    made, notes = plan({"name": "group", "size": "2%"})
    assert made.scenario.size == 6
    assert "2% of 300 training records are 6 records an update" in notes[0]


def test_online_learning_adds_as_many_as_it_deletes():
    made, _ = plan({"name": "online", "size": 3})
    for chain in made.world(1).chains:
        (request,) = chain
        assert len(request.added) == len(request.deleted) == 3
        assert set(request.added) <= set(made.pool.replacement)
        assert len(set(request.added)) == 3


def test_a_chain_deletes_one_after_another():
    made, _ = plan({"name": "multi-version", "versions": 4}, deletions=6)
    assert made.n_trainings == 10 * (1 + 6 * 4)
    world = made.world(0)
    for chain, query in zip(world.chains, world.queries, strict=True):
        assert len(chain) == 4
        for t, request in enumerate(chain, start=1):
            assert len(request.deleted) == 1
            assert query.positions[query.deleted_at == t].tolist() == request.deleted.tolist()
        assert (query.deleted_at[query.roles != "deleted"] == -1).all()


def test_the_retained_are_asked_as_often_as_the_unseen():
    made, _ = plan("retained", retained=21)
    for chain, query in zip(made.world(0).chains, made.world(0).queries, strict=True):
        retained = by_role(query, "retained")
        assert len(set(retained)) == 21
        assert not set(retained) & set(chain[0].deleted)
        assert set(retained) <= set(made.world(0).training)
        assert sorted(query.roles[query.paper]) == ["deleted", "retained", "unseen"]


@pytest.mark.parametrize(
    ("scenario", "sizes", "said"),
    [
        ({"name": "group", "size": 151}, {}, "too few to delete 151"),
        ({"name": "group", "size": 5000}, {}, "too few to delete 5,000"),
        ({"name": "multi-version", "versions": 200}, {}, "too few to delete 200"),
    ],
)
def test_what_no_world_can_bear_is_refused(scenario, sizes, said):
    with pytest.raises(AuditError, match=said):
        plan(scenario, **sizes)


def test_online_needs_records_to_add():
    with pytest.raises(AuditError, match="keeps 12 records to add, fewer than the 70"):
        plan({"name": "online", "size": 70}, n=800, train_size=160)


def units_of(size, n=4000):
    return Persons(np.arange(n) // size)


def planned(persons, scenario, **sizes):
    wanted = WorldsConfig(**{"train_size": 400, "references": 30, "retained": 1, "deletions": 5, **sizes})
    split = split_records(persons, 0)
    plans, _ = plan_worlds(split, persons, wanted, ScenarioConfig.model_validate(scenario), 0, "people", ("target",))
    return plans["target"]


def test_replacements_are_distinct_with_units_too():
    made = planned(units_of(5), {"name": "online", "size": 4})
    for chain in made.world(0).chains:
        assert len(chain[0].added) == len(set(chain[0].added)) == 20
    with pytest.raises(AuditError, match="keeps 60 records to add, fewer than the 80"):
        planned(units_of(20), {"name": "online", "size": 4}, deletions=1)


def test_a_share_with_units_is_of_records_and_counted_in_units():
    made = planned(units_of(5), {"name": "group", "size": "5%"})
    assert made.scenario.size == 4
    assert len(made.world(0).chains[0][0].deleted) == 20
