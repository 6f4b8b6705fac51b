"""Manifests of folders: what is recorded, and every way in which a folder may differ from it."""

import json
import os
from contextlib import suppress
from hashlib import sha256

import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.manifest import MANIFEST, Difference, Manifest, check_recorded, differences, recorded

MARKER = "unlearn-audit-run.json"


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "out"
    with recorded(out, None, MARKER):
        write_atomic(out / MARKER, "{}")
        write_atomic(out / "observations" / "a.parquet", b"\x00" * 100)
        write_atomic(out / "findings.json", "[1]")
        write_atomic(tmp_path / "elsewhere.txt", "not of the run")
    return out


def found(folder):
    return differences(folder, Manifest.read(folder))


def test_what_is_written_in_the_folder_is_recorded_and_nothing_else(folder):
    assert sorted(Manifest.read(folder).files) == ["findings.json", "observations/a.parquet", MARKER]
    assert found(folder) == []


def test_every_difference_is_named(folder):
    (folder / "observations" / "a.parquet").write_bytes(b"\x00" * 99 + b"\x01")
    (folder / "findings.json").unlink()
    (folder / "notes.txt").write_text("mine")
    (folder / ".scores.parquet.abc.part").write_text("half")
    (folder / "link").symlink_to(folder / "notes.txt")
    (folder / "folder").symlink_to(folder / "observations")
    os.mkfifo(folder / "pipe")
    (folder / ".lock").touch()
    assert found(folder) == [
        Difference(".scores.parquet.abc.part", "unexpected"),
        Difference("findings.json", "missing"),
        Difference("folder", "unexpected"),
        Difference("link", "unexpected"),
        Difference("notes.txt", "unexpected"),
        Difference("observations/a.parquet", "changed"),
        Difference("pipe", "unexpected"),
    ]


def test_a_file_that_became_a_link_or_a_folder_is_changed_or_missing(folder):
    kept = folder.parent / "kept"
    (folder / "findings.json").rename(kept)
    (folder / "findings.json").symlink_to(kept)
    assert found(folder) == [Difference("findings.json", "changed")]
    (folder / "findings.json").unlink()
    (folder / "findings.json").mkdir()
    assert found(folder) == [Difference("findings.json", "missing")]


def test_a_store_in_the_folder_is_not_of_the_run(folder):
    write_atomic(folder / "store" / "unlearn-audit-store.json", "{}")
    with recorded(folder, Manifest.read(folder), MARKER):
        write_atomic(folder / "store" / "ab" / "key.arrow", "x")
        write_atomic(folder / "findings.json", "[2]")
    assert found(folder) == []
    assert "store/ab/key.arrow" not in Manifest.read(folder).files


def test_a_run_that_dies_leaves_no_manifest_of_other_files(folder):
    before = Manifest.read(folder)
    with pytest.raises(KeyboardInterrupt), recorded(folder, before, MARKER):
        raise KeyboardInterrupt
    assert Manifest.read(folder) == before
    with suppress(KeyboardInterrupt), recorded(folder, before, MARKER):
        write_atomic(folder / "findings.json", "[2]")
        raise KeyboardInterrupt
    assert Manifest.read(folder) is None


def test_what_is_not_written_again_stays_named_if_it_is_as_it_was(folder):
    before = Manifest.read(folder)
    (folder / "observations" / "a.parquet").write_bytes(b"changed")
    with recorded(folder, before, MARKER):
        write_atomic(folder / "report.html", "new")
    assert sorted(Manifest.read(folder).files) == ["findings.json", "report.html", MARKER]
    assert found(folder) == [Difference("observations/a.parquet", "unexpected")]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"files": {}, "digest": ""}'])
def test_a_damaged_manifest_is_refused(folder, content):
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(AuditError, match="is damaged or of another version"):
        Manifest.read(folder)
    with pytest.raises(AuditError, match="is damaged or of another version"):
        check_recorded(folder / "findings.json")


def test_no_digest_in_a_manifest_can_be_changed(folder):
    document = json.loads((folder / MANIFEST).read_text())
    document["files"]["findings.json"] = "0" * 64
    (folder / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(AuditError, match="is damaged"):
        Manifest.read(folder)


def test_a_file_is_checked_before_it_is_read(folder, tmp_path):
    for name in ("findings.json", "observations/a.parquet"):
        check_recorded(folder / name)
        (folder / name).write_bytes(b"other")
        with pytest.raises(AuditError, match="has changed since the run wrote it"):
            check_recorded(folder / name)
    check_recorded(folder / "absent.json")
    check_recorded(tmp_path / "elsewhere.txt")


def test_when_and_how_a_run_was_made_outlives_a_purge_and_is_unknown_of_earlier_ones(folder):
    before = Manifest.read(folder)
    assert before.finished is not None
    before.updated(folder, {"findings.json": None})
    after = Manifest.read(folder)
    assert (after.finished, after.command) == (before.finished, before.command)
    document = json.loads((folder / MANIFEST).read_bytes())
    for name in ("finished", "command", "digest"):
        del document[name]
    content = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    (folder / MANIFEST).write_text(json.dumps({**document, "digest": sha256(content).hexdigest()}))
    earlier = Manifest.read(folder)
    assert (earlier.finished, earlier.command, earlier.files) == (None, None, after.files)
