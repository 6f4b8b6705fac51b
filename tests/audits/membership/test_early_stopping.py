from dataclasses import replace

import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import AuditConfig, AuditError, Execution, Observations, audit, audit_observations, run
from unlearn_audit.attacks import run as stage
from unlearn_audit.findings.sections import Look, Stopping

SMALL = {
    "attacks": [],
    "target": {"data": "breast-cancer", "model": "decision-tree"},
    "worlds": {"shadow": 4, "target": 3, "deletions": 4, "unseen": 4, "references": 5},
    "features": ["sorted-diff"],
    "attack_models": ["logistic-regression", "decision-tree"],
    # with seed 0 no shadow answer moves, so that the attack is a constant of width 0
    "seed": 1,
}


def configured(**changes):
    return AuditConfig.model_validate({**SMALL, **changes})


@pytest.fixture
def store(tmp_path):
    return Execution(store=tmp_path / "shared")


def same(one, other):
    """All that two audits found, but for their configurations and how they came to their sizes."""
    apart = {"config", "execution", "stopping", "notes"}
    findings = [result.findings.model_dump(exclude=apart) for result in (one, other)]
    return findings[0] == findings[1] and one.scores.equals(other.scores)


def test_it_grows_to_what_a_plain_run_of_as_many_worlds_finds(store):
    grown = run(configured(until="auc ± 0.02"), store)
    stopping = grown.findings.stopping
    assert stopping.looks[0].worlds == 20
    assert stopping.worlds > 20
    assert stopping.reached
    low, high = grown.findings.leading().auc_ci
    assert stopping.looks[-1].half_width == (high - low) / 2 <= 0.9 * 0.02
    assert all(look.half_width > 0.9 * 0.02 for look in stopping.looks[:-1])
    assert grown.findings.details["target"]["worlds"] == stopping.worlds
    assert grown.findings.execution["worlds_reused"] == 0
    plain = run(configured(worlds={**SMALL["worlds"], "target": stopping.worlds}), store)
    assert plain.findings.execution["worlds_reused"] == 4 + stopping.worlds
    assert same(grown, plain)
    assert plain.findings.stopping is None
    assert [note for note in grown.findings.routine if note not in plain.findings.routine] == [stopping.sentence]


def test_workers_and_a_second_run_change_nothing(store, tmp_path):
    config = configured(until={"auc": 0.02, "at_most": 24})
    first, again = run(config, store), run(config, store)
    parallel = run(config, Execution(jobs=2, store=tmp_path / "other"))
    assert first.findings.model_dump(exclude={"execution"}) == again.findings.model_dump(exclude={"execution"})
    assert first.findings.model_dump(exclude={"execution"}) == parallel.findings.model_dump(exclude={"execution"})
    assert again.findings.execution["worlds_reused"] == 4 + first.findings.stopping.worlds


def test_the_cap_ends_it_and_is_told(store):
    findings = run(configured(until={"auc": 0.001, "at_most": 22}), store).findings
    assert (findings.stopping.worlds, findings.stopping.reached) == (22, False)
    assert any("± 0.001 was not reached: at 22 target worlds, the most allowed" in note for note in findings.routine)


def test_a_wide_goal_stops_at_the_first_look_at_the_worlds_planned(store):
    worlds = {**SMALL["worlds"], "target": 21}
    stopping = run(configured(worlds=worlds, until="auc ± 0.4"), store).findings.stopping
    assert [look.worlds for look in stopping.looks] == [21]


def test_only_the_first_look_runs_every_attack(store, monkeypatch):
    ran = []

    def counted(attacks, *rest, **policy):
        ran.append(len(attacks))
        return stage.run_attacks(attacks, *rest, **policy)

    monkeypatch.setattr("unlearn_audit.audits.membership.early_stopping.run_attacks", counted)
    found = run(configured(until="auc ± 0.02"), store)
    assert ran == [6] + [1] * (len(found.findings.stopping.looks) - 1)


def test_what_it_watches_is_the_leading_attack(store, monkeypatch):
    watched = []

    def seen(attacks, *rest, **policy):
        watched.append(attacks)
        return stage.run_attacks(attacks, *rest, **policy)

    monkeypatch.setattr("unlearn_audit.audits.membership.early_stopping.run_attacks", seen)
    selected = run(configured(until="auc ± 0.02"), store).findings.selected
    assert {(a.name, a.attack_model) for (a,) in watched[1:]} == {(selected.attack, selected.attack_model)}


def test_every_arm_gets_as_many_worlds(store):
    pytest.importorskip("opacus")
    config = configured(
        target={"data": "breast-cancer", "model": "torch-logistic-regression", "network": {"epochs": 1}},
        worlds={"shadow": 4, "target": 3, "deletions": 3, "unseen": 2, "references": 2},
        regime="fresh",
        defenses=["dp-sgd:8"],
        until={"auc": 0.001, "at_most": 21},
    )
    tables = run(config, store).observations
    assert {name: table.rows["world"].nunique() for name, table in tables.items()} == {
        "shadow": 4, "target": 21, "shadow-dp-sgd-8": 4, "target-dp-sgd-8": 21,
    }  # fmt: skip


def test_in_python_too(store):
    X, y = load_breast_cancer(return_X_y=True)
    sizes = {"shadow_worlds": 4, "target_worlds": 3, "deletions": 4, "unseen": 4, "references": 5}
    result = audit(
        DecisionTreeClassifier(max_leaf_nodes=10), X, y, **sizes, features=["sorted-diff"], until="auc ± 0.3",
        attack_models=["logistic-regression"], execution=store,
    )  # fmt: skip
    assert result.findings.stopping.worlds == 20


def test_files_have_no_worlds_to_add(table):
    with pytest.raises(AuditError, match="no worlds to add; use it with run"):
        audit_observations(table(seed=1), table(seed=2), config=AuditConfig(until="auc ± 0.02"))
    assert isinstance(table(), Observations)


def test_how_it_ended_in_words():
    looks = (Look(worlds=10, half_width=0.05), Look(worlds=31, half_width=0.026))
    reached = Stopping(asked=0.03, at_most=100, looks=looks)
    assert reached.sentence == (
        "stopped at 31 target worlds: the AUC's interval is ± 0.0260 wide, ± 0.03 was requested (looked at 10, 31)"
    )
    assert not Stopping(asked=0.02, at_most=31, looks=looks).reached


def test_in_per_record_worlds_the_width_is_that_of_the_report(store):
    worlds = {"shadow": 6, "target": 3, "deletions": 4, "layout": "per-record", "references": 12}
    grown = run(configured(worlds=worlds, until={"auc": 0.02, "at_most": 21}), store).findings
    low, high = grown.leading().auc_ci
    assert grown.stopping.looks[-1].half_width == (high - low) / 2


def test_an_attack_that_fails_is_told_in_the_end(store, monkeypatch):
    def fails(*_, **__):
        raise ValueError("no such luck")

    monkeypatch.setattr("unlearn_audit.attacks.learned.classifier.LearnedAttack.score", fails)
    config = configured(attacks=["margin-difference"], until={"auc": 0.05, "at_most": 20})
    with pytest.raises(AuditError, match=r"no such luck, at test_early_stopping\.py:\d+; --keep-going"):
        run(config, store)
    found = run(config, replace(store, keep_going=True)).findings
    assert found.selected.attack == "margin-difference"
    assert {of.attack for of in found.failed} == {"sorted-diff", "classical", "classical-sorted"}
