"""Times everything that is meant to be fast against the plain way of doing it, and writes results.json.

``make bench`` runs every case and the growth of costs; ``python benchmarks/suite.py --case NAME`` one case again.
"""

from __future__ import annotations

import argparse
import importlib.util
from typing import Any

from rich.console import Console
from rich.table import Table

import audits
import growth
import tree_memory
import trees
import worlds
from measure import RESULTS, Case, keep, measure, read_results
from performance import PAGE, page
from unlearn_audit.utils.files import write_atomic

CASES = {case.name: case for case in (*worlds.CASES, *trees.CASES, *audits.CASES)}

NEEDS = {"forests-accelerated": "sklearnex", "torch-mlp": "torch", "simple-cnn": "torch"}
NEEDS |= {case.name: "numba" for case in trees.CASES}
"""Modules without which a case cannot run."""


def main() -> None:
    options = parse()
    chosen = options.case or ([] if options.growth else list(CASES))
    for name in chosen:
        if (module := NEEDS.get(name)) and importlib.util.find_spec(module) is None:
            print(f"{name}: left out, since {module} is not installed")
            continue
        print(f"{name}: {CASES[name].work}", flush=True)
        found = run(CASES[name], options)
        if not options.small:
            keep("cases", {name: found})
    if options.growth or not options.case:
        grown = growth.measure_growth(small=options.small)
        if not options.small:
            keep("growth", grown)
            keep("totals", growth.measure_totals())
            keep("memory", {"forest-deletions": tree_memory.measured(small=False)})
    if not options.small:
        results = read_results()
        show(results)
        write_atomic(PAGE, page(results))
        print(f"written to {RESULTS} and {PAGE}")


def run(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    found = measure(case, 1 if options.small else options.pairs, small=options.small)
    low, high = found["ratio_range"]
    print(f"  {found['ratio']:.2f} x as fast ({low:.2f} to {high:.2f}), CPU {found['cpu_ratio']:.2f} x", flush=True)
    return found


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", choices=sorted(CASES), help="only this case; repeatable")
    parser.add_argument("--growth", action="store_true", help="only how costs grow, and whole runs")
    parser.add_argument("--pairs", type=int, default=7, help="how often each side is timed (default: %(default)s)")
    parser.add_argument("--small", action="store_true", help="sizes of seconds: shows that both sides agree, no more")
    options = parser.parse_args()
    if options.pairs < 1:
        parser.error(f"--pairs {options.pairs}: at least 1 is needed")
    return options


def show(results: dict[str, Any]) -> None:
    table = Table("work", "plain, s", "ours, s", "as fast", "CPU", "at least", "met")
    for of in results.get("cases", {}).values():
        plain, ours = (of["medians"][side]["wall"] for side in ("plain", "ours"))
        met = "yes" if of["ratio"] >= of["at_least"] else "NO"
        figures = (f"{plain:.2f}", f"{ours:.2f}", f"{of['ratio']:.2f} x", f"{of['cpu_ratio']:.2f} x")
        table.add_row(of["work"], *figures, f"{of['at_least']:g} x", met)
    Console().print(table)


if __name__ == "__main__":
    main()
