"""Lists of ids, as people really have them."""

import pandas as pd
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.ids import read_ids


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ids.txt", "\ufeff017\n17\r\n\nA 1\n"),
        ("ids.csv", "\ufeffrecord\n017\n17\nA 1\n"),
        ("ids.csv", "customer\n017\n17\nA 1\n"),
        ("ids.csv", "record,since\n017,1\n17,2\nA 1,3\n"),
        ("ids.jsonl", '{"record": "017"}\n{"record": "17"}\n{"record": "A 1"}\n'),
    ],
)
def test_ids_are_texts_as_they_stand(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert read_ids(str(path), "--ids").tolist() == ["017", "17", "A 1"]


def test_numbers_alone_stay_what_they_are_too(tmp_path):
    (tmp_path / "ids.csv").write_text("customer\n017\n18\n")
    assert read_ids(str(tmp_path / "ids.csv"), "--ids").tolist() == ["017", "18"]
    pd.DataFrame({"record": [17, 18]}).to_parquet(tmp_path / "ids.parquet")
    assert read_ids(str(tmp_path / "ids.parquet"), "--ids").tolist() == ["17", "18"]
    with pytest.raises(AuditError, match="name each record once"):
        read_ids("17,17", "--ids")


@pytest.mark.parametrize("content", ["{}\n", "{}\n{}\n"])
def test_rows_without_any_column_hold_no_ids(tmp_path, content):
    (tmp_path / "ids.jsonl").write_text(content)
    with pytest.raises(AuditError):
        read_ids(str(tmp_path / "ids.jsonl"), "--ids")
