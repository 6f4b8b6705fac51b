"""The benchmark runs, and its two ways agree; how long they take is never tested."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.usefixtures("real_data")
def test_networks_on_a_gpu_are_timed_without_what_only_other_parts_need(tmp_path):
    """The script runs where there is no pydantic, as on a lent machine, and without a GPU at a small size."""
    out = tmp_path / "gpu.json"
    code = (
        "import runpy, sys\n"
        "for name in ('pydantic', 'platformdirs', 'rich', 'typer', 'httpx', 'monai'):\n"
        "    sys.modules[name] = None\n"
        f"sys.argv = ['gpu.py', '--small', '--pairs', '1', '--out', {str(out)!r}]\n"
        f"runpy.run_path({str(BENCHMARK.with_name('gpu.py'))!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())
    assert [case["models_timed"]["batch"] for case in results["cases"]] == [4, 3]
    assert all(of["float64"] < 1e-9 and of["same_bits_beside_others"] for of in results["correctness"].values())
