"""Whole audits of corrections."""

import numpy as np
import pytest

from unlearn_audit import AuditConfig, Execution
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.rectification.run import rectify
from unlearn_audit.errors import AuditError

SMALL = {
    "target": {"data": "breast-cancer", "model": "logistic-regression"},
    "worlds": {"shadow": 4, "target": 4, "train_size": 100, "deletions": 8, "references": 10},
}


def task(**changes):
    return AuditTask.load(AuditConfig.model_validate({**SMALL, **changes}))


def test_a_logistic_regression_tells_the_column(tmp_path):
    found = rectify(task(), Execution(store=tmp_path), 6)
    assert (found.corrections, found.unchanged, found.columns) == (32, 32, 6)
    assert found.column.low > 1 / 6
    assert found.regime == "fixed"
    assert rectify(task(), Execution(store=tmp_path), 6).document() == found.document()


def test_two_processes_make_the_same_worlds(tmp_path):
    sizes = {**SMALL["worlds"], "shadow": 2, "target": 2, "deletions": 10, "train_size": 60}
    made = [rectify(task(worlds=sizes), Execution(store=tmp_path / str(jobs), jobs=jobs), 3) for jobs in (1, 2)]
    assert made[0].document() == made[1].document()


@pytest.mark.parametrize("model", ["logistic-regression", "decision-tree"])
def test_a_value_written_anew_as_it_was_tells_nothing(tmp_path, model):
    found = rectify(task(target={"data": "breast-cancer", "model": model}), Execution(store=tmp_path), 6, null=True)
    assert found.value.value == 0.5
    assert found.column.low <= 1 / 6 <= found.column.high
    assert found.record.low <= 0.5 <= found.record.high


@pytest.mark.parametrize("unlearning", ["none", {"method": "sisa", "shards": 3}])
def test_any_method_that_takes_requests_takes_corrections(tmp_path, unlearning):
    found = rectify(task(unlearning=unlearning), Execution(store=tmp_path), 4)
    assert (found.still == 1) == (unlearning == "none")


def test_a_defence_is_applied_to_both_sides(tmp_path):
    plain = rectify(task(), Execution(store=tmp_path), 6)
    coarse = rectify(task(defenses=["rounding:1"]), Execution(store=tmp_path), 6)
    assert coarse.still > plain.still
    assert coarse.column.value < plain.column.value


@pytest.mark.parametrize(
    ("changes", "columns", "said"),
    [
        ({"scenario": "group"}, 6, "rectify handles one record at a time, and the scenario group deletes several"),
        ({}, 1, "--columns 1 leaves nothing to choose between"),
        (
            {"worlds": {**SMALL["worlds"], "references": 3}},
            6,
            "3 reference records say too little .* 10 are needed",
        ),
        ({"worlds": {**SMALL["worlds"], "shadow": 2, "deletions": 4}}, 6, "8 corrections on the shadow side are too"),
        ({"target": {"data": {"name": "adult", "encoding": "one-hot"}}}, 6, "one-hot makes several columns"),
    ],
)
def test_what_it_cannot_do_is_refused(changes, columns, said):
    if "target" in changes:
        subject = task()
        subject = AuditTask(AuditConfig.model_validate({**SMALL, **changes}), subject.records, subject.models)
    else:
        subject = task(**changes)
    with pytest.raises(AuditError, match=said):
        rectify(subject, Execution(), columns)


def test_the_plan_is_told_apart_in_the_store(tmp_path):
    columns = [rectify(task(), Execution(store=tmp_path), k).column.value for k in (3, 6)]
    null = rectify(task(), Execution(store=tmp_path), 6, null=True)
    assert null.still == 1
    assert len({*np.round(columns, 6), null.column.value}) > 1
