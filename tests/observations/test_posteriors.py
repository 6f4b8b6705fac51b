"""Which numbers are posteriors: rounded ones are, and others are called what they look like."""

import numpy as np
import pandas as pd
import pytest

from unlearn_audit import AuditConfig, audit_observations
from unlearn_audit.audits.release import pair_of, read_ids
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations, read_observations, write_observations
from unlearn_audit.observations.one_version import read_answers
from unlearn_audit.observations.posteriors import check_posteriors
from unlearn_audit.observations.table import ROUNDED

RNG = np.random.default_rng(0)


def answers(n=200, k=10, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(k, 0.7), (n, 2))


def check(values, *, partial=False):
    return check_posteriors(values, [str(i) for i in range(values.shape[2])], partial, "the file")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("decimals", "k"), [(2, 10), (1, 4), (3, 50), (4, 300)])
def test_rounded_posteriors_are_kept(dtype, decimals, k):
    rounded = np.round(answers(k=k), decimals).astype(dtype)
    total = rounded.sum(axis=2, dtype=np.float64)
    assert np.abs(total - 1).max() > 1.1e-3
    for partial in (False, True):
        assert check(rounded, partial=partial) == decimals
    made = Observations.create({"role": ["deleted", "unseen"] * 100}, rounded, [str(i) for i in range(k)])
    assert made.metadata == {ROUNDED: decimals}
    assert np.array_equal(made.posteriors, rounded.astype(np.float32))


def test_what_sums_to_1_is_not_called_rounded():
    assert check(answers()) is None
    assert check(np.full((3, 2, 2), 0.5)) is None
    assert check(np.tile([0.13, 0.88], (3, 2, 1))) == 2  # halves rounded up: 0.125 and 0.875


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.tile([0.5, 0.4], (3, 2, 1)), "sum to 0.9000, not 1"),
        (np.tile([0.50, 0.48], (3, 2, 1)), "sum to 0.9800, not 1 (more than rounding to 2 decimals explains)"),
        (np.tile([0.50123, 0.48456], (3, 2, 1)), "sum to 0.9858"),
        (np.zeros((3, 2, 10)), "sum to 0.0000"),
        (np.zeros((3, 2, 1000)), "sum to 0.0000"),
    ],
)
def test_what_rounding_does_not_explain_is_refused(values, said):
    with pytest.raises(AuditError) as caught:
        check(values)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (RNG.normal(0, 4, (50, 2, 3)), "logits; export their softmax"),
        (np.abs(RNG.normal(0, 4, (50, 2, 3))) + 1.5, "logits; export their softmax"),
        (100 * answers(k=3), "percentages, since rows sum to 100; divide them by 100"),
        (np.round(100 * answers(k=10)), "percentages, since rows sum to 100; divide them by 100"),
        (np.log(answers(k=3)), "logarithms of probabilities; export their exponentials"),
        (RNG.integers(0, 40, (50, 2, 3)) + 1, "counts; divide each row by its sum"),
        (np.where(np.arange(50)[:, None, None] == 7, 1.5, answers(50, 3)), "outside [0, 1]; export probabilities"),
        (np.full((3, 2, 2), np.nan), "is not a finite number; export probabilities"),
        (np.full((3, 2, 2), -1e308), "logits"),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_other_numbers_are_called_what_they_look_like(values, said, dtype):
    with np.errstate(over="ignore"), pytest.raises(AuditError) as caught:
        check(np.clip(values, -1e30, 1e30).astype(dtype))
    assert said in str(caught.value)
    for partial in (True, False):
        with pytest.raises(AuditError):
            check(values, partial=partial)


def table_of(seed, rounded, **columns):
    rng = np.random.default_rng(seed)
    made = rng.dirichlet(np.full(10, 0.7), (80, 2))
    made = np.round(made, 2) if rounded else made
    frame = pd.DataFrame({"role": ["deleted", "unseen"] * 40, "world": np.arange(80) // 20, **columns})
    for version, name in enumerate(("before", "after")):
        frame = frame.assign(**{f"{name}_{k}": made[:, version, k] for k in range(10)})
    return frame


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
@pytest.mark.parametrize("columns", [{}, {"partial": True}])
def test_rounding_is_said_of_either_side(tmp_path, suffix, columns):
    tables = {}
    for seed, (side, rounded) in enumerate({"shadow": False, "target": True}.items()):
        table_of(seed, rounded, **(columns if rounded else {})).to_csv(tmp_path / "t.csv", index=False)
        tables[side] = read_observations(tmp_path / "t.csv")
        write_observations(tables[side], tmp_path / f"{side}{suffix}")
        again = read_observations(tmp_path / f"{side}{suffix}")
        assert again.metadata.get(ROUNDED) == tables[side].metadata.get(ROUNDED) == (2 if rounded else None)
        tables[side] = again
    if columns:
        return
    config = AuditConfig(attacks=(), features=("sorted-diff",), attack_models=("decision-tree",))
    found = audit_observations(tables["shadow"], tables["target"], config=config).findings
    (note,) = [note for note in found.routine if "rounded" in note]
    assert note.startswith("target side: the table holds posteriors rounded to 2 decimals")


def test_a_stated_rounding_is_not_believed(table):
    made = table()
    again = Observations.create(
        {"role": made.rows["role"]}, made.posteriors, made.classes, metadata={ROUNDED: "many", "model": "m"}
    )
    assert again.metadata == {"model": "m"}
    with pytest.raises(AuditError, match="overfitting, in the metadata"):
        Observations.create(
            {"role": made.rows["role"]}, made.posteriors, made.classes, metadata={"overfitting": [float("nan")]}
        )


def test_rounding_is_said_of_a_release(tmp_path):
    for seed, name in enumerate(("before", "after")):
        made = np.round(answers(20, seed=seed)[:, 0], 2)
        frame = pd.DataFrame(made, columns=[f"p_{k}" for k in range(10)]).assign(record=np.arange(20), label="1")
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    before, after = (read_answers(tmp_path / f"{name}.csv") for name in ("before", "after"))
    assert before.rounded == 2
    pair = pair_of(before, after, read_ids("1,2", "--deleted"), read_ids("3,4,5,6", "--reference"))
    assert [note for note in pair.notes if "rounded to 2 decimals" in note and "before.csv" in note]
