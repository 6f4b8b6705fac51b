"""How much memory one world of a forest takes where its versions start from the original's trees, and without numba.

    python benchmarks/tree_memory.py            # about 3 minutes; needs Adult
    python benchmarks/tree_memory.py --small    # seconds: shows that it runs

makes the same world in two processes, one after the other, and notes the most that each held in memory.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from measure import keep, machine, peak_rss
from trees import deletions

AT_MOST = 1.5
SIDES = ("plain", "ours")


def measured(*, small: bool) -> dict[str, Any]:
    """Return the most bytes that each way held in memory, and before it began."""
    _held("ours", small=True)  # a first run compiles, which takes more memory than any later one
    held = {side: _held(side, small=small) for side in SIDES}
    ratio = held["ours"]["peak"] / held["plain"]["peak"]
    return {
        "work": "one world of 1 + 100 forests of 500 trees, Adult, 5,000 records, one process",
        "at_most": AT_MOST,
        "bytes": held,
        "ratio": round(ratio, 3),
        "date": date.today().isoformat(),
        "machine": machine(),
    }


def _held(side: str, *, small: bool) -> dict[str, int]:
    command = [sys.executable, __file__, "--side", side, *(["--small"] if small else [])]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent).stdout
    return dict(zip(("before", "peak"), map(int, output.split()), strict=True))


def main() -> None:
    """Measure both ways, or one in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=SIDES, help="only this one, in this process")
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    if given.side is not None:
        sides = deletions("adult", "random-forest", 5000, 100, 100)(given.small)
        before = peak_rss()
        getattr(sides, given.side)()
        print(before, peak_rss())
        return
    found = measured(small=given.small)
    print(found)
    if not given.small:
        keep("memory", {"forest-deletions": found})


if __name__ == "__main__":
    main()
