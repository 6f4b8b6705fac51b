"""Running the command as its user does, in this process or in one of its own."""

import json
import os
import sys
from dataclasses import dataclass

import pytest

from unlearn_audit.cli.main import main

SMALL = [
    "--shadow-worlds=3", "--target-worlds=3", "--deletions=5", "--unseen=4", "--references=5",
    "--feature=sorted-diff", "--attack-model=logistic-regression", "--attack-model=decision-tree",
]  # fmt: skip


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def findings(self):
        return json.loads(self.out)

    def says(self, text):
        """One sentence, no traceback, exit code 2."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert self.out == ""
        assert "Traceback" not in self.err
        lines = [line for line in self.err.strip().splitlines() if not line.startswith(("Training", "Fitting"))]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("Error: ")
        assert text in lines[0]


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Call ``unlearn-audit`` with arguments, in a folder of its own."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["unlearn-audit", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def environment(tmp_path):
    """The environment of a command in a process of its own, with a store of its own."""
    return {**os.environ, "UNLEARN_AUDIT_STORE": str(tmp_path / "store"), "PYTHONWARNINGS": ""}
