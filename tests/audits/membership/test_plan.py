"""What an audit will do is decided once, and is what then happens."""

from dataclasses import replace

import pytest

from unlearn_audit import AuditConfig, AuditError, Execution, run
from unlearn_audit.audits.membership.arms import has_retraining_arm
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.findings.attack_plan import available_in_tables
from unlearn_audit.findings.tables import SideTables

SMALL = {
    "target": {"data": "breast-cancer", "model": "decision-tree"},
    "worlds": {"shadow": 3, "target": 3, "deletions": 5, "unseen": 4, "references": 12},
    "features": ["sorted-diff"],
    "attack_models": ["logistic-regression"],
}


def configured(**changes):
    worlds = {**SMALL["worlds"], **changes.pop("worlds", {})}
    return AuditConfig.model_validate({**SMALL, **changes, "worlds": worlds})


def planned(**changes):
    return plan_audit(AuditTask.load(configured(**changes)))


PER_RECORD = {"layout": "per-record", "shadow": 6, "train_size": 100}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"worlds": {"references": 5}},
        {"worlds": {"probes": 3}},
        {"worlds": PER_RECORD},
        {"scenario": {"delete_class": "malignant"}, "worlds": {"references": 5}},
        {"worlds": {**PER_RECORD, "shadow": 5}},
        {"worlds": {**PER_RECORD, "shadow": 3, "retained": 2}, "games": ["retained-vs-unseen", "deleted-vs-unseen"]},
        {"scenario": "retained"},
        {"scenario": {"name": "multi-version", "versions": 2}},
        {"scenario": {"name": "group", "size": 3}},
        {"defenses": ["rounding:1"], "unlearning": {"method": "sisa", "shards": 2}},
    ],
)
def test_what_is_planned_of_worlds_is_what_their_tables_hold(changes, tmp_path):
    config = configured(**changes)
    tables = run(config, Execution(store=tmp_path)).observations
    arms = ["", "-retraining"] if has_retraining_arm(config) else [""]
    of_tables = {arm: SideTables(tables[f"shadow{arm}"], tables[f"target{arm}"]) for arm in arms}
    held = available_in_tables(config, of_tables)
    available = plan_audit(AuditTask.load(config)).attacks.with_influence(None).available
    assert available == held


@pytest.mark.parametrize("attacks", [[], ["margin-unlearned", "margin-original"]])
@pytest.mark.parametrize("method", ["sisa", "retrain"])
def test_an_attack_on_both_versions_is_needed_before_anything_is_trained(attacks, method):
    with pytest.raises(AuditError, match=r"^an audit needs an attack on both versions"):
        planned(attacks=attacks, attack_models="none", unlearning=method)


def test_what_runs_and_what_is_counted_are_the_attacks_of_the_plan(tmp_path):
    config = configured(defenses=["rounding:1", "none"], unlearning={"method": "sisa", "shards": 2})
    plan = plan_audit(AuditTask.load(config))
    names = {attack.name for attacks in plan.attacks.by_game.values() for attack in attacks.runs}
    findings = run(config, Execution(store=tmp_path)).findings
    assert {result.attack for result in findings.results} == names
    assert [defense.name for defense in plan.attacks.defenses] == ["rounding:1"]
    runs = plan.attacks.by_game[config.games[0]].runs
    # undefended and defended, and on the two arms beside
    assert plan.attacks.n_fits([arm.name for arm in plan.arms]) == (2 + 2) * len(runs)
    assert set(plan.attacks.notes) <= set(findings.routine)


def test_without_influences_the_attacks_that_need_them_are_left_out_or_refused():
    plan = planned()
    assert plan.attacks.needs_influence
    without = plan.with_influence(None).attacks
    assert not without.needs_influence
    assert any("change-field" in note for note in without.notes)
    with pytest.raises(AuditError, match="the attack change-field needs"):
        planned(attacks=["change-field"]).with_influence(None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attacks": ["marginal-difference"]}, "unknown attack 'marginal-difference'; did you mean margin-difference"),
        ({"features": ["sorted-diff", "smell"]}, "unknown feature 'smell'; use one of direct-concat"),
        ({"attack_models": ["random-forst"]}, "unknown attack model 'random-forst'; did you mean random-forest"),
        ({"defenses": ["blurring:2"]}, "unknown defence 'blurring'"),
        ({"defenses": ["top-k:2"]}, "hides nothing of 2 classes"),
        ({"attacks": ["pair-scale"], "worlds": {"references": 3}}, "the attack pair-scale needs at least 10 reference"),
        ({"attacks": ["lira"]}, "the attack lira needs worlds that audit the same records"),
    ],
)
def test_what_cannot_be_had_is_refused_before_anything_is_trained(changes, message):
    with pytest.raises(AuditError, match=message):
        planned(**changes)


def test_a_class_is_deleted_on_both_sides_of_the_same_data():
    task = AuditTask.load(configured(scenario={"delete_class": "benign"}))
    apart = AuditTask.of(task.config, {**task.records, "shadow": replace(task.records["target"])}, task.models)
    with pytest.raises(AuditError, match="leave the shadow dataset out"):
        plan_audit(apart)


def test_what_a_list_holds_makes_another_audit_and_not_where_it_stands(tmp_path):
    def identity(name, text):
        (tmp_path / name).write_text(text)
        made = AuditTask.load(configured(scenario={"delete_ids": str(tmp_path / name)})).identity
        return made.pop("listed"), made["config"]["scenario"]["delete_ids"]

    first, other = identity("a.txt", "3\n4\n"), identity("b.txt", "4\n3\n")
    assert first[0] == other[0] != identity("a.txt", "3\n5\n")[0]
    assert "listed" not in AuditTask.load(configured()).identity
