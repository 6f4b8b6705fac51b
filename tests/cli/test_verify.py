"""``unlearn-audit verify``, and what a damaged run folder does to whatever reads it."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.findings.schema import Findings
from unlearn_audit.utils.manifest import MANIFEST

SMALL = (
    "--dataset=breast-cancer", "--model=decision-tree", "--shadow-worlds=3", "--target-worlds=3", "--deletions=5",
    "--unseen=5", "--references=12", "--train-size=100", "--attack=none", "--feature=sorted-diff",
    "--attack-model=logistic-regression", "--jobs=1",
)  # fmt: skip

FILES = (
    "auditor.html", "config.json", "findings.json", "observations/shadow.parquet", "observations/target.parquet",
    "report.html", "report.md", "scores.parquet", "unlearn-audit-run.json",
)  # fmt: skip


@pytest.fixture
def out(command, tmp_path):
    done = command("run", *SMALL, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "Note" not in done.err
    return tmp_path / "out"


def test_a_finished_run_is_as_it_was_written(command, out):
    done = command("verify", out)
    assert (done.code, done.out) == (0, f"{out}: all 9 files are unchanged\n")
    said = json.loads(command("verify", out, "--json").out)
    assert said["ok"] is True
    assert said["runs"][0]["differences"] == []
    assert tuple(json.loads((out / MANIFEST).read_text())["files"]) == FILES


def test_each_damaged_file_is_named_and_made_again(command, out):
    before = {name: (out / name).read_bytes() for name in FILES}
    for name in FILES:
        content = before[name]
        for damaged in (content[: len(content) // 2], content[:40] + bytes([content[40] ^ 1]) + content[41:], b""):
            (out / name).write_bytes(damaged)
            done = command("verify", out)
            assert done.code == 2
            assert done.out.startswith(f"{out}/{name}: changed\n")
        (out / name).write_bytes(content)
    (out / "scores.parquet").write_bytes(b"PAR1")
    (out / "report.html").unlink()
    (out / "notes.txt").write_text("mine")
    verified = command("verify", out, "--json")
    assert verified.code == 2
    assert json.loads(verified.out)["runs"][0]["differences"] == [
        {"file": "notes.txt", "what": "unexpected"},
        {"file": "report.html", "what": "missing"},
        {"file": "scores.parquet", "what": "changed"},
    ]
    (out / "notes.txt").unlink()
    again = command("run", *SMALL, "--out", out)
    assert again.code == 0
    assert "has changed since the previous run (report.html missing, scores.parquet changed)" in again.err
    assert command("verify", out).code == 0
    assert pq.read_table(out / "scores.parquet").num_rows > 0
    assert (out / "scores.parquet").read_bytes() == before["scores.parquet"]
    assert (out / "observations" / "target.parquet").read_bytes() == before["observations/target.parquet"]
    (out / MANIFEST).write_text("{}")
    command_again = command("run", *SMALL, "--out", out)
    assert f"Note: {out / MANIFEST} is damaged" in command_again.err
    assert command("verify", out).code == 0


def test_whatever_reads_a_damaged_folder_says_so(command, out, tmp_path):
    table, findings = out / "observations" / "target.parquet", out / "findings.json"
    config = out / "config.json"
    for path in (table, findings, config):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    files = ("--shadow", out / "observations" / "shadow.parquet", "--target", table)
    command("predictions", *files).says(f"{table} has changed since the run wrote it")
    command("run", config).says(f"{config} has changed since the run wrote it")
    with pytest.raises(AuditError, match="has changed since the run wrote it"):
        Findings.read(findings)


def test_folders_without_digests(command, out, tmp_path):
    copied = tmp_path / "moved"
    shutil.copytree(out, copied)
    assert command("verify", copied).code == 0
    (copied / MANIFEST).unlink()
    done = command("verify", out, copied, tmp_path)
    assert done.code == 2
    assert done.out.splitlines() == [
        f"{out}: all 9 files are unchanged",
        f"{copied} has no digests recorded: an earlier version made it, or its run did not end; run the audit again "
        "into it",
        f"{tmp_path} holds no run of unlearn-audit (it has no unlearn-audit-run.json); give the folder of a run",
    ]
    assert Findings.read(copied / "findings.json").dataset == "breast-cancer"
