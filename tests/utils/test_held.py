"""Who holds what: the dead are told from the living by locks that the system gives up with their process."""

import subprocess
import sys

import pytest

from unlearn_audit.utils.files import atomic_path, write_atomic
from unlearn_audit.utils.held import abandoned, half_written, held_folder, hold_part, leftovers, size_of

WRITER = """
import sys, time
from pathlib import Path
from unlearn_audit.utils.files import atomic_path
from unlearn_audit.utils.held import held_folder
here = Path(sys.argv[1])
with held_folder(here) as folder, atomic_path(here / "table") as part:
    (folder / "records").write_bytes(bytes(1000))
    part.write_bytes(b"half")
    print("ready", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def writer(tmp_path):
    """Another process that holds a folder and writes a file."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_what_a_living_process_holds_stays_and_what_a_dead_one_left_goes(writer, tmp_path):
    found = list(leftovers(tmp_path))
    assert len(found) == 2
    assert sorted(size_of(path) for path in found) == [4, 1000]
    assert not any(abandoned(path) for path in found)
    writer.kill()
    writer.wait()
    assert all(abandoned(path, remove=False) for path in found)
    assert len(list(tmp_path.iterdir())) == 3
    assert all(abandoned(path) for path in found)
    assert list(tmp_path.iterdir()) == []


def test_the_files_of_others_are_no_leftovers(tmp_path):
    for name in ("notes.part", ".notes.part", ".lock", "thesis.lock", "1234", "data.csv"):
        (tmp_path / name).touch()
    assert list(leftovers(tmp_path)) == []


def test_nothing_is_left_of_what_ends_well_or_fails(tmp_path):
    write_atomic(tmp_path / "new" / "file", "text")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]
    write_atomic(tmp_path / "another" / "file", "text", within=tmp_path / "new" / "tmp")
    assert (tmp_path / "another" / "file").read_text() == "text"
    assert list((tmp_path / "new" / "tmp").iterdir()) == []
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "new" / "file") as part:
        part.write_text(f"half {1 / 0}")
    assert (tmp_path / "new" / "file").read_text() == "text"
    assert not list(half_written(tmp_path / "new"))
    with held_folder(tmp_path / "deep" / "tmp") as folder:
        (folder / "records").touch()
    assert not (tmp_path / "deep" / "tmp").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="names of open files stay there")
def test_a_file_that_another_takes_for_abandoned_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    import fcntl

    lock, met = fcntl.flock, []

    def late(descriptor, how):
        """Another process gets there first."""
        if not met:
            met.append(next(leftovers(tmp_path)))
            met[0].unlink()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    part = hold_part(tmp_path, "file")
    assert part.path != met[0]
    assert list(tmp_path.iterdir()) == [part.path]
    part.remove()


@pytest.mark.skipif(sys.platform == "win32", reason="there are other locks there")
def test_a_disk_without_locks_stops_no_writer_and_nothing_counts_as_abandoned_there(tmp_path, monkeypatch):
    def none(descriptor, how):
        raise OSError("no locks available")

    monkeypatch.setattr("fcntl.flock", none)
    write_atomic(tmp_path / "file", "text")
    left = hold_part(tmp_path, "other")
    left.close()
    assert not abandoned(left.path)
    assert (tmp_path / "file").read_text() == "text"


def test_a_process_that_ends_at_once_removes_what_it_holds(tmp_path):
    ends = "import os; from unlearn_audit.utils.held import remove_all_held; remove_all_held(); os._exit(3)"
    code = WRITER.replace("time.sleep(100)", ends)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == 3
    assert list(tmp_path.iterdir()) == []
