"""Downloads from a server on this computer that can be told to misbehave."""

from __future__ import annotations

import gzip
import hashlib
import time
from pathlib import Path
from typing import Any

import filelock
import pytest

from unlearn_audit.data import DATASETS, Source, SourceFile
from unlearn_audit.data.datasets import bundled, checkins
from unlearn_audit.data.download.fetch import Fetched, fetch
from unlearn_audit.errors import AuditError

CONTENT = bytes(range(256)) * 400
FILE = "toy/records.bin"


def _source(file: SourceFile) -> Source:
    return Source("toy", "A toy", "none", "nobody", 1, 1, 2, files=(file,))


@pytest.fixture
def toy(server: Any, monkeypatch: pytest.MonkeyPatch) -> SourceFile:
    """A dataset of one file that the server holds."""
    server.script.files[FILE] = CONTENT
    file = SourceFile(FILE, f"{server.url}/{FILE}", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    monkeypatch.setitem(DATASETS, "toy", (_source(file), bundled.load_digits))
    return file


def _register(monkeypatch: pytest.MonkeyPatch, file: SourceFile) -> None:
    monkeypatch.setitem(DATASETS, "toy", (_source(file), bundled.load_digits))


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()} - {".fetch.lock"}


@pytest.mark.usefixtures("toy")
def test_download_then_nothing_more_to_do(server: Any, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    done = fetch("toy", tmp_path / "new", progress=lambda _, received, total: seen.append((received, total)))
    path = tmp_path / "new" / FILE
    assert done == (Fetched(path, downloaded=True),)
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert _files(tmp_path) == {"records.bin"}
    assert fetch("toy", tmp_path / "new") == (Fetched(path, downloaded=False),)
    assert len(server.script.asked) == 1


@pytest.mark.usefixtures("toy")
def test_broken_connections_go_on_where_they_stopped(server: Any, tmp_path: Path) -> None:
    # Seven breaks, more than the attempts: each brings something new.
    server.script.cut_after = [10_000] * 7
    fetch("toy", tmp_path, attempts=3, wait=0)
    assert (tmp_path / FILE).read_bytes() == CONTENT
    ranges = [wanted for _, wanted in server.script.asked]
    assert ranges == [None, *(f"bytes={10_000 * i}-" for i in range(1, 8))]


@pytest.mark.usefixtures("toy")
def test_end_without_a_length_is_noticed_by_size(server: Any, tmp_path: Path) -> None:
    server.script.length = False
    server.script.cut_after = [5]
    fetch("toy", tmp_path, wait=0)
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert len(server.script.asked) == 2


@pytest.mark.usefixtures("toy")
def test_server_without_ranges_starts_again(server: Any, tmp_path: Path) -> None:
    server.script.ranges = False
    server.script.cut_after = [10_000]
    fetch("toy", tmp_path, wait=0)
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.script.asked] == [None, "bytes=10000-"]


@pytest.mark.usefixtures("toy")
def test_server_without_ranges_that_always_breaks_is_given_up(server: Any, tmp_path: Path) -> None:
    server.script.ranges = False
    server.script.cut_after = [10_000] * 20
    with pytest.raises(AuditError, match="cannot download"):
        fetch("toy", tmp_path, attempts=3, wait=0)
    # The first try brought something new, the next two nothing.
    assert len(server.script.asked) == 3
    assert _files(tmp_path) == {"records.bin.part"}


@pytest.mark.usefixtures("toy")
def test_range_from_elsewhere_is_not_appended(server: Any, tmp_path: Path) -> None:
    server.script.cut_after = [10_000]
    server.script.wrong_start = [7]
    fetch("toy", tmp_path, wait=0)
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.script.asked] == [None, "bytes=10000-", None]


@pytest.mark.usefixtures("toy")
def test_part_of_an_earlier_run_is_used(server: Any, tmp_path: Path) -> None:
    part = tmp_path / f"{FILE}.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:50_000])
    fetch("toy", tmp_path)
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.script.asked] == ["bytes=50000-"]
    assert _files(tmp_path) == {"records.bin"}


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("stale", [b"x" * 50_000, b"x" * (len(CONTENT) + 5)])
def test_part_of_another_file_is_thrown_away(server: Any, tmp_path: Path, stale: bytes) -> None:
    part = tmp_path / f"{FILE}.part"
    part.parent.mkdir()
    part.write_bytes(stale)
    fetch("toy", tmp_path, wait=0)
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert server.script.asked[-1] == (f"/{FILE}", None)


@pytest.mark.usefixtures("toy")
def test_whole_part_needs_no_request(server: Any, tmp_path: Path) -> None:
    part = tmp_path / f"{FILE}.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    fetch("toy", tmp_path)
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert server.script.asked == []


@pytest.mark.parametrize("extra", [b"", b"too much"])
def test_416_means_whole_or_stale(
    server: Any, toy: SourceFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: bytes
) -> None:
    _register(monkeypatch, SourceFile(FILE, toy.url, toy.sha256))  # of unknown size
    part = tmp_path / f"{FILE}.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT + extra)
    fetch("toy", tmp_path, wait=0)
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert len(server.script.asked) == (2 if extra else 1)


@pytest.mark.usefixtures("toy")
def test_passing_troubles_are_tried_again(server: Any, tmp_path: Path) -> None:
    server.script.statuses = [503, 429, 200]
    fetch("toy", tmp_path, wait=0)
    assert (tmp_path / FILE).read_bytes() == CONTENT


@pytest.mark.usefixtures("toy")
def test_lasting_trouble_of_the_server(server: Any, tmp_path: Path) -> None:
    server.script.statuses = [503] * 9
    with pytest.raises(AuditError, match="the server answered 503 Service Unavailable"):
        fetch("toy", tmp_path, attempts=4, wait=0)
    assert len(server.script.asked) == 4


@pytest.mark.parametrize("status", [403, 404, 410])
def test_refusal_is_not_tried_again(server: Any, toy: SourceFile, tmp_path: Path, status: int) -> None:
    server.script.statuses = [status]
    with pytest.raises(AuditError) as told:
        fetch("toy", tmp_path)
    sentence = str(told.value)
    assert f"the server answered {status}" in sentence
    assert str(toy.url) in sentence
    assert f"download it by hand to {tmp_path / FILE}, or set UNLEARN_AUDIT_DATA" in sentence
    assert len(server.script.asked) == 1
    assert _files(tmp_path) == set()


def test_wrong_digest_names_both_and_leaves_nothing(server: Any, toy: SourceFile, tmp_path: Path) -> None:
    forged = b"?" * len(CONTENT)
    server.script.files[FILE] = forged
    with pytest.raises(AuditError) as told:
        fetch("toy", tmp_path)
    assert f"expected {toy.sha256}, got {hashlib.sha256(forged).hexdigest()}" in str(told.value)
    assert _files(tmp_path) == set()


@pytest.mark.usefixtures("toy")
def test_wrong_file_of_the_user_is_named_and_kept(server: Any, tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / FILE).write_bytes(b"mine")
    with pytest.raises(AuditError, match="is there but is not the published file"):
        fetch("toy", tmp_path)
    assert (tmp_path / FILE).read_bytes() == b"mine"
    assert server.script.asked == []


@pytest.mark.usefixtures("toy")
def test_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir(parents=True)
    with pytest.raises(AuditError, match="is in the way"):
        fetch("toy", tmp_path)


def test_offline(toy: SourceFile, tmp_path: Path) -> None:
    with pytest.raises(AuditError, match=r"cannot download http://127\.0\.0\.1:9/toy/records\.bin") as told:
        fetch("toy", tmp_path, base_url="http://127.0.0.1:9/", attempts=2, wait=0)
    assert "download it by hand" in str(told.value)
    assert "\n" not in str(told.value)
    assert _files(tmp_path) == set()


@pytest.mark.usefixtures("toy")
def test_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match=r"cannot download ftp://nowhere/toy/records\.bin"):
        fetch("toy", tmp_path, base_url="ftp://nowhere")


@pytest.mark.parametrize("level", [1, 9])
def test_gzip_is_checked_by_content(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: int) -> None:
    server.script.files[FILE] = gzip.compress(CONTENT, level)
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    _register(monkeypatch, SourceFile(FILE, f"{server.url}/{FILE}", sha256, digest_of="content"))
    fetch("toy", tmp_path)
    assert gzip.decompress((tmp_path / FILE).read_bytes()) == CONTENT


def test_gzip_that_is_none(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.script.files[FILE] = CONTENT
    _register(monkeypatch, SourceFile(FILE, f"{server.url}/{FILE}", "00", digest_of="content"))
    with pytest.raises(AuditError, match="expected 00, got not a whole gzip file"):
        fetch("toy", tmp_path)


@pytest.mark.usefixtures("toy")
def test_two_at_once_are_kept_apart(tmp_path: Path) -> None:
    with filelock.FileLock(tmp_path / ".fetch.lock"), pytest.raises(AuditError, match="another fetch"):
        fetch("toy", tmp_path)


@pytest.mark.usefixtures("toy")
def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match="cannot write"):
        fetch("toy", tmp_path / "file")


def test_what_cannot_be_fetched_says_where_to_ask(tmp_path: Path) -> None:
    for name in ("us-accidents", "insta-ny", "checkins-nyc"):
        with pytest.raises(AuditError) as told:
            fetch(name, tmp_path)
        assert DATASETS[name][0].how_to_get in str(told.value)


def test_what_is_there_without_being_fetchable_is_fine(tmp_path: Path) -> None:
    path = tmp_path / checkins.INSTA_NY.files[0].path
    path.parent.mkdir()
    path.write_text("locid")
    assert fetch("insta-ny", tmp_path) == (Fetched(path, downloaded=False),)


def test_what_comes_with_a_package_needs_nothing(tmp_path: Path) -> None:
    assert fetch("digits", tmp_path) == ()
    assert _files(tmp_path) == set()


def test_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="unknown dataset 'toys'"):
        fetch("toys", tmp_path)


def test_more_than_the_published_size_is_refused_before_it_comes(server: Any, toy: SourceFile, tmp_path: Path) -> None:
    server.script.files[FILE] = CONTENT * 3
    with pytest.raises(
        AuditError, match=f"sends {3 * len(CONTENT):,} bytes or more, and {len(CONTENT):,} the published"
    ):
        fetch("toy", tmp_path, wait=0)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) <= len(CONTENT) + 4096 * 4
    assert str(toy.url)


@pytest.mark.parametrize("sized", [True, False])
def test_what_never_ends_is_stopped_at_a_size(
    server: Any, toy: SourceFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sized: bool
) -> None:
    if not sized:
        _register(monkeypatch, SourceFile(FILE, toy.url))
    server.script.endless = True
    with pytest.raises(AuditError, match="bytes or more, and"):
        fetch("toy", tmp_path, wait=0, most_bytes=3 * len(CONTENT))
    (part,) = tmp_path.rglob("*.part")
    assert part.stat().st_size <= (1 if sized else 3) * len(CONTENT)


@pytest.mark.usefixtures("toy")
def test_what_comes_byte_by_byte_is_stopped_at_a_time(server: Any, tmp_path: Path) -> None:
    server.script.slow = 0.05
    begun = time.monotonic()
    with pytest.raises(AuditError, match="stopped at its time limit, after 0 bytes; fetch again to continue"):
        fetch("toy", tmp_path, wait=0, seconds=0.3)
    assert time.monotonic() - begun < 20  # by itself it would take 5 minutes for its headers alone


@pytest.mark.usefixtures("toy")
def test_what_came_in_time_stays(server: Any, tmp_path: Path) -> None:
    part = tmp_path / f"{FILE}.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:50_000])
    with pytest.raises(AuditError, match="time limit, after 50,000 bytes"):
        fetch("toy", tmp_path, wait=0, seconds=0)
    fetch("toy", tmp_path)
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert server.script.asked[-1][1] == "bytes=50000-"
