"""Command lines that ask for several cores: their workers are forked, and nothing else differs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import SMALL

from unlearn_audit.cli.shared import early_workers
from unlearn_audit.cli.shared.early_workers import fork_workers, jobs_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")

MINE = """
import os, sys, time
from pathlib import Path
from dataclasses import dataclass
from sklearn.tree import DecisionTreeClassifier
from unlearn_audit.attacks import Attack

class Chatty(DecisionTreeClassifier):
    def fit(self, X, y):
        print("fitted")
        os.write(1, b"from C\\n")
        return super().fit(X, y)

class Refuses(DecisionTreeClassifier):
    def fit(self, X, y):
        raise MemoryError("too large")

class Leaves(DecisionTreeClassifier):
    def fit(self, X, y):
        sys.exit(0)

@dataclass(frozen=True)
class Bad(Attack):
    name = "bad"

    def score(self, target):
        raise ValueError("no score")

class Slow(DecisionTreeClassifier):
    def fit(self, X, y):
        if os.getppid() != int(os.environ["TEST"]):  # in a worker
            Path(f"worker-{os.getpid()}-{os.getppid()}").touch()
            time.sleep(100)
        return super().fit(X, y)
"""


def start(environment, *arguments, **options):
    Path("mine.py").write_text(MINE, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "unlearn_audit", "run", "--dataset=breast-cancer", *SMALL, *arguments],
        env={"TEST": str(os.getpid()), **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        **options,
    )  # fmt: skip


def finished(environment, *arguments):
    with start(environment, *arguments) as process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_results_are_those_of_one_core_and_what_a_model_prints_is_apart(environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = []
    for jobs in "12":
        chatty = {**environment, "UNLEARN_AUDIT_STORE": str(tmp_path / jobs)}
        code, out, err = finished(chatty, "--model=mine.py:Chatty", f"--jobs={jobs}", "--json", f"--out=out{jobs}")
        assert code == 0, err
        assert "fitted" in err
        assert "from C" in err
        found.append(json.loads(out))
        found[-1].pop("execution")
    assert found[0] == found[1]


@pytest.mark.parametrize(("model", "says"), [("Refuses", "MemoryError: too large"), ("Leaves", "SystemExit")])
def test_a_model_that_fails_in_a_worker_says_why_in_one_sentence(model, says, environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = finished(environment, f"--model=mine.py:{model}", "--jobs=2")
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


def test_an_attack_that_fails_in_a_worker_ends_the_command(environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = finished(environment, "--model=decision-tree", "--attack=mine.py:Bad", "--jobs=2")
    assert code == 2
    assert "no score" in err


@pytest.mark.parametrize(
    ("number", "to_all"), [(signal.SIGINT, True), (signal.SIGTERM, False)], ids=["of a terminal", "of a scheduler"]
)
def test_a_signal_leaves_no_process(number, to_all, environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with start(
        environment, "--model=mine.py:Slow", "--jobs=2", start_new_session=True, preexec_fn=as_in_a_terminal
    ) as (process):
        deadline = time.monotonic() + 60
        while len(workers := list(tmp_path.glob("worker-*"))) < 2:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (os.killpg if to_all else os.kill)(process.pid, number)
        said = process.communicate(timeout=20)[1]
    started = {int(part) for path in workers for part in path.name.split("-")[1:]}
    assert len(started) == 3  # two workers, and the process that they are copies of
    while alive := [one for one in started if Path(f"/proc/{one}").exists()]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)
    assert said.splitlines()[-1] == "Interrupted; the same command continues from here."
    assert process.returncode == 128 + number
    assert "Traceback" not in said


def as_in_a_terminal():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(
    "line", ["run", "run --jobs=1", "run --jobs=2 --help", "list --jobs=2", "run --jobs=2 --executor=serial"]
)
def test_lines_that_need_no_worker_start_none(line, monkeypatch):
    monkeypatch.setattr(early_workers, "start", lambda: pytest.fail("started"))
    fork_workers("unlearn-audit", line.split())


def test_the_cores_that_a_line_asks_for():
    assert jobs_of(["run", "--jobs=2", "-j", "3"]) == 3
    assert jobs_of(["run", "--json", "--jobs", "many"]) == jobs_of(["run", "--jobs"]) == jobs_of([]) == 1
