"""Compare unlearning methods on real data: the tables of docs/unlearning-methods.md.

Each case is one `unlearn-audit compare-methods`, which goes on where it was stopped. What the tables show is kept in
`method_tables.json`, one case after another:

    python benchmarks/method_tables.py --jobs 2            # all cases
    python benchmarks/method_tables.py --case adult-1      # one of them
    python benchmarks/method_tables.py --page              # the tables from what is kept, as Markdown
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("method_tables.json")

NOISY = "start=100,noise=0.001,weight_decay=0.01,learning_rate=0.05,recovery_epochs=0"
"""Noisy steps from the original's weights as they are, under which a record should fade the more, the more they are."""

CASES: dict[str, tuple[str, ...]] = {
    "adult-1": ("--dataset", "adult", "--model", "torch-mlp", "--deletions", "10"),
    "adult-1%": (
        "--dataset",
        "adult",
        "--model",
        "torch-mlp",
        "--scenario",
        "group",
        "--size",
        "1%",
        "--deletions",
        "4",
    ),
    "digits-1": ("--dataset", "digits", "--model", "torch-mlp", "--batch-size", "32", "--deletions", "10"),
    "digits-1%": (
        *("--dataset", "digits", "--model", "torch-mlp", "--batch-size", "32"),
        *("--scenario", "group", "--size", "1%", "--deletions", "4"),
    ),
    "mnist-1": (
        *("--dataset", "mnist", "--model", "simple-cnn", "--train-size", "1000", "--deletions", "5"),
        *(f"--method={name}" for name in ("fine-tune", "gradient-ascent", "neggrad-plus", "scrub", "salun", "ssd")),
    ),
    "digits-steps": (
        *("--dataset", "digits", "--model", "torch-mlp", "--batch-size", "32", "--deletions", "10"),
        *(f"--method=noisy-fine-tuning:{NOISY},steps={steps}" for steps in (1, 3, 10, 30, 100, 300)),
    ),
}
"""Name to what is asked; those of 1 % forget a hundredth of the training records at once."""

WORLDS = {"mnist-1": (6, 6)}
"""Shadow and target worlds, where they are not `USUAL`."""

USUAL = (8, 12)


def measured(case: str, jobs: int, store: Path) -> dict[str, Any]:
    """Run one case, and return what its table shows."""
    shadow, target = WORLDS.get(case, USUAL)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [
            *(sys.executable, "-m", "unlearn_audit", "compare-methods", *CASES[case], "--jobs", str(jobs)),
            *("--shadow-worlds", str(shadow), "--target-worlds", str(target), "--references", "40"),
            *("--store", str(store), "--out", str(out)),
        ]
        subprocess.run(command, check=True)
        found: dict[str, Any] = json.loads((out / "methods.json").read_text())
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "dataset": found["dataset"],
        "model": found["model"],
        "asked": " ".join(CASES[case]),
        "worlds": [shadow, target],
        "summary": found["summary"],
        "methods": [row(of) for of in found["methods"]],
    }


def row(method: dict[str, Any]) -> dict[str, Any]:
    """Return what a table shows of a method."""
    kept = {name: method[name] for name in ("method", "status", "why", "reading", "direction", "weights_unchanged")}
    arms, cost = method["arms"], method["cost"]
    if arms is None:
        return kept
    kept["leak"] = best(arms["update"])
    kept["residual"] = None if arms["residual"] is None else best(arms["residual"])
    kept["measures"] = {
        of["name"]: {name: of[name] for name in ("mean", "difference", "difference_ci")} for of in arms["measures"]
    }
    kept["epsilon"] = arms["epsilon"]
    kept["relative_seconds"] = None if cost is None else [cost["relative"], cost["relative_ci"]]
    kept["trends"] = method["trends"]
    return kept


def best(arm: dict[str, Any]) -> dict[str, Any]:
    """Return the best attack of one kind under a method, and alongside retraining."""
    return {
        "attack": arm["unlearned_attack"],
        "auc": arm["unlearned"]["auc"],
        "auc_ci": arm["unlearned"]["auc_ci"],
        "excess": arm["excess"],
        "excess_ci": arm["excess_ci"],
        "seen": arm["seen"],
    }


def page(kept: dict[str, Any]) -> str:
    """Return the tables as Markdown."""
    return "\n\n".join(_short(_table(name, of)) for name, of in kept.items()) + "\n"


def _short(text: str) -> str:
    """Return a text in which the options that all numbers of noisy steps share stand once."""
    *before, last = text.partition(f"{NOISY},")
    return "".join(before) + last.replace(f"{NOISY},", "")


HEAD = (
    "method",
    "leak of the update (AUC)",
    "beyond retraining",
    "unlearned model alone (AUC)",
    "beyond retraining",
    "test accuracy",
    "forgotten records' accuracy, minus retraining's",
    "time of a request over retraining's",
    "rank correlation of leak and per-instance loss",
)


def _table(name: str, of: dict[str, Any]) -> str:
    shadow, target = of["worlds"]
    lines = [
        f"### {name}: {of['dataset']}, {of['model']}",
        "",
        f"`compare-methods {of['asked']}`, {shadow} shadow and {target} target worlds, {of['date']}. {of['summary']}",
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{'---|' * len(HEAD)}",
    ]
    lines += [f"| {' | '.join(_cells(method))} |" for method in of["methods"] if "leak" in method]
    left = [f"`{method['method']}` {method['why']}" for method in of["methods"] if method.get("why")]
    return "\n".join([*lines, *(["", "Left out or failed: " + "; ".join(left) + "."] if left else [])])


def _cells(method: dict[str, Any]) -> tuple[str, ...]:
    leak, residual, measures = method["leak"], method["residual"], method["measures"]
    accuracy, forgotten = measures.get("accuracy.test"), measures.get("accuracy.forget")
    relative, ends = method["relative_seconds"] or (None, None)
    along = next((of for of in method["trends"] if of["by"] == "per-instance-loss"), None)
    return (
        method["method"],
        _with_ends(leak["auc"], leak["auc_ci"]),
        _with_ends(leak["excess"], leak["excess_ci"], "+"),
        "" if residual is None else _with_ends(residual["auc"], residual["auc_ci"]),
        "" if residual is None else _with_ends(residual["excess"], residual["excess_ci"], "+"),
        "" if accuracy is None else f"{100 * accuracy['mean']:.1f} %",
        "" if forgotten is None else _points(forgotten),
        "" if relative is None else _with_ends(relative, ends),
        "" if along is None else _with_ends(along["rank_correlation"], along["rank_correlation_ci"], "+"),
    )


def _points(measure: dict[str, Any]) -> str:
    if measure["difference"] is None:
        return ""
    ends = measure["difference_ci"]
    return _with_ends(100 * measure["difference"], ends and [100 * end for end in ends], "+", 1)


def _with_ends(value: float, ends: list[float] | None, sign: str = "", digits: int = 2) -> str:
    text = f"{value:{sign}.{digits}f}"
    if ends is None or not all(map(math.isfinite, ends)):
        return text
    return f"{text} ({ends[0]:{sign}.{digits}f} to {ends[1]:{sign}.{digits}f})"


def main() -> None:
    """Run cases, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--case", action="append", choices=list(CASES), help="one case; repeatable")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--store", type=Path, default=Path("store-methods"), help="where worlds are kept")
    parser.add_argument("--page", action="store_true", help="print the tables of what is kept")
    given = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    if not given.page:
        for case in given.case or CASES:
            kept[case] = measured(case, given.jobs, given.store)
            ordered = {name: kept[name] for name in CASES if name in kept}
            KEPT.write_text(json.dumps(ordered, indent=1) + "\n")
    print(page(kept))


if __name__ == "__main__":
    main()
