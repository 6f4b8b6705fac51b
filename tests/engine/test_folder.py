import pytest

from unlearn_audit.engine.folder import run_folder
from unlearn_audit.errors import AuditError


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
