"""Kills of audits and of their workers: nothing is left of them, and the same command ends as if nothing had been.

Only on Linux, which shows what processes there are in ``/proc`` and their shared memory in ``/dev/shm``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd

from trust.commands import findings
from trust.tally import Tally

EXECUTORS = {"serial": ("--jobs=1",), "processes": ("--jobs=2",), "dask": ("--jobs=2", "--executor=dask")}

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

WAYS = (
    ("worker", "processes"),
    ("signal", "processes"),
    ("parent", "processes"),
    ("signal", "serial"),
    ("group", "processes"),
    ("worker", "dask"),
    ("parent", "dask"),
    ("parent", "serial"),
    ("signal", "dask"),
    ("group", "dask"),
)
"""What is killed, and in which executor; two of three kills are of the parent before or after a rename."""

AT_ONCE = ("signal", "parent", "group")
"""What ends an audit as soon as it is killed."""

WORLDS = 3
SECONDS_LEFT, SECONDS_AT_MOST = 10, 300

_MARK = "UNLEARN_AUDIT_TRIAL"

_DIES_AT_A_RENAME = """
import atexit, os, signal, sys
at, after, counted = int(sys.argv[1]), sys.argv[2] == "after", sys.argv[3]
rename, done = os.replace, 0
def replace(*arguments, **options):
    global done
    done += 1
    if done == at and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(*arguments, **options)
    if done == at and after:
        os.kill(os.getpid(), signal.SIGKILL)
os.replace = replace
atexit.register(lambda: open(counted, "w").write(str(done)))
sys.argv = ["unlearn-audit", *sys.argv[4:]]
from unlearn_audit.cli.main import main
main()
"""


def kills(n: int, seed: int, folder: Path) -> Tally:
    """Kill ``n`` audits, each once, run each again, and tell what was left or came out otherwise.

    Parameters
    ----------
    n
        How many kills.
    seed
        Of the points in time; the next seed goes on through the ways to kill where this one ends.
    folder
        Empty; everything is written there.
    """
    tally = Tally("kills")
    bench = _Bench(folder)
    rng = np.random.default_rng(seed)
    renames = _renames(bench)
    ways = chain.from_iterable(zip(cycle(WAYS), renames, renames, strict=False))
    for number, (what, where) in enumerate(islice(ways, seed * n, (seed + 1) * n)):
        trial = _Trial(bench, folder / f"{number}", what, where, rng)
        tally.tried += 1
        tally.failed += [f"{number}: {what}, {where}: {problem}" for problem in trial.problems()]
    return tally


def _renames(bench: _Bench) -> Iterator[tuple[str, str]]:
    """Yield the renames of one audit, in an order in which any few of them are far apart."""
    points = [(when, at) for at in range(1, bench.renames + 1) for when in ("before", "after")]
    step = next(step for step in range(len(points) * 5 // 8, 0, -1) if np.gcd(step, len(points)) == 1)
    for number in cycle(range(len(points))):
        when, at = points[number * step % len(points)]
        yield f"{when} rename {at}", "serial"


def _as_in_a_terminal() -> None:
    """Ignore no signal, as whoever runs this in the background does."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


@dataclass
class _Bench:
    """What all trials share: the records, and an audit that nobody disturbed."""

    folder: Path

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(400, 4)).round(3)
        label = np.where(X[:, 0] + rng.normal(size=400) > 0, "yes", "no")
        pd.DataFrame(X, columns=list("abcd")).assign(label=label).to_csv(self.folder / "people.csv", index=False)

    def words(self, folder: Path, executor: str) -> list[str]:
        return [
            "run", "--data", str(self.folder / "people.csv"), "--label=label", "--model=decision-tree",
            f"--shadow-worlds={WORLDS}", f"--target-worlds={WORLDS}", "--deletions=5", "--unseen=4", "--references=5",
            "--attack=score-ratio", "--attack=score-difference", "--attack=margin-difference",
            "--feature=sorted-diff", "--attack-model=decision-tree",
            "--store", str(folder / "store"), "--out", str(folder / "out"), *EXECUTORS[executor],
        ]  # fmt: skip

    @cached_property
    def _whole(self) -> tuple[dict[str, Any], int]:
        folder = self.folder / "whole"
        folder.mkdir()
        counted = str(folder / "renames")
        code = [sys.executable, "-c", _DIES_AT_A_RENAME, "0", "never", counted, *self.words(folder, "serial")]
        subprocess.run(code, check=True, capture_output=True, timeout=SECONDS_AT_MOST)
        return findings(folder / "out"), int(Path(counted).read_text())

    @property
    def expected(self) -> dict[str, Any]:
        return self._whole[0]

    @property
    def renames(self) -> int:
        return self._whole[1]


@dataclass
class _Trial:
    bench: _Bench
    folder: Path
    what: str
    where: str
    rng: np.random.Generator
    mark: str = field(default_factory=lambda: uuid4().hex)

    def problems(self) -> Iterator[str]:
        """Kill, and yield a sentence for all that is not as it should be."""
        (self.folder / "temporary").mkdir(parents=True)
        process = self._start()
        number = self._kill(process)
        try:
            out, said = process.communicate(timeout=SECONDS_LEFT if self.what in AT_ONCE else SECONDS_AT_MOST)
        except subprocess.TimeoutExpired:
            yield "its reader hangs"
            out, said = "", ""
        if left := _settled(self._processes):
            yield f"{len(left)} processes are left"
            for one in left:
                os.kill(one, signal.SIGKILL)
        if "Traceback" in said:
            yield f"a traceback: {said}"
        if number is not None and process.returncode != 0:
            sentence = said.strip().splitlines()[-1:]
            if process.returncode != 128 + number or sentence != ["Interrupted; the same command continues from here."]:
                yield f"exit code {process.returncode} after signal {number}, and said: {sentence}"
        if self.what == "worker" and process.returncode != 0:
            yield f"exit code {process.returncode} though only a worker was killed: {out}{said}"
        again = subprocess.run(
            [sys.executable, "-m", "unlearn_audit", *self.words],
            env=self._environment, capture_output=True, text=True, check=False, timeout=SECONDS_AT_MOST,
        )  # fmt: skip
        if again.returncode != 0:
            yield f"the second run ended with exit code {again.returncode}: {again.stdout}{again.stderr}"
        elif findings(self.folder / "out") != self.bench.expected:
            yield "other findings"
        if files := _settled(lambda: self._files(process.pid)):
            yield f"left: {', '.join(map(str, files))}"

    @property
    def words(self) -> list[str]:
        return self.bench.words(self.folder, self.where)

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, _MARK: self.mark, "TMPDIR": str(self.folder / "temporary")}

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "unlearn_audit", *self.words]
        if "rename" in self.what:
            when, _, at = self.what.split()
            command = [sys.executable, "-c", _DIES_AT_A_RENAME, at, when, str(self.folder / "renames"), *self.words]
        return subprocess.Popen(
            command, env=self._environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_as_in_a_terminal,
        )  # fmt: skip

    def _kill(self, process: subprocess.Popen[str]) -> int | None:
        """Wait for a random point and kill; return the signal that was to be answered with a sentence."""
        if "rename" in self.what:
            return None
        self._wait_for_a_point(process)
        match self.what:
            case "worker":
                while process.poll() is None and not (workers := self._workers(process.pid)):
                    time.sleep(0.02)
                if process.poll() is None:
                    os.kill(int(self.rng.choice(workers)), signal.SIGKILL)
            case "group":
                os.killpg(process.pid, signal.SIGKILL)
            case "parent":
                process.kill()
            case "signal":
                number = SIGNALS[self.rng.integers(len(SIGNALS))]
                for _ in range(self.rng.integers(1, 3)):
                    process.send_signal(number)
                return int(number)
        return None

    def _wait_for_a_point(self, process: subprocess.Popen[str]) -> None:
        """Wait until so many worlds are made, or attacks begin to be fitted; then a moment longer."""
        made = self.rng.integers(0 if self.what in ("parent", "group") else 1, 2 * WORLDS + 3)
        marks = min(made, 2 * WORLDS)
        deadline = time.monotonic() + SECONDS_AT_MOST
        while process.poll() is None and len(list((self.folder / "store").glob("??/*.json"))) < marks:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.folder} made no worlds")
            time.sleep(0.005)
        time.sleep(self.rng.exponential(0.2) * (5 if made == 0 else 1))

    def _processes(self) -> list[int]:
        mark = f"{_MARK}={self.mark}".encode()
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if mark in _content(path)]

    def _workers(self, parent: int) -> list[int]:
        """Return the worker processes: not the parent, nor what keeps track of resources."""
        names = {one: _content(Path(f"/proc/{one}/cmdline")) for one in self._processes() if one != parent}
        return [one for one, name in names.items() if name and b"tracker" not in name]

    def _files(self, parent: int) -> list[Path]:
        """Return the files of a killed process that are there."""
        of_parent = (f"_{parent}_", f"-{parent}-")
        shared = [path for path in Path("/dev/shm").iterdir() if any(part in path.name for part in of_parent)]
        temporary = [*(self.folder / "temporary").iterdir(), *(self.folder / "store").glob("tmp/*")]
        return [*shared, *temporary, *self.folder.rglob("*.part")]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _settled(look: Callable[[], list[Any]]) -> list[Any]:
    """Return what is there once nothing is, or after some seconds."""
    deadline = time.monotonic() + SECONDS_LEFT
    while (there := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return there
