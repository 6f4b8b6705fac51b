"""Downloading datasets: resumable, checked by digest, and never half a file under the final name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock
import httpx

from unlearn_audit.data import find_source
from unlearn_audit.data.download.archive import UnusableArchive, unpack
from unlearn_audit.data.download.location import FOLDER_VARIABLE
from unlearn_audit.data.source import Source, SourceFile, wrong
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import reason
from unlearn_audit.utils.retrying import PASSING, Passing, closed_after, pause

Progress = Callable[[SourceFile, int, int | None], None]
"""Gets the file, the bytes received so far, and the bytes in all (None where unknown)."""

MOST_BYTES = 20 * 10**9
"""The most that is downloaded of a file whose size its owner does not publish."""

MOST_SECONDS = 6 * 3600.0
"""The longest that the download of a dataset takes, whatever arrives meanwhile."""


@dataclass(frozen=True)
class Fetched:
    """One file that is now in place: its path, and whether it had to be downloaded (or taken from an archive)."""

    path: Path
    downloaded: bool


def fetch(
    name: str,
    folder: Path,
    *,
    base_url: str | None = None,
    progress: Progress | None = None,
    attempts: int = 5,
    wait: float = 1.0,
    most_bytes: int = MOST_BYTES,
    seconds: float = MOST_SECONDS,
) -> tuple[Fetched, ...]:
    """Download the files of a dataset that ``folder`` lacks, and check every file's digest.

    A broken download stays as ``<file>.part`` and goes on where it stopped, in this call or the next. An archive
    keeps that name until its files are out of it, and is then removed; under its own name it is the user's, is
    used and stays.

    Parameters
    ----------
    name
        A key of ``DATASETS``.
    folder
        The data folder; made if absent.
    base_url
        A mirror that holds the files (or the archive) under their paths in the data folder, instead of the
        owner's address.
    progress
        Called as bytes arrive.
    attempts
        How many tries in a row may bring nothing new before giving up.
    wait
        Seconds before the second try; doubled each time, up to 30.
    most_bytes
        The most that is taken of one file. A file of a published size is never longer than that.
    seconds
        The longest that all of it may take; what arrived until then stays, and the next call goes on from there.

    Returns
    -------
    tuple of Fetched
        One for each file; empty for a dataset that comes with a package.

    Raises
    ------
    AuditError
        If the dataset is unknown or cannot be downloaded without asking, the server cannot be reached or
        refuses, a digest is wrong, an archive lacks a file, the folder cannot be written, or another fetch is
        at work in it.
    """
    source = find_source(name)
    if not source.files:
        return ()
    if not source.fetchable and base_url is None:
        source.require(folder)
        return tuple(_kept(file, folder) for file in source.files if (folder / file.path).is_file())
    timeout = httpx.Timeout(30, connect=10)
    with _alone_in(folder), httpx.Client(follow_redirects=True, timeout=timeout) as client:
        download = _Download(client, folder, progress, attempts, wait, most_bytes, time.monotonic() + seconds)
        # a server may send a byte now and then for ever, of its headers too
        with closed_after(seconds, client):
            if source.archive is not None:
                return _from_archive(source.archive, source, download, base_url)
            return tuple(
                _kept(file, folder) if (folder / file.path).exists() else download.fetch(file, _address(file, base_url))
                for file in source.files
            )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make a folder and keep other fetches out of it; say what to do where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".fetch.lock", timeout=0):
            yield
    except filelock.Timeout as error:
        raise AuditError(f"another fetch is at work in {folder}; wait until it ends") from error
    except OSError as error:
        raise AuditError(
            f"cannot write {error.filename or folder} ({error.strerror or error}); make room or set "
            f"{FOLDER_VARIABLE} to a folder you may write"
        ) from error


def _from_archive(
    archive: SourceFile, source: Source, download: _Download, base_url: str | None
) -> tuple[Fetched, ...]:
    """Check the files that are there, then take those that are not from the archive."""
    folder, final = download.folder, download.folder / archive.path
    there = {file.path: _kept(file, folder) for file in source.files if (folder / file.path).exists()}
    absent = [file for file in source.files if file.path not in there]
    if absent and final.exists():
        _kept(archive, folder)
        try:
            unpack(final, absent, folder)
        except UnusableArchive as error:
            raise AuditError(f"{final} cannot be used ({error}); delete it and fetch again") from error
    elif absent:
        url = _address(archive, base_url)
        part = download.whole(archive, url, f"download it by hand to {final} and fetch again")
        try:
            unpack(part, absent, folder)
        except UnusableArchive as error:
            part.unlink()  # else the next fetch would find the same in it
            raise AuditError(
                f"{url} cannot be used ({error}); the download was deleted, try again later or from another address"
            ) from error
        part.unlink()
    return tuple(there.get(file.path) or Fetched(folder / file.path, downloaded=True) for file in source.files)


def _address(file: SourceFile, base_url: str | None) -> str:
    if base_url is not None:
        return f"{base_url.rstrip('/')}/{file.path}"
    assert file.url is not None
    return file.url


def _kept(file: SourceFile, folder: Path) -> Fetched:
    """Check a file that is already there; it is the user's, so a wrong one is named and not replaced."""
    path = folder / file.path
    if not path.is_file():
        raise AuditError(f"{path} is in the way of a file of that name; move it away")
    if problem := wrong(path, file):
        raise AuditError(f"{path} is there but is not the published file ({problem}); delete it and fetch again")
    return Fetched(path, downloaded=False)


@dataclass(frozen=True)
class _Download:
    client: httpx.Client
    folder: Path
    progress: Progress | None
    attempts: int
    wait: float
    most_bytes: int
    deadline: float

    def fetch(self, file: SourceFile, url: str) -> Fetched:
        """Download one file and give it its name."""
        final = self.folder / file.path
        by_hand = f"download it by hand to {final}, or set {FOLDER_VARIABLE} to a folder that holds {file.path}"
        self.whole(file, url, by_hand).replace(final)
        return Fetched(final, downloaded=True)

    def whole(self, file: SourceFile, url: str, by_hand: str) -> Path:
        """Download one file: try until it is whole and check it; return its path, which ends in ``.part``.

        ``by_hand`` says what else a person can do, if that fails.
        """
        final = self.folder / file.path
        final.parent.mkdir(parents=True, exist_ok=True)
        part = final.with_name(final.name + ".part")
        left_by_another_run = part.exists()
        while True:
            self._complete(file, url, part, by_hand)
            problem = wrong(part, file)
            if not problem:
                return part
            part.unlink()
            if not left_by_another_run:
                raise AuditError(
                    f"{url} is not the published file ({problem}); the download was deleted, try again later or "
                    "from another network"
                )
            # The start may be that of an older file: once more, all of it.
            left_by_another_run = False

    def _complete(self, file: SourceFile, url: str, part: Path, by_hand: str) -> None:
        """Bring ``part`` to its full length, with a pause after each failure that brought nothing new."""
        failures, most = 0, _size(part)
        while True:
            try:
                self._transfer(file, url, part)
                return
            except (
                httpx.UnsupportedProtocol,
                httpx.HTTPStatusError,
                httpx.InvalidURL,
                httpx.TooManyRedirects,
            ) as error:
                raise AuditError(f"cannot download {url} ({reason(error)}); {by_hand}") from error
            except (httpx.TransportError, Passing, RuntimeError) as error:
                self._in_time(url, part)
                if isinstance(error, RuntimeError):
                    raise
                failures = 1 if _size(part) > most else failures + 1
                most = max(most, _size(part))
                if failures >= self.attempts:
                    raise AuditError(
                        f"cannot download {url} ({reason(error) or type(error).__name__}); {by_hand}"
                    ) from error
                time.sleep(max(min(pause(failures, self.wait), self.deadline - time.monotonic()), 0))

    def _in_time(self, url: str, part: Path) -> None:
        """Raise if the time is over."""
        if time.monotonic() >= self.deadline:
            raise AuditError(
                f"the download of {url} was stopped at its time limit, after {_size(part):,} bytes; fetch again to "
                "continue from there, with a higher --time-limit if the connection is slow"
            )

    def _bounded(self, file: SourceFile, url: str, size: int) -> None:
        """Raise if a file is longer than is taken."""
        most = self.most_bytes if file.size is None else file.size
        if size > most:
            published = "the published file has" if file.size is not None else "are downloaded per file, see --most-gb;"
            raise AuditError(
                f"{url} sends {size:,} bytes or more, and {most:,} {published}; try again later or from another address"
            )

    def _transfer(self, file: SourceFile, url: str, part: Path) -> None:
        """Ask once for what ``part`` lacks and append what comes."""
        have = _size(part)
        if file.size is not None and have >= file.size:
            return
        # Compression on the way would make the offsets of a range meaningless.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with self.client.stream("GET", url, headers=headers) as answer:
            start, total = _range(answer)
            if answer.status_code == 416 and have:
                if total == have:
                    return
                part.unlink()
                raise Passing("the server does not have the rest of the file")
            if answer.status_code in PASSING:
                raise Passing(f"the server answered {answer.status_code} {answer.reason_phrase}")
            if answer.status_code not in (200, 206):
                message = f"the server answered {answer.status_code} {answer.reason_phrase}"
                raise httpx.HTTPStatusError(message, request=answer.request, response=answer)
            if answer.status_code == 206 and start != have:
                part.unlink(missing_ok=True)
                raise Passing(f"the server sent a different part of the file than requested, from {start}")
            received = have if answer.status_code == 206 else 0
            length = _count(answer.headers.get("content-length", ""))
            if total is None and length is not None:
                total = received + length
            self._bounded(file, url, total or 0)
            with part.open("ab" if received else "wb") as out:
                for chunk in answer.iter_raw():
                    self._in_time(url, part)
                    self._bounded(file, url, received + len(chunk))
                    out.write(chunk)
                    received += len(chunk)
                    if self.progress is not None:
                        self.progress(file, received, total or file.size)
        if (file.size is not None and received < file.size) or (total is not None and received < total):
            raise Passing(f"the connection ended after {received:,} bytes")


def _range(answer: httpx.Response) -> tuple[int | None, int | None]:
    """Return start and total of ``Content-Range: bytes 5-9/10`` (or ``bytes */10``), None where not stated."""
    unit, _, value = answer.headers.get("content-range", "").partition(" ")
    span, _, total = value.partition("/")
    start = span.partition("-")[0]
    if unit != "bytes":
        return None, None
    return _count(start), _count(total)


def _count(text: str) -> int | None:
    """Return a number of bytes, None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
