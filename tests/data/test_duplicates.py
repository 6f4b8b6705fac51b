from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from unlearn_audit.data.base import Images, Table
from unlearn_audit.data.duplicates import first_of_duplicates


def _table(features: pd.DataFrame, labels: list[int]) -> Table:
    return Table("people", features, np.array(labels, dtype=np.int64), ("no", "yes"))


def test_first_stays_and_the_label_counts() -> None:
    features = pd.DataFrame({"age": [1, 1, 1, 2, 1], "job": ["a", "a", "a", "a", "b"]})
    kept = first_of_duplicates(_table(features, [0, 0, 1, 0, 0]))
    assert kept.tolist() == [True, False, True, True, True]


def test_missing_equals_missing_in_every_kind_of_column() -> None:
    features = pd.DataFrame(
        {
            "number": [np.nan, np.nan],
            "text": pd.Series([None, None], dtype="str"),
            "category": pd.Series([None, None], dtype=pd.CategoricalDtype(["a"])),
            "flag": pd.Series([None, None], dtype="boolean"),
        }
    )
    assert first_of_duplicates(_table(features, [0, 0])).tolist() == [True, False]


def test_a_feature_may_be_called_label_or_0() -> None:
    features = pd.DataFrame({"label": [5, 5], 0: [1, 1], 2: [3, 3]}, index=[7, 7])
    assert first_of_duplicates(_table(features, [0, 1])).tolist() == [True, True]
    assert list(features) == ["label", 0, 2]


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.integers(0, 1)), min_size=1))
def test_equals_the_plain_loop(rows: list[tuple[int, str, int]]) -> None:
    features = pd.DataFrame({"n": [row[0] for row in rows], "t": [row[1] for row in rows]})
    kept = first_of_duplicates(_table(features, [row[2] for row in rows]))
    assert kept.tolist() == [row not in rows[:i] for i, row in enumerate(rows)]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1)), min_size=1))
def test_images_equal_the_plain_loop(rows: list[tuple[int, int, int]]) -> None:
    pixels = np.array([row[:2] for row in rows], dtype=np.uint8).reshape(-1, 1, 2, 1)
    labels = np.array([row[2] for row in rows], dtype=np.int64)
    kept = first_of_duplicates(Images("dots", pixels, labels, ("no", "yes")))
    assert kept.tolist() == [row not in rows[:i] for i, row in enumerate(rows)]


def test_images_that_are_not_contiguous() -> None:
    pixels = np.array([[1, 9, 2, 9], [1, 8, 2, 7], [1, 9, 3, 9]], dtype=np.uint8).reshape(3, 1, 1, 4)[..., ::2]
    kept = first_of_duplicates(Images("dots", pixels, np.zeros(3, dtype=np.int64), ("no", "yes")))
    assert kept.tolist() == [True, False, True]
