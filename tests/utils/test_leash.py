"""Programs of the user's end with what runs them, however that ends, and take along what they started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unlearn_audit.utils.leash import Ended, run_leashed, why_not_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="runs programs of POSIX")

BEATS = "while :; do date +%N > beat; sleep 0.1; done"


def beats(folder):
    """Whether something still writes."""
    before = (folder / "beat").read_text()
    time.sleep(0.5)
    return (folder / "beat").read_text() != before


def wait_for(path):
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("exit 0", Ended(0, "")),
        ("echo out; echo one >&2; echo two >&2; echo >&2; exit 3", Ended(3, "two")),
        ("kill -9 $$", Ended(137, "")),
        ("yes | head -c 200000 >&2; echo end >&2", Ended(0, "end")),
        ("pwd >&2", Ended(0, None)),
    ],
)
def test_how_a_program_ended(tmp_path, code, ended, capfd):
    found = run_leashed(["sh", "-c", code], tmp_path, 60)
    assert found == Ended(ended.code, str(tmp_path) if ended.said is None else ended.said)
    assert capfd.readouterr() == ("", "")


def test_what_a_program_leaves_running_is_ended(tmp_path):
    assert run_leashed(["sh", "-c", f"({BEATS}) & while ! test -e beat; do sleep 0.05; done"], tmp_path, 60).code == 0
    assert not beats(tmp_path)


def test_a_program_that_takes_too_long_is_ended(tmp_path):
    assert run_leashed(["sh", "-c", f"({BEATS}) & sleep 600"], tmp_path, 1).code is None
    assert not beats(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_program_ends_with_the_process_that_runs_it(tmp_path, number):
    code = f"from unlearn_audit.utils.leash import run_leashed; run_leashed(['sh', '-c', {BEATS!r}], '.', 600)"
    started = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    wait_for(tmp_path / "beat")
    os.kill(started.pid, number)
    started.wait()
    time.sleep(0.5)
    assert not beats(tmp_path)


def test_what_cannot_be_run(tmp_path):
    (tmp_path / "text").write_text("text")
    (tmp_path / "text").chmod(0o600)
    assert why_not_run("sh", tmp_path) is None
    assert why_not_run("./text", tmp_path) == "./text is not executable (chmod +x)"
    assert why_not_run("./none", tmp_path) == "there is no file ./none"
    assert why_not_run("none-such-program", tmp_path) == "no program none-such-program is found in PATH"
    assert why_not_run(str(Path(tmp_path)), Path("/")).endswith("is a folder")
    (tmp_path / "text").chmod(0o700)
    assert run_leashed(["./text"], tmp_path, 60) == Ended(1, "Exec format error", started=False)


def test_a_folder_that_is_missing_is_named(tmp_path):
    gone = tmp_path / "gone"
    (tmp_path / "file").write_text("text")
    assert why_not_run("sh", gone) == f"there is no folder {gone} to run it in"
    assert why_not_run("./text", gone) == f"there is no folder {gone} to run it in"
    for folder in (gone, tmp_path / "file"):
        ended = run_leashed(["sh", "-c", "true"], folder, 60)
        assert not ended.started
        assert ended.said.startswith(f"{folder}: No")
