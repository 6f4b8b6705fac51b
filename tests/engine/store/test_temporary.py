"""Temporary data lie in the store, and what is left of the dead goes at the next start."""

import subprocess
import sys
from pathlib import Path

import pytest

from unlearn_audit.engine.store.prune import prune
from unlearn_audit.engine.store.store import MARKER, TEMPORARY, Store, default_store_folder
from unlearn_audit.engine.store.temporary import remove_leftovers, temporary_data_in, temporary_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.piece import Packed
from unlearn_audit.utils.held import hold_part

DIES = """
import os, signal, sys
from pathlib import Path
from unlearn_audit.engine.store.temporary import temporary_data_in, temporary_folder
with temporary_data_in(Path(sys.argv[1])), temporary_folder() as folder:
    (folder / "arrays").write_bytes(bytes(5000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def left(tmp_path):
    """A store's folder in which a process died."""
    subprocess.run([sys.executable, "-c", DIES, str(tmp_path / "store")], check=False)
    assert len(list((tmp_path / "store").rglob("arrays"))) == 1
    return tmp_path / "store"


def test_a_folder_is_there_for_a_while_and_the_store_is_as_before(tmp_path):
    with temporary_data_in(tmp_path / "none"):
        with temporary_folder() as one, temporary_folder() as two:
            assert one != two
            assert {(tmp_path / "none" / TEMPORARY) in folder.parents for folder in (one, two)} == {True}
            assert one.parent.stat().st_mode & 0o77 == 0
        assert not one.exists()
    assert not (tmp_path / "none").exists()
    with temporary_folder() as folder:
        assert default_store_folder() in folder.parents
    Store(default_store_folder())


def test_the_next_start_removes_what_the_dead_left_and_nothing_that_is_in_use(left):
    with temporary_data_in(left), temporary_folder() as mine:
        assert not list(left.rglob("arrays"))
        assert remove_leftovers(left) == []
        assert mine.exists()


def test_prune_removes_it_too_and_says_so(left):
    store = Store.existing(left)
    assert (left / MARKER).exists()
    part = hold_part(left / TEMPORARY, "table")
    assert prune(store, dry_run=True).leftovers == 1
    done = prune(store)
    assert (done.leftovers, done.n_bytes) == (1, 5000)
    assert list((left / TEMPORARY).iterdir()) == [part.path]
    part.close()
    assert prune(store).leftovers == 1


def test_where_nothing_can_be_written_a_sentence_says_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with (
        temporary_data_in(tmp_path / "file"),
        pytest.raises(AuditError, match=r"temporary data cannot be written in .*; name another folder with --store"),
        temporary_folder(),
    ):
        pass


def test_artefacts_are_written_where_leftovers_are_looked_for(tmp_path, piece, monkeypatch):
    store = Store(tmp_path / "store")
    seen = []
    monkeypatch.setattr(Path, "replace", lambda part, path: seen.append((part, path)))
    store.put({"stage": "a"}, Packed.of(piece()), {})
    assert {part.parent for part, _ in seen} == {tmp_path / "store" / TEMPORARY}


def test_a_marker_half_written_is_left_over_too(tmp_path):
    left, used = tmp_path / f".{MARKER}.0123abcd.part", hold_part(tmp_path, MARKER)
    left.touch()
    with temporary_data_in(tmp_path):
        assert not left.exists()
        assert used.path.exists()
    used.remove()
