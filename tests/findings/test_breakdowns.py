"""Groups of records and single records: figures are those of the rows of each, and nobody is named."""

import dataclasses
import io
import re

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from unlearn_audit import AuditConfig, AuditError, Execution, audit, audit_observations, run
from unlearn_audit.attacks import GAMES
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.engine.store.keys import dataset_fingerprint
from unlearn_audit.findings.breakdowns import risk_of_groups, risk_of_records
from unlearn_audit.metrics import auc
from unlearn_audit.report import print_summary

GAME = GAMES["deleted-vs-unseen"]


def of_game(table, **changes):
    made = table(seed=1, worlds=6, pairs=10, **changes)
    return made.select(GAME.rows(made, "the target side"))


def test_groups_are_measured_by_their_own_rows(table):
    target = of_game(table)
    labels = np.random.default_rng(0).integers(0, 2, len(target))
    target = dataclasses.replace(target, rows=target.rows.assign(label=labels))
    scores = np.random.default_rng(1).normal(size=len(target)) + (target.roles == "deleted") * (labels == 1) * 3
    found = risk_of_groups(target, GAME, scores)
    by_class = {of.group: of for of in found if of.by == "class"}
    assert set(by_class) <= set(target.classes)
    for code, name in enumerate(target.classes[:2]):
        rows = labels == code
        assert by_class[name].auc == pytest.approx(auc(scores[rows], (target.roles == "deleted")[rows]))
        assert by_class[name].n_positive + by_class[name].n_negative == rows.sum()
    assert by_class[target.classes[1]].auc > 0.9 > 0.7 > by_class[target.classes[0]].auc
    difficulty = [of for of in found if of.by == "difficulty"]
    assert [of.group for of in difficulty] == [str(i) for i in range(1, 11)]
    assert sum(of.n_positive + of.n_negative for of in difficulty) == len(target)
    assert all((of.auc is None) == (min(of.n_positive, of.n_negative) < 10) for of in found)


def test_without_labels_there_are_no_groups_and_without_shared_records_no_record_risk(table):
    target = of_game(table)
    unlabelled = dataclasses.replace(target, rows=target.rows.assign(label=-1))
    assert risk_of_groups(unlabelled, GAME, np.zeros(len(target))) == ()
    apart = target.rows.assign(record=np.arange(len(target)))
    assert risk_of_records(dataclasses.replace(target, rows=apart), GAME, np.zeros(len(target))) is None
    assert dataclasses.replace(target, rows=apart).shared_records(target.roles == "deleted") is None


def test_an_audit_of_per_record_worlds_counts_whom_it_tells(tmp_path):
    rng = np.random.default_rng(0)
    sizes = {"layout": "per-record", "shadow": 9, "target": 24, "deletions": 6, "references": 20, "train_size": 100}
    config = AuditConfig.model_validate(
        {
            "target": {"data": "breast-cancer", "model": "logistic-regression"},
            "worlds": sizes,
            "features": ["sorted-diff"],
            "attack_models": ["logistic-regression"],
            "attacks": ["pair-scale"],
        }
    )
    result = run(config, Execution(store=tmp_path / "store"))
    risk = result.findings.record_risk
    assert risk.records == 18
    assert 5 <= risk.identified <= 18
    assert risk.worlds_needed == 7
    page = result.save(tmp_path / "out").read_text()
    assert page.count(f"Of 18 audited records {risk.identified} are identified individually") == 1
    assert page.count("audited records") == 1
    assert "Difficulty: tenths of the margin" in page
    shuffled = rng.permutation(len(result.scores))
    table = result.observations["target"]
    rows = GAME.rows(table, "the target side")
    assert risk_of_records(table.select(rows), GAME, shuffled[: rows.sum()].astype(float)).identified <= 1


def test_columns_are_measured_by_the_rows_of_each_value_also_without_labels(table):
    target = of_game(table)
    rng = np.random.default_rng(0)
    jobs = rng.choice(["nurse", "judge"], len(target)).astype(object)
    jobs[:4] = "astronaut"
    target = dataclasses.replace(
        target, rows=target.rows.assign(label=-1), groups={"job": jobs, "age": rng.normal(size=len(target))}
    )
    positive = target.roles == "deleted"
    scores = rng.normal(size=len(target)) + positive * (jobs == "judge") * 3
    found = risk_of_groups(target, GAME, scores)
    assert {of.by for of in found} == {"column"}
    by_job = {of.group: of for of in found if of.column == "job"}
    assert list(by_job) == ["judge", "nurse", "other values"]
    for job in ("judge", "nurse"):
        assert by_job[job].auc == pytest.approx(auc(scores[jobs == job], positive[jobs == job]))
    assert by_job["judge"].auc > 0.9 > 0.7 > by_job["nurse"].auc
    assert by_job["other values"].auc is None
    by_age = [of for of in found if of.column == "age"]
    assert sum(of.n_positive + of.n_negative for of in by_age) == len(target)


SETTINGS = {"features": ["sorted-diff"], "attack_models": ["logistic-regression"], "attacks": ["pair-scale"]}


@pytest.fixture
def people(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(900, 4)), columns=list("abcd"))
    frame["pays"] = np.where(frame["a"] + rng.normal(size=900) > 0, "yes", "no")
    frame["town"] = rng.choice(["north", "south"], 900)
    frame["name"] = [f"person {i}" for i in range(900)]
    frame.to_csv(tmp_path / "people.csv", index=False)
    return frame


def config_of(tmp_path, **changes):
    data = {"file": str(tmp_path / "people.csv"), "label": "pays", "exclude": ["town", "name"]}
    sizes = {"shadow": 4, "target": 6, "deletions": 10, "train_size": 150, "references": 20}
    return AuditConfig.model_validate({"target": {"data": data}, "worlds": sizes, **SETTINGS, **changes})


def test_a_column_that_is_no_feature_groups_and_changes_no_world(people, tmp_path):
    plain, asked = config_of(tmp_path), config_of(tmp_path, groups=["town", "a", "name"])
    documents = []
    for config in (plain, asked):
        task = plan_audit(AuditTask.load(config)).undefended.tasks["target"]
        assert task.data.X.shape[1] == 4
        documents.append(task.documents(dataset_fingerprint(task.data)))
    assert documents[0] == documents[1]
    store = Execution(store=tmp_path / "store")
    without, found = run(plain, store), run(asked, store)
    assert found.findings.execution["worlds_reused"] == 10
    assert found.findings.results == without.findings.results
    assert found.scores.equals(without.scores)
    own = [of for of in found.findings.groups if of.by == "column"]
    assert tuple(of for of in found.findings.groups if of.by != "column") == without.findings.groups
    assert [of.group for of in own if of.column == "town"] == ["north", "south"]
    assert [of.group for of in own if of.column == "name"] == ["other values"]
    assert len([of for of in own if of.column == "a"]) == 4
    rows = found.observations["target"].rows
    towns = people["town"].to_numpy()[rows["record"]]
    assert np.array_equal(found.observations["target"].groups["town"], towns)
    north = (rows["role"] == "deleted") & (towns == "north")
    assert own[0].n_positive == north.sum()
    page = found.save(tmp_path / "out").read_text()
    assert ">north<" in page
    assert re.search(r"person \d", page) is None
    stream = io.StringIO()
    print_summary(Console(file=stream, width=200), found.findings)
    assert "AUC by town: north " in stream.getvalue()


def test_another_town_is_another_audit(people, tmp_path):
    config = config_of(tmp_path, groups="town")
    before = AuditTask.load(config).identity
    people.assign(town=people["town"].iloc[::-1].to_numpy()).to_csv(tmp_path / "people.csv", index=False)
    after = AuditTask.load(config).identity
    assert before["data"] == after["data"]
    assert before != after


def test_columns_of_a_frame_and_values_of_ones_own(people, tmp_path):
    sizes = {"shadow_worlds": 3, "target_worlds": 4, "deletions": 25, "train_size": 150, "references": 20}
    X, y = people[list("abcd")], people["pays"]
    by_column = audit("decision-tree", X, y, groups=["a"], **sizes, **SETTINGS)
    given = audit("decision-tree", X.to_numpy(), y, groups={"a": X["a"]}, **sizes, **SETTINGS)
    kinds = [[of for of in found.findings.groups if of.by == "column"] for found in (by_column, given)]
    assert kinds[0] == kinds[1]
    assert [of.column for of in kinds[0]] == ["a"] * 4
    for groups, says in (
        (["town"], "no column 'town' to group by in in-memory; name one of: a, b, c, d"),
        ({"town": ["north"]}, "'town' has 1 values for 900 records"),
    ):
        with pytest.raises(AuditError, match=says):
            audit("decision-tree", X, y, groups=groups, **sizes)
    with pytest.raises(AuditError, match="there is no 'a' to group by; give a DataFrame"):
        audit("decision-tree", X.to_numpy(), y, groups="a", **sizes)


def test_a_file_is_grouped_by_its_own_columns(table):
    shadow, target = table(seed=1, side="shadow"), table(seed=2, worlds=6, pairs=10)
    towns = np.random.default_rng(0).choice(["north", "south"], len(target)).astype(object)
    target = dataclasses.replace(target, groups={"town": towns, "age": np.arange(len(target), dtype=float)})
    config = AuditConfig.model_validate({**SETTINGS, "attacks": ["score-ratio"], "groups": ["town"]})
    found = audit_observations(shadow, target, config=config).findings
    own = [of for of in found.groups if of.by == "column"]
    assert [(of.column, of.group) for of in own] == [("town", "north"), ("town", "south")]
    assert found.config["groups"] == ["town"]
    with pytest.raises(AuditError, match="no column 'group_sex' to group by; it has group_town, group_age"):
        audit_observations(shadow, target, config=config.model_copy(update={"groups": ("sex",)}))
    with pytest.raises(AuditError, match=r"it has none$"):
        audit_observations(target, shadow, config=config)
