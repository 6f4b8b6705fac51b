"""Load: audits of large files and of many worlds, with the CPU seconds, the peak memory and the growth of each.

Each case runs in a process of its own, so that its peak is its own. Prints JSON:

    python benchmarks/trust/load.py            # all, at full size
    python benchmarks/trust/load.py --small    # a share of each
    python benchmarks/trust/load.py --case worlds
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import linregress

sys.path.append(str(Path(__file__).parents[1]))
from measure import cpu_seconds

CLASSES = 10
NO_FIT = ("score-difference", "score-ratio", "margin-difference", "margin-original", "margin-unlearned", "label-gap")
"""Attacks that are formulas."""

SIZES = {
    "files": {"small": (400, 4_000), "full": (20_000, 1_000_000)},
    "no-fit": {"small": (400, 8_000), "full": (20_000, 2_000_000)},
    "worlds": {"small": (8, 16), "full": (250, 500, 1000, 2000)},
}
"""Shadow and target rows of files; numbers of target worlds."""


def write_observations(path: Path, n: int, seed: int) -> None:
    """Write a file of posteriors of ten worlds in which deletions lower the label's probability a little."""
    rng = np.random.default_rng(seed)
    deleted, label, rows = np.arange(n) % 2 == 0, rng.integers(0, CLASSES, n), np.arange(n)
    logits = rng.normal(size=(n, CLASSES))
    logits[rows, label] += 2
    columns: dict[str, Any] = {
        "world": rows * 10 // n,
        "record": rows,
        "role": np.where(deleted, "deleted", "unseen"),
        "label": label.astype(str),
    }
    for name in ("before", "after"):
        weights = np.exp(logits)
        posteriors = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        columns |= {f"{name}_{of}": posteriors[:, of] for of in range(CLASSES)}
        logits += rng.normal(size=logits.shape) / 10
        logits[rows, label] -= 0.3 * deleted
    pq.write_table(pa.table(columns), path)


def audit_files(folder: Path, name: str, jobs: int, out: Path) -> int:
    """Audit two files as the command does, and return the rows of the target."""
    from unlearn_audit.api import audit_observations
    from unlearn_audit.audits.membership.execution import Execution
    from unlearn_audit.config import build_config
    from unlearn_audit.observations import read_observations

    values = {"attack_models": ["none"], "attacks": list(NO_FIT)} if name == "no-fit" else {}
    tables = [read_observations(folder / f"{side}.parquet") for side in ("shadow", "target")]
    found = audit_observations(*tables, config=build_config(values, "load"), execution=Execution(jobs=jobs))
    found.save(out)
    return len(tables[1])


def audit_worlds(folder: Path, worlds: int, jobs: int) -> int:
    """Audit as many target worlds of 20 deletions of a logistic regression, and return the rows of the target."""
    from sklearn.datasets import make_classification
    from sklearn.linear_model import LogisticRegression

    from unlearn_audit import Execution, audit

    X, y = make_classification(4000, 10, random_state=0)
    sizes = {"shadow_worlds": 5, "target_worlds": worlds, "train_size": 200, "deletions": 20, "references": 10}
    few = {"features": ["direct-diff"], "attack_models": ["decision-tree"], "attacks": ["score-difference"]}
    execution = Execution(jobs=jobs, store=folder / "store")
    return len(audit(LogisticRegression(), X, y, execution=execution, **sizes, **few).observations["target"])


def measured(case: str, size: tuple[int, ...], jobs: int) -> dict[str, Any]:
    """Run one case here, and return what it took."""
    import unlearn_audit.audits.membership.run
    import unlearn_audit.report.plots  # noqa: F401 - what is imported is no growth

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if case != "worlds":
            for seed, (side, n) in enumerate(zip(("shadow", "target"), size, strict=True)):
                written = [sys.executable, __file__, "--write", str(folder / f"{side}.parquet"), str(n), str(seed)]
                subprocess.run(written, check=True)
        before, wall, cpu = peak(), time.perf_counter(), cpu_seconds()
        rows = (
            audit_worlds(folder, *size, jobs) if case == "worlds" else audit_files(folder, case, jobs, folder / "out")
        )
        grown = peak() - before
        return {
            "case": case,
            "size": size,
            "jobs": jobs,
            "rows": rows,
            "seconds": round(time.perf_counter() - wall, 2),
            "cpu_seconds": round(cpu_seconds() - cpu, 2),
            "peak_bytes": peak(),
            "grown_bytes": grown,
            "grown_bytes_a_row": round(grown / rows, 1),
        }


def peak() -> int:
    """Return the most memory that this process held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_a_process(case: str, size: tuple[int, ...], jobs: int) -> dict[str, Any]:
    """Return `measured` of a process of its own."""
    command = [sys.executable, __file__, "--one", case, *map(str, size), "--jobs", str(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--small", action="store_true", help="a share of each case")
    parser.add_argument("--case", action="append", choices=list(SIZES), help="one case; repeatable")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        write_observations(Path(given.write[0]), int(given.write[1]), int(given.write[2]))
        return
    if given.one:
        print(json.dumps(measured(given.one[0], tuple(map(int, given.one[1:])), given.jobs)))
        return
    results: dict[str, Any] = {}
    for case in given.case or SIZES:
        size = SIZES[case]["small" if given.small else "full"]
        sizes = [(of,) for of in size] if case == "worlds" else [size]
        runs = [in_a_process(case, of, given.jobs) for of in sizes]
        results[case] = {"runs": runs}
        if case == "worlds":
            for what in ("cpu_seconds", "peak_bytes"):
                slope = linregress(np.log(size), np.log([run[what] for run in runs])).slope
                results[case][f"exponent_of_{what}"] = round(float(slope), 3)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
