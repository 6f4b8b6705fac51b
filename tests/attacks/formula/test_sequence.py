"""Attacks on a chain of versions."""

import numpy as np
import pytest

from unlearn_audit.attacks import CATALOGUE, GAMES
from unlearn_audit.attacks.formula.sequence import margin_drops, scaled_margin_drops
from unlearn_audit.findings.breakdowns import time_of_deletion
from unlearn_audit.metrics import auc
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import attacker_view

GAME = GAMES["deleted-vs-unseen"]


def chain(seed=0, worlds=4, pairs=10, updates=4, leak=1.0, scales=(0.02, 0.02, 2.0, 0.02)):
    """Chains of two classes in which steps differ in how much they move everybody."""
    rng = np.random.default_rng(seed)
    columns = {name: [] for name in ("world", "request", "record", "role", "label", "deleted_at")}
    posteriors = []
    for world in range(worlds):
        for request in range(pairs):
            roles = ["deleted"] * updates + ["unseen"] * 6 + ["reference"] * 12
            phi = np.empty((len(roles), updates + 1))
            phi[:, 0] = rng.normal(size=len(roles))
            for step in range(updates):
                moved = scales[step] * rng.normal(size=len(roles))
                moved[step] += leak * scales[step] * 10
                phi[:, step + 1] = phi[:, step] - moved
            p = 1 / (1 + np.exp(-phi))
            posteriors.append(np.stack([p, 1 - p], axis=2))
            columns["world"] += [world] * len(roles)
            columns["request"] += [request] * len(roles)
            columns["record"] += list(rng.choice(10_000, len(roles), replace=False))
            columns["role"] += roles
            columns["label"] += [0] * len(roles)
            columns["deleted_at"] += [*range(1, updates + 1), *[-1] * (len(roles) - updates)]
    return Observations.create(columns, np.concatenate(posteriors), ["yes", "no"])


def test_falls_are_differences_of_margins_and_z_is_that_of_the_step():
    table = chain()
    view = attacker_view(table, "sequence", GAME.rows(table, "target"))
    p = view.posteriors[:, :, 0].astype(float)
    phi = np.log(p) - np.log1p(-p)
    assert np.allclose(margin_drops(view), phi[:, :-1] - phi[:, 1:], atol=1e-4)
    pair = view.pair[0]
    known = margin_drops(view.references)[view.references.pair == pair]
    z = (margin_drops(view)[0] - np.median(known, axis=0)) / np.abs(known - np.median(known, axis=0)).mean(axis=0)
    assert np.allclose(scaled_margin_drops(view)[0], z)


def test_a_quiet_step_is_heard_beside_a_loud_one_on_its_own_scale():
    table = chain()
    rows = GAME.rows(table, "target")
    view = attacker_view(table, "sequence", rows)
    positive = table.roles[rows] == "deleted"
    plain, scaled = (CATALOGUE[name].for_game(GAME.name).score(view) for name in ("delta", "delta-scaled"))
    assert auc(scaled, positive) > 0.95
    assert auc(plain, positive) < auc(scaled, positive) - 0.1


def test_the_update_that_deleted_a_record_is_told_by_what_told_it_on_the_shadow_side():
    found = time_of_deletion(chain(seed=1), chain(seed=2), GAME)
    assert found.statistic == "delta-scaled"
    assert found.updates == 4
    assert found.n == 4 * 10 * 4
    assert found.right > 0.9
    assert found.right_ci[0] <= found.right <= found.right_ci[1]
    assert found.mean_distance < 0.2


def test_without_a_leak_the_update_is_guessed():
    even = (0.02,) * 4
    found = time_of_deletion(chain(seed=1, leak=0, scales=even), chain(seed=2, leak=0, scales=even, pairs=40), GAME)
    assert found.right_ci[0] < 0.25 < found.right_ci[1]
    # |i - j| of two even draws from four has the mean 1.25
    assert found.mean_distance == pytest.approx(1.25, abs=0.15)


def test_two_versions_are_no_chain(table):
    assert time_of_deletion(table(seed=1), table(seed=2), GAME) is None


def test_without_deleted_records_or_their_versions_nothing_is_told():
    table = chain(seed=1)
    nobody = table.select(table.roles != "deleted")
    assert time_of_deletion(table, nobody, GAME) is None
    assert time_of_deletion(nobody, table, GAME) is None
    columns = {name: table.rows[name] for name in ("world", "request", "record", "role", "label")}
    unsaid = Observations.create(columns, table.posteriors, table.classes)
    assert (unsaid.rows["deleted_at"] == -1).all()
    assert time_of_deletion(unsaid, unsaid, GAME) is None
