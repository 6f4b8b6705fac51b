"""What a comparison of unlearning methods costs besides the plain trainings that it needs.

The whole of `compare-methods` on Adult, start, attacks and report included, is timed against the trainings of its arms
and the methods' own time, each by the plain loop: every original and every retrained model by its own ``fit``, every
request alone. A second run with one more method then has to train no original. Prints JSON:

    python benchmarks/methods_cost.py
    python benchmarks/methods_cost.py --shadow-worlds 3 --target-worlds 3
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import cpu_seconds

LAST = "ssd"
"""The method that the second run adds."""


def plain_seconds(config: dict[str, Any], methods: list[str], store: Path) -> dict[str, float]:
    """Return the CPU seconds of the plain trainings: of originals, of retrained models, and of methods."""
    from unlearn_audit.audits.membership.execution import Execution, WorldMaker
    from unlearn_audit.audits.membership.steps import observe
    from unlearn_audit.audits.membership.task import AuditTask
    from unlearn_audit.audits.methods.plan import methods_asked, plan_methods
    from unlearn_audit.config import build_config
    from unlearn_audit.findings.tables import RETRAINING

    asked = build_config({**config, "training": "plain"}, "methods_cost")
    task = AuditTask.load(asked)
    maker = WorldMaker.of(asked, Execution(store=store))
    plan = plan_methods(task, methods_asked(methods), maker.claims()).audit
    took = {"originals": 0.0, "retraining": 0.0, "methods": 0.0}
    for (arm, _), stats in observe(plan, maker).stats.items():
        rows = stats.measures[stats.measures["name"] == "cpu_seconds"]
        own = rows["request"] >= 0
        took["retraining" if arm == RETRAINING else "methods"] += float(rows["value"][own].sum())
        if arm == RETRAINING:
            took["originals"] += float(rows["value"][~own].sum())
    return took


def command_seconds(flags: list[str], methods: list[str], out: Path) -> dict[str, float]:
    """Return the wall and CPU seconds of the command."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    chosen = [f"--method={name}" for name in methods]
    subprocess.run(
        [sys.executable, "-m", "unlearn_audit", "compare-methods", *flags, *chosen, "--out", out],
        check=True,
        stdout=sys.stderr,  # standard output is for the figures
    )
    return {"seconds": time.perf_counter() - wall, "cpu_seconds": cpu_seconds() - cpu}


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--shadow-worlds", type=int, default=6)
    parser.add_argument("--target-worlds", type=int, default=6)
    parser.add_argument("--deletions", type=int, default=10)
    given = parser.parse_args()
    from unlearn_audit.audits.methods.plan import methods_asked
    from unlearn_audit.models import resolve_model
    from unlearn_audit.unlearning import options_of
    from unlearn_audit.unlearning.conformance import made_data

    source, data = resolve_model("torch-mlp"), made_data()
    fitting = [of.text for of in methods_asked(None) if options_of(of.config).why_not(source, data) is None]
    first = [name for name in fitting if name != LAST]
    sizes = {"shadow": given.shadow_worlds, "target": given.target_worlds, "deletions": given.deletions}
    flags = ["--dataset", "adult", "--model", "torch-mlp", "--jobs", "1"]
    flags += [f"--shadow-worlds={sizes['shadow']}", f"--target-worlds={sizes['target']}"]
    flags += [f"--deletions={sizes['deletions']}"]
    config = {"target": {"data": "adult", "model": "torch-mlp"}, "worlds": sizes}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = command_seconds([*flags, f"--store={folder / 'store'}"], first, folder / "first")
        more = command_seconds([*flags, f"--store={folder / 'store'}"], fitting, folder / "more")
        plain = plain_seconds(config, first, folder / "plain")
    ratio = whole["cpu_seconds"] / sum(plain.values())
    print(json.dumps({"methods": first, "whole": whole, "plain": plain, "ratio": ratio, "one more": more}, indent=1))


if __name__ == "__main__":
    main()
