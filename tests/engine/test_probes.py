"""Answers near a record, from labels alone."""

from dataclasses import replace

import numpy as np
import pytest

from unlearn_audit import AuditConfig
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.data.base import Dataset
from unlearn_audit.engine import Store, observe_worlds
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.engine.probes import LEVELS, LINES, Probes
from unlearn_audit.errors import AuditError


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)) * [1.0, 10.0, 0.1]
    y = (X @ [1.0, 0.1, 10.0] > 0).astype(int)
    return Dataset("made", X, y, np.array([0, 1]), ("no", "yes"), np.arange(300))


def by_plane(w, b):
    return lambda X: (X @ w + b > 0).astype(np.int64)


def test_the_boundary_of_a_plane_is_where_it_is(data):
    w, b = np.array([1.0, 0.1, 10.0]), 0.3
    probes = Probes.of(data, np.arange(50), np.arange(100, 300), 4, seed=0)
    _, boundary = probes.ask(by_plane(w, b))
    at, there = probes.points @ w + b, probes.ends @ w + b
    turns = (at[:, None] > 0) != (there > 0)
    share = np.where(turns, at[:, None] / (at[:, None] - there), 1.0)
    sign = np.where((at > 0) == (probes.labels == 1), 1, -1)
    assert 0.5 < turns.mean() < 1
    assert np.allclose(boundary, sign[:, None] * share * probes.lengths, atol=1e-4)


def test_copies_agree_as_often_as_the_formula_says(data):
    w = np.array([1.0, 0.1, 10.0])
    probes = Probes.of(data, np.arange(50), np.arange(100, 300), 8, seed=0)
    agreement, _ = probes.ask(by_plane(w, 0.0))
    expected = ((probes.copies @ w > 0) == (probes.labels == 1)[:, None]).mean(axis=1)
    assert np.allclose(agreement, expected)
    differing = (probes.copies != probes.points[:, None]).any(axis=2)
    assert differing.mean() > 0.99


def test_copies_take_features_as_often_as_their_level_says(data):
    probes = Probes.of(data, np.arange(100), np.arange(100, 300), 4, seed=0)
    d = data.X.shape[1]
    taken = (probes.copies != probes.points[:, None]).mean(axis=(0, 2))
    # one feature is taken in any case
    expected = np.array([level + (1 - level) / d for level in LEVELS])
    assert np.allclose(taken, expected, atol=0.06)


def test_a_record_is_probed_in_the_same_places_whoever_else_is(data):
    donors = np.arange(100, 300)
    alone = Probes.of(data, np.array([7]), donors, 4, seed=0)
    among = Probes.of(data, np.array([9, 3, 7, 3]), donors, 4, seed=0)
    assert among.positions.tolist() == [3, 7, 9]
    assert np.array_equal(alone.copies[0], among.copies[1])
    assert np.array_equal(alone.ends[0], among.ends[1])
    assert not np.array_equal(Probes.of(data, np.array([7]), donors, 4, seed=1).copies, alone.copies)
    back = among.take(np.array([9, 3]))
    assert np.array_equal(back.copies, among.copies[[2, 0]])


def test_lines_lead_to_other_classes(data):
    donors = np.arange(100, 300)
    probes = Probes.of(data, np.arange(50), donors, 1, seed=0)
    of_end = {tuple(x): label for x, label in zip(data.X, data.y, strict=True)}
    labels = np.array([[of_end[tuple(end)] for end in ends] for ends in probes.ends])
    assert labels.shape == (50, LINES)
    assert (labels != data.y[:50, None]).all()


def test_records_that_are_no_numbers_are_refused(data):
    text = Dataset(
        "words", np.array([["a"], ["b"]], dtype=object), np.array([0, 1]), np.array([0, 1]), ("a", "b"), [0, 1]
    )
    with pytest.raises(AuditError, match="not rows of numbers"):
        Probes.of(text, np.array([0]), np.array([1]), 1, seed=0)
    with pytest.raises(AuditError, match="there are 9 of made, fewer than 10"):
        Probes.of(data, np.array([0]), np.arange(9), 1, seed=0)
    holed = replace(data, X=np.where(data.X > 2, np.nan, data.X))
    with pytest.raises(AuditError, match="have missing values"):
        Probes.of(holed, np.array([0]), np.arange(100, 300), 1, seed=0)


def tables_of(tmp_path, jobs, **worlds):
    sizes = {"shadow": 2, "target": 2, "deletions": 5, "unseen": 4, "references": 10, "train_size": 60, **worlds}
    config = {"target": {"data": "breast-cancer", "model": "decision-tree"}, "worlds": sizes}
    arms = plan_audit(AuditTask.load(AuditConfig.model_validate(config))).arms
    tasks = list(arms[0].tasks.values())
    store = Store(tmp_path / f"store-{jobs}-{len(worlds)}")
    return [table for _, table, _ in observe_worlds(tasks, store, executor_for(None, jobs), lambda *_: None)]


def test_worlds_with_probes_hold_both_signals_and_the_same_posteriors(tmp_path):
    plain, probed, in_two = tables_of(tmp_path, 1), tables_of(tmp_path, 1, probes=6), tables_of(tmp_path, 2, probes=6)
    for bare, table, again in zip(plain, probed, in_two, strict=True):
        assert not bare.signals
        assert np.array_equal(bare.posteriors, table.posteriors)
        assert table.signals["agreement"].shape == (len(table), 2)
        assert table.signals["boundary"].shape == (len(table), 2, LINES)
        for name, values in table.signals.items():
            assert np.array_equal(values, again.signals[name])
        # on the right side of the boundary exactly where the label is right
        right = table.posteriors.argmax(axis=2) == table.rows["label"].to_numpy()[:, None]
        assert ((table.signals["boundary"] >= 0).all(axis=2) == right).all()


def test_nobody_lends_to_itself_and_bytes_are_asked_as_bytes(data):
    donors = np.arange(100, 130)
    probes = Probes.of(data, donors, donors, 8, seed=0)
    assert (probes.copies != probes.points[:, None]).any(axis=2).all()
    pixels = replace(data, X=np.clip(np.rint(20 * data.X + 100), 0, 255).astype(np.uint8))
    seen = []

    def label(X):
        seen.append(X)
        return (X[:, 0] > 100).astype(np.int64)

    _, boundary = Probes.of(pixels, np.arange(50), np.arange(100, 300), 4, seed=0).ask(label)
    assert {X.dtype for X in seen} == {np.dtype(np.uint8)}
    assert np.isfinite(boundary).all()


@pytest.mark.usefixtures("real_data")
def test_a_network_sees_probes_of_bytes_as_bright_as_the_records(tmp_path):
    """Networks scale bytes and no other numbers."""
    pytest.importorskip("torch")
    sizes = {"shadow": 2, "target": 1, "deletions": 5, "unseen": 4, "references": 12, "train_size": 200, "probes": 4}
    target = {"data": "mnist", "model": "simple-cnn", "network": {"epochs": 3, "batch_size": 20}}
    config = {"target": target, "worlds": sizes, "attacks": ["boundary-distance"]}
    arms = plan_audit(AuditTask.load(AuditConfig.model_validate(config))).arms
    task = arms[0].tasks["target"]
    ((_, table, _),) = observe_worlds([task], Store(tmp_path / "store"), executor_for(None, 1), lambda *_: None)
    right = table.posteriors.argmax(axis=2) == table.rows["label"].to_numpy()[:, None]
    assert right.mean() > 0.4
    # on the right side of the boundary exactly where the label is right
    assert ((table.signals["boundary"] >= 0).all(axis=2) == right).all()
