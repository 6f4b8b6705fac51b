import json
from pathlib import Path

import jsonschema
import pytest

from unlearn_audit.findings import json_schema as schema
from unlearn_audit.findings.schema import SCHEMA, Findings


@pytest.fixture
def validator():
    of_findings = schema.findings_schema()
    jsonschema.Draft202012Validator.check_schema(of_findings)
    return jsonschema.Draft202012Validator(of_findings)


def test_the_documented_schema_is_that_of_the_models():
    documented = Path(__file__).parents[2] / "docs" / "findings.schema.json"
    assert json.loads(documented.read_bytes()) == schema.findings_schema(), (
        "run python -m unlearn_audit.findings.json_schema > docs/findings.schema.json"
    )


def test_real_findings_are_valid_and_come_back_whole(validator, findings, tmp_path):
    text = findings.to_json()
    validator.validate(json.loads(text))
    (tmp_path / "findings.json").write_text(text, encoding="utf-8")
    assert Findings.read(tmp_path / "findings.json") == findings


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.pop("verdict"),
        lambda data: data.update(extra=1),
        lambda data: data.update(schema="another/1"),
        lambda data: data["results"][0].update(auc="high"),
        lambda data: data["results"][0].update(auc_ci=[0.1]),
    ],
)
def test_spoiled_findings_are_refused(validator, findings, spoil):
    data = json.loads(findings.to_json())
    spoil(data)
    assert not validator.is_valid(data)


def test_the_command_prints_the_schema(capsys):
    schema.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed == schema.findings_schema()
    assert printed["properties"]["schema"]["const"] == SCHEMA
