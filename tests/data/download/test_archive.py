"""Datasets that their owners publish as one archive: what comes out of it, and what is fetched when."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unlearn_audit.data import DATASETS, Source, SourceFile
from unlearn_audit.data.datasets import bundled, cifar10, stl10
from unlearn_audit.data.download.archive import UnusableArchive, unpack
from unlearn_audit.data.download.fetch import Fetched, fetch
from unlearn_audit.errors import AuditError

ONE, TWO = bytes(range(256)) * 300, b"labels" * 1000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


FILES = (SourceFile("toy/one.bin", sha256=sha256(ONE)), SourceFile("toy/two.bin", size=len(TWO)))
PUBLISHED = {"toy/readme.txt": b"hello", "toy/one.bin": ONE, "toy/two.bin": TWO, "toy/more.bin": b"no label" * 999}


def packed(members: dict[str, bytes | tarfile.TarInfo]) -> bytes:
    """A .tar.gz of files by name, or of members of any other kind."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.name = name
            body = b"" if isinstance(content, tarfile.TarInfo) else content
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return buffer.getvalue()


def kind(of: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = of, target
    return info


def found(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name != ".fetch.lock"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "toy.tar.gz"
    path.write_bytes(packed(PUBLISHED))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_only_what_is_wanted_comes_out(archive: Path, folder: Path) -> None:
    unpack(archive, FILES, folder)
    assert found(folder) == {"toy/one.bin", "toy/two.bin"}
    assert (folder / "toy/one.bin").read_bytes() == ONE
    assert (folder / "toy/two.bin").read_bytes() == TWO


def test_names_may_start_with_a_dot(archive: Path, folder: Path) -> None:
    archive.write_bytes(packed({f"./{name}": content for name, content in PUBLISHED.items()}))
    unpack(archive, FILES, folder)
    assert found(folder) == {"toy/one.bin", "toy/two.bin"}


def test_what_follows_the_last_file_is_not_read(archive: Path, folder: Path) -> None:
    # Incompressible, and longer than what is read ahead.
    tail = b"".join(hashlib.sha256(bytes([i // 256, i % 256])).digest() for i in range(20_000))
    whole = packed({**PUBLISHED, "toy/more.bin": tail})
    archive.write_bytes(whole[:-200_000])
    unpack(archive, FILES, folder)
    assert found(folder) == {"toy/one.bin", "toy/two.bin"}


@pytest.mark.parametrize("name", ["../outside.bin", "/outside.bin", "toy/../../outside.bin"])
def test_no_name_leads_out_of_the_folder(archive: Path, folder: Path, name: str) -> None:
    archive.write_bytes(packed({name: b"evil", **PUBLISHED}))
    unpack(archive, FILES, folder)
    assert found(archive.parent) == {"toy.tar.gz", "data/toy/one.bin", "data/toy/two.bin"}


@pytest.mark.parametrize(
    "member",
    [kind(tarfile.SYMTYPE, "/etc/hostname"), kind(tarfile.LNKTYPE, "toy/readme.txt"), kind(tarfile.DIRTYPE)],
)
def test_what_is_no_plain_file_is_refused(archive: Path, folder: Path, member: tarfile.TarInfo) -> None:
    archive.write_bytes(packed({**PUBLISHED, "toy/one.bin": member}))
    with pytest.raises(UnusableArchive, match=r"its toy/one\.bin is not a plain file"):
        unpack(archive, FILES, folder)
    assert found(folder) == set()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"toy/one.bin": ONE[:-1]}, rf"toy/one\.bin is not the published file: SHA-256 expected {sha256(ONE)}, got"),
        ({"toy/two.bin": TWO[:-1]}, r"toy/two\.bin is not the published file: expected 6,000 bytes, got 5,999"),
    ],
)
def test_wrong_content_is_refused(archive: Path, folder: Path, changed: dict[str, bytes], told: str) -> None:
    archive.write_bytes(packed({**PUBLISHED, **changed}))
    with pytest.raises(UnusableArchive, match=told):
        unpack(archive, FILES, folder)
    assert found(folder) == {"toy/one.bin"} - set(changed)


def test_files_that_are_not_in_it_are_named(archive: Path, folder: Path) -> None:
    archive.write_bytes(packed({"elsewhere/one.bin": ONE, "toy/two.bin": TWO}))
    with pytest.raises(UnusableArchive, match=r"it lacks toy/one\.bin$"):
        unpack(archive, FILES, folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"no archive at all" * 100,
        lambda _: gzip.compress(b"no archive at all" * 100),
        lambda whole: whole[:200],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:100] + bytes(300) + whole[400:],
    ],
)
def test_broken_archive_leaves_no_half_file(archive: Path, folder: Path, damage: Any) -> None:
    archive.write_bytes(damage(packed(PUBLISHED)))
    with pytest.raises(UnusableArchive, match=r"it is not a complete \.tar\.gz|it lacks toy"):
        unpack(archive, FILES, folder)
    assert all((folder / name).read_bytes() == PUBLISHED[name] for name in found(folder))
    assert not list(folder.rglob("*.part"))


def toy(server: Any, monkeypatch: pytest.MonkeyPatch, content: bytes, **changes: Any) -> Source:
    """Register a dataset of which the server holds the archive."""
    server.script.files["toy.tar.gz"] = content
    archive = SourceFile("toy.tar.gz", f"{server.url}/toy.tar.gz", sha256(content), len(content))
    source = Source("toy", "A toy", "none", "nobody", 1, 1, 2, files=FILES, archive=replace(archive, **changes))
    monkeypatch.setitem(DATASETS, "toy", (source, bundled.load_digits))
    return source


def test_fetch_takes_the_files_and_removes_the_archive(
    server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = packed(PUBLISHED)
    source = toy(server, monkeypatch, content)
    assert source.fetchable
    assert source.how() == "run 'unlearn-audit data fetch toy'"
    seen: list[tuple[str, int, int | None]] = []
    done = fetch("toy", folder, progress=lambda file, received, total: seen.append((file.path, received, total)))
    assert done == tuple(Fetched(folder / file.path, downloaded=True) for file in FILES)
    assert found(folder) == {"toy/one.bin", "toy/two.bin"}
    assert seen[-1] == ("toy.tar.gz", len(content), len(content))
    assert fetch("toy", folder) == tuple(Fetched(folder / file.path, downloaded=False) for file in FILES)
    assert len(server.script.asked) == 1


def test_fetch_keeps_the_files_that_are_there(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy(server, monkeypatch, packed(PUBLISHED))
    (folder / "toy").mkdir(parents=True)
    (folder / "toy/one.bin").write_bytes(ONE)
    assert [file.downloaded for file in fetch("toy", folder)] == [False, True]


@pytest.mark.parametrize(
    ("file", "told"), [("toy/one.bin", "SHA-256 expected"), ("toy/two.bin", "expected 6,000 bytes")]
)
def test_wrong_file_of_the_user_is_named_before_the_download(
    server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, file: str, told: str
) -> None:
    toy(server, monkeypatch, packed(PUBLISHED))
    (folder / "toy").mkdir(parents=True)
    (folder / file).write_bytes(b"mine")
    with pytest.raises(AuditError, match=f"{file} is there but is not the published file .{told}"):
        fetch("toy", folder)
    assert (folder / file).read_bytes() == b"mine"
    assert server.script.asked == []


def test_broken_download_goes_on_where_it_stopped(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy(server, monkeypatch, packed(PUBLISHED))
    server.script.cut_after = [400]
    with pytest.raises(AuditError, match="cannot download"):
        fetch("toy", folder, attempts=1)
    assert found(folder) == {"toy.tar.gz.part"}
    fetch("toy", folder)
    assert server.script.asked[-1][1] == "bytes=400-"
    assert found(folder) == {"toy/one.bin", "toy/two.bin"}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_interrupted_unpacking_needs_no_second_download(
    server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, interruption: Any
) -> None:
    toy(server, monkeypatch, packed(PUBLISHED))

    def interrupted(content: Any, out: Any) -> None:
        out.write(content.read(10))
        raise interruption

    with monkeypatch.context() as patch:
        patch.setattr("unlearn_audit.data.download.archive.shutil.copyfileobj", interrupted)
        with pytest.raises((KeyboardInterrupt, AuditError), match=r"No space left on device|^$"):
            fetch("toy", folder)
    assert found(folder) == {"toy.tar.gz.part"}
    fetch("toy", folder)
    assert found(folder) == {"toy/one.bin", "toy/two.bin"}
    assert len(server.script.asked) == 1


def test_wrong_digest_of_the_archive(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy(server, monkeypatch, packed(PUBLISHED), sha256="00")
    with pytest.raises(AuditError, match=r"toy\.tar\.gz is not the published file \(SHA-256 expected 00, got"):
        fetch("toy", folder)
    assert found(folder) == set()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (packed({"toy/one.bin": ONE}), r"it lacks toy/two\.bin"),
        (b"no archive at all" * 100, r"it is not a complete \.tar\.gz: "),
    ],
)
def test_useless_archive_is_deleted(
    server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, told: str
) -> None:
    toy(server, monkeypatch, content)
    with pytest.raises(AuditError, match=rf"/toy\.tar\.gz cannot be used \({told}.*the download was deleted") as caught:
        fetch("toy", folder)
    assert "\n" not in str(caught.value)
    assert not list(folder.rglob("*.part"))
    assert not (folder / "toy.tar.gz").exists()


def test_archive_of_the_user_is_used_and_kept(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = packed(PUBLISHED)
    toy(server, monkeypatch, content)
    folder.mkdir()
    (folder / "toy.tar.gz").write_bytes(content)
    fetch("toy", folder)
    assert found(folder) == {"toy.tar.gz", "toy/one.bin", "toy/two.bin"}
    assert server.script.asked == []


def test_useless_archive_of_the_user_is_named_and_kept(
    server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = packed({"toy/one.bin": ONE})
    toy(server, monkeypatch, content)
    folder.mkdir()
    (folder / "toy.tar.gz").write_bytes(content)
    with pytest.raises(AuditError, match=r"toy\.tar\.gz cannot be used \(it lacks toy/two\.bin\); delete it"):
        fetch("toy", folder)
    (folder / "toy.tar.gz").write_bytes(content + b"more")
    with pytest.raises(AuditError, match=r"toy\.tar\.gz is there but is not the published file"):
        fetch("toy", folder)
    assert "toy.tar.gz" in found(folder)
    assert server.script.asked == []


def test_offline(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy(server, monkeypatch, packed(PUBLISHED), url="http://127.0.0.1:9/toy.tar.gz")
    with pytest.raises(AuditError) as caught:
        fetch("toy", folder, attempts=2, wait=0)
    sentence = str(caught.value)
    assert sentence.startswith("cannot download http://127.0.0.1:9/toy.tar.gz (")
    assert sentence.endswith(f"; download it by hand to {folder / 'toy.tar.gz'} and fetch again")
    assert "\n" not in sentence


def test_a_mirror_holds_the_archive(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy(server, monkeypatch, packed(PUBLISHED), url="https://nowhere.invalid/elsewhere.tgz")
    fetch("toy", folder, base_url=f"{server.url}/")
    assert found(folder) == {"toy/one.bin", "toy/two.bin"}
    assert server.script.asked == [("/toy.tar.gz", None)]


@pytest.mark.parametrize("source", [cifar10.SOURCE, stl10.SOURCE], ids=lambda source: source.name)
def test_the_published_archives_are_fetchable(source: Source) -> None:
    assert source.fetchable
    assert source.how() == f"run 'unlearn-audit data fetch {source.name}'"
    assert not replace(source, archive=replace(source.archive, url=None), how_to_get="ask").fetchable
    assert not any(file.url for file in source.files)


def test_part_of_a_dataset_is_enough_only_where_it_says_so(folder: Path) -> None:
    for source, enough in ((cifar10.SOURCE, True), (stl10.SOURCE, False)):
        assert not source.usable(folder)
        path = folder / source.files[1].path
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
        assert source.usable(folder) == enough
        assert len(source.missing(folder)) == len(source.files) - 1


def test_an_archive_that_unpacks_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(packed({"bomb": bytes(5000), **PUBLISHED}))
    monkeypatch.setattr("unlearn_audit.data.download.archive.MOST_UNPACKED", 4000)
    with pytest.raises(UnusableArchive, match="more than 4,000 bytes"):
        unpack(path, FILES, tmp_path)
    assert found(tmp_path) == {"a.tar.gz"}


def test_a_member_of_another_size_is_not_written_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(packed({"toy/two.bin": TWO * 50}))
    with pytest.raises(UnusableArchive, match=f"expected {len(TWO):,} bytes, got {50 * len(TWO):,}"):
        unpack(path, FILES[1:], tmp_path)
    assert found(tmp_path) == {"a.tar.gz"}


def test_no_damage_to_an_archive_is_another_error(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.tar.gz", packed(PUBLISHED)
    for content in (b"", b"\x1f", b"BZh", b"\xfd7zXZ", *(whole[:at] for at in range(1, len(whole), 97))):
        path.write_bytes(content)
        try:
            unpack(path, FILES, tmp_path)
        except UnusableArchive:
            continue
        # what is cut off lay behind the last file wanted
        assert (tmp_path / "toy/one.bin").read_bytes() == ONE
        assert (tmp_path / "toy/two.bin").read_bytes() == TWO
        assert len(content) > len(whole) // 2
