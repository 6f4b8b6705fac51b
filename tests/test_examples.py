"""Every example runs, quickly, and says what it promises."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

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
    assert not [note for note in findings.notes if "training" in note.text]
    assert (tmp_path / "report" / "report.html").is_file()


def test_files_and_their_command_line_agree(python, command, tmp_path):
    out = finished(python(EXAMPLES / "audit_files.py", "files"))
    findings = Findings.read(tmp_path / "files" / "report" / "findings.json")
    assert findings.verdict.summary in out
    assert findings.leading().auc_ci[0] > 0.5
    files, again = tmp_path / "files", tmp_path / "again"
    done = command(
        "predictions", "--shadow", files / "shadow.csv", "--target", files / "target.csv", "--out", again,
        "--feature", "sorted-diff", "--feature", "direct-diff", "--attack-model", "logistic-regression",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert Findings.read(again / "findings.json").results == findings.results


def test_release_and_its_command_line_agree(python, command, tmp_path):
    out = finished(python(EXAMPLES / "release_files.py", "files"))
    found = json.loads((tmp_path / "files" / "report" / "findings.json").read_text(encoding="utf-8"))
    assert found["summary"] in out
    assert found["identified"] == 1
    files = (tmp_path / "files" / name for name in ("before.parquet", "after.parquet"))
    ids = ("--deleted", tmp_path / "files" / "deleted.txt", "--reference", tmp_path / "files" / "held-out.txt")
    again = command("release", *files, *ids, "--base-rate", "0.01", "--out", "again", "--json").findings
    assert {**again, "config": {}} == found


def test_configuration_and_workflow(command):
    """The steps of the workflow do what they say: the audit leaks, so the gate stops it."""
    assert read_config(EXAMPLES / "audit.yaml").worlds.shadow == 8
    shutil.copy(EXAMPLES / "audit.yaml", "audit.yaml")
    steps = yaml.safe_load((EXAMPLES / "github-actions.yaml").read_text(encoding="utf-8"))["jobs"]["audit"]["steps"]
    audit, gate = (shlex.split(step["run"])[1:] for step in steps if step.get("run", "").startswith("unlearn-audit"))
    assert "--allow-code" in audit  # else an audit.yaml that names a model of one's own is refused
    assert command(*audit).code == 0
    done = command(*gate)
    assert done.code == 1, done.err
    assert done.out.startswith("fail: auc of ")
    (suite,) = ElementTree.parse("gate.xml").getroot()
    assert suite.get("failures") == "2"


def test_defenses(command):
    assert len(read_config(EXAMPLES / "defenses.yaml").defenses) == 5
    small = ("--shadow-worlds=3", "--target-worlds=3", "--deletions=5")
    findings = Findings.model_validate_json(command("run", EXAMPLES / "defenses.yaml", *small, "--json").out)
    names = ["none", *read_config(EXAMPLES / "defenses.yaml").defenses]
    assert [released.defense for released in findings.released] == names
    assert {(r.defense, r.adaptive) for r in findings.results} == {
        *((name, True) for name in names),
        *((name, False) for name in names[1:]),
    }
    assert findings.leading().defense == "none"


OWN_METHODS = (
    "--dataset=digits", "--shadow-worlds=2", "--target-worlds=1", "--train-size=120", "--deletions=5", "--unseen=3",
    "--references=12", "--stratify", "--attack=none", "--feature=sorted-diff", "--attack-model=logistic-regression",
    "--no-retraining-arm", "--json",
)  # fmt: skip


def test_a_function_of_ones_own_for_scikit_learn(command):
    refit = f"--unlearning={EXAMPLES / 'forget_scikit.py'}:refit"
    findings = command("run", *OWN_METHODS, refit, "--jobs=2", "--store=own").findings
    # refitting on the same records with the same seed is retraining
    exact = command("run", *OWN_METHODS, "--store=exact").findings
    assert findings["results"] == exact["results"]
    assert findings["regime"] == exact["regime"] == "fixed"


def test_a_function_of_ones_own_for_networks(command):
    network = ("--model=torch-mlp", "--epochs=2", "--batch-size=30")
    done = command("run", *OWN_METHODS, *network, f"--unlearning={EXAMPLES / 'forget_torch.py'}:ascend")
    assert done.code == 0, done.err
    assert done.findings["regime"] == "fixed"
    assert done.findings["verdict"]["kind"] != "unchanged"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_a_program_of_ones_own_for_any_model(command, tmp_path):
    program = (
        f"env PYTHON='{sys.executable}' '{EXAMPLES / 'forget.sh'}' {{original}} {{forget}} {{retain}} {{unlearned}}"
    )
    done = command("run", *OWN_METHODS, f"--unlearning-command={program}", "--jobs=2", "--store=own")
    assert done.code == 0, done.err
    findings = done.findings
    assert findings["regime"] == "fixed"
    assert findings["verdict"]["kind"] != "unchanged"
    # the records that it was given are gone, and were nowhere but in that store
    assert not list((tmp_path / "cwd" / "own" / "tmp").rglob("*"))
    assert not (tmp_path / "store").exists()


def test_a_program_of_ones_own_for_networks(command):
    network = ("--model=torch-mlp", "--epochs=2", "--batch-size=30", "--unlearning-timeout=60")
    program = f"'{sys.executable}' '{EXAMPLES / 'forget_weights.py'}' {{original}} {{unlearned}} {{seed}}"
    done = command("run", *OWN_METHODS, *network, f"--unlearning-command={program}")
    assert done.code == 0, done.err
    assert done.findings["verdict"]["kind"] != "unchanged"
