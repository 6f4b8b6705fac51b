"""What a file may hold of records in whatever form, and tables of others that are not as ours are."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlearn_audit.engine.erasure.scan import Scan, Wanted, answers

ANSWER = np.float32([0.25, 0.75])
ROWS = "holds rows about them"
MAYBE = "may hold one of them"
TEXT = "names one of them"


def problem(tmp_path, content, ids=("4711",), *, ours=False, secrets=()):
    path = tmp_path / "file"
    if isinstance(content, pa.Table):
        pq.write_table(content, path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        stream = io.BytesIO()
        np.save(stream, content)
        path.write_bytes(stream.getvalue())
    wanted = Wanted(frozenset(ids), {None: frozenset(ids)})
    return Scan(wanted, frozenset(secrets)).problem(path, None, written_by_us=ours)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pa.table({"id": [4711.0, None]}), MAYBE),
        (pa.table({"id": pa.array([4711.0]).cast(pa.decimal128(9, 1))}), MAYBE),
        (pa.table({"id": pa.array([b"4711"])}), MAYBE),
        (pa.table({"ids": [["1", "4711"]]}), MAYBE),
        (pa.table({"ids": [[{"id": 4711}]]}), MAYBE),
        (np.array([[4711, 2], [3, 4]]), MAYBE),
        (np.array([[4711.0, 0.5], [3.0, 0.25]]), MAYBE),
        (np.array([["a", "4711"]]), MAYBE),
        (np.array([(4711, 0.5)], dtype=[("record", "i8"), ("score", "f8")]), ROWS),
        (np.array([(4711, 0.5)], dtype=[("number", "i8"), ("score", "f8")]), MAYBE),
        (b"record,record\n4711,1\n", TEXT),
        (b"record,score\n4711,1,2\n", TEXT),
    ],
    ids=str,
)
def test_ids_are_found_in_every_kind_of_column(tmp_path, content, said):
    assert problem(tmp_path, content) == said
    assert problem(tmp_path, content, ["4712"]) in (None, "looks like a table of rows and cannot be read as one")


def test_figures_are_no_ids(tmp_path):
    assert problem(tmp_path, pa.table({"auc": [1.0, 0.5]}), ["1"]) is None
    assert problem(tmp_path, np.array([[1.0, 0.5], [0.5, 1.0]]), ["1"]) is None


@pytest.mark.parametrize(
    "content",
    [
        pa.table({"record": [[1], [2]]}),
        pa.table({"person": [{"a": 1}]}),
        pa.table({"record": pa.array([b"\xff\xfe"])}),
        pa.table({"record": [1], "dataset": [["made"]]}),
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["record", "record"]),
        np.zeros(2, dtype="V4"),
    ],
    ids=str,
)
@pytest.mark.parametrize("ours", [False, True])
def test_a_table_of_whose_rows_nothing_can_be_told_is_named(tmp_path, content, ours):
    assert problem(tmp_path, content, ours=ours).startswith("cannot be read")


def test_a_table_of_ours_with_a_broken_line_is_no_text(tmp_path):
    assert problem(tmp_path, b"world,record\n0,3\n0\n", ["3"], ours=True) == (
        "looks like a table of rows and cannot be read as one"
    )


def test_answers_are_found_without_a_column_of_records(tmp_path):
    column = pa.FixedSizeListArray.from_arrays(pa.array(np.tile(ANSWER, 50)), 2)
    for table in (
        pa.table({"posteriors": column}),
        pa.table({"record": [1] * 50, "posteriors": column}),
        pa.table({"record": [1] * 50, "posteriors": column.cast(pa.list_(pa.float32()))}),
    ):
        assert problem(tmp_path, table, secrets=[ANSWER.tobytes()]) == "holds answers that only they received"


@pytest.mark.parametrize("column", [["0.5"], [[]], [None], [["a"]], [0.5]], ids=str)
def test_a_column_that_holds_no_answers_is_none(column):
    assert answers(pa.table({"record": [1], "posteriors": column}), np.array([True])) == set()
    ragged = pa.table({"posteriors": [[0.5], [0.5, 0.25]]})
    assert answers(ragged, np.array([True, True])) == set()


@pytest.mark.parametrize("given", ["--5", "-", "٣", "9" * 25, "-0"])
def test_an_id_that_is_no_number_is_in_no_column_of_numbers(tmp_path, given):
    assert problem(tmp_path, pa.table({"record": [0, 3, 5]}), [given]) is None
