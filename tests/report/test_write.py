from pathlib import Path

import pytest

from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.errors import AuditError
from unlearn_audit.report import Findings, render, write_report
from unlearn_audit.report.markdown import markdown


def test_all_forms_are_written_and_nothing_else(findings, scores, tmp_path):
    folder = tmp_path / "new" / "run"
    assert write_report(folder, findings, scores) == folder / "report.html"
    assert sorted(p.name for p in folder.iterdir()) == ["auditor.html", "findings.json", "report.html", "report.md"]
    assert Findings.read(folder / "findings.json") == Findings.read(str(folder / "findings.json")) == findings
    assert (folder / "report.html").read_text(encoding="utf-8") == render(findings, scores)
    assert (folder / "auditor.html").read_text(encoding="utf-8") == render(findings, scores, auditor=True)
    assert (folder / "auditor.html").stat().st_mode & 0o077 == 0
    assert (folder / "report.md").read_text(encoding="utf-8") == markdown(findings)


def test_an_older_report_is_replaced(findings, scores, tmp_path):
    (tmp_path / "report.html").write_text("old", encoding="utf-8")
    write_report(tmp_path, findings, scores)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") != "old"


def test_nothing_is_written_where_the_scores_do_not_fit(findings, scores, tmp_path):
    with pytest.raises(AuditError):
        write_report(tmp_path, findings, scores[["game", "role", "paper", "defense", "adaptive"]])
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_named_by_text_as_well():
    assert Execution(store="kept/here").store_folder == Path("kept/here")
