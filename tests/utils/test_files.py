"""Files: whole or not there, their owner's alone, and a sentence where they cannot be written."""

import errno
import os
import stat

import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.utils import files
from unlearn_audit.utils.files import CannotWrite, atomic_path, write_atomic
from unlearn_audit.utils.modes import make_folder


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request):
    """A mask that is in force while the test runs."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_publishable_form_follows_the_umask(umask, tmp_path):
    path, page = tmp_path / "new" / "deeper" / "scores.csv", tmp_path / "new" / "report.html"
    write_atomic(path, "record\n17\n")
    write_atomic(page, "<p>", publishable=True)
    assert mode(path) == 0o600
    assert mode(page) == 0o666 & ~umask
    assert mode(tmp_path / "new") == mode(tmp_path / "new" / "deeper") == 0o700


def test_what_is_written_again_becomes_private_and_a_folder_of_the_user_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "scores.csv").write_text("old")
    (tmp_path / "scores.csv").chmod(0o644)
    write_atomic(tmp_path / "scores.csv", "new")
    make_folder(tmp_path)
    assert (mode(tmp_path / "scores.csv"), mode(tmp_path)) == (0o600, 0o755)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="names differ on other systems")
@pytest.mark.parametrize(
    "name",
    ["folder", "x" * 4000, "/".join(["y" * 200] * 25), "a\0b", "file/below", "no\udcfftext", "no\udcfftext/below"],
)
def test_what_cannot_be_written_is_a_sentence_with_the_path_and_leaves_nothing(tmp_path, name):
    (tmp_path / "folder" / "full").mkdir(parents=True)
    (tmp_path / "file").touch()
    with pytest.raises(AuditError, match="cannot be written") as caught:
        write_atomic(tmp_path / name, "text")
    assert str(tmp_path / name) in str(caught.value)
    assert isinstance(caught.value, OSError)
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".part"]


def test_a_full_disk_is_told_for_the_file_that_was_asked_for(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(CannotWrite, match=r"findings\.json cannot be written \(No space left on device\); make room"):
        write_atomic(tmp_path / "findings.json", "{}")
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_writer_without_a_number_is_told_too(tmp_path):
    with pytest.raises(CannotWrite, match=r"t\.parquet cannot be written \(the disk is gone\)"):  # noqa: SIM117
        with atomic_path(tmp_path / "t.parquet"):
            raise OSError("the disk is gone")
