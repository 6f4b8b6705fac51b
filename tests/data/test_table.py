from __future__ import annotations

import datetime
import gzip
import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearn_audit.data.encoding import encode
from unlearn_audit.data.table import MISSING, read_table
from unlearn_audit.errors import AuditError

PEOPLE = "age,job,pay,person\n30,cook,low,a\n41.5,baker,high,b\n,,low,a\n"


def _csv(folder: Path, content: str | bytes, name: str = "people.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _parquet(folder: Path, columns: dict[str, object]) -> Path:
    path = folder / "people.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


def test_csv(tmp_path: Path) -> None:
    table = read_table(_csv(tmp_path, PEOPLE), "pay", "person")
    assert table.name == "people"
    assert table.class_names == ("high", "low")
    assert table.labels.tolist() == [1, 0, 1]
    assert table.persons is not None
    assert table.persons.tolist() == [0, 1, 0]
    assert list(table.features) == ["age", "job"]
    assert table.features["age"].tolist()[:2] == [30, 41.5]
    assert isinstance(table.features["job"].dtype, pd.StringDtype)
    assert table.notes == ("3 rows of people.csv.", "age: 1 missing.", "job: 1 missing.")


def test_excluded_columns_are_no_features(tmp_path: Path) -> None:
    table = read_table(_csv(tmp_path, PEOPLE), "pay", "person", ["job"])
    assert list(table.features) == ["age"]
    assert table.others is not None
    kept = table.kept(np.array([True, False, True])).others
    assert kept is not None
    assert kept["job"].tolist() == table.others["job"].iloc[[0, 2]].tolist()
    for exclude, told in (("town", "no excluded column 'town' in"), ("person", "do not exclude it")):
        with pytest.raises(AuditError, match=told):
            read_table(_csv(tmp_path, PEOPLE), "pay", "person", [exclude])


def test_json_lines_give_the_same_table_as_csv(tmp_path: Path) -> None:
    lines = [
        {"age": 30, "job": "cook", "pay": "low", "person": "a"},
        {"age": 41.5, "job": "baker", "pay": "high", "person": "b"},
        {"pay": "low", "person": "a"},
    ]
    path = tmp_path / "people.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    one, other = (read_table(of, "pay", "person") for of in (_csv(tmp_path, PEOPLE), path))
    pd.testing.assert_frame_equal(one.features, other.features)
    assert one.labels.tolist() == other.labels.tolist()
    assert one.class_names == other.class_names
    assert one.persons is not None
    assert other.persons is not None
    assert one.persons.tolist() == other.persons.tolist()
    path.write_text('{"age": 1, "pay": "low"}\n{"age": "old"}\n', encoding="utf-8")
    with pytest.raises(AuditError, match="cannot be read as JSON lines"):
        read_table(path, "pay")


def test_csv_and_parquet_give_the_same_table(tmp_path: Path) -> None:
    csv = _csv(tmp_path, PEOPLE)
    parquet = tmp_path / "people.parquet"
    pd.read_csv(csv).to_parquet(parquet)
    ours, theirs = read_table(csv, "pay", "person"), read_table(parquet, "pay", "person")
    pd.testing.assert_frame_equal(ours.features, theirs.features)
    assert ours.labels.tolist() == theirs.labels.tolist()
    assert (ours.class_names, ours.name) == (theirs.class_names, theirs.name)


def test_byte_order_mark_quotes_and_line_breaks(tmp_path: Path) -> None:
    content = '\ufeffage,"what, where"\n1,"a ""b"",\nc"\n2,d\n'
    table = read_table(_csv(tmp_path, content), "age")
    assert table.features["what, where"].tolist() == ['a "b",\nc', "d"]


@pytest.mark.parametrize("spelling", [spelling for spelling in MISSING if spelling])
def test_spellings_of_missing(tmp_path: Path, spelling: str) -> None:
    table = read_table(_csv(tmp_path, f"job,pay\ncook,1\n{spelling},2\nbaker,1\n"), "pay")
    assert table.features["job"].isna().tolist() == [False, True, False]


def test_kind_is_that_of_the_whole_column(tmp_path: Path) -> None:
    # The first megabyte holds whole numbers only.
    rows = "".join(f"{row},{row % 2}\n" for row in range(200_000))
    table = read_table(_csv(tmp_path, f"amount,pay\n{rows}0.5,1\n"), "pay")
    assert table.features["amount"].iloc[-1] == 0.5


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ("10 9 10", ("9", "10")),
        ("1.0 -2.0 1.0", ("-2", "1")),
        ("0.5 -2.0 0.5", ("-2", "0.5")),
        ("10 9 x", ("10", "9", "x")),
        ("True False True", ("False", "True")),
        ("2020-01-02 2020-01-01 2020-01-01", ("2020-01-01", "2020-01-02")),
    ],
)
def test_order_of_classes(tmp_path: Path, values: str, names: tuple[str, ...]) -> None:
    rows = "".join(f"{row},{value}\n" for row, value in enumerate(values.split()))
    table = read_table(_csv(tmp_path, f"age,pay\n{rows}"), "pay")
    assert table.class_names == names
    assert len(table.labels) == 3
    assert table.labels.max() == len(names) - 1


def test_kinds_of_parquet(tmp_path: Path) -> None:
    day = datetime.date(1970, 1, 3)
    path = _parquet(
        tmp_path,
        {
            "small": pa.array([1, None, 3], pa.int8()),
            "exact": pa.array([Decimal("1.5"), None, Decimal("2.5")]),
            "flag": pa.array([True, None, False]),
            "full_flag": pa.array([True, True, False]),
            "kind": pa.array(["b", None, "a"]).dictionary_encode(),
            "born": pa.array([day, None, day]),
            "seen": pa.array([datetime.datetime(1970, 1, 1, 12)] * 3, pa.timestamp("ns", tz="UTC")),
            "clock": pa.array([datetime.time(6, 30)] * 3),
            "nothing": pa.nulls(3),
            "__index_level_0__": pa.array([7, 8, 9]),
            "pay": pa.array([0, 1, 0]),
        },
    )
    table = read_table(path, "pay")
    features = table.features
    assert "__index_level_0__" not in features
    assert features["exact"].tolist()[::2] == [1.5, 2.5]
    assert pd.api.types.is_bool_dtype(features["flag"].dtype)
    assert features["full_flag"].dtype == np.bool_
    assert features["kind"].dropna().tolist() == ["b", "a"]
    assert features["born"].tolist()[::2] == [2.0, 2.0]
    assert features["seen"].tolist() == [0.5] * 3
    assert features["clock"].tolist() == [6.5] * 3
    assert features["nothing"].isna().all()
    assert "flag: 1 missing." in table.notes
    assert "born: dates read as days since 1970-01-01." in table.notes
    X, _ = encode(table, np.arange(3))
    assert np.isfinite(X).all()


@pytest.mark.parametrize(
    ("content", "label", "person", "told"),
    [
        ("", "pay", None, "is empty"),
        ("age,pay\n", "pay", None, "has a header and no rows"),
        ("age,pay\n1,low\n2,low\n", "pay", None, "holds one class only, 'low'"),
        ("age,pay\n1,low\n2,\n3,?\n", "pay", None, "'pay' .* is missing in 2 of 3 rows"),
        ("age,pay\n1,low\n2,high\n", "income", None, "no label column 'income' in .*; name one of: age, pay"),
        ("age,pay\n1,low\n2,high\n", "pay", "who", "no person column 'who' in"),
        ("age,pay\n1,low\n2,high\n", "pay", "pay", "cannot be both label and person"),
        ("who,age,pay\na,1,low\n,2,high\n", "pay", "who", "person column 'who' .* missing in 1 of 2 rows"),
        ("age,pay\ninf,low\n2,high\n", "pay", None, "column 'age' .* holds 1 infinite values"),
        ("age,pay\n1,inf\n2,0.5\n", "pay", None, "label column 'pay' .* infinite"),
        ("pay\n1\n2\n", "pay", None, "has no feature columns besides 'pay'"),
        ("who,pay\n1,1\n2,2\n", "pay", "who", "has no feature columns besides 'pay'"),
        ("age,pay\n1,low,3\n2,high\n", "pay", None, "cannot be read as CSV"),
        ("age,pay\n1\n2,high\n", "pay", None, "cannot be read as CSV"),
        ("age,age,pay\n1,1,low\n2,2,high\n", "pay", None, "more than one column named 'age'"),
        (b"age,pay\n1,l\xf6w\n2,high\n", "pay", None, "people.csv is not UTF-8"),
        (b"\xe4ge,pay\n1,low\n2,high\n", "pay", None, "is not UTF-8"),
        ("".join(["age,pay\n", *(f"{i},{i / 7}\n" for i in range(1001))]), "pay", None, "1,001 distinct"),
    ],
)
def test_one_sentence_for_each_bad_csv(
    tmp_path: Path, content: str | bytes, label: str, person: str | None, told: str
) -> None:
    path = _csv(tmp_path, content)
    with pytest.raises(AuditError, match=told) as error:
        read_table(path, label, person)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [PEOPLE.encode("utf-16"), PEOPLE.replace(",", ";").encode(), gzip.compress(PEOPLE.encode(), mtime=0)],
    ids=["utf-16", "semicolons", "gzip"],
)
def test_another_dialect_is_the_same_table(tmp_path: Path, content: bytes) -> None:
    name = "packed.csv.gz" if content[:2] == b"\x1f\x8b" else "other.csv"
    plain, other = read_table(_csv(tmp_path, PEOPLE), "pay"), read_table(_csv(tmp_path, content, name), "pay")
    assert plain.features.equals(other.features)
    assert np.array_equal(plain.labels, other.labels)


def test_bad_paths(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match=r"no file at .*people\.csv"):
        read_table(tmp_path / "people.csv", "pay")
    with pytest.raises(AuditError, match="is a folder"):
        read_table(tmp_path, "pay")
    with pytest.raises(AuditError, match=r"is not a \.csv, .* or \.ipc file; .*pickles"):
        read_table(_csv(tmp_path, b"\x80\x04", "people.pkl"), "pay")
    with pytest.raises(AuditError, match=r"cannot be read as Parquet"):
        read_table(_csv(tmp_path, PEOPLE, "people.parquet"), "pay")


def test_a_long_list_of_columns_is_shortened(tmp_path: Path) -> None:
    header = ",".join(f"c{i}" for i in range(50))
    with pytest.raises(AuditError, match="c19 and 30 more"):
        read_table(_csv(tmp_path, f"{header}\n{header}\n"), "pay")


def test_nested_parquet_columns_are_refused(tmp_path: Path) -> None:
    path = _parquet(tmp_path, {"tags": pa.array([["a"], ["b", "c"]]), "pay": pa.array([0, 1])})
    with pytest.raises(AuditError, match=r"column 'tags' .* values of kind list"):
        read_table(path, "pay")


@given(content=st.binary(max_size=200))
def test_any_bytes_give_a_table_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name in ("any.csv", "any.parquet", "any.jsonl"):
        path = _csv(folder, b"a,b\n1,0\n2,1\n" + content, name)
        told = None
        try:
            rows = len(read_table(path, "b").features)
        except AuditError as error:
            told = str(error)
        assert rows >= 2 if told is None else str(path) in told


def test_a_label_that_reads_as_missing_is_named(tmp_path: Path) -> None:
    path = _csv(tmp_path, "age,country,who\n1,NA,1\n2,DE,2\n3,null,3\n4,,4\n")
    with pytest.raises(AuditError, match=r"in 3 of 4 rows, since 'NA', 'null' is read as missing; .*--na-values"):
        read_table(path, "country", "who")
    path = _csv(tmp_path, "age,country,who\n1,NA,1\n2,DE,NULL\n")
    table = read_table(path, "country", "who", missing=("", "?"))
    assert table.class_names == ("DE", "NA")
    assert table.persons is not None
    assert table.persons.tolist() == [0, 1]
    with pytest.raises(AuditError, match=r"person column 'who' .* since 'NULL' is read as missing"):
        read_table(path, "age", "who")
    with pytest.raises(AuditError, match=r"is missing in 1 of 2 rows; say whose"):
        read_table(_csv(tmp_path, "age,country,who\n1,NA,1\n2,DE,\n"), "age", "who")


def test_which_texts_are_missing_reaches_the_features(tmp_path: Path) -> None:
    path = _csv(tmp_path, "job,pay\nNA,1\n-,2\ncook,1\n")
    assert read_table(path, "pay").features["job"].isna().tolist() == [True, False, False]
    assert read_table(path, "pay", missing=("-",)).features["job"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(("unit", "of_a_day"), [("ms", 86_400e3), ("us", 86_400e6), ("ns", 86_400e9)])
@pytest.mark.parametrize("count", [2**62, -(2**62), 86_400])
def test_dates_of_any_range_are_days(tmp_path: Path, unit: str, of_a_day: float, count: int) -> None:
    path = _parquet(tmp_path, {"at": pa.array([count, 0], pa.int64()).view(pa.timestamp(unit)), "y": pa.array([0, 1])})
    assert read_table(path, "y").features["at"].tolist() == [count / of_a_day, 0]


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64(), pa.timestamp("us"), pa.timestamp("ms", tz="Europe/Berlin")])
@pytest.mark.parametrize("column", ["x", "y", "who"])
def test_dates_beyond_any_calendar_are_no_traceback(tmp_path: Path, kind: pa.DataType, column: str) -> None:
    count = pa.int32() if kind == pa.date32() else pa.int64()
    far = pa.array([2**30, -(2**30), 0], count) if count == pa.int32() else pa.array([2**62, -(2**62), 0], count)
    made = {"x": pa.array([1, 2, 3]), "y": pa.array([0, 1, 0]), "who": pa.array([1, 2, 3])}
    path = _parquet(tmp_path, {**made, column: far.view(kind)})
    with suppress(AuditError):
        assert len(read_table(path, "y", "who").labels) == 3


def test_long_whole_numbers_stay_apart(tmp_path: Path) -> None:
    one, other = 10**19, 10**19 + 1
    assert float(one) == float(other)
    path = _csv(tmp_path, f"age,pay,who\n1,a,{one}\n2,b,{other}\n3,a,{one}\n")
    persons = read_table(path, "pay", "who").persons
    assert persons is not None
    assert persons.tolist() == [0, 1, 0]
    path = _csv(tmp_path, f"age,pay\n1,{one}\n2,{other}\n3,0.5\n")
    with pytest.raises(AuditError, match=r"label column 'pay' .* beyond 2\^53"):
        read_table(path, "pay")
    assert read_table(_csv(tmp_path, f"age,pay\n{one},0\n{other},1\n"), "pay").features["age"].tolist() == [1e19] * 2
