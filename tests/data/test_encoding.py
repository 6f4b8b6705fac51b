from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearn_audit.data.base import Table
from unlearn_audit.data.encoding import Encoding, encode
from unlearn_audit.errors import AuditError

_SIZES = pd.CategoricalDtype(["small", "large", "huge"])


def _table(features: dict[str, object] | pd.DataFrame) -> Table:
    frame = pd.DataFrame(features)
    return Table("people", frame, np.zeros(len(frame), dtype=np.int64), ("no", "yes"))


def test_public_list_gives_the_position_in_it_whatever_the_rows_hold() -> None:
    X, notes = encode(_table({"size": pd.Series(["huge", "small", "large"], dtype=_SIZES)}), np.array([0, 1]))
    assert X.tolist() == [[2], [0], [1]]
    assert notes == ()


def test_users_list_is_sorted_and_what_is_not_in_it_is_other() -> None:
    table = _table({"job": pd.Series(["smith", "baker", "abbot", "smith", "zoologist"], dtype="str")})
    X, notes = encode(table, np.array([0, 1, 3]))
    assert X.ravel().tolist() == [1, 0, 2, 1, 2]
    assert notes == ('job: 2 rows hold a value not among the fit rows, "other".',)


def test_one_hot() -> None:
    table = _table(
        {
            "size": pd.Series(["huge", "small", "large"], dtype=_SIZES),
            "job": pd.Series(["smith", "baker", "abbot"], dtype="str"),
            "age": [1, 2, 3],
        }
    )
    X, notes = encode(table, np.array([0, 1]), "one-hot")
    # size: small, huge ("large" is constant on the fit rows); job: baker, smith; age.
    assert X.tolist() == [[0, 1, 0, 1, 1], [1, 0, 1, 0, 2], [0, 0, 0, 0, 3]]
    assert notes[0] == "size: 1 categories dropped, constant on the fit rows."


def test_missing_values_take_what_the_fit_rows_hold() -> None:
    table = _table(
        {
            "age": [1.0, np.nan, 4.0, 100.0],
            "job": pd.Series(["b", "a", None, "a"], dtype="str"),
            "size": pd.Series(["huge", None, "huge", "small"], dtype=_SIZES),
            "flag": pd.Series([True, None, False, True], dtype="boolean"),
        }
    )
    X, notes = encode(table, np.array([0, 1, 2]))
    assert X[:, 0].tolist() == [1, 2.5, 4, 100]
    assert X[:, 1].tolist() == [1, 0, 0, 0]  # a and b once each: the first
    # "huge" everywhere on the fit rows once filled, so the column is gone; flag: as many True as False.
    assert X[:, 2].tolist() == [1, 0, 0, 1]
    assert X.shape == (4, 3)
    assert notes == (
        "age: 1 missing filled with 2.5.",
        "job: 1 missing filled with the most frequent category.",
        "flag: 1 missing filled with 0.",
        "Dropped, constant on the fit rows: size.",
    )


def test_what_says_nothing_on_the_fit_rows_is_dropped() -> None:
    table = _table({"same": [1, 1, 2], "none": [np.nan, np.nan, 1], "age": [1, 2, 3], "on": [True, False, True]})
    X, notes = encode(table, np.array([0, 1]))
    assert X.tolist() == [[1, 1], [2, 0], [3, 1]]
    assert notes == (
        "Dropped, missing in every fit row: none.",
        "Dropped, constant on the fit rows: same.",
    )


def test_objects_are_read_as_text() -> None:
    values = pd.Series([1, "b", None, "b"], dtype=object)
    X, _ = encode(_table({"odd": values, "age": [1, 2, 3, 4]}), np.arange(4))
    assert X[:, 0].tolist() == [0, 1, 1, 1]


def test_the_table_is_left_as_it_was() -> None:
    frame = pd.DataFrame({"age": [1.0, np.nan, 3.0], "size": pd.Series(["huge", None, "small"], dtype=_SIZES)})
    before = frame.copy(deep=True)
    encode(_table(frame), np.arange(3))
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (np.array([], dtype=np.int64), "at least one"),
        (np.array([True, False, True]), "row numbers"),
        (np.array([[0, 1]]), "row numbers"),
        (np.array([0.0, 1.0]), "row numbers"),
        (np.array([0, 3]), r"must lie in 0\.\.2; got 0\.\.3"),
        (np.array([-1, 1]), r"must lie in 0\.\.2; got -1\.\.1"),
        (np.array([1]), "no feature of people varies on the 1 rows"),
    ],
)
def test_bad_rows(rows: np.ndarray, told: str) -> None:
    with pytest.raises(AuditError, match=told):
        encode(_table({"age": [1, 2, 3]}), rows)


def test_bad_values_and_encodings() -> None:
    with pytest.raises(AuditError, match="column 'age' holds 1 infinite values"):
        encode(_table({"age": [1, np.inf, 3]}), np.array([0, 2]))
    with pytest.raises(AuditError, match="no encoding 'hash'; choose 'codes' or 'one-hot'"):
        encode(_table({"age": [1, 2, 3]}), np.arange(3), "hash")  # type: ignore[arg-type]


# Each record: a number, a text, a category and a boolean, any of which may be missing.
_record = st.tuples(
    st.none() | st.floats(-1e6, 1e6),
    st.none() | st.sampled_from(["a", "b", "c", "?", ""]),
    st.none() | st.sampled_from(list(_SIZES.categories)),
    st.none() | st.booleans(),
)
_encodings = st.sampled_from(["codes", "one-hot"])


def _frame(records: list[tuple[object, ...]]) -> pd.DataFrame:
    kinds = {"number": "float64", "text": "str", "size": _SIZES, "flag": "boolean"}
    # A column that always varies, so that something is left to encode.
    columns = {name: [record[i] for record in records] for i, name in enumerate(kinds)}
    return pd.DataFrame({name: pd.Series(columns[name], dtype=kinds[name]) for name in kinds}).assign(
        row=range(len(records))
    )


@given(
    fit=st.lists(_record, min_size=2, max_size=12),
    others=st.lists(_record, max_size=8),
    changed=st.lists(_record, max_size=8),
    encoding=_encodings,
)
def test_other_rows_never_change_the_encoding_of_the_fit_rows(
    fit: list[tuple[object, ...]],
    others: list[tuple[object, ...]],
    changed: list[tuple[object, ...]],
    encoding: Encoding,
) -> None:
    rows = np.arange(len(fit))
    X, _ = encode(_table(_frame(fit + others)), rows, encoding)
    Z, _ = encode(_table(_frame(fit + changed)), rows, encoding)
    alone, _ = encode(_table(_frame(fit)), rows, encoding)
    assert np.array_equal(X[rows], Z[rows])
    assert np.array_equal(X[rows], alone)


@given(records=st.lists(_record, min_size=2, max_size=15), encoding=_encodings, data=st.data())
def test_result_is_finite_varies_and_forgets_the_order_of_fit_rows(
    records: list[tuple[object, ...]], encoding: Encoding, data: st.DataObject
) -> None:
    n = len(records)
    rows = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=2, unique=True)))
    table = _table(_frame(records))
    X, notes = encode(table, rows, encoding)
    again, same_notes = encode(table, rows[::-1], encoding)
    assert X.dtype == np.float64
    assert len(X) == n
    assert np.isfinite(X).all()
    assert (np.ptp(X[rows], axis=0) > 0).all()
    assert np.array_equal(X, again)
    assert notes == same_notes


@given(texts=st.lists(st.text(max_size=3), min_size=2, max_size=20))
def test_codes_of_texts_are_their_rank(texts: list[str]) -> None:
    table = _table({"text": pd.Series(texts, dtype="str"), "row": range(len(texts))})
    X, _ = encode(table, np.arange(len(texts)))
    ranks = [sorted(set(texts)).index(text) for text in texts]
    assert X[:, :-1].ravel().tolist() == (ranks if len(set(texts)) > 1 else [])
