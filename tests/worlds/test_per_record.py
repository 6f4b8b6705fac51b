"""Per-record worlds: everybody in every role, in balance, and nobody where they should not be."""

from collections import Counter

import numpy as np
import pytest

from unlearn_audit import AuditConfig, audit
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.errors import AuditError

SIZES = {
    "layout": "per-record", "shadow": 6, "target": 6, "deletions": 7, "unseen": 3, "references": 10, "train_size": 100
}  # fmt: skip


def plans(**changes):
    worlds = {**SIZES, **changes.pop("worlds", {})}
    config = {"target": {"data": "breast-cancer", "model": "decision-tree"}, "worlds": worlds, **changes}
    plan = plan_audit(AuditTask.load(AuditConfig.model_validate(config)))
    arms, notes = plan.arms, plan.notes
    return {side: task.plan for side, task in arms[0].tasks.items()}, notes


def test_every_record_has_every_role_equally_often():
    both, _ = plans()
    assert np.array_equal(both["shadow"].audited, both["target"].audited)
    for plan in both.values():
        times = Counter()
        for index in range(6):
            world = plan.world(index)
            trained = set(world.training.tolist())
            deleted = {int(chain[0].deleted[0]) for chain in world.chains}
            assert len(world.training) == len(trained) == 100
            assert len(deleted) == 7
            assert deleted <= trained
            for record in plan.audited.tolist():
                times[record, "deleted" if record in deleted else "kept" if record in trained else "unseen"] += 1
        assert len(times) == 3 * 21
        assert set(times.values()) == {2}


def test_what_a_pair_is_asked():
    for plan in plans()[0].values():
        world = plan.world(4)
        trained = set(world.training.tolist())
        firsts = []
        for (request,), query in zip(world.chains, world.queries, strict=True):
            of = {role: query.positions[query.roles == role] for role in ("deleted", "unseen", "retained", "reference")}
            assert of["deleted"].tolist() == request.deleted.tolist()
            assert len(of["unseen"]) == 4
            assert not set(of["unseen"].tolist()) & trained
            assert set(of["unseen"].tolist()) <= set(plan.audited.tolist())
            assert set(of["retained"].tolist()) <= trained - set(request.deleted.tolist())
            assert not set(of["reference"].tolist()) & trained
            assert query.roles[query.paper].tolist() == ["deleted", "unseen", "retained"]
            firsts.append(of["unseen"][0])
        assert len(set(firsts)) == 7


def test_worlds_do_not_depend_on_how_many_there_are():
    few, many = (plans(worlds={"shadow": n, "target": n})[0]["target"] for n in (3, 9))
    assert np.array_equal(few.world(2).training, many.world(2).training)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scenario": "group"}, "delete one record at a time"),
        ({"worlds": {"deletions": 40}}, "use at most 25 deletions"),
        ({"shadow": {"data": "digits"}}, "shadow"),
    ],
)
def test_what_cannot_be_done_is_said(changes, says):
    with pytest.raises(AuditError, match=says):
        plans(**changes)


def test_whoever_has_several_records_is_not_audited():
    X, y = np.random.default_rng(0).normal(size=(400, 3)), np.arange(400) % 2
    with pytest.raises(AuditError, match="0 people of one record, too few for 21 audited records"):
        audit("decision-tree", X, y, persons=np.arange(400) // 2, layout="per-record", deletions=7, train_size=80)
