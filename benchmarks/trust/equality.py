"""Findings must not depend on where and how an audit ran: jobs, executors, a warm or a cold store, another clone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from trust.commands import SIZES, findings, run
from trust.tally import Tally

ROOT = Path(__file__).parents[2]

MODELS = ("logistic-regression", "decision-tree", "random-forest-100", "torch-mlp")
WAYS = {
    "1 job": ("--jobs=1",),
    "2 jobs": ("--jobs=2",),
    "4 jobs": ("--jobs=4",),
    "serial executor": ("--jobs=2", "--executor=serial"),
    "process executor": ("--jobs=2", "--executor=processes"),
    "Dask executor": ("--jobs=2", "--executor=dask"),
    "warm store": ("--jobs=2",),
    "second clone": ("--jobs=1",),
}
"""Each is compared to one job on a cold store."""


def equality(n: int, seed: int, folder: Path) -> Tally:
    """Run one audit in ``n`` of the ways above, models in turn, and compare findings with those of the first way."""
    tally = Tally("the same audit run in another way")
    model = MODELS[seed % len(MODELS)]
    words = ("run", *SIZES, f"--model={model}", f"--seed={seed}")
    cold = folder / "cold"
    run(*words, *WAYS["1 job"], f"--out={folder / 'first'}", store=cold)
    wanted = findings(folder / "first")
    for number, (way, extra) in enumerate(list(WAYS.items())[1 : n + 1]):
        out, store, source = folder / f"run-{number}", folder / f"store-{number}", None
        if way == "warm store":
            store = cold
        if way == "second clone":
            clone = folder / "clone"
            subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", clone], check=True)
            source = clone / "src"
        run(*words, *extra, f"--out={out}", store=store, source=source)
        tally.tried += 1
        if findings(out) != wanted:
            tally.failed.append(f"{model}, seed {seed}: other findings by {way}")
        if store != cold:
            shutil.rmtree(store)
    return tally
