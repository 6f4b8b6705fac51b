"""Times two checkouts of the package against each other, case by case.

    git worktree add ../before v0.1.0
    python benchmarks/checkouts.py ../before . --pairs 9

Both checkouts run the same commands with the same Python, in turns. CPU time is that of the process and its children; a
case passes if the median of the ratios old to new is at least 0.95, or if the interval of the median includes 1.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from scipy.stats import binom

from large_file import write

WORLDS = ["--shadow-worlds=4", "--target-worlds=4", "--deletions=10", "--unseen=10", "--references=20"]
FEW = ["--attack=none", "--feature=sorted-diff", "--attack-model=logistic-regression"]

CASES: dict[str, list[str]] = {
    "logistic regression": ["run", *WORLDS, *FEW, "--dataset=adult", "--model=logistic-regression", "--out=out"],
    "trees": ["run", *WORLDS, *FEW, "--dataset=adult", "--model=decision-tree", "--out=out"],
    "attack stage": ["predictions", "--shadow=shadow.parquet", "--target=target.parquet", "--out=out"],
    "large file": ["predictions", "--shadow=large-shadow.parquet", "--target=large-target.parquet", "--out=out"],
    "first audit": ["run", "--out=out"],
    "first audit, two jobs": ["run", "--jobs=2", "--out=out"],
    "whole audit": ["run", *WORLDS, "--dataset=adult", "--model=logistic-regression", "--out=out"],
    "help": ["--help"],
    "import": [],
}
"""What is run, by name; ``import`` imports the package and nothing else."""

LARGE_ROWS = 200_000
"""Rows of either side of the large file, in 10 classes."""

BAR = 0.95


def cpu_seconds(checkout: Path, words: list[str], tables: Path) -> float:
    """Run a command of a checkout in an empty folder, and return its CPU time."""
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve() / "src"), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        environment["UNLEARN_AUDIT_STORE"] = str(Path(folder) / "store")
        for table in tables.glob("*.parquet"):
            (Path(folder) / table.name).symlink_to(table)
        code = ["-m", "unlearn_audit.cli.main", *words] if words else ["-c", "import unlearn_audit"]
        before = _children()
        subprocess.run([sys.executable, *code], cwd=folder, env=environment, check=True, capture_output=True)
        return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def interval_of_median(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the order statistics between which the median lies; the outermost where there are too few values."""
    ordered, n = sorted(values), len(values)
    cut = max((k for k in range(n // 2) if binom.cdf(k, n, 0.5) <= (1 - confidence) / 2), default=0)
    return ordered[cut], ordered[n - 1 - cut]


def compare(old: Path, new: Path, words: list[str], pairs: int, tables: Path) -> dict[str, Any]:
    """Time a command of both checkouts in turns."""
    ratios = []
    for pair in range(pairs):
        order = (old, new) if pair % 2 == 0 else (new, old)
        seconds = {checkout: cpu_seconds(checkout, words, tables) for checkout in order}
        ratios.append(seconds[old] / seconds[new])
    low, high = interval_of_median(ratios)
    passed = median(ratios) >= BAR or low <= 1 <= high
    return {"ratios": ratios, "median": median(ratios), "interval": [low, high], "passed": passed}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--case", choices=CASES, action="append", help="repeatable; default: all")
    asked = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        tables = Path(folder)
        made = ["run", *WORLDS, *FEW, "--dataset=adult", "--model=logistic-regression", f"--out={folder}/made"]
        cpu_seconds(asked.new, made, tables)
        for table in (tables / "made" / "observations").glob("*.parquet"):
            table.rename(tables / table.name)
        if "large file" in (asked.case or CASES):
            for seed, side in enumerate(("target", "shadow"), 1):
                write(tables / f"large-{side}.parquet", LARGE_ROWS, 10, seed)
        for name in asked.case or CASES:
            found = compare(asked.old, asked.new, CASES[name], asked.pairs, tables)
            low, high = found["interval"]
            print(
                f"{name:20} {found['median']:.3f} ({low:.3f} to {high:.3f}) {'ok' if found['passed'] else 'SLOWER'}",
                flush=True,
            )
            print(json.dumps({name: found["ratios"]}), file=sys.stderr)
            wrong += not found["passed"]
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
