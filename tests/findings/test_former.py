"""Findings of former layouts are read: what they lack is derived, or stated as not known."""

import json

import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.findings.former import FIRST, UNKNOWN
from unlearn_audit.findings.schema import SCHEMA, Findings
from unlearn_audit.findings.sections import RecordRisk
from unlearn_audit.report.html import render

LATER_OF_RESULT = (
    "shadow_auc_ci", "shadow_auc_error", "shadow_auc_freedom", "silent_without_change", "auc_error", "auc_freedom",
    "auc_claim_ci", "auc_hint_ci", "auc_minus_classical_error", "auc_minus_classical_freedom",
)  # fmt: skip
"""Keys of a result that the layout findings/1 did not have."""

SECTIONS = (
    "canaries", "released", "groups", "record_risk", "deletion_time", "three_way", "paper", "retraining", "failed",
    "stopping",
)  # fmt: skip
"""Keys of the whole that came while the layout was findings/1."""


def written_before(findings, *, earliest=False):
    """The document as findings/1 had it, at its last or at its first."""
    document = json.loads(findings.to_json())
    for key in ("moved", *(SECTIONS if earliest else ())):
        del document[key]
    for key in ("kind", "gate"):
        del document["verdict"][key]
    for result in document["results"]:
        for key in (*LATER_OF_RESULT, *(("adaptive", "epsilon", "strongest_classical") if earliest else ())):
            result.pop(key, None)
    notes = [note["text"] for note in document["notes"]]
    return {**document, "schema": FIRST, "notes": notes}


def read(document, folder):
    path = folder / "findings.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return Findings.read(path)


@pytest.mark.parametrize("earliest", [False, True])
def test_a_file_of_the_first_layout_is_read_with_its_figures(findings, tmp_path, earliest):
    before = read(written_before(findings, earliest=earliest), tmp_path)
    assert before.schema_ == SCHEMA
    assert [of.auc for of in before.results] == [of.auc for of in findings.results]
    assert before.leading().auc_ci == findings.leading().auc_ci
    assert before.verdict.summary == findings.verdict.summary
    assert before.routine == tuple(note.text for note in findings.notes)
    assert "cannot-tell until the audit is run again" in before.warnings[-1]
    assert before.moved is None


def test_what_it_lacks_claims_nothing(findings, tmp_path):
    before = read(written_before(findings), tmp_path)
    leading = before.leading()
    assert leading.auc_claim_ci == UNKNOWN
    assert leading.auc_hint_ci == leading.auc_ci
    assert leading.auc_error is leading.auc_simultaneous_ci is None
    assert (before.verdict.kind, before.verdict.gate) == ("hint", "cannot-tell")


def test_an_interval_around_a_half_is_no_hint(findings, tmp_path):
    document = written_before(findings)
    for result in document["results"]:
        result |= {"auc": 0.5, "auc_ci": [0.45, 0.55], "auc_minus_classical_ci": None, "epsilon": 0.0}
    assert read(document, tmp_path).verdict.kind == "too-few-worlds"


def test_it_can_be_written_and_reported_again(findings, scores, tmp_path):
    before = read(written_before(findings), tmp_path)
    assert read(json.loads(before.to_json()), tmp_path) == before
    assert "findings/1" in render(before, scores)


def test_records_that_were_told_are_identified(findings, tmp_path):
    risk = RecordRisk(records=50, identified=3, level=0.05, control="by", worlds_needed=9)
    whole = findings.model_copy(update={"record_risk": risk})
    document = json.loads(whole.to_json())
    document["record_risk"]["told"] = document["record_risk"].pop("identified")
    assert read(document, tmp_path) == whole


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"schema": "unlearn-audit/findings/9"}, "its layout is unlearn-audit/findings/9"),
        ({"schema": FIRST}, "results"),
        ({"schema": SCHEMA}, "Field required"),
        ([], "attribute"),
    ],
)
def test_what_holds_no_findings_is_refused(document, reason, tmp_path):
    with pytest.raises(AuditError, match=f"holds no findings in the layout {SCHEMA} .*{reason}"):
        read(document, tmp_path)
