"""Every example runs, quickly, and says what it promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from unlearn_audit import Findings
from unlearn_audit.config import read_config

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def python(tmp_path):
    """Run a command of Python in an empty folder, with a store of its own and warnings as errors."""

    def call(*arguments):
        return subprocess.run(
            [sys.executable, "-W", "error", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "UNLEARN_AUDIT_STORE": str(tmp_path / "store")},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return call


@pytest.fixture
def cli(python):
    """Run the command line."""
    return lambda *arguments: python("-m", "unlearn_audit.cli.main", *arguments)


def finished(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_own_model(python, tmp_path):
    out = finished(python(EXAMPLES / "audit_own_model.py", "report"))
    findings = Findings.read(tmp_path / "report" / "findings.json")
    assert findings.verdict.summary in out
    assert (findings.dataset, findings.model, findings.regime) == ("customers", "Pipeline", "fixed")
    assert findings.leading().auc_ci[0] > 0.5
    assert (tmp_path / "report" / "report.html").is_file()


def test_own_network(python, tmp_path):
    out = finished(python(EXAMPLES / "audit_own_network.py", "report"))
    findings = Findings.read(tmp_path / "report" / "findings.json")
    assert findings.verdict.summary in out
    assert (findings.dataset, findings.model, findings.regime) == ("digits", "TorchClassifier", "fixed")
    assert not [note for note in findings.notes if "training" in note]
    assert (tmp_path / "report" / "report.html").is_file()


def test_files_and_their_command_line_agree(python, cli, tmp_path):
    out = finished(python(EXAMPLES / "audit_files.py", "files"))
    findings = Findings.read(tmp_path / "files" / "report" / "findings.json")
    assert findings.verdict.summary in out
    assert findings.leading().auc_ci[0] > 0.5
    finished(
        cli(
            "predictions", "--shadow", "files/shadow.csv", "--target", "files/target.csv", "--out", "again",
            "--feature", "sorted-diff", "--feature", "direct-diff", "--attack-model", "logistic-regression",
        )
    )  # fmt: skip
    assert Findings.read(tmp_path / "again" / "findings.json").results == findings.results


def test_release_and_its_command_line_agree(python, cli, tmp_path):
    out = finished(python(EXAMPLES / "release_files.py", "files"))
    found = json.loads((tmp_path / "files" / "report" / "findings.json").read_text(encoding="utf-8"))
    assert found["summary"] in out
    assert found["told"] == 1
    files = (tmp_path / "files" / name for name in ("before.parquet", "after.parquet"))
    ids = ("--deleted", tmp_path / "files" / "deleted.txt", "--reference", tmp_path / "files" / "held-out.txt")
    again = json.loads(finished(cli("release", *files, *ids, "--base-rate", "0.01", "--out", "again", "--json")))
    assert {**again, "config": {}} == found


def test_configuration_and_gate(python, cli, tmp_path):
    assert read_config(EXAMPLES / "audit.yaml").worlds.shadow == 8
    (tmp_path / "findings.json").write_text(finished(cli("run", EXAMPLES / "audit.yaml", "--json")), encoding="utf-8")
    low = Findings.read(tmp_path / "findings.json").leading().auc_minus_classical_ci[0]
    for threshold, code in ((low - 0.01, 1), (low + 0.01, 0)):
        done = python(EXAMPLES / "ci_gate.py", "findings.json", "--threshold", threshold)
        assert done.returncode == code, done.stderr
        assert f"leak shown, at the least: {low:+.3f}" in done.stdout


def test_defenses(cli, tmp_path):
    assert len(read_config(EXAMPLES / "defenses.yaml").defenses) == 5
    small = ("--shadow-worlds=3", "--target-worlds=3", "--deletions=5")
    findings = Findings.model_validate_json(finished(cli("run", EXAMPLES / "defenses.yaml", *small, "--json")))
    names = ["none", *read_config(EXAMPLES / "defenses.yaml").defenses]
    assert [released.defense for released in findings.released] == names
    assert {(r.defense, r.adaptive) for r in findings.results} == {
        *((name, True) for name in names),
        *((name, False) for name in names[1:]),
    }
    assert findings.leading().defense == "none"


def changed_leading(path, **changes):
    """Write findings whose leading results are changed, and return the path."""
    findings = Findings.read(path)
    chosen = findings.selected
    results = tuple(
        result.model_copy(update=changes)
        if (result.attack, result.attack_model) == (chosen.attack, chosen.attack_model)
        else result
        for result in findings.results
    )
    path.write_text(findings.model_copy(update={"results": results}).to_json(), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"auc_minus_classical": None, "auc_minus_classical_ci": None}, 2),
        ({"auc_ci": (0.1, 0.3), "auc_minus_classical_ci": (-0.4, -0.2)}, 1),
        ({"auc_ci": (0.4, 0.6), "auc_minus_classical_ci": (-0.1, 0.1)}, 0),
    ],
)
def test_the_gate_on_findings_of_other_kinds(python, cli, tmp_path, changes, code):
    small = ("--shadow-worlds=3", "--target-worlds=3", "--deletions=5", "--unseen=4", "--references=5")
    attack = ("--feature=sorted-diff", "--attack-model=logistic-regression")
    path = tmp_path / "findings.json"
    path.write_text(finished(cli("run", "--dataset=breast-cancer", *small, *attack, "--json")), encoding="utf-8")
    assert python(EXAMPLES / "ci_gate.py", changed_leading(path, **changes)).returncode == code
