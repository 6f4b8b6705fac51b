"""Times two checkouts of the package at logistic regressions of many parameters, and at small ones.

    git worktree add ../before v0.1.0
    python benchmarks/wide_logistic.py ../before . --pairs 7 --out benchmarks/wide_logistic.json

A world is an original and a version for each of some deletions, all asked for 300 records. Each checkout has a process,
and they take turns, the order reversed every other time. Both have to give the same posteriors, and the gradients that
are left at their solutions are printed: a faster solver must not stop earlier.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from scipy.special import expit, softmax

Records = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]

ASKED = 300
ALIKE = 1e-6
"""Most that posteriors of the two may differ by."""


@dataclass(frozen=True)
class World:
    """What is solved; records are made where no dataset is named."""

    n: int
    deletions: int
    one_vs_rest: bool
    features: int = 0
    classes: int = 0
    dataset: str = ""


CASES = {
    "446 features x 30 classes, one-vs-rest": World(2000, 100, True, 446, 30),
    "446 features x 30 classes, one-vs-rest, 5,000 records": World(5000, 100, True, 446, 30),
    "446 features x 30 classes, softmax": World(2000, 20, False, 446, 30),
    "223 features x 15 classes, softmax": World(1000, 100, False, 223, 15),
    "600 features x 10 classes, one-vs-rest": World(2000, 20, True, 600, 10),
    "Adult": World(2000, 20, True, dataset="adult"),
    "digits": World(700, 20, True, dataset="digits"),
    "check-ins": World(1650, 20, True, dataset="checkins-jakarta"),
}


def visits(n: int, features: int, classes: int, seed: int = 0) -> Records:
    """Return which places each person visited, about a tenth of all, and what kind of visitor they are."""
    rng = np.random.default_rng(seed)
    popularity, taste = rng.gumbel(size=features), 0.5 * rng.normal(size=(classes, features))
    share = expit(popularity + np.log(0.1) - 1 + taste)
    y = rng.choice(classes, size=n, p=rng.dirichlet(np.full(classes, 5.0)))
    return (rng.random((n, features)) < share[y]).astype(np.float64), y


def records(of: World) -> Records:
    """Return the records of a case, in an order of their own."""
    if not of.dataset:
        return visits(of.n + ASKED, of.features, of.classes)
    from unlearn_audit.config import DataConfig
    from unlearn_audit.worlds.prepare import prepare

    data = prepare(DataConfig(name=of.dataset), 0).data
    order = np.random.default_rng(0).permutation(len(data.y))
    return data.X[order], data.y[order]


def work(of: World) -> None:
    """Solve the world whenever a line comes in; print what it took, what gradients are left, and the posteriors."""
    from unlearn_audit.models.logistic import LogisticSettings, solve

    X, y = records(of)
    settings = LogisticSettings(C=1.0, standardized=True, one_vs_rest=of.one_vs_rest)
    whole, nothing = np.arange(of.n), np.arange(0)
    changes = [(whole[j : j + 1], nothing) for j in range(of.deletions)]
    for path in map(str.strip, sys.stdin):
        wall, cpu = time.perf_counter(), time.process_time()
        (original,) = solve(settings, X, y, whole)
        middle = time.process_time()
        models = solve(settings, X, y, whole, changes, start=original)
        asked = np.broadcast_to(X[-ASKED:], (len(models), ASKED, X.shape[1]))
        posteriors = original.predict_proba_many(models, asked)
        end = time.process_time()
        took = {"wall": time.perf_counter() - wall, "cpu": end - cpu, "original": middle - cpu}
        np.save(path, posteriors)
        left = [left_gradient(m, np.delete(X[: of.n], j, 0), np.delete(y[: of.n], j)) for j, m in enumerate(models[1:])]
        print(json.dumps({**took, "gradient": [max(left), median(left)]}), flush=True)


def left_gradient(model: Any, X: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> float:
    """Return the length of the gradient in the coordinates that standardise the training set."""
    logits = (X - model.mean) / model.scale @ model.coefficients + model.intercepts
    P = expit(logits) if model.settings.one_vs_rest else softmax(logits, axis=1)
    off = P - (y[:, None] == model.classes_)[:, -P.shape[1] :]
    gradient = ((X - model.mean) / model.scale).T @ off + model.coefficients / model.settings.C
    return float(np.sqrt(np.square(gradient).sum() + np.square(off.sum(axis=0)).sum()))


def compare(checkouts: dict[str, Path], of: World, pairs: int, folder: Path) -> dict[str, Any]:
    """Time both checkouts in turns, after a first round that is not counted."""
    workers = {name: _worker(path, of) for name, path in checkouts.items()}
    rounds = []
    for index in range(pairs + 1):
        names = list(checkouts) if index % 2 else list(checkouts)[::-1]
        rounds.append({name: _ask(workers[name], folder / f"{name}.npy") for name in names})
    for worker in workers.values():
        worker.communicate()
    old, new = (np.load(folder / f"{name}.npy") for name in checkouts)
    apart = float(np.abs(old - new).max())
    if apart > ALIKE:
        raise AssertionError(f"posteriors differ by {apart:.1e}, more than {ALIKE:.0e}")
    timed = rounds[1:]
    ratios = {kind: [pair["old"][kind] / pair["new"][kind] for pair in timed] for kind in ("cpu", "wall")}
    return {
        **asdict(of),
        "pairs": timed,
        "posteriors_apart": apart,
        "cpu_ratio": median(ratios["cpu"]),
        "cpu_ratio_range": [min(ratios["cpu"]), max(ratios["cpu"])],
        "wall_ratio": median(ratios["wall"]),
    }


def _worker(checkout: Path, of: World) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve() / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--work", json.dumps(asdict(of))]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _ask(worker: subprocess.Popen[str], path: Path) -> dict[str, Any]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{path}\n")
    worker.stdin.flush()
    found: dict[str, Any] = json.loads(worker.stdout.readline())
    return found


def main() -> None:
    if sys.argv[1:2] == ["--work"]:
        work(World(**json.loads(sys.argv[2])))
        return
    from tempfile import TemporaryDirectory

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--case", choices=CASES, action="append", help="repeatable; default: all")
    parser.add_argument("--out", type=Path, help="JSON that the figures of these cases are laid over")
    asked = parser.parse_args()
    for name in asked.case or CASES:
        with TemporaryDirectory() as folder:
            found = compare({"old": asked.old, "new": asked.new}, CASES[name], asked.pairs, Path(folder))
        cpu = {side: median(pair[side]["cpu"] for pair in found["pairs"]) for side in ("old", "new")}
        left = {side: "{:.1e}, {:.1e}".format(*found["pairs"][0][side]["gradient"]) for side in ("old", "new")}
        print(
            f"{name}: {cpu['old']:.3f} s, now {cpu['new']:.3f} s of CPU time, {found['cpu_ratio']:.2f} x "
            f"({found['cpu_ratio_range'][0]:.2f} to {found['cpu_ratio_range'][1]:.2f}), "
            f"of wall time {found['wall_ratio']:.2f} x; "
            f"gradients left (largest, median): {left['old']}, now {left['new']}",
            flush=True,
        )
        if asked.out:
            kept = json.loads(asked.out.read_text(encoding="utf-8")) if asked.out.exists() else {}
            asked.out.write_text(json.dumps({**kept, name: found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
