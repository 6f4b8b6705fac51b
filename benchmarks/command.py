"""How long `unlearn-audit run --jobs 2` takes on digits, with forked workers and with workers that start anew.

    python benchmarks/command.py --pairs 7 --into benchmarks/command.json

Both ways are commands from start to end, in turn, each with an empty store; they find the same. Times are on
the clock: nobody who starts a command is told the CPU time of workers that it does not wait for.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from measure import machine

WAYS = {
    "forked": ["-m", "unlearn_audit"],
    # workers of a program that is not the command start anew
    "anew": ["-c", "from unlearn_audit.cli.main import program; program()"],
}


def timed(way: str) -> tuple[float, Any]:
    """Return the seconds of one run, and what it found, without how it was run."""
    with TemporaryDirectory() as folder:
        options = ["run", "--jobs=2", f"--store={folder}/store", f"--out={folder}/run", "--json"]
        start = time.perf_counter()
        done = subprocess.run([sys.executable, *WAYS[way], *options], capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
    found = json.loads(done.stdout)
    del found["execution"]
    return seconds, found


def main() -> None:
    """Time both in turn, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--into", type=Path)
    given = parser.parse_args()
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(given.pairs):
        runs = {way: timed(way) for way in WAYS}
        assert runs["forked"][1] == runs["anew"][1]
        for way, (took, _) in runs.items():
            seconds[way].append(round(took, 2))
    ratio = median(anew / forked for anew, forked in zip(seconds["anew"], seconds["forked"], strict=True))
    text = json.dumps({**machine(), "seconds": seconds, "ratio": round(ratio, 2)}, indent=1) + "\n"
    if given.into is None:
        print(text, end="")
    else:
        given.into.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
