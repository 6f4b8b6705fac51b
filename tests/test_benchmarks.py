"""The benchmark runs, and its two ways agree; how long they take is never tested."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "default_audit.py"


def test_both_ways_of_the_default_audit_agree(tmp_path):
    out = tmp_path / "results.json"
    command = [sys.executable, str(BENCHMARK), "--small", "--pairs", "1", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())
    (pair,) = results["pairs"]
    rows = (5 + 3) * 4 * (1 + 1 + 1 + 4 + 5)
    assert pair["figures_compared"] > rows * 2 * 10
    assert results["machine"]["scikit-learn"]
    assert set(pair["plain"]["stages"]) == {"data", "fits", "queries", "attacks", "figures"}
