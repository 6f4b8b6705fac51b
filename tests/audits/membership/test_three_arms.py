"""A method beside exact retraining and no unlearning at all: three arms on originals that are trained once."""

import numpy as np
import pytest

from shared_originals import counted
from unlearn_audit import AuditConfig, Execution, run
from unlearn_audit.audits.membership.execution import WorldMaker
from unlearn_audit.audits.membership.forecast import Pilot, forecast
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.steps import observe
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.engine.measures import USUAL
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.tables import NONE, RETRAINING

SMALL = {
    "attacks": [],
    "target": {"data": "breast-cancer", "model": "sklearn.naive_bayes:GaussianNB"},
    "unlearning": {"method": "sisa", "shards": 2},
    "worlds": {"shadow": 3, "target": 2, "train_size": 60, "deletions": 5, "unseen": 3, "references": 4},
    "features": ["sorted-diff"],
    "attack_models": ["logistic-regression"],
}

OWN = """
import copy
from dataclasses import dataclass
from unlearn_audit.unlearning import Forgetting, Options


@dataclass(frozen=True)
class Nudge(Forgetting):
    by: float

    def forget(self, original, update):
        model = copy.deepcopy(original.model)
        model.theta_ = model.theta_ + self.by * original.data.X[update.forget].mean(axis=0)
        return model


class NudgeOptions(Options):
    by: float = 0.001

    def unlearner(self, retrain):
        return Nudge(retrain.regime, retrain, self.by)
"""


def configured(**changes):
    return AuditConfig.model_validate({**SMALL, **changes})


@pytest.fixture
def own(tmp_path):
    """A method of other people's, by path, and the file it is in."""
    path = tmp_path / "nudge.py"
    path.write_text(OWN)
    return {"method": f"{path}:NudgeOptions"}, path


def arms(**changes):
    return {arm.name: arm for arm in plan_audit(AuditTask.load(configured(**changes))).arms}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["none", RETRAINING, NONE]),
        ({"retraining_arm": False}, ["none"]),
        ({"unlearning": "retrain"}, ["none"]),
        ({"unlearning": "none"}, ["none", RETRAINING]),
    ],
)
def test_every_method_but_retraining_has_both_ends_of_the_scale_beside_it(changes, names):
    found = arms(**changes)
    assert list(found) == names
    for arm in found.values():
        for task in arm.tasks.values():
            asked = changes.get("unlearning") != "retrain"
            assert task.measures == (USUAL if asked else ())
            assert task.keep_originals is asked


def test_no_unlearning_publishes_the_originals_of_retraining_again_and_trains_none(tmp_path, monkeypatch):
    calls = counted(monkeypatch)
    found = run(configured(), Execution(store=tmp_path))
    # of sisa and of retraining, on both sides
    assert len(calls) == 2 * (3 + 2)
    for side in ("shadow", "target"):
        none, retrained = found.observations[f"{side}-{NONE}"], found.observations[f"{side}-{RETRAINING}"]
        assert (none.posteriors[:, 0] == none.posteriors[:, 1]).all()
        assert np.array_equal(none.posteriors[:, 0], retrained.posteriors[:, 0])
        assert none.rows.equals(retrained.rows)


def test_another_method_trains_no_original_again(tmp_path, monkeypatch, own):
    pytest.importorskip("safetensors")
    execution = Execution(store=tmp_path / "store")
    run(configured(unlearning="none"), execution)
    calls = counted(monkeypatch)
    method, path = own
    first = run(configured(unlearning=method), execution)
    assert calls == []
    # neither does a changed method, nor are the other arms made anew
    path.write_text(OWN.replace("self.by *", "2 * self.by *"))
    second = run(configured(unlearning=method), execution)
    assert calls == []
    assert second.findings.execution["worlds_reused"] == 2 * (3 + 2)
    assert not np.array_equal(first.observations["target"].posteriors, second.observations["target"].posteriors)
    for arm in (RETRAINING, NONE):
        one, two = (of.observations[f"target-{arm}"].posteriors for of in (first, second))
        assert np.array_equal(one, two)


def test_what_is_measured_comes_by_arm_with_the_stats(tmp_path, own):
    plan = plan_audit(AuditTask.load(configured(unlearning=own[0])))
    observed = observe(plan, WorldMaker.of(plan.task.config, Execution(store=tmp_path / "store")))
    tables = {arm: observed.stats[arm, "target"].measures for arm in ("none", RETRAINING, NONE)}
    for table in tables.values():
        pairs = table[table["name"] == "accuracy.test"]
        assert list(zip(pairs["world"], pairs["request"], strict=True)) == [(w, j) for w in range(2) for j in range(5)]
    moved = {arm: table.loc[table["name"] == "moved.largest", "value"] for arm, table in tables.items()}
    assert (moved[NONE] == 0).all()
    assert (moved[RETRAINING] > 0).all()
    assert (moved["none"] > 0).all()


def test_what_networks_alone_have_is_refused_when_it_is_planned():
    target = {"data": "breast-cancer", "model": "decision-tree"}
    with pytest.raises(AuditError, match=r"^relearning cannot be measured, as decision-tree is not a neural network; "):
        arms(target=target, unlearning_measures=["relearning"])


def test_measures_asked_for_are_in_the_identity_and_none_are_not():
    plain = configured()
    assert "unlearning_measures" not in plain.model_dump(mode="json")
    asked = configured(unlearning_measures=["quantisation"])
    assert asked.model_dump(mode="json")["unlearning_measures"] == ["quantisation"]
    with pytest.raises(ValueError, match="relearning"):
        configured(unlearning_measures=["relearn"])


PILOT = Pilot(
    fixed=1.0, per_chain=0.5, chains=5, rows=11.0, scored=6.0, fitted=2.0, bytes_per_row=10.0, bytes_per_world=100,
    memory_per_row=200.0, peak_memory=10**8, original=0.75, bytes_per_original=1000,
)  # fmt: skip


def costs(store, **changes):
    execution = Execution(store=store)
    found = forecast(AuditTask.load(configured(**changes)), execution, lambda _: PILOT, start=lambda: None)
    return {(of.arm, of.side): of for of in found.cost.sides}, found


def test_shared_originals_are_forecast_once(tmp_path):
    found, _ = costs(tmp_path / "store", unlearning="none")
    assert {key: of.trainings for key, of in found.items()} == {
        ("none", "shadow"): 3, ("none", "target"): 2,
        (RETRAINING, "shadow"): 3 * 5, (RETRAINING, "target"): 2 * 5,
    }  # fmt: skip
    assert found["none", "target"].seconds == pytest.approx(2 * 3.5)
    assert found[RETRAINING, "target"].seconds == pytest.approx(2 * 2.75)
    assert found["none", "target"].bytes == 2 * (5 * 11 * 10 + 100 + 1000)
    assert found[RETRAINING, "target"].bytes == 2 * (5 * 11 * 10 + 100)


def test_kept_originals_are_forecast_as_stored(tmp_path, own):
    pytest.importorskip("safetensors")
    execution = Execution(store=tmp_path / "store")
    run(configured(unlearning="none"), execution)
    whole, _ = costs(execution.store, unlearning="none")
    assert {of.trainings - of.trainings_stored for of in whole.values()} == {0}
    assert sum(of.seconds for of in whole.values()) == 0
    found, _ = costs(execution.store, unlearning=own[0])
    mine = found["none", "target"]
    assert (mine.trainings, mine.trainings_stored, mine.worlds_stored) == (2 * 6, 2, 0)
    assert mine.seconds == pytest.approx(2 * 2.75)
    assert mine.bytes == 2 * (5 * 11 * 10 + 100)
    assert found[RETRAINING, "target"].trainings == found[RETRAINING, "target"].trainings_stored == 2 * 5


@pytest.mark.parametrize(("model", "kept"), [("decision-tree", False), ("sklearn.naive_bayes:GaussianNB", True)])
def test_the_plan_says_what_cannot_be_kept(tmp_path, model, kept):
    if kept:
        pytest.importorskip("safetensors")
    target = {"data": "breast-cancer", "model": model}
    _, found = costs(tmp_path / "store", target=target)
    sentence = f"originals of {model} are not kept in the store, so an audit of another method trains them again"
    assert any(text.startswith(sentence) for text in found.assumptions) is not kept


def test_early_stopping_trains_no_original_twice(tmp_path, monkeypatch):
    calls = counted(monkeypatch)
    target = {"data": "breast-cancer", "model": "decision-tree"}
    until = {"auc": 0.001, "at_most": 21}
    found = run(configured(unlearning="none", until=until, target=target), Execution(store=tmp_path))
    n = found.observations["target"].rows["world"].nunique()
    assert n >= 20
    assert len(calls) == 3 + n
