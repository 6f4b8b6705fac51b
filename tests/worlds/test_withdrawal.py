"""Worlds that delete a whole class, or a list of records, at once."""

from dataclasses import replace

import numpy as np
import pytest

from unlearn_audit.config import ScenarioConfig, WorldsConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Clusters, auc_interval
from unlearn_audit.utils.notes import Caution
from unlearn_audit.worlds import Withdrawn, plan_withdrawals, split_records
from unlearn_audit.worlds.persons import Persons

NAMES = ("red", "green", "blue")


def labels_of(n, shares=(0.5, 0.3, 0.2)):
    return np.random.default_rng(1).choice(len(shares), n, p=shares)


def planned(n=3000, of=None, listed=None, persons=None, labels=None, **sizes):
    persons = Persons(np.arange(n)) if persons is None else persons
    labels = labels_of(n) if labels is None else labels
    scenario = ScenarioConfig.model_validate({"delete_class": of} if listed is None else {"delete_ids": "some.txt"})
    wanted = WorldsConfig(**{"train_size": 300, "references": 30, "shadow": 4, "target": 4, **sizes})
    withdrawn = Withdrawn.of(scenario, labels, NAMES, None if listed is None else np.asarray(listed))
    return plan_withdrawals(split_records(persons, 0), persons, wanted, scenario, 0, "people", withdrawn), labels


def by_role(query, role):
    return query.positions[query.roles == role]


def worlds_of(plans):
    return [(plan, plan.world(index)) for plan in plans.values() for index in range(plan.n_worlds)]


@pytest.mark.parametrize("name", NAMES)
def test_every_world_deletes_all_of_a_class_and_asks_about_no_other(name):
    (plans, notes), labels = planned(of=name)
    code = NAMES.index(name)
    for plan, world in worlds_of(plans):
        ((request,),), (query,) = world.chains, world.queries
        assert set(request.deleted) == {at for at in world.training if labels[at] == code}
        assert not len(request.added)
        assert (labels[query.positions] == code).all()
        assert set(by_role(query, "deleted")) <= set(request.deleted)
        assert not set(by_role(query, "unseen")) & set(world.training)
        assert set(by_role(query, "reference")) == set(plan.references)
        assert not np.isin(plan.references, np.concatenate([by_role(query, "unseen"), world.training])).any()
        assert not len(by_role(query, "retained"))
        assert len(by_role(query, "deleted")) == min(len(request.deleted), plan.unseen_of_each[code], 200)
    assert f"of the class '{name}' at once" in notes[-1]
    assert plans["target"].n_trainings == 8
    assert plans["shadow"].n_deletions == sum(
        len(by_role(plans["shadow"].world(i).queries[0], "deleted")) for i in range(4)
    )


def test_a_list_is_in_every_target_world_and_the_shadow_side_deletes_others_like_it():
    labels = labels_of(3000)
    listed = np.concatenate([np.flatnonzero(labels == 0)[:12], np.flatnonzero(labels == 2)[-6:]])
    (plans, notes), _ = planned(listed=listed)
    drawn = []
    for plan, world in worlds_of(plans):
        ((request,),), (query,) = world.chains, world.queries
        assert len(world.training) == 300 == len(set(world.training))
        assert set(request.deleted) <= set(world.training)
        assert np.bincount(labels[request.deleted], minlength=3).tolist() == [12, 0, 6]
        counts = {role: np.bincount(labels[by_role(query, role)], minlength=3) for role in ("unseen", "retained")}
        assert (counts["retained"] == [12, 0, 6]).all()
        assert (counts["unseen"] == 2 * np.array([12, 0, 6])).all()
        paper = np.bincount(labels[query.positions[query.paper & (query.roles == "unseen")]], minlength=3)
        assert paper.tolist() == [12, 0, 6]
        if plan.side == "target":
            assert set(request.deleted) == set(listed)
        else:
            assert not set(listed) & set(world.training)
            drawn.append(frozenset(request.deleted))
    assert len(set().union(*drawn)) == 4 * 18
    assert not np.isin(listed, np.concatenate([plans["shadow"].pool.all, plans["target"].pool.unseen])).any()
    assert any("were moved" in note for note in notes)


def test_a_world_depends_on_no_other_and_a_list_on_what_it_holds():
    for given in ({"of": "green"}, {"listed": np.arange(20)}):
        (few, _), _ = planned(target=2, **given)
        (many, _), _ = planned(target=7, **given)
        for one, other in zip((few["target"].world(1),), (many["target"].world(1),), strict=True):
            assert one.training.tolist() == other.training.tolist()
            assert one.queries[0].positions.tolist() == other.queries[0].positions.tolist()
    (first, _), _ = planned(listed=np.arange(20))
    (other, _), _ = planned(listed=np.arange(1, 21))
    assert first["target"].drawn_from != other["target"].drawn_from
    assert first["target"].scenario == other["target"].scenario


def test_people_are_deleted_with_all_their_rows():
    persons = Persons(np.arange(3000) // 3)
    labels = np.repeat(labels_of(1000), 3)
    listed = persons.rows(np.arange(5, 25))
    (plans, _), _ = planned(listed=listed, persons=persons, labels=labels)
    for _, world in worlds_of(plans):
        gone = world.chains[0][0].deleted
        assert len(gone) == 60
        assert set(persons.rows(np.unique(persons.codes[gone]))) == set(gone)
    (plans, notes), _ = planned(of="red", persons=persons, labels=labels_of(3000))
    for plan, world in worlds_of(plans):
        assert not np.isin(persons.codes[plan.references], persons.codes[by_role(world.queries[0], "unseen")]).any()
    assert "the records of other classes stay" in notes[-1]


def test_a_class_of_two_leaves_one_and_says_so():
    labels = np.where(labels_of(3000) == 0, 0, 1)
    scenario = ScenarioConfig(name="class", delete_class="red")
    persons, sizes = Persons(np.arange(3000)), WorldsConfig(train_size=300, shadow=2, target=2, references=10)
    withdrawn = Withdrawn.of(scenario, labels, NAMES[:2], None)
    _, notes = plan_withdrawals(split_records(persons, 0), persons, sizes, scenario, 0, "people", withdrawn)
    assert "only one class" in notes[-1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"of": "grene"}, "unknown class 'grene'; did you mean green"),
        ({"listed": np.arange(3000)}, "the list holds all 3,000 records of people, and nothing would be left"),
        ({"listed": np.arange(151)}, "the list holds 151 records, and worlds of 300 training records keep at least"),
    ],
)
def test_what_cannot_be_is_refused(given, said):
    with pytest.raises(AuditError, match=said):
        planned(**given)


def test_too_few_of_a_class_are_refused_with_how_many_there_are_and_are_needed():
    labels = np.zeros(3000, dtype=np.int64)
    split = split_records(Persons(np.arange(3000)), 0)
    labels[split.target.train[:200]] = labels[split.shadow.train[:200]] = 1
    labels[split.shadow.unseen[:9]] = labels[split.target.unseen[:9]] = 1
    said = r"has 9 unseen .* 'green' on the shadow side, and {} are needed .* {} of them as references, .*; give {}$"
    with pytest.raises(AuditError, match=said.format(20, 10, "--references 4")):
        planned(of="green", labels=labels)
    with pytest.raises(AuditError, match=said.format(10, 5, "--references 4")):
        planned(of="green", labels=labels, references=5)
    for few in (0, 4):
        (plans, _), _ = planned(of="green", labels=labels, references=few)
        assert len(plans["target"].references) == few
    labels[split.target.unseen[4:9]] = 0
    with pytest.raises(
        AuditError,
        match=r"has 4 unseen .* on the target side, and 5 are .*; delete another class",
    ):
        planned(of="green", labels=labels, references=0)
    labels[split.shadow.train[:190]] = 0
    with pytest.raises(AuditError, match="'green' the shadow side may train on 10 records, fewer than the 20"):
        planned(listed=split.target.train[:20], labels=np.where(labels == 1, 1, 0), references=0)


def test_what_an_audit_ignores_or_cannot_tell_apart_is_a_caution():
    def cautions(**given):
        return [note for note in planned(**given)[0][1] if isinstance(note, Caution)]

    assert cautions(of="green") == []
    assert cautions(of="green", deletions=7) == ["--deletions 7 is ignored: each world has one update"]
    (differ,) = cautions(listed=np.arange(20))
    assert "listed records may differ from unseen records of their classes" in differ


def test_a_world_without_the_class_is_refused():
    labels = labels_of(3000, (0.5, 0.49, 0.01))
    split = split_records(Persons(np.arange(3000)), 0)
    labels[split.shadow.unseen[:20]] = labels[split.target.unseen[:20]] = 2
    with pytest.raises(AuditError, match="would train on no record of what is deleted; use larger worlds"):
        planned(of="blue", labels=labels, train_size=20)
    (plans, _), _ = planned(of="blue", labels=labels, train_size=20, stratify=True)
    assert all(len(world.chains[0][0].deleted) >= 3 for _, world in worlds_of(plans))


def test_fewer_deleted_are_asked_where_fewer_unseen_are_there():
    labels = labels_of(3000)
    split = split_records(Persons(np.arange(3000)), 0)
    labels[split.target.unseen] = np.where(np.arange(len(split.target.unseen)) < 7, 1, 0)
    (plans, _), _ = planned(of="green", labels=labels)
    query = plans["target"].world(0).queries[0]
    assert len(by_role(query, "deleted")) == len(by_role(query, "unseen")) == 7


def test_the_most_that_is_deleted_counts_for_the_regime():
    (plans, _), labels = planned(of="red")
    for plan in plans.values():
        gone = [int((labels[plan.world(i).training] == 0).sum()) for i in range(plan.n_worlds)]
        assert plan.n_deleted_by_chain == plan.most_deleted() == max(gone)
    more = replace(plans["target"], sizes=plans["target"].sizes.model_copy(update={"target": 6}))
    assert more.n_worlds == 6


@pytest.mark.parametrize("given", [{"of": "blue"}, {"listed": np.arange(40)}])
def test_intervals_hold_where_records_have_their_own_ways(given):
    """200 null sides of ten worlds: 0.5 is outside the interval in at most 9 % (5 % and three standard errors)."""
    (plans, _), _ = planned(target=10, unseen=0, **given)
    queries = [plans["target"].world(index).queries[0] for index in range(10)]
    asked = [np.isin(query.roles, ("deleted", "unseen")) for query in queries]
    records = np.concatenate([query.positions[at] for query, at in zip(queries, asked, strict=True)])
    deleted = np.concatenate([query.roles[at] == "deleted" for query, at in zip(queries, asked, strict=True)])
    clusters = Clusters(np.repeat(np.arange(10), [at.sum() for at in asked]), records)
    missed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        scores = rng.normal(size=3000)[records] + 0.5 * rng.normal(size=len(records))
        found = auc_interval(scores, deleted, clusters)
        missed += not found.low <= 0.5 <= found.high
    assert missed <= 18
