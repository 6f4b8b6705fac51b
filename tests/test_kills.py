"""Kills of audits and of their workers leave nothing and change nothing; `make trust` tries many more."""

import importlib
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for what is left in /proc and /dev/shm")
def test_audits_that_are_killed_leave_nothing_and_go_on_to_the_same_findings(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    tally = importlib.import_module("trust.kills").kills(2, 0, tmp_path)
    assert (tally.tried, tally.failed) == (2, [])
