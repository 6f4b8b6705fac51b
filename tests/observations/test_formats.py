import dataclasses
import json
import pickle
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations, read_observations, write_observations
from unlearn_audit.observations.column_values import label_codes

SUFFIXES = (".parquet", ".csv", ".npz")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_reads_back_as_it_was_written(table, tmp_path, suffix):
    made = table(classes=4)
    write_observations(made, tmp_path / f"t{suffix}")
    again = read_observations(tmp_path / f"t{suffix}")
    assert again.rows.equals(made.rows)
    assert again.posteriors.dtype == np.float32
    assert np.array_equal(again.posteriors, made.posteriors)
    assert again.classes == made.classes


@given(
    logits=hnp.arrays(np.float64, (3, 2, 3), elements=st.floats(-30, 30)),
    labels=st.lists(st.integers(-1, 2), min_size=3, max_size=3),
    classes=st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1),
        min_size=3,
        max_size=3,
        unique=True,
    ),
)
def test_any_posteriors_and_names_survive_csv(tmp_path_factory, logits, labels, classes):
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    made = Observations.create(
        {"role": ["deleted", "unseen", "retained"], "label": labels},
        weights / weights.sum(axis=2, keepdims=True),
        classes,
    )
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    write_observations(made, path)
    again = read_observations(path)
    assert np.array_equal(again.posteriors, made.posteriors)
    assert again.classes == made.classes
    assert again.rows.equals(made.rows)


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_signals_and_metadata_are_kept(table, tmp_path, suffix):
    made = table()
    signals = {"weights": np.arange(len(made) * 3, dtype=np.float64).reshape(-1, 3), "distance": np.arange(len(made))}
    made = Observations(made.rows, made.posteriors, made.classes, False, signals, {"model": "mlp", "n": [1, 2]})
    write_observations(made, tmp_path / f"t{suffix}")
    again = read_observations(tmp_path / f"t{suffix}")
    assert again.metadata == made.metadata
    assert all(np.array_equal(again.signals[name], signals[name]) for name in signals)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_groups_are_kept_and_missing_values_stay_missing(table, tmp_path, suffix):
    made = table()
    towns, ages = np.array(["north", None, "NA"] * len(made), dtype=object), np.arange(len(made), dtype=float)
    ages[3] = np.nan
    made = dataclasses.replace(made, groups={"home town": towns[: len(made)], "age": ages})
    write_observations(made, tmp_path / f"t{suffix}")
    again = read_observations(tmp_path / f"t{suffix}")
    assert again.rows.equals(made.rows)
    assert list(again.groups) == ["home town", "age"]
    assert again.groups["home town"].tolist() == made.groups["home town"].tolist()
    assert np.array_equal(again.groups["age"], ages, equal_nan=True)
    half = again.select(np.arange(len(made)) % 2 == 0)
    assert half.groups["home town"].tolist() == towns[: len(made) : 2].tolist()


def test_a_group_has_a_value_a_row():
    with pytest.raises(AuditError, match=r"group 'town' has shape \(1,\) for 2 rows"):
        Observations.create({"role": ["deleted", "unseen"]}, np.full((2, 2, 2), 0.5), "ab", groups={"town": ["north"]})


def test_signals_do_not_vanish_in_csv(table, tmp_path):
    made = table()
    made = Observations(made.rows, made.posteriors, made.classes, False, {"d": np.zeros(len(made))})
    with pytest.raises(AuditError, match="do not fit into CSV"):
        write_observations(made, tmp_path / "t.csv")
    assert list(tmp_path.glob("*.csv*")) == []


WRITE = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    ".parquet": lambda frame, path: frame.to_parquet(path),
}


@pytest.mark.parametrize("suffix", WRITE)
def test_the_minimal_form(tmp_path, suffix):
    frame = pd.DataFrame(
        {
            "role": ["deleted", "unseen"],
            "before_no": [0.9, 0.4],
            "before_yes": [0.1, 0.6],
            "after_yes": [0.2, 0.6],
            "after_no": [0.8, 0.4],
            "label": ["no", "yes"],
        }
    )
    path = tmp_path / f"minimal{suffix}"
    WRITE[suffix](frame, path)
    table = read_observations(path)
    assert table.classes == ("no", "yes")
    assert np.allclose(table.posteriors[0], [[0.9, 0.1], [0.8, 0.2]])
    assert table.rows["label"].tolist() == [0, 1]


def test_the_minimal_form_in_arrays(tmp_path):
    before = np.array([[0.9, 0.1], [0.4, 0.6]])
    np.savez(tmp_path / "m.npz", before=before, after=before[::-1], role=np.array(["deleted", "unseen"]))
    table = read_observations(tmp_path / "m.npz")
    assert table.classes == ("0", "1")
    assert np.allclose(table.posteriors[:, 1], before[::-1])


def test_a_partial_file_says_so(table, tmp_path):
    frame = pd.DataFrame(
        {"role": ["deleted", "unseen"], "before_a": 0.7, "before_b": 0.0, "after_a": 0.6, "after_b": 0.0}
    )
    frame.to_csv(tmp_path / "whole.csv", index=False)
    with pytest.raises(AuditError, match="mark the file partial"):
        read_observations(tmp_path / "whole.csv")
    frame.assign(partial=True).to_csv(tmp_path / "partial.csv", index=False)
    assert read_observations(tmp_path / "partial.csv").partial


def csv(tmp_path, **columns):
    path = tmp_path / "bad.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


ONE = {"role": ["deleted"]}
BEFORE = {"before_a": [0.5], "before_b": [0.5]}
AFTER = {"after_a": [0.5], "after_b": [0.5]}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({**ONE, "p_a": [1.0]}, "no columns before_<class>"),
        ({**ONE, "p0_a": [0.5], "p0_b": [0.5], "p2_a": [0.5], "p2_b": [0.5]}, "without a gap"),
        ({**ONE, **BEFORE, "after_a": [1.0]}, "every version needs the same"),
        ({**ONE, **BEFORE, **AFTER, "before_a": ["x"]}, "column 'before_a' holds something that is not a number"),
        ({**ONE, **BEFORE, **AFTER, "before-c": [0.0]}, "unknown column 'before-c', which could hold posteriors"),
        ({**ONE, **BEFORE, **AFTER, "wrold": [1]}, "unknown column 'wrold'; if it is the world, say --column world="),
        ({**ONE, **BEFORE, **AFTER, "label": ["c"]}, "label 'c' is not among the classes"),
        ({**BEFORE, **AFTER, "role": [None]}, "'role' is empty"),
    ],
)
def test_bad_flat_files(tmp_path, columns, said):
    with pytest.raises(AuditError) as caught:
        read_observations(csv(tmp_path, **columns))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_read_as_data_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (tmp_path / "a.pkl").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(AuditError, match="pickles above all"):
        read_observations(tmp_path / "a.pkl")
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(AuditError, match="objects, which can run code"):
        read_observations(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", before=np.array([Trap()], dtype=object), after=np.zeros(1))
    with pytest.raises(AuditError, match="objects, which can run code"):
        read_observations(tmp_path / "c.npz")
    assert not (tmp_path / "sprung").exists()


def test_missing_empty_and_broken_files(tmp_path):
    with pytest.raises(AuditError, match="no file at"):
        read_observations(tmp_path / "none.csv")
    for suffix in SUFFIXES:
        path = tmp_path / f"empty{suffix}"
        path.touch()
        with pytest.raises(AuditError, match="is empty"):
            read_observations(path)
    (tmp_path / "x.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(AuditError, match="cannot be read as Parquet"):
        read_observations(tmp_path / "x.parquet")
    (tmp_path / "x.npz").write_bytes(b"no zip at all")
    with pytest.raises(AuditError, match=r"is not a complete NPZ archive|objects"):
        read_observations(tmp_path / "x.npz")
    (tmp_path / "x.csv").write_bytes("role,before_é".encode("latin-1"))
    with pytest.raises(AuditError, match="not UTF-8"):
        read_observations(tmp_path / "x.csv")
    (tmp_path / "y.csv").write_text('role,before_a\n"deleted,0.5\n')
    with pytest.raises(AuditError, match=r"y\.csv"):
        read_observations(tmp_path / "y.csv")


def test_a_newer_layout_is_refused(table, tmp_path):
    write_observations(table(), tmp_path / "t.parquet")
    content = pq.read_table(tmp_path / "t.parquet")
    header = json.loads(content.schema.metadata[b"unlearn_audit"]) | {"layout": 99}
    pq.write_table(content.replace_schema_metadata({b"unlearn_audit": json.dumps(header)}), tmp_path / "t.parquet")
    with pytest.raises(AuditError, match="newer than this version"):
        read_observations(tmp_path / "t.parquet")


def refused(path):
    """Return the one sentence with which a file is refused."""
    with pytest.raises(AuditError) as caught:
        read_observations(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


ARRAYS = {"before": np.full((2, 2), 0.5), "after": np.full((2, 2), 0.5), "role": np.array(["deleted", "unseen"])}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"role": np.array([["deleted"], ["unseen"]])}, "column 'role' has shape (2, 1)"),
        ({"role": np.array("deleted")}, "column 'role' has shape ()"),
        ({"metadata": np.array("{broken")}, "'metadata' is not valid JSON"),
        ({"metadata": np.array("[1]")}, "'metadata' holds a JSON list"),
        ({"classes": np.array("ab")}, "'classes' has shape ()"),
        ({"partial": np.array([True, False])}, "'partial' has shape (2,)"),
        ({"signal_x": np.array(1.0)}, "signal 'x' has shape ()"),
        ({"world": np.array([1j, 2j])}, "column 'world' holds"),
        ({"world": np.array([2**63, 1], dtype=np.uint64)}, "at most 64 bits"),
    ],
)
def test_bad_arrays_in_an_archive(tmp_path, arrays, said):
    np.savez(tmp_path / "t.npz", **ARRAYS | arrays)
    assert said in refused(tmp_path / "t.npz")


def test_one_array_by_the_name_of_an_archive(tmp_path):
    np.save(tmp_path / "t.npy", np.zeros((2, 2, 2)))
    (tmp_path / "t.npy").rename(tmp_path / "t.npz")
    assert "single array" in refused(tmp_path / "t.npz")


def test_an_archive_with_a_damaged_or_foreign_member(tmp_path):
    path = tmp_path / "t.npz"
    np.savez_compressed(path, **ARRAYS | {"before": np.random.default_rng(0).random((500, 2))})
    content = bytearray(path.read_bytes())
    content[60:400] = b"\xff" * 340
    path.write_bytes(content)
    assert "not a complete NPZ archive" in refused(path)
    np.savez(path, **ARRAYS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme", "dear reader")
    assert "'readme' is not an array" in refused(path)


@pytest.mark.parametrize("offset", range(30, 1500, 70))
def test_no_damage_to_an_archive_is_a_traceback(table, tmp_path, offset):
    made = table()
    path = tmp_path / "t.npz"
    write_observations(made, path)
    content = bytearray(path.read_bytes())
    content[offset : offset + 40] = bytes(255 - byte for byte in content[offset : offset + 40])
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"{", "broken or not ours"),
        (b"\xff\xfe", "broken or not ours"),
        (b'{"made": "elsewhere"}', "broken or not ours"),
        (b'{"layout": 1}', "broken or not ours"),
        (b"[1]", "broken or not ours"),
        (b'{"layout": "two"}', "broken or not ours"),
    ],
)
def test_a_foreign_or_broken_header(table, tmp_path, header, said):
    path = tmp_path / "t.parquet"
    write_observations(table(), path)
    pq.write_table(pq.read_table(path).replace_schema_metadata({b"unlearn_audit": header}), path)
    assert said in refused(path)


def test_a_header_that_says_other_than_the_columns(table, tmp_path):
    path = tmp_path / "t.parquet"
    write_observations(table(), path)
    whole = pq.read_table(path)
    pq.write_table(whole.drop_columns(["posteriors"]), path)
    assert "no column 'posteriors' with 2 x 3 numbers" in refused(path)
    header = json.loads(whole.schema.metadata[b"unlearn_audit"]) | {"versions": 5}
    pq.write_table(whole.replace_schema_metadata({b"unlearn_audit": json.dumps(header)}), path)
    assert "no column 'posteriors' with 5 x 3 numbers" in refused(path)
    role = whole.column_names.index("role")
    pq.write_table(whole.set_column(role, "role", pa.array(["a"] * len(whole))), path)
    assert "has the role" in refused(path)
    pq.write_table(whole.set_column(role, "role", pa.array([["a"]] * len(whole))), path)
    assert "column 'role' holds" in refused(path)
    for name in ("world", "paper"):
        column = whole.column_names.index(name)
        pq.write_table(whole.set_column(column, name, pa.array([["a"]] * len(whole))), path)
        assert f"column '{name}' holds" in refused(path)


def test_flat_parquet_with_repeated_columns(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table([pa.array(["deleted"])] * 2, names=["role", "role"]), path)
    assert "more than one column named 'role'" in refused(path)


def test_what_pandas_says_of_its_index_decides_nothing(tmp_path):
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({**ONE, **BEFORE, **AFTER, "world": [7]})
    frame.set_index("world").to_parquet(path)
    assert read_observations(path).worlds.tolist() == [7]
    pq.write_table(pq.read_table(path).replace_schema_metadata({b"pandas": b"{"}), path)
    assert read_observations(path).worlds.tolist() == [7]
    frame.loc[[0, 0]].to_parquet(path)
    assert len(read_observations(path)) == 2


@pytest.mark.parametrize("world", ["1e30", "-1e30", "9223372036854775808", "9" * 40, "inf", "0.5", "x"])
def test_a_number_that_is_none_of_64_bits_does_not_become_another(tmp_path, world):
    path = csv(tmp_path, **ONE, **BEFORE, **AFTER, world=[world])
    assert "column 'world' holds" in refused(path)


@pytest.mark.parametrize("paper", [[True, False], [1, 0], [1.0, 0.0]])
def test_truth_may_be_written_as_numbers(tmp_path, paper):
    np.savez(tmp_path / "t.npz", **ARRAYS, paper=np.array(paper), world=np.array([True, False]))
    table = read_observations(tmp_path / "t.npz")
    assert table.paper.tolist() == [True, False]
    assert table.worlds.tolist() == [1, 0]


def test_a_file_that_the_system_does_not_give(tmp_path, monkeypatch):
    path = csv(tmp_path, **ONE, **BEFORE, **AFTER)

    def denied(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", denied)
    assert "cannot be read (Permission denied)" in refused(path)


@pytest.mark.parametrize("suffix", WRITE)
def test_what_looks_like_a_date_or_a_number_stays_as_it_is(tmp_path, suffix):
    frame = pd.DataFrame({**ONE, **BEFORE, **AFTER, "group_since": ["2020-01-31T07:00:00"], "group_zip": ["0815"]})
    WRITE[suffix](frame.assign(label="b", dataset="2020-01-31T07:00:00", side="07"), tmp_path / f"t{suffix}")
    table = read_observations(tmp_path / f"t{suffix}")
    assert table.groups["since"].tolist() == ["2020-01-31T07:00:00"]
    assert table.groups["zip"].tolist() == ([815.0] if suffix == ".csv" else ["0815"])
    assert table.rows[["dataset", "side"]].iloc[0].tolist() == ["2020-01-31T07:00:00", "07"]
    assert table.rows["label"].tolist() == [1]


def test_numbers_that_name_classes_are_names_in_json_lines(tmp_path):
    lines = [
        {"role": "deleted", "label": 1, "before_0": 0.5, "before_1": 0.5, "after_0": 1, "after_1": 0},
        {"role": "unseen", "before_0": 0.25, "before_1": 0.75, "after_0": 0, "after_1": 1.0},
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    table = read_observations(tmp_path / "t.jsonl")
    assert table.rows["label"].tolist() == [1, -1]
    assert table.posteriors[1].tolist() == [[0.25, 0.75], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("values", "classes", "codes"),
    [
        (["b", "", None, "a"], ["a", "b"], [1, -1, -1, 0]),
        ([1, None, 0], ["0", "1"], [1, -1, 0]),
        ([1.0, float("nan")], ["0.0", "1.0"], [1, -1]),
        ([True, False, None], ["False", "True"], [1, 0, -1]),
        ([True, False], ["true", "false"], [0, 1]),
    ],
)
def test_a_label_is_read_as_its_class_whatever_kind_of_value_it_is(values, classes, codes):
    assert label_codes(pa.chunked_array([pa.array(values)]), classes, Path("t.parquet")).tolist() == codes


@pytest.mark.parametrize("values", [[1, 1, 1], ["yes", "yes", "yes"], [True, True, None]])
def test_whether_rows_are_partial_is_true_or_false(table, tmp_path, values):
    made = table()
    write_observations(made, tmp_path / "t.csv")
    frame = pd.read_csv(tmp_path / "t.csv")
    frame["partial"] = pd.Series((values * len(frame))[: len(frame)], dtype=object)
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(AuditError, match="'partial' holds something other than true and false"):
        read_observations(tmp_path / "t.csv")


ODD_ARRAYS = {
    "structured": np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]),
    "void": np.zeros(2, dtype="V8"),
    "dates": np.array(["2020", "2021"], dtype="M8[D]"),
    "durations": np.array([1, 2], dtype="m8[s]"),
    "bytes": np.array([b"\xe9", b"b"]),
    "complex": np.array([1j, 2]),
}


@pytest.mark.parametrize("kind", ODD_ARRAYS)
@pytest.mark.parametrize(
    "name",
    ["role", "world", "record", "paper", "dataset", "label", "before", "posteriors", "classes", "partial", "metadata",
     "group_x", "signal_x"],
)  # fmt: skip
def test_arrays_of_other_kinds_are_one_sentence(tmp_path, kind, name):
    np.savez(tmp_path / "t.npz", **ARRAYS | {name: ODD_ARRAYS[kind]})
    assert name.removeprefix("signal_") in refused(tmp_path / "t.npz")


@pytest.mark.parametrize("kind", ["<f2", ">f2", ">f8", "<f4", ">i4", "<u1", ">u8", "g"])
def test_numbers_of_any_size_and_order_are_read(tmp_path, kind):
    columns = {name: np.array([1, 0], dtype=kind) for name in ("paper", "world", "record", "label", "group_x")}
    halves = {name: of.astype(">f2") for name, of in ARRAYS.items() if name != "role"}
    np.savez(tmp_path / "t.npz", **ARRAYS | halves, **columns)
    table = read_observations(tmp_path / "t.npz")
    assert table.paper.tolist() == [True, False]
    assert table.worlds.tolist() == table.rows["label"].tolist() == table.groups["x"].tolist() == [1, 0]
    if kind == "<f2":
        flat = {"role": ["deleted"], **{f"{v}_{c}": [0.5] for v in ("before", "after") for c in "ab"}}
        pq.write_table(pa.table({**flat, "paper": np.ones(1, np.float16)}), tmp_path / "t.parquet")
        assert read_observations(tmp_path / "t.parquet").paper.tolist() == [True]


@pytest.mark.parametrize("header", [b"{'descr': (", b"{", b"'", b"(1, 2)", b"{'descr': 'O'}", b"\xff"])
def test_a_member_with_a_broken_header(tmp_path, header):
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("role.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    refused(tmp_path / "t.npz")


def test_two_arrays_of_one_name(tmp_path):
    np.savez(tmp_path / "t.npz", **ARRAYS)
    with zipfile.ZipFile(tmp_path / "t.npz", "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("role.npy", archive.read("role.npy"))
    assert "two arrays of one name" in refused(tmp_path / "t.npz")


FAR = pa.array([2**62, 5], pa.int64())
ODD_COLUMNS = {
    "timestamps": pa.array([0, 10**15], pa.timestamp("us")),
    "far timestamps": FAR.view(pa.timestamp("us")),
    "far dates": pa.array([2**30, 1], pa.int32()).view(pa.date32()),
    "durations": FAR.view(pa.duration("us")),
    "lists": pa.array([[True], [False]]),
    "structures": pa.array([{"a": 1}] * 2),
    "maps": pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int64())),
    "bytes": pa.array([b"\xff", b"a"]),
    "long numbers": pa.array([2**64 - 1, 2**63], pa.uint64()),
    "decimals": pa.array([Decimal(10) ** 30] * 2),
    "floats beyond whole numbers": pa.array([1e17, 2.0]),
    "long texts of digits": pa.array(["9" * 400, "1"]),
    "nothing": pa.nulls(2),
}


@pytest.mark.parametrize("kind", ODD_COLUMNS)
@pytest.mark.parametrize("name", ["role", "partial", "world", "record", "paper", "label", "before_a"])
def test_columns_of_other_kinds_are_one_sentence(tmp_path, kind, name):
    flat = {"role": ["deleted", "unseen"], **{f"{v}_{c}": [0.5] * 2 for v in ("before", "after") for c in "ab"}}
    pq.write_table(pa.table({**flat, name: ODD_COLUMNS[kind]}), tmp_path / "t.parquet")
    if name == "label" and kind == "nothing":
        assert read_observations(tmp_path / "t.parquet").rows["label"].tolist() == [-1, -1]
        return
    said = refused(tmp_path / "t.parquet")
    assert name.removeprefix("before_") in said


def test_the_same_version_and_class_twice(tmp_path):
    frame = pd.DataFrame({**ONE, **BEFORE, **AFTER, "p00_a": [0.1], "p0_b": [0.9]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert "'before_a' and 'p00_a' are the same version and class" in refused(tmp_path / "t.csv")


def test_numbers_that_a_float_cannot_tell_apart(tmp_path):
    frame = pd.DataFrame({"role": ["deleted"] * 2, "before_a": 0.5, "before_b": 0.5, "after_a": 0.5, "after_b": 0.5})
    path = tmp_path / "t.csv"
    frame.assign(record=["9007199254740993", "1e3"]).to_csv(path, index=False)
    assert "column 'record' holds 9007199254740992" in refused(path)
    frame.assign(record=["9007199254740993", "1000"]).to_csv(path, index=False)
    assert read_observations(path).rows["record"].tolist() == [9007199254740993, 1000]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_flat_columns_are_read_in_their_own_precision(tmp_path, dtype):
    values = np.random.default_rng(0).dirichlet(np.ones(3), size=(50, 2)).astype(dtype)
    names = [f"{when}_{of}" for when in ("before", "after") for of in "abc"]
    frame = pd.DataFrame(values.reshape(50, 6), columns=names).assign(role="deleted")
    frame.to_parquet(tmp_path / "flat.parquet")
    found = read_observations(tmp_path / "flat.parquet")
    assert np.array_equal(found.posteriors, values.astype(np.float32))
    assert found.posteriors.dtype == np.float32


def test_a_column_of_posteriors_without_any_value_is_told(tmp_path):
    frame = pd.DataFrame({"role": ["deleted"], "before_a": [1.0], "before_b": [None], "after_a": 1.0, "after_b": 0.0})
    frame.to_csv(tmp_path / "empty.csv", index=False)
    with pytest.raises(AuditError, match=r"not a finite number|not numbers"):
        read_observations(tmp_path / "empty.csv")
