"""Runs what is left of all parts, piece by piece, and writes ``docs/trust.md``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

from joblib import Parallel, delayed

from trust.agents import agents
from trust.damage import damaged_run, damaged_store
from trust.equality import WAYS, equality
from trust.erasure import erasure
from trust.inputs import inputs
from trust.kills import kills
from trust.tally import Tally
from trust.viewing import viewing

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "trust.md"
RESULTS = HERE / "trust.jsonl"
LOAD = HERE / "load.json"


@dataclass(frozen=True)
class Part:
    """A kind of trial.

    Attributes
    ----------
    do
        Of a number of trials, a seed and an empty folder.
    trials
        How many at full size.
    piece
        How many at once; a run that is stopped goes on with the next piece.
    what
        What is tried, and when it counts as failed.
    """

    do: Callable[[int, int, Path], Tally]
    trials: int
    piece: int
    what: str


PARTS = {
    "kills": Part(
        kills,
        100,
        5,
        "a run is killed at a random point or next to a rename, parent or worker, in every executor; failed: different "
        "findings when it continues, or a process, file or memory segment left",
    ),
    "store": Part(
        damaged_store,
        1_600,
        100,
        "an artefact of the store is cut, changed at single bits, or swapped with another's; failed: it was taken",
    ),
    "runs": Part(
        damaged_run,
        800,
        50,
        "a file of a run folder likewise; failed: `verify` does not name it, or the run continues with it and "
        "the findings differ",
    ),
    "inputs": Part(
        inputs,
        200_000,
        2_500,
        "a made-up or mutated file or text is read; failed: anything but a result or an error of ours, over 5 s, over "
        "2 GB, a file written elsewhere",
    ),
    "erasure": Part(
        erasure,
        200,
        10,
        "random records are purged from runs and store; failed: an id or an answer of theirs is left, other rows are "
        "gone, or `verify` fails afterwards",
    ),
    "equality": Part(
        equality,
        8 * (len(WAYS) - 1),
        len(WAYS) - 1,
        "the same audit by other jobs and executors, from a warm store, in a second clone; failed: other findings",
    ),
    "viewing": Part(
        viewing,
        20_000,
        1_000,
        "a hostile request to the page of `view`, half without its token; failed: any answer without it, anything "
        "outside the folder or private, a traceback, a header missing",
    ),
    "agents": Part(
        agents,
        300,
        10,
        "an agent that hangs, exits, raises, or answers with markup, commands, broken messages or a flood is audited; "
        "failed: anything but findings or a sentence of ours, more time than its limits allow, something executed or "
        "unescaped, a private answer in a publishable file, a process left",
    ),
}


def piece(part: str, index: int, trials: int) -> dict[str, object]:
    """Do one piece in a folder that is removed afterwards."""
    folder = Path(mkdtemp(prefix="unlearn-audit-trust-"))
    try:
        tally = PARTS[part].do(trials, index, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"part": part, "index": index, "date": date.today().isoformat(), **asdict(tally)}


def pieces(share: float) -> list[tuple[str, int, int]]:
    """Return part, number and trials of every piece."""
    found = []
    for name, part in PARTS.items():
        left = max(round(part.trials * share), 1)
        for index in range(-(-left // part.piece)):
            found.append((name, index, min(part.piece, left - index * part.piece)))
    return found


def page(results: list[dict[str, object]]) -> str:
    """Return the table of all parts, and the load that was measured once."""
    days = sorted({str(r["date"]) for r in results})
    lines = [
        "# Can it be trusted?",
        "",
        f"Made by `make trust`, {' to '.join(dict.fromkeys([days[0], days[-1]]))}, on {platform.system()} "
        f"({platform.machine()}), {os.cpu_count()} cores, Python {platform.python_version()}. What every piece found "
        "is in `benchmarks/trust/trust.jsonl`.",
        "",
        "| part | what is tried | trials | failed |",
        "|---|---|---|---|",
    ]
    for name, part in PARTS.items():
        own = [r for r in results if r["part"] == name]
        tried, failed = sum(int(str(r["tried"])) for r in own), [f for r in own for f in r["failed"]]  # type: ignore
        lines.append(f"| {name} | {part.what} | {tried:,} | {len(failed):,} |")
    if LOAD.exists():
        lines += [
            "",
            "## Load",
            "",
            "Measured once; `benchmarks/trust/load.py` has all cases.",
            "",
            "| load | measured |",
            "|---|---|",
        ]
        lines += [f"| {what} | {measured} |" for what, measured in json.loads(LOAD.read_text())["rows"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is left."""
    parser = argparse.ArgumentParser(prog="python -m trust", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the full number of trials")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part; repeat for more")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--done", type=Path, default=RESULTS, help="file of the pieces done so far")
    parser.add_argument("--anew", action="store_true", help="try everything again")
    parser.add_argument("--no-page", action="store_true", help="print the page and write nothing")
    given = parser.parse_args()
    if given.anew:
        given.done.unlink(missing_ok=True)
    results = [json.loads(line) for line in given.done.read_text().splitlines()] if given.done.exists() else []
    there = {(r["part"], r["index"]) for r in results}
    left = [p for p in pieces(given.share) if p[:2] not in there and p[0] in (given.part or PARTS)]
    work = Parallel(n_jobs=given.jobs, return_as="generator_unordered", pre_dispatch="n_jobs")
    for number, result in enumerate(work(delayed(piece)(*p) for p in left), start=1):
        results.append(result)
        with given.done.open("a") as stream:
            stream.write(json.dumps(result) + "\n")
        failed = f", {len(result['failed'])} failed: {result['failed'][0]}" if result["failed"] else ""
        print(
            f"{number:,} of {len(left):,}: {result['part']} {result['index']}, {result['tried']} tried{failed}",
            flush=True,
        )
    results.sort(key=lambda r: (list(PARTS).index(r["part"]), r["index"]))
    given.done.write_text("".join(json.dumps(r) + "\n" for r in results)) if results else None
    if given.no_page:
        print(page(results))
    else:
        PAGE.write_text(page(results), encoding="utf-8")
    sys.exit(any(r["failed"] for r in results))


if __name__ == "__main__":
    main()
