"""How long the default audit takes, against the plain way of doing the same work (`plain_audit.py`).

Run ``python benchmarks/default_audit.py``; see the README next to this file. Every pair times the plain way, our
way with workers that have yet to start (cold) and our way with workers that are already running (warm), each of ours
with an empty store, and then checks that both ways found the same.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from joblib.externals.loky import get_reusable_executor

from measure import machine
from plain_audit import PlainAudit, plain_audit
from unlearn_audit import AuditConfig, AuditResult, Execution, run
from unlearn_audit.utils.files import write_atomic

LIMIT = 0.65
"""The most that a cold run may take of the plain way's wall time: the median of the pairs' ratios."""

TOLERANCE = 1e-6

SMALL: dict[str, Any] = {
    "attacks": [],
    "worlds": {"shadow": 5, "target": 3, "train_size": 200, "deletions": 4, "unseen": 4, "references": 5},
    "attack_models": ["logistic-regression", "decision-tree", "mlp"],
}


def main() -> None:
    options = parse()
    settings: dict[str, Any] = {"target": {"data": options.dataset, "model": "decision-tree"}, "attacks": []}
    config = AuditConfig.model_validate(settings | (SMALL if options.small else {}))
    print(f"{'pair':>4} {'plain':>8} {'cold':>8} {'warm':>8} {'cold/plain':>11} {'warm/plain':>11} {'CPU':>6}  seconds")
    pairs = []
    for index in range(options.pairs):
        pairs.append(run_pair(config, options.jobs, plain_first=index % 2 == 0))
        print(line(str(index + 1), pairs[-1]))
    summary = summarise(pairs)
    for name, of in summary["ratios"].items():
        print(f"{name}: median {of['median']:.3f}, {of['minimum']:.3f} to {of['maximum']:.3f}")
    if not options.small:
        print(f"median wall, cold workers, at most {LIMIT}: {'yes' if summary['within_limit'] else 'no'}")
    if options.out is not None:
        settings = config.model_dump(mode="json")
        document = {"machine": machine(), "jobs": options.jobs, "config": settings, "pairs": pairs, **summary}
        write_atomic(options.out, json.dumps(document, indent=1) + "\n")
        print(f"written to {options.out}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="time the default audit against the plain way of doing the same")
    parser.add_argument("--pairs", type=int, default=7, help="how often each way is timed (default: %(default)s)")
    parser.add_argument("--dataset", help="a named dataset (default: adult, or digits with --small)")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes of our way (default: %(default)s)")
    parser.add_argument("--small", action="store_true", help="a size of seconds: shows that both agree, times nothing")
    parser.add_argument(
        "--out", type=Path, help="where results go (default: default_audit.json here; none with --small)"
    )
    options = parser.parse_args()
    if options.pairs < 1:
        parser.error(f"--pairs {options.pairs}: at least 1 is needed")
    options.dataset = options.dataset or ("digits" if options.small else "adult")
    if options.out is None and not options.small:
        options.out = Path(__file__).with_name("default_audit.json")
    return options


def run_pair(config: AuditConfig, jobs: int, *, plain_first: bool) -> dict[str, Any]:
    """Time all three, in this order or the reverse, and check that they agree."""
    timed: dict[str, Any] = {"load_average_before": round(os.getloadavg()[0], 2)}
    found: dict[str, Any] = {}

    def plain() -> None:
        before = clock()
        found["plain"] = plain_audit(config)
        timed["plain"] = since(before)
        timed["plain"]["stages"] = {stage: round(s, 3) for stage, s in found["plain"].seconds.items()}

    def ours(state: str) -> None:
        if state == "warm":
            with tempfile.TemporaryDirectory() as folder:
                run(AuditConfig.model_validate(SMALL), Execution(jobs=jobs, store=Path(folder) / "store"))
        with tempfile.TemporaryDirectory() as folder:
            before = clock()
            found[state] = run(config, Execution(jobs=jobs, store=Path(folder) / "store"))
            timed[state] = {"wall": since(before)["wall"]}
        # a worker's CPU time is known to its parent once it has ended
        get_reusable_executor(reuse=True).shutdown(wait=True)
        if state == "cold":
            timed[state] |= {"cpu": since(before)["cpu"], "stages": stages(found[state])}

    steps = [plain, lambda: ours("cold"), lambda: ours("warm")]
    for step in steps if plain_first else steps[::-1]:
        step()
    timed["figures_compared"] = min(check_agreement(found["plain"], found[state]) for state in ("cold", "warm"))
    return timed


def stages(ours: AuditResult) -> dict[str, float]:
    execution = ours.findings.execution
    return {"worlds": execution["seconds_worlds"], "attacks and figures": execution["seconds_attacks"]}


def clock() -> tuple[float, float]:
    """Return seconds of wall time, and of CPU time of this process and its ended children."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(of.ru_utime + of.ru_stime for of in usage)


def since(before: tuple[float, float]) -> dict[str, Any]:
    now = clock()
    return {"wall": round(now[0] - before[0], 3), "cpu": round(now[1] - before[1], 3)}


def check_agreement(plain: PlainAudit, ours: AuditResult) -> int:
    """Raise unless both ways gave the same posteriors and figures; return how many numbers were compared."""
    compared = 0
    for side, table in plain.tables.items():
        theirs = ours.observations[side]
        same_rows = (
            theirs.rows["record"].tolist() == [int(record) for record in table.records]
            and theirs.worlds.tolist() == table.worlds
            and theirs.roles.tolist() == [str(role) for role in table.roles]
        )
        if not same_rows:
            raise AssertionError(f"the {side} side asked other records than the plain way")
        assert_close(f"{side} posteriors", np.array(table.posteriors), theirs.posteriors)
        spread = ours.findings.overfitting[side]
        assert_close(f"{side} overfitting", [np.mean(table.overfitting)], [spread.mean])
        compared += theirs.posteriors.size + 1
    results = {(r.attack, r.attack_model, r.rows): r.model_dump() for r in ours.findings.results}
    if results.keys() != plain.figures.keys():
        raise AssertionError("the two ways ran different attacks")
    for key, figures in plain.figures.items():
        for name, value in figures.items():
            expected, found = flat(value), flat(results[key][name])
            assert_close(f"{name} of {' '.join(key)}", expected, found)
            compared += len(expected)
    return compared


def assert_close(what: str, expected: Any, found: Any) -> None:
    if not np.allclose(expected, found, rtol=0, atol=TOLERANCE, equal_nan=True):
        raise AssertionError(f"{what}: the plain way gives {expected}, ours {found}")


def flat(figure: Any) -> list[float]:
    """Return the numbers of a figure, an interval or a dictionary of them; what cannot be said is NaN."""
    if isinstance(figure, dict):
        return [number for key in sorted(figure) for number in flat(figure[key])]
    if isinstance(figure, list | tuple):
        return [number for part in figure for number in flat(part)]
    if isinstance(figure, str):
        return [float(len(figure))]
    return [float("nan") if figure is None else float(figure)]


def summarise(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return medians over pairs, and ratios taken within each pair."""
    ratios = {
        "wall, cold workers": [p["cold"]["wall"] / p["plain"]["wall"] for p in pairs],
        "wall, warm workers": [p["warm"]["wall"] / p["plain"]["wall"] for p in pairs],
        "wall, cold workers, against the plain way without its queries": [
            p["cold"]["wall"] / (p["plain"]["wall"] - p["plain"]["stages"]["queries"]) for p in pairs
        ],
        "CPU, cold workers": [p["cold"]["cpu"] / p["plain"]["cpu"] for p in pairs],
    }
    medians = {
        "plain_wall": median(p["plain"]["wall"] for p in pairs),
        "plain_cpu": median(p["plain"]["cpu"] for p in pairs),
        "plain_stages": {s: median(p["plain"]["stages"][s] for p in pairs) for s in pairs[0]["plain"]["stages"]},
        "cold_wall": median(p["cold"]["wall"] for p in pairs),
        "cold_stages": {s: median(p["cold"]["stages"][s] for p in pairs) for s in pairs[0]["cold"]["stages"]},
        "cold_cpu": median(p["cold"]["cpu"] for p in pairs),
        "warm_wall": median(p["warm"]["wall"] for p in pairs),
    }
    return {
        "medians": medians,
        "ratios": {
            name: {"median": round(median(of), 4), "minimum": round(min(of), 4), "maximum": round(max(of), 4)}
            for name, of in ratios.items()
        },
        "limit": LIMIT,
        "within_limit": median(ratios["wall, cold workers"]) <= LIMIT,
    }


def line(name: str, pair: dict[str, Any]) -> str:
    plain, cold, warm = (pair[way]["wall"] for way in ("plain", "cold", "warm"))
    cpu = pair["cold"]["cpu"] / pair["plain"]["cpu"]
    return f"{name:>4} {plain:8.2f} {cold:8.2f} {warm:8.2f} {cold / plain:11.3f} {warm / plain:11.3f} {cpu:6.3f}"


if __name__ == "__main__":
    main()
