"""All three roles at once."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from unlearn_audit.attacks.learned.three_way import THREE_ROLES, ThreeWayAttack
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.three_way import three_way
from unlearn_audit.metrics import Clusters, auc, share
from unlearn_audit.metrics.intervals import jackknife_error, t_quantile
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import attacker_view
from unlearn_audit.utils.seeds import Kind, integer_seed, name_key


def made(seed, worlds=6, pairs=12, deleted=1.0, known=0.0, raised=0.0):
    """Deletion lowers a margin; members' margins are higher by ``known``, in the new version by ``raised`` more."""
    rng = np.random.default_rng(seed)
    roles = np.array(["deleted", *["retained"] * 3, *["unseen"] * 4])
    n = worlds * pairs
    role = np.tile(roles, n)
    before = rng.normal(size=len(role)) + known * (role != "unseen")
    after = before + 0.1 * rng.normal(size=len(role)) - deleted * (role == "deleted") + raised * (role == "retained")
    p = 1 / (1 + np.exp(-np.stack([before, after], axis=1)))
    columns = {
        "world": np.repeat(np.arange(worlds), pairs * len(roles)),
        "request": np.repeat(np.tile(np.arange(pairs), worlds), len(roles)),
        "record": rng.permutation(len(role)),
        "role": role,
        "label": np.zeros(len(role), dtype=int),
    }
    return Observations.create(columns, np.stack([p, 1 - p], axis=2), ["yes", "no"])


def test_what_is_planted_is_found_role_by_role():
    found = three_way(made(1), made(2), seed=0)
    of = {role.role: role for role in found.roles}
    assert [role.n for role in found.roles] == [72, 216, 288]
    assert of["deleted"].auc > 0.95
    assert of["deleted"].added_ci[0] > 0.2
    # nothing tells those who remain from those who never were
    assert found.retained_auc_ci[0] < 0.5 < found.retained_auc_ci[1]
    assert found.retained_added_ci[0] < 0 < found.retained_added_ci[1]
    low, high = found.macro_auc_ci
    assert low < found.macro_auc < high
    assert found.macro_auc == pytest.approx(np.mean([role.auc for role in found.roles]))


def test_members_known_to_both_versions_are_no_risk_of_the_update():
    found = three_way(made(1, known=1.0), made(2, known=1.0), seed=0)
    assert found.retained_auc_ci[0] > 0.6
    assert abs(found.retained_added) < 0.06


def test_an_update_that_raises_the_risk_of_those_who_remain_is_seen():
    found = three_way(made(1, raised=0.5), made(2, raised=0.5), seed=0)
    assert found.retained_auc > 0.9
    assert found.retained_added_ci[0] > 0.2


def test_the_order_of_rows_decides_nothing():
    target = made(2)
    order = np.random.default_rng(0).permutation(len(target))
    first, second = three_way(made(1), target, seed=0), three_way(made(1), target.select(order), seed=0)
    assert first.macro_auc == pytest.approx(second.macro_auc, abs=1e-12)
    assert first.retained_added == pytest.approx(second.retained_added, abs=1e-12)


def test_one_world_says_nothing_of_others():
    found = three_way(made(1), made(2, worlds=1), seed=0)
    assert found.macro_auc_ci == (0.0, 1.0)


def test_missing_roles_and_labels_are_named():
    table = made(1)
    without = table.select(table.roles != "retained")
    with pytest.raises(AuditError, match="target side has no row with role 'retained'"):
        three_way(table, without, seed=0)
    unlabelled = dataclasses.replace(table, rows=table.rows.assign(label=-1))
    with pytest.raises(AuditError, match="label of every record"):
        three_way(unlabelled, table, seed=0)


def test_mia_efficacy_is_high_where_deleted_records_look_unseen_and_low_where_they_look_known():
    def efficacy(forgotten):
        found = three_way(*(made(seed, known=6.0, deleted=forgotten) for seed in (1, 2)), seed=0)
        assert found.mia_efficacy_ci[0] <= found.mia_efficacy <= found.mia_efficacy_ci[1]
        return found.mia_efficacy

    assert efficacy(6.0) > 0.95
    assert efficacy(0.0) < 0.05


def per_record(seed, worlds=12, records=30, pairs=10):
    """The same records in roles drawn anew in each world, some told much more easily than others."""
    rng = np.random.default_rng(seed)
    leak = 4 * np.random.default_rng(0).beta(0.4, 0.4, size=records)
    columns = {name: [] for name in ("world", "request", "record", "role")}
    before, after = [], []
    for world in range(worlds):
        drawn = rng.permutation(records)
        for request in range(pairs):
            who = drawn[[request, 10 + request, 20 + request]]
            phi = rng.normal(size=3)
            before.append(phi)
            after.append(phi + 0.3 * rng.normal(size=3) - leak[who] * [1, 0, 0])
            columns["world"] += [world] * 3
            columns["request"] += [request] * 3
            columns["record"] += list(who)
            columns["role"] += ["deleted", "retained", "unseen"]
    p = 1 / (1 + np.exp(-np.stack([np.concatenate(before), np.concatenate(after)], axis=1)))
    columns["label"] = [0] * len(p)
    return Observations.create(columns, np.stack([p, 1 - p], axis=2), ["yes", "no"])


def test_where_worlds_audit_the_same_records_the_interval_allows_for_them():
    target = per_record(2)
    found = three_way(per_record(1), target, seed=0)
    # as if every row were of another record
    others = dataclasses.replace(target, rows=target.rows.assign(record=np.arange(len(target))))
    by_world = three_way(per_record(1), others, seed=0)
    assert found.macro_auc == by_world.macro_auc
    assert np.ptp(found.macro_auc_ci) > 1.15 * np.ptp(by_world.macro_auc_ci)


def test_the_mean_over_roles_has_the_error_of_a_jackknife_over_worlds():
    shown = made(1)
    fitted = ThreeWayAttack().fit(
        attacker_view(shown, "pair", np.ones(len(shown), dtype=bool)),
        shown.roles,
        integer_seed(0, Kind.ATTACK, name_key("three-way"), name_key("pair")),
    )
    ratios = []
    for seed in range(2, 6):
        target = made(seed, worlds=20)
        found = three_way(shown, target, seed=0)
        asked = np.ones(len(target), dtype=bool)
        p = fitted.probabilities(attacker_view(target, "pair", asked))

        def mean(keep, p=p, target=target):
            return np.mean([auc(p[keep, i], target.roles[keep] == role) for i, role in enumerate(THREE_ROLES)])

        assert found.macro_auc == pytest.approx(mean(asked))
        error = jackknife_error(np.array([mean(target.worlds != world) for world in range(20)]))
        ratios.append(np.ptp(found.macro_auc_ci) / 2 / t_quantile(19) / error)
    # records recur, and an interval is never narrower than if answers were independent
    assert min(ratios) > 0.95
    assert np.mean(ratios) < 1.2


def test_only_clean_queries_count_as_a_role_that_is_there():
    table = made(1)
    noisy = dataclasses.replace(table, rows=table.rows.assign(query=(table.roles == "retained").astype(int)))
    with pytest.raises(AuditError, match="shadow side has no row with role 'retained'"):
        three_way(noisy, table, seed=0)


@pytest.mark.parametrize(("by_record", "by_world"), [(1.0, 0.0), (1.0, 0.5), (0.0, 0.5)])
def test_a_share_of_records_that_worlds_have_in_common_is_covered(by_record, by_world):
    rng = np.random.default_rng(0)
    truth = norm.cdf(0.3 / np.sqrt(1 + by_record**2 + by_world**2))
    worlds = np.repeat(np.arange(12), 10)
    covered = by_world_alone = 0
    for _ in range(1000):
        records = np.concatenate([rng.choice(30, 10, replace=False) for _ in range(12)])
        value = 0.3 + (by_record * rng.normal(size=30))[records] + (by_world * rng.normal(size=12))[worlds]
        holds = value + rng.normal(size=120) > 0
        found, alone = share(holds, Clusters(worlds, records)), share(holds, worlds)
        covered += found.low <= truth <= found.high
        by_world_alone += alone.low <= truth <= alone.high
    assert 0.93 <= covered / 1000 <= 0.97
    assert by_record == 0 or by_world_alone < covered
