import json

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.columns import FORMATS, read_columns

FRAME = pd.DataFrame({"id": ["007", "8"], "when": ["2020-01-31", "2021-02-28"], "x": [0.1, None]})

WRITE = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".txt": lambda frame, path: frame.to_csv(path, index=False, sep=";", decimal=","),
    **dict.fromkeys((".tsv", ".tab"), lambda frame, path: frame.to_csv(path, index=False, sep="\t")),
    **dict.fromkeys((".jsonl", ".ndjson"), lambda frame, path: frame.to_json(path, orient="records", lines=True)),
    ".json": lambda frame, path: frame.to_json(path, orient="records"),
    **dict.fromkeys((".parquet", ".pq"), lambda frame, path: frame.to_parquet(path, index=False)),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), lambda frame, path: feather.write_feather(frame, str(path))),
}


def test_every_format_is_tested():
    assert set(WRITE) == set(FORMATS)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", ["t", "T"])
def test_every_format_gives_the_same_columns_from_a_path_and_from_bytes(tmp_path, suffix, name):
    path = tmp_path / f"{name}{suffix.upper() if name == 'T' else suffix}"
    WRITE[suffix](FRAME, path)
    for content in (None, path.read_bytes()):
        table = read_columns(path, ["id"], content, dates=False)
        assert table.to_pydict() == {"id": ["007", "8"], "when": ["2020-01-31", "2021-02-28"], "x": [0.1, None]}


def test_dates_are_read_as_such_where_they_are_wanted(tmp_path):
    WRITE[".csv"](FRAME, tmp_path / "t.csv")
    assert pa.types.is_temporal(read_columns(tmp_path / "t.csv").schema.field("when").type)
    assert read_columns(tmp_path / "t.csv", ["when"])["when"].to_pylist() == FRAME["when"].tolist()
    lines = "\n".join(json.dumps({"when": f"{day}T00:00:00Z"}) for day in FRAME["when"])
    (tmp_path / "t.jsonl").write_text(lines, encoding="utf-8")
    for options in ({"texts": ["when"]}, {"dates": False}):
        assert read_columns(tmp_path / "t.jsonl", **options)["when"].to_pylist()[0] == "2020-01-31T00:00:00Z"


def test_what_is_missing_is_up_to_the_caller(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n?,a\n,?\n", encoding="utf-8")
    assert read_columns(tmp_path / "t.csv")["x"].to_pylist() == ["?", None]
    assert read_columns(tmp_path / "t.csv", missing=("", "?"))["y"].to_pylist() == ["a", None]


@pytest.mark.parametrize("suffix", FORMATS)
def test_no_file_an_empty_one_and_a_broken_one_are_refused(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    with pytest.raises(AuditError, match="no file at"):
        read_columns(path)
    path.touch()
    for content in (None, b""):
        with pytest.raises(AuditError, match="is empty"):
            read_columns(path, content=content)
    path.write_bytes(b'{"x": [1}\n\x00,"')
    with pytest.raises(AuditError, match=r"cannot be read as (CSV|JSON lines|Parquet|Arrow)|UTF-8|JSON array"):
        read_columns(path)


@pytest.mark.parametrize("name", ["t.pkl", "t", "t.xlsx"])
def test_other_files_are_not_read(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(AuditError, match=r"is not a \.csv, \.tsv, .* or \.ipc file"):
        read_columns(tmp_path / name)
    with pytest.raises(AuditError, match="is a folder"):
        read_columns(tmp_path)


@pytest.mark.parametrize(
    "content", ["null", "null\n", '{"a": 1}\nnull\n', '{"a": 1} null', '\n \tnull{"a": 1}', '{"a":{}}null']
)
def test_a_row_that_is_null_is_refused(tmp_path, content):
    path = tmp_path / "t.jsonl"
    path.write_text(content)
    with pytest.raises(AuditError, match="holds null; write one JSON object per line"):
        read_columns(path)
    for text in ('{"a": "} null"}', '{"a": null}', '{"null": {}, "b": "null"}'):
        path.write_text(text)
        assert read_columns(path).num_rows == 1
