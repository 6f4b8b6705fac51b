"""Times two ways of doing the same work in turn, and keeps the figures of every case with the machine's facts."""

from __future__ import annotations

import json
import os
import platform
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from unlearn_audit.utils.files import write_atomic

RESULTS = Path(__file__).with_name("results.json")

LIBRARIES = (
    "unlearn-audit",
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-learn-intelex",
    "torch",
    "pandas",
    "joblib",
    "numba",
)


@dataclass(frozen=True)
class Sides:
    """Two ways of doing the same work.

    Attributes
    ----------
    plain, ours
        Each does the work and returns what it found.
    agree
        Raises where the two found different things.
    scale
        How many times the work of ``plain`` the work of ``ours`` is: its time is multiplied by it.
    note
        What was timed, in words.
    """

    plain: Callable[[], Any]
    ours: Callable[[], Any]
    agree: Callable[[Any, Any], None]
    scale: float = 1.0
    note: str = ""


@dataclass(frozen=True)
class Case:
    """A line of the table.

    Attributes
    ----------
    name
        What it is called on the command line.
    work
        What it is, in words.
    at_least
        How many times as fast as the plain way ours is to be.
    make
        From whether it is to be small to the two sides.
    """

    name: str
    work: str
    at_least: float
    make: Callable[[bool], Sides]


def measure(case: Case, pairs: int, *, small: bool) -> dict[str, Any]:
    """Time both sides of a case in turn, the order reversed every other time, and check that they agree.

    Both are run once before anything is timed, so that libraries are loaded and workers are running.
    """
    sides = case.make(small)
    sides.agree(sides.plain(), sides.ours())
    timed: list[dict[str, Any]] = []
    for index in range(pairs):
        pair: dict[str, Any] = {"load": round(os.getloadavg()[0], 2)}
        for name in ("plain", "ours") if index % 2 == 0 else ("ours", "plain"):
            scale = sides.scale if name == "plain" else 1.0
            before = time.perf_counter(), cpu_seconds()
            getattr(sides, name)()
            pair[name] = {
                "wall": round(scale * (time.perf_counter() - before[0]), 4),
                "cpu": round(scale * (cpu_seconds() - before[1]), 4),
            }
        timed.append(pair)
        print(
            f"  {pair['plain']['wall']:9.3f} s plain {pair['ours']['wall']:9.3f} s ours, load {pair['load']}",
            flush=True,
        )
    return {
        "work": case.work,
        "at_least": case.at_least,
        "note": sides.note,
        "date": date.today().isoformat(),
        "machine": machine(),
        "pairs": timed,
        **summary(timed),
        "peak_rss": peak_rss(),
    }


def summary(timed: list[dict[str, Any]]) -> dict[str, Any]:
    """Return medians of both sides, and of the ratios taken within each pair."""
    ratios = {kind: [pair["plain"][kind] / max(pair["ours"][kind], 1e-9) for pair in timed] for kind in ("wall", "cpu")}
    return {
        "medians": {
            name: {k: median(p[name][k] for p in timed) for k in ("wall", "cpu")} for name in ("plain", "ours")
        },
        "ratio": round(median(ratios["wall"]), 3),
        "ratio_range": [round(min(ratios["wall"]), 3), round(max(ratios["wall"]), 3)],
        "cpu_ratio": round(median(ratios["cpu"]), 3),
    }


def cpu_seconds() -> float:
    """Return the CPU time of this process, of its ended children, and of those that live (where /proc tells)."""
    ended = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(of.ru_utime + of.ru_stime for of in ended) + sum(map(_cpu_of, _descendants(os.getpid())))


def _descendants(process: int) -> list[int]:
    try:
        tasks = [path.read_text() for path in Path(f"/proc/{process}/task").glob("*/children")]
    except OSError:
        return []
    children = [int(child) for text in tasks for child in text.split()]
    return children + [below for child in children for below in _descendants(child)]


def _cpu_of(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_rss() -> int:
    """Return the most bytes that this process, or one of its ended children, ever held in memory."""
    return 1024 * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "cpus": os.cpu_count(),
        "processor": processor(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: found for name in LIBRARIES if (found := _version(name)) is not None},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    return names[0] if names else platform.processor()


def read_results(path: Path = RESULTS) -> dict[str, Any]:
    """Return what was measured before; nothing where there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(part: str, found: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Lay new entries of one part (``cases``, ``growth``, ...) over those that were measured before."""
    results = read_results(path)
    results[part] = {**results.get(part, {}), **found}
    write_atomic(path, json.dumps(results, indent=1) + "\n")
