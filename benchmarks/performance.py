"""Writes the figures of docs/scaling.md from results.json and gpu.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attack_table import with_table

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "scaling.md"
MARKS = ("<!-- performance: begin -->", "<!-- performance: end -->")
GPU = HERE / "gpu.json"

PAPER_MODELS = 4040


def page(results: dict[str, Any], gpu: dict[str, Any] | None = None) -> str:
    """Return the page with the figures between its marks."""
    gpu = json.loads(GPU.read_text(encoding="utf-8")) if gpu is None else gpu
    cases, totals = results.get("cases", {}), results.get("totals", {})
    machines = [of["machine"] for of in cases.values()]
    lines = [
        "Made by `make bench`. `benchmarks/results.json` has the figures of every pair, and `benchmarks/README.md`",
        "explains how they were measured. Times differ between machines, so the ratios are what counts: each is the",
        "median over pairs in which the plain way and ours took turns. CPU time includes all processes. Machines:",
        "",
        *_machines(machines),
        "### Against the plain way",
        "",
        "| work | plain, s | ours, s | speed-up (range) | CPU | at least | met | pairs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for of in cases.values():
        plain, ours = (of["medians"][side]["wall"] for side in ("plain", "ours"))
        low, high = of["ratio_range"]
        met, ratio = _met(of["ratio"] >= of["at_least"]), f"**{of['ratio']:.1f} ×** ({low:.1f} to {high:.1f})"
        lines.append(
            f"| {of['work']} | {plain:.2f} | {ours:.2f} | {ratio} | {of['cpu_ratio']:.1f} × | {of['at_least']:g} × "
            f"| {met} | {len(of['pairs'])} |"
        )
    when = {id(of): f"{of['date']}, {of['machine']['processor']}" for of in cases.values()}
    lines += [
        "",
        "What was timed:",
        "",
        *(f"- {of['work']}: {of['note']} ({when[id(of)]})." for of in cases.values()),
        "",
    ]
    lines += [*_gpu(gpu), *_growth(results.get("growth", {})), *_memory(results.get("memory", {})), *_totals(totals)]
    while not lines[-1]:
        lines.pop()
    return with_table(PAGE.read_text(encoding="utf-8"), lines, PAGE.name, MARKS)


def _met(holds: bool) -> str:
    return "yes" if holds else "**no**"


def _machines(found: list[dict[str, Any]]) -> list[str]:
    """Return a line on each kind of machine; both sides of a case always ran on the same one."""
    lines = dict.fromkeys(_machine(of) for of in found)
    return [*(f"- {line}" for line in lines), ""] if lines else []


def _machine(of: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {of[name]}" for name in ("numpy", "scikit-learn", "torch") if name in of)
    gigabytes = of["memory"] / 2**30
    return f"{of['cpus']} × {of['processor']}, {gigabytes:.0f} GiB, Python {of['python']}, {libraries}"


def _gpu(gpu: dict[str, Any]) -> list[str]:
    of = gpu["machine"]
    lines = [
        "### On a GPU",
        "",
        f"{of['gpu']}, PyTorch {of['torch']}, {of['cpus']} × {of['processor']}: `python benchmarks/gpu.py --out FILE`.",
        "Seconds per model, trained and queried; the plain way is an ordinary loop over a DataLoader on the same GPU.",
        "",
        "| work | plain, s per model | ours, s per model | speed-up | at least | met |",
        "|---|---|---|---|---|---|",
    ]
    for case in gpu["cases"]:
        ratio, bar = case["ratios"]["plain / batch"], case["at_least"]
        lines.append(
            f"| {case['case']} | {case['medians']['plain']:.3f} | {case['medians']['batch']:.4f} | **{ratio:.0f} ×** "
            f"| {'– | –' if bar is None else f'{bar} × | {_met(ratio >= bar)}'} |"
        )
    equal = ", ".join(f"{name} {found['float64']:.1e}" for name, found in gpu["correctness"].items())
    return [*lines, "", f"Largest difference of any posterior from the plain loop, in float64: {equal}.", ""]


def _growth(growth: dict[str, Any]) -> list[str]:
    lines = [
        "### How cost grows",
        "",
        "Seconds to make worlds on one core, including the store, as one size doubles and the others stay; the",
        "exponent is the slope of a line through their logarithms (± its standard error). 1 is linear.",
        "",
        "| model, what doubles | sizes | seconds | exponent |",
        "|---|---|---|---|",
    ]
    for name, of in growth.items():
        sizes, seconds = ", ".join(f"{s:,}" for s in of["sizes"]), ", ".join(f"{s:.3g}" for s in of["seconds"])
        lines.append(f"| {name} | {sizes} | {seconds} | {of['exponent']:.2f} ± {of['standard_error']:.2f} |")
    return [*lines, ""]


def _memory(memory: dict[str, Any]) -> list[str]:
    lines = [
        "### Memory of deletions from forests",
        "",
        "The most that a process held, libraries included, where versions start from the original's trees, and without",
        "numba, in MiB.",
        "",
        "| work | without | with | ratio | at most | met |",
        "|---|---|---|---|---|---|",
    ]
    for of in memory.values():
        plain, ours = (of["bytes"][side]["peak"] / 2**20 for side in ("plain", "ours"))
        lines.append(
            f"| {of['work']} | {plain:.0f} | {ours:.0f} | {of['ratio']:.2f} | {of['at_most']:g} "
            f"| {_met(of['ratio'] <= of['at_most'])} |"
        )
    return [*lines, ""] if memory else []


def _totals(totals: dict[str, Any]) -> list[str]:
    runs = {name: of for name, of in totals.items() if ", " in name}
    if not runs:
        return []
    lines = [
        "### Whole runs",
        "",
        "`unlearn-audit run` on Adult, 2 jobs, every attack, with the report and an empty store. The paper's scale is",
        "20 + 20 worlds of 100 deletions from 5,000 records: 4,040 models. Memory is the most that one process used.",
        "",
        "| model, scale | seconds | CPU, s | peak memory, MiB | observations in memory, MiB | leading attack | AUC |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, of in runs.items():
        low, high = of["auc_ci"]
        lines.append(
            f"| {name} | {of['seconds']:.0f} | {of['cpu_seconds']:.0f} | {of['peak_rss'] / 2**20:.0f} "
            f"| {of['observations_bytes_in_memory'] / 2**20:.0f} | `{of['selected']}` "
            f"| {of['auc']:.3f} ({low:.3f} to {high:.3f}) |"
        )
    until = totals["until"]
    fewer = PAPER_MODELS / until["models"]
    return [
        *lines,
        "",
        '`--until "auc ± 0.03"` on Adult with logistic regression and the paper\'s attacks trains '
        f"{until['models']:,} models, {fewer:.1f} × fewer than the paper's {PAPER_MODELS:,}: "
        f"± {until['half_width']:.4f} after {until['target_worlds']} target worlds, {until['seconds']:.0f} s.",
    ]
