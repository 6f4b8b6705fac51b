"""A small audit on the command line, as the parts run it, and what of its findings has to be equal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SIZES = (
    "--dataset=breast-cancer",
    "--shadow-worlds=4",
    "--target-worlds=4",
    "--train-size=100",
    "--deletions=4",
    "--unseen=4",
    "--references=8",
    "--attack-model=logistic-regression",
)
FAST = ("--model=logistic-regression", "--attack=score-ratio")


def run(*words: str | Path, store: Path, source: Path | None = None, check: bool = True, **variables: str) -> str:
    """Run the command and return what it printed on both streams.

    Parameters
    ----------
    words
        Of the command line, after ``unlearn-audit``.
    store
        Folder of finished worlds.
    source
        The ``src`` of another clone; None means the one that is installed.
    check
        Whether an exit code of 1 or 2 is a RuntimeError.
    variables
        Of the environment.
    """
    environment = {**os.environ, "UNLEARN_AUDIT_STORE": str(store), "OMP_NUM_THREADS": "1", **variables}
    if source is not None:
        environment["PYTHONPATH"] = str(source)
    command = [sys.executable, "-m", "unlearn_audit", *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: exit code {done.returncode}, {done.stderr[-500:]}")
    return done.stdout + done.stderr


def findings(folder: Path) -> dict[str, Any]:
    """Return the findings of a run folder, without how and when they were made."""
    read: dict[str, Any] = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    return {key: value for key, value in read.items() if key != "execution"}
