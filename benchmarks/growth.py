"""How cost grows: seconds and peak memory as worlds, deletions, records and features double; and whole runs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import linregress

import audits
from measure import machine
from unlearn_audit.engine.tasks import SideTask
from worlds import our_worlds, target_task

REPEATS = 5

MODELS = ("logistic-regression", "decision-tree")

SIZES: dict[str, tuple[int, ...]] = {
    "worlds": (10, 20, 40, 80, 160),
    "deletions": (10, 20, 40, 80, 160),
    "train_size": (500, 1000, 2000, 4000, 8000),
    "features": (21, 42, 84, 168),
}
"""What is doubled; features on check-ins, the rest on Adult."""

PAPER = ("--shadow-worlds=20", "--target-worlds=20", "--deletions=100", "--train-size=5000")


def measure_growth(*, small: bool) -> dict[str, Any]:
    """Return, by model and what is doubled, seconds of making worlds and the exponent of a power law through them."""
    found = {}
    for model in MODELS:
        for what, sizes in SIZES.items():
            used = tuple(size // 4 for size in sizes[:2]) if small else sizes
            tasks = [task_of_size(model, what, size) for size in used]
            our_worlds(tasks[0])
            # sizes in turn, not one after the other, so that a slow minute slows all of them
            timed = [[seconds_of(task) for task in tasks] for _ in range(1 if small else REPEATS)]
            seconds = [median(of) for of in zip(*timed, strict=True)]
            fit = linregress(np.log(used), np.log(seconds))
            found[f"{model}, {what}"] = {
                "sizes": used,
                "seconds": [round(s, 4) for s in seconds],
                "exponent": round(float(fit.slope), 3),
                "standard_error": round(float(fit.stderr), 3),
                "machine": machine(),
            }
            print(
                f"  {model}, {what}: exponent {fit.slope:.3f} ± {fit.stderr:.3f}; {[round(s, 3) for s in seconds]}",
                flush=True,
            )
    return found


def task_of_size(model: str, what: str, size: int) -> SideTask:
    """Return the target side of an audit in which one thing has a given size and the rest is usual."""
    if what == "features":
        task = target_task("checkins-jakarta", model, 1, 20, sizes={"train_size": 1500})
        return replace(task, data=replace(task.data, X=task.data.X[:, :size].copy()))
    worlds, deletions = (size if what == name else usual for name, usual in (("worlds", 4), ("deletions", 20)))
    return target_task("adult", model, worlds, deletions, sizes={"train_size": size if what == "train_size" else 2000})


def seconds_of(task: SideTask) -> float:
    began = time.perf_counter()
    our_worlds(task)
    return time.perf_counter() - began


def measure_totals() -> dict[str, Any]:
    """Return what whole runs at the defaults and at the paper's scale take, each in its own process, and --until."""
    found: dict[str, Any] = {"machine": machine(), "until": audits.until()}
    print(f"  until: {found['until']}", flush=True)
    for model in MODELS:
        for scale, flags in (("defaults", ()), ("paper", PAPER)):
            found[f"{model}, {scale}"] = whole_run(model, flags)
            print(f"  {model}, {scale}: {found[f'{model}, {scale}']}", flush=True)
    return found


def whole_run(model: str, flags: tuple[str, ...]) -> dict[str, Any]:
    """Run an audit at the command line; return seconds, peak memory of any of its processes, and its AUC."""
    watch = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], check=True, capture_output=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_maxrss * 1024, used.ru_utime + used.ru_stime)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        command = [sys.executable, "-m", "unlearn_audit.cli.main", "run", "--dataset=adult", f"--model={model}", *flags]
        command += ["--jobs=2", f"--store={place / 'store'}", f"--out={place / 'out'}"]
        began = time.perf_counter()
        output = subprocess.run(
            [sys.executable, "-c", watch, *command], check=True, capture_output=True, text=True
        ).stdout
        seconds = time.perf_counter() - began
        findings = json.loads((place / "out" / "findings.json").read_text(encoding="utf-8"))
        observed = sum(path.stat().st_size for path in (place / "out" / "observations").iterdir())
        rows = sum(of_side_bytes(path) for path in (place / "out" / "observations").glob("*.parquet"))
    memory, cpu = output.split()
    chosen = findings["selected"]
    leading = next(
        result
        for result in findings["results"]
        if result["rows"] == "all" and all(result[k] == chosen[k] for k in ("attack", "attack_model", "game"))
    )
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(float(cpu), 1),
        "peak_rss": int(memory),
        "observations_bytes_on_disk": observed,
        "observations_bytes_in_memory": rows,
        "selected": chosen["attack"],
        "auc": leading["auc"],
        "auc_ci": leading["auc_ci"],
    }


def of_side_bytes(path: Path) -> int:
    from unlearn_audit.observations import read_observations

    table = read_observations(path)
    return int(table.posteriors.nbytes + table.rows.memory_usage(deep=True).sum())
