"""Groups of records and single records: figures are those of the rows of each, and nobody is named."""

import dataclasses

import numpy as np
import pytest

from unlearn_audit import AuditConfig, Execution, run
from unlearn_audit.attacks import GAMES
from unlearn_audit.metrics import auc
from unlearn_audit.risk import risk_of_groups, risk_of_records, shared_records

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
    assert shared_records(dataclasses.replace(target, rows=apart), target.roles == "deleted") is None


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
    assert 5 <= risk.told <= 18
    assert risk.worlds_needed == 7
    page = result.save(tmp_path / "out").read_text()
    assert f"of 18 audited records {risk.told} stand out by themselves" in page
    assert "Difficulty: tenths of the margin" in page
    shuffled = rng.permutation(len(result.scores))
    table = result.observations["target"]
    rows = GAME.rows(table, "the target side")
    assert risk_of_records(table.select(rows), GAME, shuffled[: rows.sum()].astype(float)).told <= 1
