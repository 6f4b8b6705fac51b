"""Signals end the command line with one sentence; in a program that calls the package they are the program's."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pytest

from unlearn_audit.cli.commands import COMMANDS, GO_ON, goes_on
from unlearn_audit.cli.shared.signals import ended_by_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

WAITS = """
import os, sys, time
from pathlib import Path
from unlearn_audit.cli.shared.signals import ended_by_signals
from unlearn_audit.utils.held import held_folder
from unlearn_audit.utils.workers import worker_pool

def wait(seconds):
    os.write(1, b"w")
    time.sleep(seconds)

def main():
    from joblib import delayed
    with ended_by_signals("Interrupted; go on."), held_folder(Path(sys.argv[1]) / "tmp"):
        worker_pool(2)(delayed(wait)(200) for _ in range(2))

if __name__ == "__main__":
    main()
"""

STEP = 'hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)'

SLOW = f"""
import hashlib
from unlearn_audit.cli.shared.signals import ended_by_signals
with ended_by_signals("Interrupted; go on."):
    print("ready", flush=True)
    try:
        {STEP}
    finally:
        print("not reached")
"""
"""One step of compiled code that takes minutes, and in which the main thread hears of no signal."""


def as_in_a_terminal():
    """Ignore no signal, as whoever runs the tests in the background does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def start(code, *words):
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=as_in_a_terminal,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def exists(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("to_all", [False, True], ids=["one process", "all of a terminal"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_workers_and_temporary_data_with_one_sentence(name, to_all, tmp_path):
    number = getattr(signal, name)
    with start(WAITS, tmp_path) as process:
        assert process.stdout.read(2) == b"ww"
        assert len(list((tmp_path / "tmp").iterdir())) == 2
        for _ in range(3):
            os.killpg(process.pid, number) if to_all else process.send_signal(number)
        # both pipes end at once: no process is left that could write into them
        out, said = process.communicate(timeout=60)
        assert (out, said) == (b"", b"Interrupted; go on.\n")
        assert process.returncode == 128 + number
    assert not list(tmp_path.glob("tmp/*"))
    deadline = time.monotonic() + 10
    while exists(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_long_step_is_ended_too_and_a_hangup():
    with start(SLOW) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGHUP)
        assert process.communicate(timeout=60) == (b"", b"Interrupted; go on.\n")
        assert process.returncode == 128 + signal.SIGHUP


def test_what_is_to_be_ignored_is_ignored():
    code = SLOW.replace(STEP, "import time; time.sleep(1)").replace("not reached", "whole")
    with start(f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{code}") as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGHUP)
        assert process.communicate(timeout=60) == (b"whole\n", b"")
        assert process.returncode == 0


def test_signals_of_a_model_and_of_a_program_are_their_own():
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(1))
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        with ended_by_signals("no"):
            signal.raise_signal(signal.SIGALRM)
        assert heard == [1]
    finally:
        signal.signal(signal.SIGALRM, before)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


@pytest.mark.parametrize("kept", [False, True])
def test_processes_that_a_model_forks_have_signals_of_their_own(kept):
    code = (
        "import multiprocessing, os, signal, time\n"
        "from unlearn_audit.cli.shared.signals import ended_by_signals\n"
        "with ended_by_signals('no'):\n"
        "    with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "        assert pool.map(signal.getsignal, [signal.SIGTERM]) == [signal.SIG_DFL]\n"
        "    read, write = os.pipe()\n"
        f"    child = {kept} and os.fork()\n"
        f"    while {kept} and not child:\n"
        "        os.write(write, b'.')\n"
        "        time.sleep(1)\n"
        f"    {kept} and os.read(read, 1)\n"
        "print('whole')\n"
        f"{kept} and os.kill(child, signal.SIGTERM)\n"
    )
    with start(code) as process:
        assert process.communicate(timeout=60) == (b"whole\n", b"")
        assert process.returncode == 0


def test_a_signal_to_a_process_that_was_just_forked_is_not_lost():
    """As where a pool ends before its workers began: they would stay, and the pool wait for them for ever."""
    code = (
        "import os, signal\n"
        "os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))\n"
        "from unlearn_audit.cli.shared.signals import ended_by_signals\n"
        "with ended_by_signals('no'):\n"
        "    child = os.fork()\n"
        "    child or os._exit(0)\n"
        "    _, status = os.waitpid(child, 0)\n"
        "    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
        "print(os.WTERMSIG(status))\n"
    )
    with start(code) as process:
        assert process.communicate(timeout=60) == (b"15\n", b"")


def test_the_package_itself_takes_no_signal():
    code = "import signal, unlearn_audit.api, unlearn_audit.cli.main as m; print(signal.getsignal(signal.SIGTERM).name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "SIG_DFL\n"


def test_only_commands_that_keep_what_is_done_say_that_they_go_on():
    assert set(COMMANDS) >= GO_ON
    assert {"run", "name", "reproduce"} <= GO_ON
    assert not {"predictions", "plan", "release"} & GO_ON
    assert goes_on(["run", "--reuse", "mine"])
    for anew in (["--no-reuse"], ["--reuse=never"], ["--reuse", "never"]):
        assert not goes_on(["run", *anew])


LATE = """
import atexit, os, signal
from unlearn_audit.cli import main
main.main = lambda: None
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT) or print("ended", flush=True))
main.program()
"""


def test_a_signal_after_the_work_changes_nothing():
    with start(LATE) as process:
        said, errors = process.communicate(timeout=60)
    assert (process.returncode, said, errors) == (0, b"ended\n", b"")
