import pytest

from unlearn_audit.engine.store import folder
from unlearn_audit.engine.store.folder import MARKER, run_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.held import hold_part
from unlearn_audit.utils.manifest import MANIFEST, Manifest


def test_a_folder_is_for_one_configuration(tmp_path):
    with run_folder(tmp_path / "out", {"seed": 1, "target": {"model": "mlp"}}):
        pass
    with run_folder(tmp_path / "out", {"seed": 1, "target": {"model": "mlp"}}):
        pass
    with (
        pytest.raises(AuditError, match=r'holds another run \(target.model: "mlp" there, "tree" asked\)'),
        run_folder(tmp_path / "out", {"seed": 1, "target": {"model": "tree"}}),
    ):
        pass


def test_a_run_from_when_persons_were_units_is_continued(tmp_path):
    def identity(key, column):
        return {"config": {"target": {"data": {"file": "a.csv", key: column}}}}

    with run_folder(tmp_path / "out", identity("unit", "who")):
        pass
    with run_folder(tmp_path / "out", identity("person", "who")):
        pass
    with (
        pytest.raises(AuditError, match=r'data.person: "who" there, "other" asked'),
        run_folder(tmp_path / "out", identity("person", "other")),
    ):
        pass


def test_a_folder_in_use_is_refused(tmp_path):
    with (
        run_folder(tmp_path / "out", {}),
        pytest.raises(AuditError, match="in use by another run"),
        run_folder(tmp_path / "out", {}),
    ):
        pass


def test_foreign_content_is_never_touched(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(AuditError, match=r"it has thesis\.tex"), run_folder(tmp_path, {}):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AuditError, match="cannot be written"), run_folder(tmp_path / "file" / "out", {}):
        pass


def test_a_file_still_being_written_is_no_foreign_content(tmp_path):
    (tmp_path / ".unlearn-audit-run.json.x1.part").touch()
    with run_folder(tmp_path, {"seed": 1}):
        assert (tmp_path / "unlearn-audit-run.json").exists()


def test_what_appears_before_the_lock_is_held_is_seen(tmp_path, monkeypatch):
    acquire = folder.FileLock.acquire

    def meanwhile(lock, **options):
        (tmp_path / "thesis.tex").touch()
        return acquire(lock, **options)

    monkeypatch.setattr(folder.FileLock, "acquire", meanwhile)
    with pytest.raises(AuditError, match=r"it has thesis\.tex"), run_folder(tmp_path, {}):
        pass
    assert not (tmp_path / "unlearn-audit-run.json").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"key": "a"}', b"\xff\xfe"])
def test_an_unreadable_marker_is_told_in_one_sentence(tmp_path, content):
    marker = tmp_path / "unlearn-audit-run.json"
    marker.write_bytes(content)
    with pytest.raises(AuditError) as caught, run_folder(tmp_path, {}):
        pass
    assert str(caught.value).startswith(f"{marker} is broken")
    assert "remove that file or choose another --out" in str(caught.value)
    marker.unlink()
    (tmp_path / ".lock").unlink(missing_ok=True)
    with run_folder(tmp_path, {}):
        pass


def test_what_a_killed_run_left_half_written_goes_when_it_is_continued(tmp_path):
    with run_folder(tmp_path / "out", {}):
        pass
    left, written = (hold_part(tmp_path / "out" / "observations", name) for name in ("shadow", "target"))
    left.close()
    with run_folder(tmp_path / "out", {}):
        assert not left.path.exists()
        assert written.path.exists()
    written.remove()


def left(at):
    return sorted(path.relative_to(at).as_posix() for path in at.rglob("*") if path.is_file() and path.name != ".lock")


@pytest.fixture
def finished(tmp_path):
    """The folder of a run with a table, and another run's identity."""
    with run_folder(tmp_path / "out", {"seed": 0}) as at:
        write_atomic(at / "observations" / "shadow.csv", "a")
        write_atomic(at / "report.html", "b")
    return tmp_path / "out"


def test_force_removes_all_that_another_run_wrote(finished):
    (finished / ".report.html.x1.part").touch()
    (finished / "store").mkdir()
    (finished / "store" / "unlearn-audit-store.json").write_text("kept")
    with run_folder(finished, {"seed": 1}, force=True) as at:
        write_atomic(at / "findings.json", "c")
    assert left(finished) == [
        "findings.json", "store/unlearn-audit-store.json", "unlearn-audit-manifest.json", "unlearn-audit-run.json",
    ]  # fmt: skip
    with run_folder(finished, {"seed": 1}):
        pass


def test_force_leaves_a_run_of_the_same_as_it_is(finished):
    before = left(finished)
    with run_folder(finished, {"seed": 0}, force=True):
        pass
    assert left(finished) == before


@pytest.mark.parametrize("spoil", ["foreign", "link", "no manifest", "damaged manifest", "broken marker", "no marker"])
def test_force_removes_nothing_where_it_is_not_known_that_all_is_of_a_run(finished, tmp_path, spoil):
    outside = tmp_path / "thesis.tex"
    outside.write_text("years of work")
    if spoil == "foreign":
        (finished / "observations" / "mine.csv").write_text("x")
    elif spoil == "link":
        (finished / "elsewhere").symlink_to(tmp_path)
    elif spoil == "no manifest":
        (finished / MANIFEST).unlink()
    elif spoil == "damaged manifest":
        (finished / MANIFEST).write_text('{"layout": 1, "files": {"../thesis.tex": "0"}}')
    elif spoil == "broken marker":
        (finished / MARKER).write_text("{}")
    else:
        (finished / MARKER).unlink()
    before = left(finished)
    with pytest.raises(AuditError) as caught, run_folder(finished, {"seed": 1}, force=True):
        pass
    assert "\n" not in str(caught.value)
    assert left(finished) == before
    assert outside.read_text() == "years of work"


def test_force_never_follows_a_path_out_of_the_folder(finished, tmp_path):
    outside = tmp_path / "thesis.tex"
    outside.write_text("years of work")
    forged = {**dict.fromkeys(left(finished), "0"), "../thesis.tex": "0"}
    Manifest(forged).write(finished)
    with run_folder(finished, {"seed": 1}, force=True):
        pass
    assert outside.read_text() == "years of work"


def test_a_run_that_failed_before_it_wrote_makes_way_for_another(tmp_path):
    for seed in (0, 1):
        with pytest.raises(AuditError, match="wrong"), run_folder(tmp_path / "out", {"seed": seed}):
            raise AuditError("wrong")
    (tmp_path / "out" / "answers.part").write_text("kept")
    with pytest.raises(AuditError, match="holds another run"), run_folder(tmp_path / "out", {"seed": 3}):
        pass


def test_a_run_that_was_ended_before_it_wrote_is_replaced(tmp_path):
    with run_folder(tmp_path / "out", {"seed": 0}):
        pass
    with pytest.raises(AuditError, match="replace it with --force"), run_folder(tmp_path / "out", {"seed": 1}):
        pass
    with run_folder(tmp_path / "out", {"seed": 1}, force=True):
        pass
