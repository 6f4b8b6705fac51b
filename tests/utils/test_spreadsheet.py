"""Tables for people: no cell runs, and every text comes back."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearn_audit.observations.ids import read_ids
from unlearn_audit.utils.spreadsheet import escaped, rows_of_csv, to_csv, unescaped

TEXTS = st.text(alphabet=st.one_of(st.sampled_from("=+-@\t\r\n'\"\\u0123;,|\u202e\u200f\ufeff ＝"), st.characters()))


@given(TEXTS)
def test_every_text_comes_back(text):
    cell = escaped(text)
    assert unescaped(cell) == text
    cell.encode("utf-8")
    (row,) = csv.reader(io.StringIO(rows_of_csv([[cell, "end"]]), newline=""))
    assert row == [cell, "end"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "＝", "＋", "－", "＠"])
@pytest.mark.parametrize("rest", ["1+1", 'HYPERLINK("http://x","y")', "5", "cmd|' /C calc'!A0"])
def test_no_cell_starts_as_a_formula(start, rest):
    assert escaped(start + rest)[0] in "'\\"


@given(st.lists(TEXTS, min_size=1))
def test_nothing_hidden_is_left_and_no_cell_is_split_by_another_separator(texts):
    text = to_csv({"person": texts})
    assert not set(text) & set("\t\r\u202a\u202e\u2066\u2069\u200f\x1b\ufeff")
    for separator in ";,|\t":
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
        assert all(len(row) <= 1 for row in rows)
        assert all(cell[:1] not in ("=", "+", "-", "@") for row in rows for cell in row)


def test_numbers_stay_numbers_and_numbers_as_text_are_texts():
    text = to_csv(pd.DataFrame({"person": ["-5", "007"], "change": [-0.5, np.nan], "rank": [1, -2]}))
    assert text == "person,change,rank\n'-5,-0.5,1\n007,,-2\n"


def test_ids_are_read_from_a_table_that_a_run_left(tmp_path):
    people = ["=1+1", "-5", "Ada; L.", "a\u202eb", "x\\u202e"]
    (tmp_path / "private-names.csv").write_text(to_csv({"record": people, "rank": [1] * 5}), encoding="utf-8")
    assert read_ids(str(tmp_path / "private-names.csv"), "--ids").tolist() == people
    (tmp_path / "own.csv").write_text("record\n'=1+1\n", encoding="utf-8")
    assert read_ids(str(tmp_path / "own.csv"), "--ids").tolist() == ["'=1+1"]
