"""Workers that are copies of one process: what they return, and that nothing of them is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from unlearn_audit.utils import fork_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")

SCRIPT = r"""
import os, signal, sys, threading, time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from unlearn_audit.utils.fork_server import allow, in_copies, start

class Odd(Exception):
    pass

def square(x):
    time.sleep(0.02)
    return x * x, os.getpid()

def draw(_):
    import numpy as np
    time.sleep(0.05)
    return np.random.random(), os.getpid()

def fail(x):
    raise Odd(f"no {{x}}")

def die(x):
    os.kill(os.getpid(), signal.SIGKILL)

def nothing_to_send(x):
    return threading.Lock()

def wait(x):
    os.write(1, f"{{os.getpid()}} {{os.getppid()}}\n".encode())
    time.sleep(x)

class Two(Exception):
    def __init__(self, one, two):
        super().__init__(f"{{one}} and {{two}}")

class Locked(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()

def fail_oddly(kind):
    raise Two("one", "two") if kind == "two" else Locked("locked")

def grow(_):
    sys.__dict__.setdefault("kept", []).append(b"1" * (1 << 28))
    return os.getpid()

def nested(_):
    from joblib import Parallel, delayed
    return set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(4))) == {{os.getpid()}}

if __name__ == "__main__":
    allow("program", ["json"])
    assert start()
{steps}
"""


def run(folder, steps, script=SCRIPT, **options):
    program = Path(folder, "program")
    program.write_text(script.format(steps="".join(f"    {line}\n" for line in steps.splitlines())), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def said(folder, steps):
    with run(folder, steps) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, ""), err
    return out


def test_every_result_comes_once_and_workers_are_kept(tmp_path):
    steps = """
first = list(in_copies(2, square, [(x,) for x in range(20)]))
second = list(in_copies(2, square, [(x,) for x in range(5)]))
assert sorted(x for x, _ in first) == [x * x for x in range(20)]
assert sorted(x for x, _ in second) == [x * x for x in range(5)]
assert len({p for _, p in first}) == 2 and {p for _, p in second} <= {p for _, p in first}
assert list(in_copies(2, square, [])) == []
print("right")
"""
    assert said(tmp_path, steps) == "right\n"


def test_an_error_keeps_its_type_and_where_it_was_raised(tmp_path):
    steps = """
try:
    list(in_copies(2, fail, [(1,), (1,)]))
except Odd as error:
    print(error, "in fail" in error.__notes__[0])
try:
    list(in_copies(2, nothing_to_send, [(1,)]))
except TypeError as error:
    print("pickle" in str(error))
print(sorted(x for x, _ in in_copies(2, square, [(2,), (3,)])))
"""
    assert said(tmp_path, steps) == "no 1 True\nTrue\n[4, 9]\n"


def test_a_dead_worker_is_told_and_the_next_call_has_others(tmp_path):
    steps = """
for _ in range(2):
    try:
        list(in_copies(2, die, [(1,), (2,)]))
    except BrokenProcessPool as error:
        print(error)
print(sorted(x for x, _ in in_copies(2, square, [(2,), (3,)])))
"""
    dead = "a worker process ended with exit code -9\n"
    assert said(tmp_path, steps) == dead + dead + "[4, 9]\n"


def test_copies_draw_different_numbers_and_nested_workers_are_threads(tmp_path):
    steps = """
drawn = list(in_copies(2, draw, [(0,)] * 6))
assert len({x for x, _ in drawn}) == 6 and len({p for _, p in drawn}) == 2
assert list(in_copies(1, nested, [(0,)])) == [True]
print("right")
"""
    assert said(tmp_path, steps) == "right\n"


def test_a_call_that_ends_early_leaves_no_worker(tmp_path):
    steps = """
results = in_copies(2, wait, [(0,), (100,), (100,)])
next(results)
results.close()
print("closed")
"""
    with run(tmp_path, steps) as process:
        out, err = process.communicate(timeout=60)
    assert err == ""
    assert out.endswith("closed\n")
    assert_gone([int(line.split()[0]) for line in out.splitlines()[:-1]])


def test_exceptions_that_cannot_be_sent_say_the_same(tmp_path):
    steps = """
for kind in ("two", "locked"):
    try:
        list(in_copies(1, fail_oddly, [(kind,)]))
    except RuntimeError as error:
        print(error, "in fail_oddly" in error.__notes__[0])
"""
    assert said(tmp_path, steps) == "Two: one and two True\nLocked: locked True\n"


def test_workers_that_died_while_they_waited_are_replaced(tmp_path):
    steps = """
first = {p for _, p in in_copies(4, square, [(x,) for x in range(4)])}
for process in first:
    os.kill(process, signal.SIGKILL)
time.sleep(0.2)
second = list(in_copies(4, square, [(x,) for x in range(4)]))
print(sorted(x for x, _ in second), first.isdisjoint(p for _, p in second))
"""
    assert said(tmp_path, steps) == "[0, 1, 4, 9] True\n"


def test_a_worker_that_grew_too_much_is_replaced(tmp_path):
    steps = """
processes = list(in_copies(1, grow, [(x,) for x in range(4)]))
print(len(set(processes[:2])), len(set(processes)))
"""
    script = SCRIPT.replace(
        "\n\n", "\nfrom unlearn_audit.utils import fork_server\nfork_server._MOST_GROWTH = 1 << 27\n\n", 1
    )
    with run(tmp_path, steps, script=script) as process:
        assert process.communicate(timeout=60) == ("1 2\n", "")


def test_a_call_that_is_held_does_not_hold_the_end(tmp_path):
    steps = """
results = in_copies(2, wait, [(0,), (100,), (100,)])
next(results)
"""
    with run(tmp_path, steps) as process:
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert_gone([int(line.split()[0]) for line in out.splitlines()])


def test_nothing_of_the_server_stays_on_disk(tmp_path):
    with TemporaryDirectory() as folder:  # a socket's name is short
        check_that_nothing_stays(tmp_path, Path(folder))


def check_that_nothing_stays(tmp_path, folder):
    environment = {**os.environ, "TMPDIR": str(folder)}
    with run(tmp_path, "list(in_copies(2, wait, [(100,), (100,)]))", env=environment) as process:
        process.stdout.readline()
        (root,) = folder.iterdir()
        assert len(list(root.glob("*/listener-*"))) == 1
        process.kill()
    with run(tmp_path, "list(in_copies(1, square, [(1,)]))", env=environment) as process:
        assert process.communicate(timeout=60) == ("", "")
    assert list(folder.iterdir()) == []


def test_no_socket_can_be_made_in_a_folder_with_a_long_name(tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    script = SCRIPT.replace("    assert start()\n", "    assert not start()\n")
    with run(tmp_path, "", script=script, env={**os.environ, "TMPDIR": str(folder)}) as process:
        assert process.communicate(timeout=60) == ("", "")


def assert_gone(processes):
    deadline = time.monotonic() + 10
    for process in processes:
        while Path(f"/proc/{process}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize("to", ["the program", "its group"])
def test_workers_and_their_server_end_with_a_killed_program(to, tmp_path):
    with run(tmp_path, "list(in_copies(2, wait, [(100,), (100,)]))", start_new_session=True) as process:
        workers, servers = zip(*(map(int, process.stdout.readline().split()) for _ in range(2)), strict=True)
        assert len({*servers}) == 1
        (os.kill if to == "the program" else os.killpg)(process.pid, signal.SIGKILL)
        assert process.stderr.read() == ""
    assert_gone([*workers, servers[0]])


def test_no_other_program_is_copied():
    fork_server.allow("unlearn-audit", ["json"])
    assert not fork_server.start()


def test_ordinary_workers_take_over_from_a_server_that_cannot_start(tmp_path):
    Path(tmp_path, "broken.py").write_text("raise SystemExit(3)", encoding="utf-8")
    steps = """
allow("program", ["broken"])
start()
try:
    list(in_copies(2, square, [(1,)]))
except BrokenProcessPool as error:
    print(error, start())
"""
    script = SCRIPT.replace('    allow("program", ["json"])\n    assert start()\n', "")
    with run(tmp_path, steps, script=script, env={**os.environ, "PYTHONPATH": str(tmp_path)}) as process:
        assert process.communicate(timeout=60)[0] == "no worker could be forked, EOFError False\n"
