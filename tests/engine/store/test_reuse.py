"""What a run may take from the store: nothing, what is known to be unchanged, or everything."""

import json
import os
import subprocess
import sys

import pytest
from sklearn.datasets import make_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import Execution, audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import AuditConfig
from unlearn_audit.engine import Store, observe_worlds
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Retrain
from unlearn_audit.utils.progress import Silent
from unlearn_audit.worlds import plan_worlds
from unlearn_audit.worlds.from_arrays import prepare_arrays

SIZES = {"shadow_worlds": 3, "target_worlds": 2, "train_size": 60, "deletions": 4, "references": 10}
QUICK = {"attacks": ["margin-difference"], "features": ["euclidean-distance"], "attack_models": ["decision-tree"]}


def reads(X):
    """Read what no key holds."""
    return X * float(os.environ.get("UNLEARN_AUDIT_TEST_FACTOR", "2"))


KNOWN = DecisionTreeClassifier(max_depth=3)
UNKNOWN = make_pipeline(FunctionTransformer(reads), DecisionTreeClassifier(max_depth=3))
CANNOT_TELL = "can't tell whether model Pipeline changed: reads in "


class Says(Silent):
    """Keeps what it is told to say."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


@pytest.fixture(scope="module")
def data():
    return make_classification(400, 5, random_state=0)


def audited(model, data, store, how=None, says=None, **settings):
    execution = Execution(store=store, reporter=says or Silent(), explain=says is not None, reuse=how)
    found = audit(model, *data, execution=execution, **SIZES, **QUICK, **settings).findings
    return found.execution["worlds_reused"], [note for note in found.warnings if "can't tell" in note]


def test_a_model_that_cannot_be_told_is_trained_anew_and_that_is_said(data, tmp_path):
    for _ in range(2):
        says = Says()
        reused, (note,) = audited(UNKNOWN, data, tmp_path, says=says)
        assert reused == 0
        assert note.startswith(CANNOT_TELL)
        assert "nothing stored was reused" in note
        assert says.lines[0] == note
        sides = [f"{side} side: worlds 0" for side in ("shadow", "target")]
        assert all(any(line.startswith(side) and CANNOT_TELL in line for line in says.lines) for side in sides)
    reused, (note,) = audited(UNKNOWN, data, tmp_path, "always")
    assert reused == 5
    assert note.startswith(CANNOT_TELL)
    assert "reused anyway" in note
    assert audited(UNKNOWN, data, tmp_path, reuse="always")[0] == 5


def test_a_known_model_is_reused_unless_that_is_refused(data, tmp_path):
    assert audited(KNOWN, data, tmp_path) == (0, [])
    assert audited(KNOWN, data, tmp_path) == (5, [])
    assert audited(KNOWN, data, tmp_path, "always") == (5, [])
    assert audited(KNOWN, data, tmp_path, "never") == (0, [])
    says = Says()
    assert audited(KNOWN, data, tmp_path, says=says, reuse="never") == (0, [])
    assert "target side: worlds 0, 1 are computed anew: reuse is set to never" in says.lines


def test_what_a_run_made_itself_it_takes_again(data, tmp_path):
    records = prepare_arrays(*data, None, "made", 0)
    source = resolve_model(UNKNOWN)
    sizes = AuditConfig.model_validate({"worlds": {"shadow": 2, "target": 2, "train_size": 60, "deletions": 4}}).worlds
    scenario = AuditConfig().scenario
    plans, _ = plan_worlds(records.split, records.persons, sizes, scenario, 0, "made", ("shadow", "target"))
    task = SideTask(records.data, source, Retrain.for_model(source, Regime.FIXED)[0], plans["target"])

    def reused(by):
        ((_, _, stats),) = observe_worlds([task], Store(tmp_path), executor_for(None, 1), lambda *_: None, reuse=by)
        return stats.reused

    for policy in ("mine", "never"):
        run = Reuse(policy)
        assert [reused(run), reused(run)] == [0, 2]
    assert reused(Reuse("always")) == 2


def test_neither_results_nor_identity_depend_on_it():
    one, other = AuditConfig(), AuditConfig.model_validate({"reuse": "never"})
    assert other.execution.reuse == "never"
    assert one.model_dump() == other.model_dump()
    assert AuditTask.load(one).identity == AuditTask.load(other).identity


PROGRAM = """
import json, sys
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.tree import DecisionTreeClassifier
from unlearn_audit import Execution, audit
from pathlib import Path

class Own(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.tree_ = DecisionTreeClassifier(max_depth=3).fit(X, y)
        self.classes_ = self.tree_.classes_
        return self
    def predict_proba(self, X):
        from my_settings import NOISE
        return self.tree_.predict_proba(X + NOISE)

if __name__ == "__main__":
    X, y = make_classification(400, 5, random_state=0)
    found = audit(Own(), X, y, execution=Execution(store=Path("store")), {asked}).findings
    print(json.dumps([found.execution["worlds_reused"], found.warnings]))
"""


@pytest.mark.parametrize("how", ["standard input", "a file"])
def test_an_edited_program_is_another_model(tmp_path, how):
    program = PROGRAM.replace("{asked}", ", ".join(f"{k}={v!r}" for k, v in {**SIZES, **QUICK}.items()))

    def reused(text, noise):
        (tmp_path / "my_settings.py").write_text(f"NOISE = {noise}\n")
        (tmp_path / "program.py").write_text(text)
        words, given = (["-"], text) if how == "standard input" else (["program.py"], None)
        done = subprocess.run(
            [sys.executable, "-B", *words], input=given, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        worlds, notes = json.loads(done.stdout)
        assert not any("can't tell" in note for note in notes)
        return worlds

    assert reused(program, 0.1) == 0
    assert reused("# a comment\n" + program, 0.1) == 5
    assert reused(program, 0.2) == 0
    assert reused(program.replace("max_depth=3", "max_depth=4"), 0.2) == 0
