"""Is an audit of agents right? False alarms of a right deletion, four deletions told apart, and its time.

python benchmarks/agents.py alarms --runs 1000     # goes on from agents.jsonl; about 10 minutes on two cores
python benchmarks/agents.py deletions --runs 3     # the small transformer, needs the extra torch
python benchmarks/agents.py time                   # 200 canaries, once
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from unlearn_audit import audit_agent
from unlearn_audit.audits.agents.recovered import CONTENT, STORED
from unlearn_audit.metrics import holm_adjusted, proportion_interval

HERE = Path(__file__).parent
RESULTS = HERE / "agents.jsonl"
"""What every run found, so that another goes on from it."""

EXAMPLES = HERE.parent / "examples" / "agents"
DELETIONS = ("MemoryOnly", "WeightsOnly", "Both", "BothExactly", "ClaimsOnly")
CANARIES_OF_DELETIONS = 40


def alarm(seed: int) -> dict[str, Any]:
    """Audit the retrieval agent, whose deletion is right, and return the verdict."""
    sys.path.insert(0, str(EXAMPLES))
    from retrieval import RetrievalAgent

    with TemporaryDirectory() as folder:
        found = audit_agent(RetrievalAgent, folder, canaries=20, seed=seed).findings
    before = found.rate("before")
    never = [rate.p_value for rate in found.rates if rate.moment == "retrained" and rate.group == "deleted"]
    return {
        "reference": float(holm_adjusted(np.array(never)).min(initial=1.0)),
        "verdict": found.verdict.kind,
        "smallest": min((rate.adjusted for rate in found.rates if rate.adjusted is not None), default=1.0),
        "trace": min((trace.adjusted for trace in found.traces if trace.adjusted is not None), default=1.0),
        "found_before": None if before is None else before.share,
    }


def deletion(number: int) -> dict[str, Any]:
    """Audit the small transformer with one of its deletions, and return what each way gives away."""
    name, seed = DELETIONS[number % len(DELETIONS)], number // len(DELETIONS)
    with TemporaryDirectory() as folder:
        found = audit_agent(
            f"{EXAMPLES / 'small_transformer.py'}:{name}",
            folder,
            canaries=CANARIES_OF_DELETIONS,
            cycles=1,
            samples=2,
            seed=seed,
            timeout=600,
        ).findings
    groups = ("deleted", "deleted, memory only", "deleted, also trained on", "never ingested", "kept")
    return {
        "deletion": name,
        "seed": seed,
        "verdict": found.verdict.kind,
        "leaks": [path.name for path in found.paths if path.leaks],
        "rates": [
            {"moment": rate.moment, "memory": rate.memory, "group": group, "hits": rate.hits, "cases": rate.cases,
             "interval": rate.interval}
            for phase in found.phases
            for group in groups
            if (rate := found.rate(phase.name, phase.memory, group)) is not None
        ],
        "stored": {
            rate.moment: {"hits": rate.hits, "cases": rate.cases, "interval": rate.interval}
            for rate in found.rates
            if (rate.probe, rate.group) == (STORED, "deleted")
        },
        "attacks": [vars(attack) for attack in found.attacks],
        "exposure": dict(found.exposure),
        "traces": [vars(trace) for trace in found.traces],
    }  # fmt: skip


def timed(_: int) -> dict[str, Any]:
    """Time an audit of the SQLite agent with 200 canaries, as the command line runs it."""
    with TemporaryDirectory() as folder:
        began, cpu = time.perf_counter(), time.process_time()
        found = audit_agent(f"{EXAMPLES / 'retrieval.py'}:RetrievalAgent", folder, canaries=200).findings
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "own_cpu_seconds": time.process_time() - cpu, "prompts": found.behaviour.prompts,
            "verdict": found.verdict.kind}  # fmt: skip


PARTS: dict[str, Callable[[int], dict[str, Any]]] = {"alarms": alarm, "deletions": deletion, "time": timed}


def done(part: str) -> dict[int, dict[str, Any]]:
    """Return what earlier runs of a part found, by number."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    return {of["number"]: of for of in map(json.loads, lines) if of["part"] == part}


def run(part: str, number: int) -> None:
    """Run one piece, and keep what it found."""
    found = {"part": part, "number": number, **PARTS[part](number)}
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(found) + "\n")


def tally(part: str, found: Sequence[dict[str, Any]]) -> None:
    """Print what all runs of a part found."""
    if part != "alarms":
        print(json.dumps(found[-len(DELETIONS) :], indent=1))
        return
    alarms = sum(of["verdict"] in ("leak", "trace") for of in found)
    low, high = proportion_interval(alarms, len(found))
    print(f"{alarms} false alarms in {len(found)} audits: {alarms / len(found):.2%} ({low:.2%} to {high:.2%})")
    twin = sum(of["reference"] <= CONTENT for of in found)
    low, high = proportion_interval(twin, len(found))
    print(f"{twin} times values are found in the agent that never ingested them: {low:.2%} to {high:.2%}")
    print({kind: sum(of["verdict"] == kind for of in found) for kind in {of["verdict"] for of in found}})


def main() -> None:
    """Run what is not done yet, and print a tally."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    runs = given.runs * (len(DELETIONS) if given.part == "deletions" else 1)
    known = done(given.part)
    jobs = 1 if given.part == "time" else given.jobs
    Parallel(n_jobs=jobs)(delayed(run)(given.part, number) for number in range(runs) if number not in known)
    tally(given.part, [of for _, of in sorted(done(given.part).items())])


if __name__ == "__main__":
    main()
