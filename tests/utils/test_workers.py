"""Workers end with the process that started them, however it ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unlearn_audit.utils.workers import remove_semaphores_of

PARENT = """
import os, sys, time
from joblib import delayed
from unlearn_audit.utils.workers import worker_pool

def work(seconds):
    print(os.getpid(), flush=True)
    time.sleep(seconds)

worker_pool(2)(delayed(work)(seconds) for seconds in (0.5, 300))
"""


def gone(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{process}/status").exists() and "\nState:\tZ" in Path(f"/proc/{process}/status").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_workers_busy_and_idle_end_with_a_killed_parent():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        time.sleep(0.6)  # one of them is idle now
        assert not any(map(gone, workers))
        parent.send_signal(signal.SIGKILL)
        # whoever reads what they say is not kept waiting
        assert parent.stdout.read() == ""
    deadline = time.monotonic() + 10
    while not all(map(gone, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="semaphores have a name on Linux alone")
def test_semaphores_of_the_dead_alone_are_removed():
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    left, used = (Path(f"/dev/shm/sem.loky-{process}-a_test") for process in (dead.pid, os.getpid()))
    left.touch()
    used.touch()
    try:
        remove_semaphores_of(dead.pid)
        remove_semaphores_of(os.getpid())
        assert not left.exists()
        assert used.exists()
    finally:
        used.unlink()


BEFOREHAND = """
import sys, time
from joblib import delayed
from unlearn_audit.utils.workers import start_workers, worker_pool

def imported():
    time.sleep(0.01)
    return "unlearn_audit.utils.spreadsheet" in sys.modules

start_workers(2, "unlearn_audit.utils.spreadsheet")
print(any(worker_pool(2)(delayed(imported)() for _ in range(20))), "unlearn_audit.utils.spreadsheet" in sys.modules)
"""


def test_workers_that_were_started_beforehand_have_imported_what_they_need():
    said = subprocess.run([sys.executable, "-c", BEFOREHAND], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.split() == ["True", "False"]


UNUSED = """
from unlearn_audit.utils.workers import start_workers
start_workers(2, "unlearn_audit.nowhere")
"""


def test_workers_that_are_never_used_keep_nobody_waiting_and_say_nothing():
    said = subprocess.run([sys.executable, "-c", UNUSED], capture_output=True, text=True, timeout=60, check=True)
    assert (said.stdout, said.stderr) == ("", "")
