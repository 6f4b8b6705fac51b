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
        try:
            workers = [int(parent.stdout.readline()) for _ in range(2)]
            time.sleep(0.6)  # one of them is idle now
            assert not any(map(gone, workers))
        finally:
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
