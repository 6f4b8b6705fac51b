"""A format that is not read is refused with its name, whatever the file is called."""

import bz2
import gzip
import io
import lzma
import pickle
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from unlearn_audit.data.table import read_table
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import read_observations
from unlearn_audit.observations.one_version import read_answers
from unlearn_audit.utils.columns import read_columns

CSV = b"role,before_a,before_b,after_a,after_b\ndeleted,0.5,0.5,0.5,0.5\n"


def zipped():
    with io.BytesIO() as held:
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("people.csv", CSV)
        return held.getvalue()


def written(write, *content):
    with io.BytesIO() as held:
        write(*content, held)
        return held.getvalue()


COMPRESSED = {
    ".gz": gzip.compress(CSV),
    ".zip": zipped(),
    ".bz2": bz2.compress(CSV),
    ".xz": lzma.compress(CSV),
    ".zst": bytes(pa.compress(CSV, codec="zstd")),
}

CONTENTS = {
    "compressed (gzip)": gzip.compress(gzip.compress(CSV)),
    "a Parquet file": written(pq.write_table, pa.table({"a": [1]})),
    "an Arrow or Feather file": written(feather.write_feather, pa.table({"a": [1]})),
    "a single array": written(lambda array, to: np.save(to, array), np.zeros(3)),
    "a pickle of Python objects, which can run code": pickle.dumps([1]),
    "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(50),
    "a database (SQLite)": b"SQLite format 3\x00" + bytes(50),
    "an Excel spreadsheet": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50),
}


def refused(read, *given):
    with pytest.raises(AuditError) as caught:
        read(*given)
    return str(caught.value)


@pytest.mark.parametrize("what", CONTENTS)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".npz"])
def test_the_content_tells(tmp_path, what, suffix):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(CONTENTS[what])
    if suffix == ".parquet" and what == "a Parquet file":
        assert read_columns(path).num_rows == 1
        return
    said = refused(read_observations, path)
    assert str(path) in said
    assert f"is {what}" in said
    assert f"is {what}" in refused(read_answers, path, None, CONTENTS[what])


@pytest.mark.parametrize("packed", COMPRESSED)
@pytest.mark.parametrize("name", ["t.csv", "t.CSV.GZ", "t.csv.zip"])
def test_what_is_compressed_is_read_whatever_it_is_called(tmp_path, packed, name):
    path = tmp_path / name
    path.write_bytes(COMPRESSED[packed])
    for content in (None, COMPRESSED[packed]):
        assert read_columns(path, content=content)["role"].to_pylist() == ["deleted"]
    path.write_bytes(COMPRESSED[packed][:-6])
    assert "is compressed and not whole" in refused(read_columns, path)


@pytest.mark.parametrize("packed", COMPRESSED)
def test_what_unpacks_to_far_more_is_refused_before_it_is_held(tmp_path, packed, monkeypatch):
    monkeypatch.setattr("unlearn_audit.utils.limits._FEW", 1)
    path, content = tmp_path / f"t.csv{packed}", b"a,b\n" + b"1,2\n" * 500_000
    with path.open("wb") as stream:
        if packed == ".zip":
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("t.csv", content)
        else:
            pack = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
            stream.write(pack[packed](content) if packed in pack else bytes(pa.compress(content, codec="zstd")))
    assert "like files made to exhaust memory" in refused(read_columns, path)
    assert "like files made to exhaust memory" in refused(read_observations, path)


def test_an_archive_of_several_files_and_a_spreadsheet_are_refused(tmp_path):
    for names, said in (
        (["a.csv", "b.csv"], "holds 2 files"),
        (["[Content_Types].xml", "x"], "an Excel spreadsheet"),
    ):
        path = tmp_path / "t.csv"
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, CSV)
        assert said in refused(read_columns, path)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("t.xlsx", "a spreadsheet"),
        ("t.npy", "a single array"),
        ("t.orc", "in a format"),
        ("t.7z", "compressed"),
        ("t.gz", "compressed, in a format that its name does not show"),
    ],
)
def test_the_suffix_tells(tmp_path, name, what):
    (tmp_path / name).write_bytes(CSV)
    for read in (read_observations, read_answers, lambda path: read_table(path, "y")):
        said = refused(read, tmp_path / name)
        assert "file but " + what in said


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("role;before_a\ndeleted;0.5\n", {"role": ["deleted"], "before_a": [0.5]}),
        ("role;before_a\ndeleted;0,5\n", {"role": ["deleted"], "before_a": [0.5]}),
        ("role;before_a\ndeleted;5,5e-1\n", {"role": ["deleted"], "before_a": [0.55]}),
        ("role\tbefore_a\ndeleted\t0.5\n", {"role": ["deleted"], "before_a": [0.5]}),
        ("role|before_a\ndeleted|0.5\n", {"role": ["deleted"], "before_a": [0.5]}),
        ("\ufeffrole;before_a\r\ndeleted;0.5\r\n", {"role": ["deleted"], "before_a": [0.5]}),
        ("role;before_a\rdeleted;0,5\r", {"role": ["deleted"], "before_a": [0.5]}),
        ('"a, b";role\n1;2\n', {"a, b": [1], "role": [2]}),
        ('role;"a, b, c"\n1;2\n', {"role": [1], "a, b, c": [2]}),
        ("role;a, b;c\n1;2;3\n", {"role": [1], "a, b": [2], "c": [3]}),
        ("\n\nrole;before_a\n1;2\n", {"role": [1], "before_a": [2]}),
        ("role;before_a\n", {"role": [], "before_a": []}),
        ("sep=;\nrole;before_a\n1;0,5\n", {"role": [1], "before_a": [0.5]}),
        ("# made by us\n# on Monday\nrole,before_a\n1,0.5\n", {"role": [1], "before_a": [0.5]}),
        ("#role,before_a\n1,0.5\n", {"#role": [1], "before_a": [0.5]}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_other_separators_decimal_commas_and_lines_before_the_header(tmp_path, content, columns, encoding):
    path = tmp_path / "t.csv"
    path.write_text(content.lstrip("\ufeff" if encoding == "utf-16" else ""), encoding=encoding, newline="")
    assert read_columns(path).to_pydict() == columns
    assert read_columns(path, content=path.read_bytes()).to_pydict() == columns


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('a,before_a\ndeleted,"0,5"\nunseen,"0,25"\n', "numbers with a decimal comma, such as 0,5"),
        ("role,before_a\ndeleted,0,5\n", "put texts and numbers that hold commas in quotes"),
        ("role,before_a,after_a\ndeleted;1;2\n", "separates its header by comma and its rows by semicolon"),
        ("a;b|c\n1;2|3\n", "may be separated by semicolon or pipe; save it with commas, or say which with --delimiter"),
        ("a;a\n1;2\n", "more than one column named 'a'"),
    ],
)
def test_texts_without_one_reading_are_refused(tmp_path, content, said):
    (tmp_path / "t.csv").write_text(content, encoding="utf-8", newline="")
    assert said in refused(read_columns, tmp_path / "t.csv")


def test_what_only_looks_like_one_is_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('"a;b","c\td"\n"1;2","0,5"\n"3","x"\n')
    assert read_columns(path).column_names == ["a;b", "c\td"]
    path.write_text('"record"\n"1,5"\n"2,5"\n')
    assert read_columns(path, ("record",))["record"].to_pylist() == ["1,5", "2,5"]
    path.write_text("PAR1,ORCID,BZh\n1,2,3\n")
    assert read_columns(path).num_rows == 1


@pytest.mark.parametrize(
    "content",
    [
        "role,before_é\ndeleted,1\n".encode("latin-1"),
        "role,before_a,p\ndeleted,1,é\n".encode("latin-1"),
        "\n\nrole,before_é\ndeleted,1\n".encode("latin-1"),
        'role,"before_\né"\ndeleted,1\n'.encode("latin-1"),
        "role,before_é\rdeleted,1\r".encode("latin-1"),
    ],
)
def test_what_is_no_utf_8_says_so(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    for read in (read_observations, read_answers, lambda path: read_table(path, "y")):
        assert "UTF-8" in refused(read, tmp_path / "t.csv")


@pytest.mark.parametrize("where", ["a name", "a value"])
def test_typed_text_that_is_no_utf_8_says_so(tmp_path, where):
    bad = pa.array([b"\xe9"]).view(pa.string()) if where == "a value" else pa.array(["a"])
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"record": bad, "p_a": [0.5], "p_b": [0.5]}), path)
    if where == "a name":
        path.write_bytes(path.read_bytes().replace(b"record", b"rec\xe9rd"))
    refused(read_answers, path)
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"rec\xe9rd": 1}\n' if where == "a name" else b'{"record": "\xe9", "p_a": 0.5, "p_b": 0.5}\n')
    assert "UTF-8" in refused(read_answers, path)
