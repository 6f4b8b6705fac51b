"""Findings that were damaged, or are of somebody else, are refused in one sentence."""

import json

import numpy as np
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.findings.schema import Findings


def refused(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(AuditError) as caught:
        Findings.read(path)
    said = str(caught.value)
    assert str(path) in said
    assert "\n" not in said
    return said


@pytest.fixture
def whole(findings):
    return findings.to_json()


def test_what_was_written_is_read(tmp_path, findings, whole):
    (tmp_path / "f.json").write_text(whole)
    assert Findings.read(tmp_path / "f.json") == findings


def test_cut_at_any_place(tmp_path, whole):
    for end in np.linspace(0, len(whole) - 3, 40, dtype=int):
        refused(tmp_path / "f.json", whole[:end])


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"null", b"[]", b"7", b'"text"', b"{}", b"[" * 100_000, b'{"schema": ' + b"9" * 5000 + b"}",
        b'{"schema": ["unlearn-audit/findings/2"]}', b'{"schema": {}}', b'{"schema": "unlearn-audit/findings/1"}',
        b'{"schema": "unlearn-audit/findings/2", "record_risk": 7}',
        b'{"schema": "unlearn-audit/findings/2", "config": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_such_document(tmp_path, content):
    refused(tmp_path / "f.json", content)


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, '"0.5"', "true", "null", "[]", "{}"]
)
def test_a_figure_that_is_none(tmp_path, whole, value):
    document = json.loads(whole)
    document["results"][0]["auc"] = 123.25
    text = json.dumps(document)
    assert text.count("123.25") == 1
    refused(tmp_path / "f.json", text.replace("123.25", value))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("results",), []),
        (("results",), {}),
        (("results", 0, "n_worlds"), 1.5),
        (("results", 0, "n_worlds"), "7"),
        (("results", 0, "tpr_at_fpr"), [0.5]),
        (("results", 0, "rows"), "some"),
        (("selected", "attack"), 7),
        (("selected", "attack"), "another"),
        (("verdict",), None),
        (("notes",), "text"),
        (("config",), []),
        (("unknown",), 1),
    ],
)
def test_another_kind_of_value(tmp_path, whole, place, value):
    document = json.loads(whole)
    at = document
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    refused(tmp_path / "f.json", json.dumps(document))


def test_no_file_and_a_folder(tmp_path):
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(AuditError, match="cannot read"):
            Findings.read(path)
