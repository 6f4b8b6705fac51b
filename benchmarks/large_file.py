"""How much memory and time `unlearn-audit predictions` takes for a file of millions of rows.

    python benchmarks/large_file.py csv parquet --rows 5000000 --into benchmarks/large_file.json

makes each file piece by piece, runs the command with its default attacks on it in a process by itself, and notes that
process's peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

ROWS_AT_ONCE = 100_000
WORLDS = 50
ROLES = np.array(["deleted", "unseen", "retained", "reference"])


def pieces(rows: int, classes: int, seed: int) -> Iterator[pa.Table]:
    """Yield tables of posteriors of two versions: of a deleted record, the class it was trained with falls."""
    rng = np.random.default_rng(seed)
    for start in range(0, rows, ROWS_AT_ONCE):
        n = min(ROWS_AT_ONCE, rows - start)
        role, label = rng.integers(0, len(ROLES), n), rng.integers(0, classes, n)
        logits = rng.normal(0, 1.5, (n, classes))
        logits[np.arange(n), label] += 2
        after = logits + rng.normal(0, 0.2, (n, classes))
        after[np.arange(n), label] -= 0.3 * (role == 0)
        columns = {
            "role": ROLES[role],
            "world": np.arange(start, start + n) % WORLDS,
            "record": np.arange(start, start + n),
            "label": label.astype(str),
        }
        for version, of in (("before", logits), ("after", after)):
            weights = np.exp(of)
            posteriors = (weights / weights.sum(axis=1, keepdims=True)).round(6)
            columns |= {f"{version}_{at}": posteriors[:, at] for at in range(classes)}
        yield pa.table(columns)


def write(path: Path, rows: int, classes: int, seed: int) -> None:
    """Write a file in the format of its suffix, some rows at once."""
    first, *_ = pieces(1, classes, seed)
    new = arrow_csv.CSVWriter if path.suffix == ".csv" else arrow_parquet.ParquetWriter
    with new(path, first.schema) as writer:
        for piece in pieces(rows, classes, seed):
            writer.write_table(piece)


def measured(form: str, rows: int, shadow_rows: int, classes: int, folder: Path) -> dict[str, Any]:
    """Return what one run of the command took."""
    target, shadow = folder / f"target.{form}", folder / f"shadow.{form}"
    write(target, rows, classes, 1)
    write(shadow, shadow_rows, classes, 2)
    command = [sys.executable, "-m", "unlearn_audit", "predictions", "--shadow", str(shadow), "--target", str(target)]
    start = time.perf_counter()
    options = ("--out", str(folder / f"run-{form}"), "--json")
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{form}: exit status {status}")
    found = json.loads(said)
    size = target.stat().st_size
    target.unlink()
    return {
        "format": form,
        "rows": rows,
        "classes": classes,
        "shadow_rows": shadow_rows,
        "file_bytes": size,
        "peak_bytes": 1024 * usage.ru_maxrss,
        "seconds": round(seconds, 1),
        "attacks": len(found["results"]),
    }


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="+", choices=["csv", "parquet"])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--shadow-rows", type=int, default=200_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--into", type=Path)
    given = parser.parse_args()
    with TemporaryDirectory() as name:
        found = [measured(f, given.rows, given.shadow_rows, given.classes, Path(name)) for f in given.formats]
    text = json.dumps({"python": platform.python_version(), "cores": os.cpu_count(), "runs": found}, indent=2) + "\n"
    if given.into is None:
        print(text, end="")
    else:
        given.into.write_text(text)


if __name__ == "__main__":
    main()
