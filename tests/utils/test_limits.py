"""What a file holds is counted before it is unpacked; what it quotes never fills a screen."""

import gzip
import io
import pickle
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlearn_audit.data.datasets import checkins, mnist
from unlearn_audit.data.source import SourceFile, digest, wrong
from unlearn_audit.data.table import read_table
from unlearn_audit.errors import LONGEST_MESSAGE, AuditError
from unlearn_audit.findings.schema import Findings
from unlearn_audit.observations import read_observations
from unlearn_audit.observations.ids import read_ids
from unlearn_audit.observations.one_version import read_answers
from unlearn_audit.utils.columns import repeated_name
from unlearn_audit.utils.limits import MOST_VARIABLE, unzipped


def refused(read, *given):
    """Return the one sentence with which something is refused."""
    with pytest.raises(AuditError) as caught:
        read(*given)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) <= LONGEST_MESSAGE
    return said


def dictionary(values, n):
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, dtype=np.int8)), pa.array(values))


def test_parquet_of_few_bytes_and_many_rows(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"role": dictionary(["a"], 5_000_000)}), path, compression="zstd")
    for read in (read_observations, read_answers, lambda path: read_table(path, "role")):
        said = refused(read, path)
        assert str(path) in said
        assert "5,000,000 values" in said
        assert MOST_VARIABLE in said
    monkeypatch.setenv(MOST_VARIABLE, "6000000")
    assert "one class only" in refused(read_table, path, "role")
    monkeypatch.setenv(MOST_VARIABLE, "4000000")
    assert "more than the 4,000,000 that are read" in refused(read_observations, path)


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int8(), pa.string())])
def test_parquet_with_one_long_text_over_and_over(tmp_path, kind):
    path = tmp_path / "t.parquet"
    table = pa.table({"record": dictionary(["x" * 1_000_000], 2000), "p_a": [0.5] * 2000, "p_b": [0.5] * 2000})
    # a schema that is not stored makes plain texts of it
    pq.write_table(table, path, compression="zstd", store_schema=kind != pa.string())
    said = refused(read_answers, path)
    assert "in column 'record', holds 250,000,000 values" in said
    assert str(path) in said


def test_lists_are_refused_unless_their_size_is_known(tmp_path):
    path, inside = tmp_path / "t.parquet", pa.array(np.zeros(5_000_000, dtype=np.int8))
    pq.write_table(
        pa.table({"a": pa.ListArray.from_arrays(pa.array([0, 5_000_000]), inside)}), path, compression="zstd"
    )
    assert "column 'a' holds values of kind list" in refused(read_observations, path)
    pq.write_table(pa.table({"a": pa.FixedSizeListArray.from_arrays(inside, 1000)}), path, compression="zstd")
    assert "5,000,000 values" in refused(read_observations, path)


def archive(path, header, content=b""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as held:
        stream = io.BytesIO()
        np.lib.format.write_array_header_1_0(stream, header)
        held.writestr("posteriors.npy", stream.getvalue() + content)


@pytest.mark.parametrize("read", [read_observations, read_answers])
def test_an_archive_that_says_more_than_it_holds_or_unpacks_to_too_much(tmp_path, read):
    path, header = tmp_path / "t.npz", {"descr": "<f8", "fortran_order": False}
    archive(path, {**header, "shape": (10**12, 2)})
    assert "is of 16,000,000,000,000 bytes by its header and" in refused(read, path)
    archive(path, {**header, "shape": (-1, 2)}, bytes(80))
    assert "by its header" in refused(read, path)
    archive(path, {**header, "descr": "|i1", "shape": (40_000_000,)}, bytes(40_000_000))
    assert "5,000,000 values" in refused(read, path)
    np.save(tmp_path / "huge.npy", np.zeros(1))
    (tmp_path / "huge.npy").rename(path)
    assert "single array" in refused(read, path)


def test_json_lines_in_which_every_row_has_another_key(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(f'{{"k{i}": 1}}' for i in range(11_000)))
    assert "121,000,000 values" in refused(read_table, path, "y")
    for line in ('\\"' * 1_000_000, '"' * 1_000_000, '"a\\"' * 1_000_000):
        path.write_text(line)
        assert "JSON" in refused(read_table, path, "y")


def test_a_csv_is_counted_where_it_is_large(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "1,0\n2,1\n" * 10)
    monkeypatch.setenv(MOST_VARIABLE, "41")
    assert "holds 42 values" in refused(read_table, path, "y")
    monkeypatch.setenv(MOST_VARIABLE, "42")
    assert len(read_table(path, "y").labels) == 20


@pytest.mark.parametrize("given", ["many", "0", "-1", "1e6", "9" * 30])
def test_a_bound_that_is_none(tmp_path, monkeypatch, given):
    (tmp_path / "t.csv").write_text("a,y\n1,0\n2,1\n")
    monkeypatch.setenv(MOST_VARIABLE, given)
    assert MOST_VARIABLE in refused(read_table, tmp_path / "t.csv", "y")


def test_a_file_of_too_many_bytes_is_not_read_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv(MOST_VARIABLE, "1")
    for name, read in (
        ("t.npz", read_observations),
        ("t.csv", read_observations),
        ("t.json", Findings.read),
        ("t.txt", lambda path: read_ids(str(path), "--deleted")),
    ):
        (tmp_path / name).write_bytes(b"x" * 50)
        assert "takes 50 bytes, more than the 40" in refused(read, tmp_path / name)


def test_gzip_that_unpacks_to_more_than_was_published(tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    for file in mnist.SOURCE.files:
        path = tmp_path / file.path
        path.write_bytes(gzip.compress(bytes(2000)))
    assert unzipped(path, 2000) == bytes(2000)
    assert "more than 1,999 bytes" in refused(unzipped, path, 1999)
    monkeypatch.setattr(mnist, "_MOST_BYTES", 1000)
    assert "more than 1,000 bytes" in refused(mnist.load, tmp_path)
    monkeypatch.setattr(checkins, "_MOST_BYTES", 1000)
    (tmp_path / "checkins").mkdir()
    path.rename(tmp_path / checkins.NYC.files[0].path)
    assert "more than 1,000 bytes" in refused(checkins.load, checkins.NYC, tmp_path)
    monkeypatch.setattr("unlearn_audit.data.source._MOST_CONTENT", 1000)
    path = tmp_path / checkins.NYC.files[0].path
    assert digest(path, "content") == "more than 1,000 bytes"
    assert "got more than" in wrong(path, SourceFile("a", sha256="0" * 64, digest_of="content"))


def test_what_messages_quote_is_cut_in_one_place():
    said = str(AuditError(f"no column '{'x' * 10_000_000}' in people.csv; name another"))
    assert len(said) <= LONGEST_MESSAGE
    assert said.startswith("no column 'xxx")
    assert said.endswith("' in people.csv; name another")
    assert str(AuditError(said)) == said
    assert str(pickle.loads(pickle.dumps(AuditError(said)))) == said
    assert str(AuditError("a\x1b[31m\u202eb\nc\ud800")) == "a\\x1b[31m\\u202eb c\\ud800"
    words = " ".join(["word"] * 5000)
    assert len(str(AuditError(words))) <= LONGEST_MESSAGE
    assert str(AuditError("what 'is' short; stays")) == "what 'is' short; stays"


@pytest.mark.parametrize("read", [read_observations, read_answers, lambda path: read_table(path, "y")])
def test_names_and_values_of_any_length(tmp_path, read):
    path, long = tmp_path / "t.csv", "x" * 3_000_000
    for content in (f"role,{long}\n1,2\n", f"{long}\n1\n", f"record,p_a,p_b,label\n1,0.5,0.5,{long}\n"):
        path.write_text(content)
        said = refused(read, path)
        assert str(path) in said
        assert "Empty CSV" not in said


def test_a_header_longer_than_any(tmp_path, monkeypatch):
    monkeypatch.setattr("unlearn_audit.utils.csv_format._LINE", 1000)
    (tmp_path / "t.csv").write_text("x" * 2000 + "\n1\n")
    assert "a header of more than 1,000 bytes" in refused(read_table, tmp_path / "t.csv", "y")


class Counted(str):
    """A name that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other):
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_columns_are_compared_in_linear_time(tmp_path):
    n = 3000
    names = [Counted(f"c{i}") for i in range(n)]
    assert repeated_name(names) is None
    assert Counted.compared < 10 * n
    assert repeated_name([*names, Counted("c7")]) == "c7"
    path = tmp_path / "t.csv"
    path.write_text(f"record,{','.join(f'p_c{i}' for i in range(n))}\n1,1,{','.join(['0'] * (n - 1))}\n")
    assert len(read_answers(path).classes) == n
