"""Receipts: counts and keyed codes, and never an id."""

import hmac
import json
import stat

import pytest

from unlearn_audit.engine.erasure.erased import Purged
from unlearn_audit.engine.erasure.receipt import check_place, check_receipt, read_key, write_receipt
from unlearn_audit.errors import AuditError


def test_a_receipt_holds_codes_that_its_key_gives_again(tmp_path):
    key, path = read_key(tmp_path / "owner.key"), tmp_path / "receipt.json"
    done = Purged(
        by="person", rows=7, tables=2, artefacts=3, leftovers=1, scanned=40, files=["out/scores.parquet"],
        stores=[tmp_path / "store"], missing=["person-99"],
    )  # fmt: skip
    write_receipt(path, done, {"\u200b", "person-17", "\ufeffperson-18", "person-99"}, key, [tmp_path / "out"], "adult")
    text = path.read_text()
    assert not any(name in text for name in ("person-17", "person-18", "person-99"))
    receipt = json.loads(text)

    def code(name):
        return hmac.new(bytes.fromhex((tmp_path / "owner.key").read_text()), name.encode(), "sha256").hexdigest()

    assert receipt["erased"] == sorted([code("person-17"), code("person-18")])
    assert receipt["not_found"] == [code("person-99")]
    assert (receipt["rows"], receipt["tables"], receipt["artefacts"], receipt["files_searched"]) == (7, 2, 3, 40)
    assert (receipt["runs"], receipt["files"], receipt["dataset"]) == (["out"], ["out/scores.parquet"], "adult")
    assert receipt["at"].endswith("Z")
    assert receipt["unlearn-audit"]


def test_a_key_is_made_for_its_owner_alone_and_kept(tmp_path):
    path = tmp_path / "owner.key"
    key = read_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path) == key
    assert read_key(tmp_path / "other.key") != key


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "a key of 0 bytes"),
        (b"ab", "a key of 1 bytes"),
        (b"secret", "holds no key"),
        (b"\xff\xfe", "holds no key"),
    ],
)
def test_what_is_no_key_is_refused(tmp_path, content, said):
    (tmp_path / "k").write_bytes(content)
    with pytest.raises(AuditError, match=said):
        read_key(tmp_path / "k")
    with pytest.raises(AuditError, match="cannot be read or made"):
        read_key(tmp_path)
    with pytest.raises(AuditError, match="cannot be read or made"):
        read_key(tmp_path / "absent" / "k")


def test_a_receipt_is_never_overwritten_nor_kept_where_is_searched(tmp_path):
    (tmp_path / "there.json").touch()
    with pytest.raises(AuditError, match="is there already, and a receipt is never overwritten"):
        check_receipt(tmp_path / "there.json")
    with pytest.raises(AuditError, match="there is no folder"):
        check_receipt(tmp_path / "absent" / "r.json")
    with pytest.raises(AuditError, match=r"--receipt .* lies in .*out, which is searched"):
        check_place(tmp_path / "out" / "deep" / "r.json", [tmp_path / "out"], "--receipt")
    check_place(tmp_path / "r.json", [tmp_path / "out"], "--receipt")


def test_a_receipt_that_cannot_be_written_is_refused_before_anything_is_removed(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    check_receipt(tmp_path / "receipt.json")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("unlearn_audit.engine.erasure.receipt.hold_part", full)
    with pytest.raises(AuditError, match=r"receipt\.json cannot be written \(No space left on device\)"):
        check_receipt(tmp_path / "receipt.json")
