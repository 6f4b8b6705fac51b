"""Audits of many rows hold a bounded number of bytes a row: NumPy's and Python's, which tracemalloc counts."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.api import audit_observations
from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.config import build_config
from unlearn_audit.observations import Observations, read_observations, write_observations
from unlearn_audit.observations.parquet import ROWS_AT_ONCE, write_frame
from unlearn_audit.utils import spilled

NO_FIT = ("score-difference", "score-ratio", "margin-difference", "margin-original", "margin-unlearned", "label-gap")


def table(n, seed=0):
    rng = np.random.default_rng(seed)
    rows, deleted = np.arange(n), np.arange(n) % 2 == 0
    weights = np.exp(rng.normal(size=(n, 2, 10)))
    weights[:, 1] = weights[:, 0] * np.exp(rng.normal(size=(n, 10)) / 10)
    columns = {
        "world": rows * 10 // n,
        "record": rows,
        "role": np.where(deleted, "deleted", "unseen").astype(object),
        "label": rng.integers(0, 10, n),
    }
    posteriors = (weights / weights.sum(axis=2, keepdims=True)).astype(np.float32)
    return Observations.create(columns, posteriors, [str(of) for of in range(10)])


def measured(shadow, target):
    """Findings of an audit, and the most bytes a row that it held beside the table."""
    config = build_config({"attack_models": ["none"], "attacks": list(NO_FIT)}, "test")
    audit_observations(shadow, table(2_000, 2), config=config, execution=Execution(store=None))  # imports
    tracemalloc.start()
    try:
        found = audit_observations(shadow, target, config=config, execution=Execution(store=None))
        return found, tracemalloc.get_traced_memory()[1] / len(target)
    finally:
        tracemalloc.stop()


def test_attacks_that_fit_nothing_hold_few_bytes_a_row(monkeypatch, tmp_path):
    shadow, target = table(2_000, 1), table(200_000)
    found, peak = measured(shadow, target)
    assert peak < 290
    monkeypatch.setattr(spilled, "FROM_VALUES", 10_000)
    of_a_file, less = measured(shadow, target)
    # scores and ranks of six attacks lie in files
    assert less < peak - 6 * 8
    assert of_a_file.findings.results == found.findings.results
    pd.testing.assert_frame_equal(of_a_file.scores, found.scores)
    write_frame(of_a_file.scores, tmp_path / "s.parquet")
    read = pd.read_parquet(tmp_path / "s.parquet")[list(found.scores)]
    pd.testing.assert_frame_equal(read, found.scores, check_dtype=False)


def test_a_column_of_one_value_takes_the_memory_of_one():
    made = table(1_000)
    assert [made.rows[name].to_numpy().strides for name in ("dataset", "side", "request", "query", "paper")] == [
        (0,)
    ] * 5
    assert made.rows["role"].to_numpy().strides != (0,)
    assert made.rows["request"].tolist() == [0] * 1_000
    for mask in (made.in_roles("deleted"), np.arange(500)[::-1]):
        some = made.select(mask)
        assert some.rows["request"].to_numpy().strides == some.rows["paper"].to_numpy().strides == (0,)
        pd.testing.assert_frame_equal(some.rows, made.rows.iloc[np.arange(1_000)[mask]].reset_index(drop=True))


@pytest.mark.parametrize("n", [10, ROWS_AT_ONCE + 10])
def test_a_table_written_in_pieces_reads_back(tmp_path, n):
    made = table(n)
    write_observations(made, tmp_path / "t.parquet")
    read = read_observations(tmp_path / "t.parquet")
    assert np.array_equal(read.posteriors, made.posteriors)
    pd.testing.assert_frame_equal(read.rows, made.rows)
    frame = made.rows.assign(score=np.arange(n) / 7, defense="none")
    write_frame(frame, tmp_path / "f.parquet")
    frame.to_parquet(tmp_path / "g.parquet", index=False)
    pd.testing.assert_frame_equal(*(pd.read_parquet(tmp_path / f"{of}.parquet") for of in "fg"))
