"""A training that takes too long is stopped, whatever it computes, and the audit with it in one sentence."""

import ctypes
import os
import re
import time

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import Execution, audit
from unlearn_audit.errors import AuditError, TrainingTimeout
from unlearn_audit.utils.deadline import limited_to, one_training

SIZES = {"shadow_worlds": 2, "target_worlds": 2, "train_size": 40, "deletions": 5, "unseen": 2, "references": 10}
FEW = {"attacks": ["label-gap"], "attack_models": ["decision-tree"], "features": ["direct-diff"]}


class Stuck(DecisionTreeClassifier):
    """A model that some training never ends of: compiled code that hears of no signal and keeps the lock of Python."""

    def __init__(self, where="", random_state=None):
        super().__init__(random_state=random_state)
        self.where = where

    def fit(self, X, y):
        if len(y) == 39 and os.path.exists(self.where):
            ctypes.PyDLL(None).sleep(600)
        return super().fit(X, y)


def people():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    return X, (X[:, 0] > 0).astype(int)


def stopped(tmp_path, **execution):
    flag = tmp_path / "stuck"
    flag.touch()
    X, y = people()
    asked = {**SIZES, **FEW, "store": tmp_path / "store", "reuse": "always", "name": "people", **execution}
    with pytest.raises(TrainingTimeout) as caught:
        audit(Stuck(str(flag)), X, y, **asked, training_timeout=1.5)
    said = str(caught.value)
    assert re.match(r"a training of model Stuck on 39 records of people took longer than the limit of 1\.5 sec", said)
    flag.unlink()
    return lambda **more: audit(Stuck(str(flag)), X, y, **{**asked, **more})


def test_a_training_alone_is_stopped_and_leaves_nothing(tmp_path):
    again = stopped(tmp_path)
    assert not list((tmp_path / "store" / "tmp").glob("*"))
    assert again().findings.execution["executor"] == "serial"


def test_a_longer_limit_goes_on_and_changes_nothing(tmp_path):
    again = stopped(tmp_path)
    result, plain = again(training_timeout=600), again(reuse="never")
    assert [of.findings.execution["executor"] for of in (result, plain)] == ["processes", "serial"]
    for side, table in result.observations.items():
        assert np.array_equal(table.posteriors, plain.observations[side].posteriors)


def test_a_training_of_several_is_stopped_and_finished_worlds_are_kept(tmp_path):
    X, y = people()
    asked = {**SIZES, **FEW, "store": tmp_path / "store", "reuse": "always", "name": "people"}
    flag = tmp_path / "stuck"
    audit(Stuck(str(flag)), X, y, **{**asked, "target_worlds": 1}, jobs=2)
    result = stopped(tmp_path, jobs=2)(training_timeout=600)
    assert result.findings.execution["worlds_reused"] >= 3


def test_a_training_on_a_cluster_is_stopped(tmp_path):
    pytest.importorskip("distributed")
    stopped(tmp_path, execution=Execution(executor="dask"))


def test_where_no_process_can_be_ended_it_is_told_afterwards():
    with limited_to(0.01), pytest.raises(TrainingTimeout, match="on 7 records of d"), one_training("m", 7, "d"):
        time.sleep(0.02)
    with limited_to(0.01), one_training("m", 7, "d", together=100):
        time.sleep(0.02)
    with limited_to(None), one_training("m", 7, "d"):
        pass


@pytest.mark.parametrize("limit", [0, -1, float("nan"), True, "60"])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(AuditError, match=r"training_timeout is .*; give the seconds"):
        audit(DecisionTreeClassifier(), *people(), training_timeout=limit)
