"""Line-ups of corrections, and worlds in which updates make one of each."""

import numpy as np
import pytest

from unlearn_audit.audits.rectification.corrections import LineUps, RectificationPlan
from unlearn_audit.config import ScenarioConfig, WorldsConfig
from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.worlds import plan_worlds, split_records
from unlearn_audit.worlds.persons import Persons

N = 600
RNG = np.random.default_rng(0)
X = np.column_stack([RNG.integers(0, 3, N), RNG.normal(size=N), np.ones(N), RNG.integers(0, 2, N), RNG.random(N)])
DATA = Dataset("made", X, RNG.integers(0, 2, N), np.arange(2), ("no", "yes"), np.arange(N) * 2)


def plans(null=False, most=20, **sizes):
    persons = Persons(np.arange(N))
    wanted = WorldsConfig(**{"train_size": 100, "references": 10, "shadow": 3, "target": 3, "deletions": 6, **sizes})
    found, _ = plan_worlds(
        split_records(persons, 0),
        persons,
        wanted.model_copy(update={"retained": 1}),
        ScenarioConfig(name="online"),
        0,
        "made",
        ("shadow", "target"),
    )
    return {
        side: RectificationPlan.of(plan, DATA, np.arange(N), most, null=null) for side, plan in found.items()
    }, found


def test_each_correction_changes_one_column_to_another_value_that_occurs():
    records = np.array([3, 50, 599])
    found = LineUps.of(DATA, np.arange(N), records, 20, seed=0)
    assert found.n_columns == 4
    assert found.columns.tolist() == [[0, 1, 3, 4]] * 3
    rows = found.data.X
    for i, record in enumerate(records):
        assert (rows[found.unchanged(records)[i]] == X[record]).all()
        for column, at, step in zip(found.columns[i], found.corrected(records)[i], found.steps[i], strict=True):
            assert np.flatnonzero(rows[at] != X[record]).tolist() == [column]
            assert rows[at, column] in X[:, column]
            assert step == pytest.approx(abs(rows[at, column] - X[record, column]) / X[:, column].std())
    assert (found.data.X[:N] == X).all()
    assert found.data.record_ids[N:].tolist() == np.repeat(records * 2, 5).tolist()
    assert found.data.y[N:].tolist() == np.repeat(DATA.y[records], 5).tolist()


def test_other_values_come_as_often_as_they_occur():
    everyone = np.arange(N)
    drawn = LineUps.of(DATA, everyone, everyone, 20, seed=3)
    new = drawn.data.X[drawn.corrected(everyone)[:, 0], 0]
    for own in range(3):
        others = X[X[:, 0] != own, 0]
        for value in {0, 1, 2} - {own}:
            share, expected = (new[X[:, 0] == own] == value).mean(), (others == value).mean()
            assert abs(share - expected) < 0.12


def test_what_is_drawn_for_a_record_depends_on_it_alone():
    few, many = (LineUps.of(DATA, np.arange(N), at, 2, seed=0) for at in (np.array([9]), np.arange(20)))
    assert few.n_columns == 2
    assert few.columns[0].tolist() == many.columns[9].tolist()
    assert (few.data.X[few.corrected(np.array([9]))] == many.data.X[many.corrected(np.array([9]))]).all()
    assert len({tuple(of) for of in many.columns.tolist()}) > 1


def test_an_update_takes_the_old_record_away_and_adds_the_corrected_one():
    made, singles = plans()
    for side, plan in made.items():
        truth = []
        for index in range(plan.n_worlds):
            world, single = plan.world(index), singles[side].world(index)
            assert world.training.tolist() == single.training.tolist()
            true = plan.true_columns(index)
            for j, ((request,), query) in enumerate(zip(world.chains, world.queries, strict=True)):
                (old,), (new,) = request.deleted, request.added
                assert old == single.chains[j][0].deleted[0]
                assert new == plan.line_ups.corrected(request.deleted)[0, true[j]]
                column = plan.line_ups.columns[np.searchsorted(plan.line_ups.records, old), true[j]]
                assert np.flatnonzero(plan.line_ups.data.X[new] != X[old]).tolist() == [column]
                subjects = plan.subjects(index)[j]
                asked = query.positions[query.roles != "reference"].reshape(2, 5)
                assert asked[:, 0].tolist() == subjects.tolist() == [old, subjects[1]]
                assert subjects[1] in world.training
                assert (asked[:, 1:] == plan.line_ups.corrected(subjects)).all()
                assert query.positions[query.roles == "reference"].tolist() == plan.references.tolist()
            truth += true.tolist()
        assert set(truth) == {0, 1, 2, 3}
    assert made["target"].drawn_from != plans(null=True)[0]["target"].drawn_from


def test_the_null_writes_every_value_anew_as_it_was():
    made, _ = plans(null=True)
    plan, (real, _) = made["target"], plans()
    for (request,), query, other in zip(
        plan.world(0).chains, plan.world(0).queries, real["target"].world(0).queries, strict=True
    ):
        assert (plan.line_ups.data.X[request.added] == X[request.deleted]).all()
        assert request.added[0] >= N
        assert query.positions.tolist() == other.positions.tolist()


@pytest.mark.parametrize(
    ("rows", "said"),
    [(np.ones((N, 3)), "0 of the columns of made vary"), (np.ones((N, 3, 3)), "are not rows of numbers")],
)
def test_what_has_no_values_to_correct_is_refused(rows, said):
    data = Dataset("made", rows, DATA.y, DATA.class_values, DATA.class_names, DATA.record_ids)
    with pytest.raises(AuditError, match=said):
        LineUps.of(data, np.arange(N), np.arange(3), 5, seed=0)
