import numpy as np
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations, concatenate

PAIR = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.5, 0.5], [0.5, 0.5]]])
ROLES = {"role": ["deleted", "unseen"]}


def broken(index, value):
    array = PAIR.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("columns", "posteriors", "classes", "said"),
    [
        (ROLES, broken((0, 1, 0), np.nan), "ab", "row 0, version 1 is nan, which is not a finite number"),
        (ROLES, broken((1, 0, 1), -0.5), "ab", "row 1, version 0 is -0.5, which is outside"),
        (ROLES, broken((1, 1, 1), 0.4), "ab", "row 1, version 1 sum to 0.9000, not 1"),
        (ROLES, PAIR[:, :1], "ab", "has 1 version"),
        (ROLES, PAIR[:0], "ab", "values for 0 rows"),
        (ROLES, PAIR[:, 0], "ab", "of shape"),
        (ROLES, PAIR.astype(object), "ab", "type object"),
        (ROLES, PAIR, "abc", "2 probabilities per row for the classes a, b, c"),
        ({}, PAIR, "ab", "no column 'role'"),
        ({"role": ["deleted", "gone"]}, PAIR, "ab", "row 1 has the role 'gone'"),
        ({"role": ["deleted", None]}, PAIR, "ab", "'role' is empty in row 1"),
        ({"role": ["deleted"]}, PAIR, "ab", "1 values for 2 rows"),
        ({**ROLES, "label": [0, 2]}, PAIR, "ab", "row 1 has label 2"),
        ({**ROLES, "world": [0, 0.5]}, PAIR, "ab", "'world' holds 0.5"),
        ({**ROLES, "colour": [0, 1]}, PAIR, "ab", "unknown column 'colour'"),
        ({**ROLES, "paper": ["yes", "no"]}, PAIR, "ab", "true and false"),
    ],
)
def test_a_bad_table_is_told_in_one_sentence(columns, posteriors, classes, said):
    with pytest.raises(AuditError) as caught:
        Observations.create(columns, posteriors, list(classes), where="release.csv")
    assert said in str(caught.value)
    assert "release.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_partial_rows_need_not_sum_to_one_but_may_not_exceed_it():
    table = Observations.create(ROLES, PAIR * 0.5, ["a", "b"], partial=True)
    assert table.partial
    with pytest.raises(AuditError, match="sum to"):
        Observations.create(ROLES, np.ones_like(PAIR), ["a", "b"], partial=True)


def test_columns_left_out_take_their_defaults():
    rows = Observations.create(ROLES, PAIR, ["a", "b"]).rows
    assert rows["deleted_at"].tolist() == [1, -1]
    assert rows["paper"].all()
    assert rows["label"].tolist() == [-1, -1]


def test_pairs_are_numbered_by_world_and_request(table):
    made = table(worlds=2, pairs=3)
    assert np.array_equal(made.pairs, (made.rows["world"] * 3 + made.rows["request"]).to_numpy())


def test_select_and_concatenate_undo_each_other(table):
    made = table()
    first = made.worlds < 2
    again = concatenate([made.select(first), made.select(~first)])
    assert again.rows.equals(made.rows)
    assert np.array_equal(again.posteriors, made.posteriors)


def test_signals_must_have_a_value_a_row():
    with pytest.raises(AuditError, match="signal 'distance'"):
        Observations.create(ROLES, PAIR, ["a", "b"], signals={"distance": np.zeros(3)})
