"""Classes that a training set lacks, and worlds in which none is lacking."""

import numpy as np
import pandas as pd
import pytest
import sklearn

from unlearn_audit import audit
from unlearn_audit.config import AuditConfig, ScenarioConfig, WorldsConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.posteriors import query
from unlearn_audit.unlearning.training import train
from unlearn_audit.worlds import per_record_plans, plan_worlds
from unlearn_audit.worlds.from_arrays import prepare_arrays
from unlearn_audit.worlds.persons import Persons
from unlearn_audit.worlds.prepare import prepare
from unlearn_audit.worlds.strata import with_each_class

SIDES = ("shadow", "target")
N = 600


def records(rare=12, persons=None, seed=0):
    rng = np.random.default_rng(seed)
    y = np.array(["a", "b"] * (N // 2), dtype=object)
    y[rng.permutation(N)[:rare]] = "c"
    return prepare_arrays(rng.normal(size=(N, 3)), y, persons, "made", seed)


def plans(of, scenario="single", **sizes):
    sizes = {"shadow": 6, "target": 6, "train_size": 40, "deletions": 4, "unseen": 3, "references": 10, **sizes}
    classes = np.searchsorted(of.data.class_values, of.data.y)
    config = WorldsConfig(**sizes)
    scenario = ScenarioConfig.model_validate(scenario)
    return plan_worlds(of.split, of.persons, config, scenario, 0, "made", SIDES, classes)[0]


def counts(of, plan):
    """Return (worlds, classes) the fewest records of each class in any version of a world."""
    found = []
    for index in range(plan.n_worlds):
        world = plan.world(index)
        left = [
            np.setdiff1d(world.training, np.concatenate([request.deleted for request in chain]))
            for chain in world.chains
        ]
        found.append(
            np.min([[(of.data.y[rows] == name).sum() for name in of.data.class_values] for rows in left], axis=0)
        )
    return np.array(found)


@pytest.mark.parametrize("scenario", ["single", {"name": "group", "size": 3}, "multi-version"])
@pytest.mark.parametrize("persons", [None, np.arange(N) // 2])
def test_every_version_of_every_world_has_each_class(scenario, persons):
    of = records(persons=persons)
    plain, strata = (plans(of, scenario, stratify=asked) for asked in (False, True))
    assert min(counts(of, plain[side])[:, 2].min() for side in SIDES) == 0
    for side in SIDES:
        world = strata[side].world(0)
        assert counts(of, strata[side]).min() >= (1 if persons is not None else 2)
        assert len(world.training) <= 40
        assert len(np.unique(world.training)) == len(world.training)
        assert np.isin(world.training, strata[side].pool.train).all()
        # a world does not depend on how many there are
        again = plans(of, scenario, stratify=True, target=9, shadow=9)[side].world(3)
        assert np.array_equal(again.training, strata[side].world(3).training)


def test_where_every_class_is_there_nothing_changes():
    of = records(rare=200)
    plain, strata = (plans(of, stratify=asked) for asked in (False, True))
    for side in SIDES:
        for index in range(6):
            one, other = (of[side].world(index) for of in (plain, strata))
            assert np.array_equal(one.training, other.training)
            assert one.queries[0].positions.tolist() == other.queries[0].positions.tolist()


def test_per_record_worlds_have_each_class():
    of = records()
    for side, plan in per_record_plans(plans(of, stratify=True, layout="per-record"), "made").items():
        assert counts(of, plan).min() >= 1, side


def test_what_cannot_be_drawn_is_refused():
    of = records(rare=1)
    with pytest.raises(AuditError, match=r"the (shadow|target) side may train on no record of 1 of 3 classes"):
        [plan.world(0) for plan in plans(of, stratify=True).values()]
    with pytest.raises(AuditError, match="cannot hold 2 of each of 3 classes"):
        with_each_class(
            np.arange(4), np.arange(4, 12), Persons(np.arange(12)), np.arange(12) // 4, np.full(3, 2), 4,
            np.random.default_rng(0),
        )  # fmt: skip


def test_a_configuration_without_it_is_written_as_before():
    config = AuditConfig()
    assert "stratify" not in config.model_dump(mode="json")["worlds"]
    assert "na_values" not in config.model_dump(mode="json")["target"]["data"]
    asked = AuditConfig.model_validate({"worlds": {"stratify": True}})
    assert asked.model_dump(mode="json")["worlds"]["stratify"] is True
    assert AuditConfig.model_validate(asked.model_dump(mode="json")) == asked


# before 1.9 scikit-learn looks for NaN among the texts of the classes where a network stops early
BEFORE_1_9 = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9)
MLP = pytest.param("mlp", marks=pytest.mark.xfail(BEFORE_1_9, reason="a fault of scikit-learn", strict=True))


@pytest.mark.parametrize("model", ["logistic-regression", MLP, "decision-tree", "random-forest-100", "own"])
@pytest.mark.parametrize("there", [["a"], ["c"], ["a", "b"]])
def test_a_class_that_a_training_set_lacks_has_probability_0(model, there):
    from sklearn.linear_model import LogisticRegression

    of = records(rare=60)
    source = resolve_model(LogisticRegression() if model == "own" else model)
    rows = np.flatnonzero(np.isin(of.data.y, there))[:60]
    trained = train(source, of.data, rows, seed=0)
    answers = query(trained.model, of.data.X[:20], of.data.class_values, source.name)
    assert answers.shape == (20, 3)
    assert np.allclose(answers.sum(axis=1), 1)
    for column, name in enumerate("abc"):
        assert (answers[:, column] == 0).all() == (name not in there)


def test_worlds_without_a_class_are_audited():
    y = (np.arange(N) % 75 == 0).astype(int)
    X = np.random.default_rng(0).normal(size=(N, 3)) + y[:, None]
    asked = {"attacks": [], "features": ["sorted-diff"], "attack_models": ["decision-tree"], "deletions": 5}
    sizes = {"shadow_worlds": 2, "target_worlds": 2, "train_size": 40, "unseen": 2, "references": 10}
    assert audit("logistic-regression", X, y, **asked, **sizes).findings.results


def test_a_model_that_refuses_a_class_of_one_record_says_what_to_do():
    of = records(rare=60)
    rows = np.concatenate([np.flatnonzero(of.data.y == "a")[:30], np.flatnonzero(of.data.y == "c")[:1]])
    with pytest.raises(AuditError, match="a class has one record in this training set: stratify draws more of it"):
        train(resolve_model("mlp"), of.data, rows, seed=0)


def test_dropped_duplicates_are_named_where_sizes_are_refused(tmp_path):
    X = np.arange(60.0)[:, None] % 30
    y = X[:, 0].astype(int) % 2
    with pytest.raises(AuditError, match=r"fewer than the 40 .*\(there are 30 records, after dropping 30 exact"):
        prepare_arrays(X, y, None, "made", 0)
    pd.DataFrame({"x": X[:, 0], "y": y}).to_csv(tmp_path / "t.csv", index=False)
    data = {"file": str(tmp_path / "t.csv"), "label": "y"}
    with pytest.raises(AuditError, match="after dropping 30 exact duplicates"):
        prepare(AuditConfig.model_validate({"target": {"data": data}}).target.data, 0)
    X = np.concatenate([np.arange(100.0), [7.0]])[:, None]
    with pytest.raises(AuditError, match=r"too few for 30 deletions .* after dropping 1 exact duplicate"):
        audit("decision-tree", X, X[:, 0].astype(int) % 2, deletions=30)
    with pytest.raises(AuditError) as caught:
        audit("decision-tree", X[:-1], X[:-1, 0].astype(int) % 2, deletions=30)
    assert "duplicate" not in str(caught.value)


def test_images_with_channels_last_are_noticed():
    rng = np.random.default_rng(0)
    for shape, noticed in (
        ((8, 8, 3), True),
        ((3, 8, 8), False),
        ((1, 8, 8), False),
        ((8, 8, 1), True),
        ((8, 8), False),
    ):
        of = prepare_arrays(rng.normal(size=(60, *shape)), np.arange(60) % 2, None, "made", 0)
        assert any("X.transpose(0, 3, 1, 2)" in note for note in of.data.warnings) == noticed
