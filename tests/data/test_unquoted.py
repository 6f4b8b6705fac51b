"""Errors of libraries without the values of records."""

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.data.unquoted import without_values

PEOPLE = pd.DataFrame(
    {
        "name": ["Ada Lovelace", "Bo", "Žofie (2)"],
        "born": pd.to_datetime(["1815-12-10", "1990-01-01", "2001-02-03"]),
        "pay": [51234.5, 1000.0, np.nan],
        "phone": [123456789, 7, 8],
        "kind": pd.Categorical(["x", "y", "x"]),
    }
)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("could not convert string to float: 'Bo'", "could not convert string to float: a value of column 'name'"),
        ('no "Ada Lovelace" here', "no a value of column 'name' here"),
        ("Ada Lovelace is odd", "a value of column 'name' is odd"),
        ("Žofie (2)!", "a value of column 'name'!"),
        ("born 1815-12-10 00:00:00", "born a value of column 'born'"),
        ("unknown categories ['x']", "unknown categories [a value of column 'kind']"),
        ("call 123456789", "call a value of column 'phone'"),
        ("pays 51234.5 a year", "pays a value of column 'pay' a year"),
        ("row [51234.5, 7.0, 1]", "row [values left out]"),
    ],
)
def test_values_become_their_column(said, left):
    assert without_values(said, PEOPLE) == left


@pytest.mark.parametrize(
    "said",
    [
        "",
        "X has 5 features, but Tree is expecting 6 features as input",
        "Found array with 0 feature(s) (shape=(1000, 0)) while a minimum of 1 is required",
        "Unknown kind 'z' of [1, 2]; Boston xylophone",
    ],
)
def test_what_is_no_value_stays(said):
    assert without_values(said, PEOPLE) == said


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 4)])
def test_numbers_of_an_array_are_found_however_they_are_rounded(shape):
    records = np.full(shape, 0.123456789, dtype=np.float32)
    assert "0.123" not in without_values("bad 0.12346 there", records)
    assert without_values("bad 0.54321 there", records) == "bad 0.54321 there"


def test_a_fit_error_names_the_column_and_not_the_value():
    from sklearn.linear_model import LogisticRegression

    from unlearn_audit.data.base import Dataset
    from unlearn_audit.errors import AuditError
    from unlearn_audit.models import resolve_model
    from unlearn_audit.unlearning import train

    X = pd.DataFrame({"name": ["Ada", "Bob", "Eve", "Mia"], "age": [1, 2, 3, 4]})
    data = Dataset("people", X, np.array([0, 1, 0, 1]), np.array([0, 1]), ("no", "yes"), np.arange(4))
    with pytest.raises(AuditError, match="column 'name'") as caught:
        train(resolve_model(LogisticRegression()), data, np.arange(4), 0)
    assert "Ada" not in str(caught.value)
