"""Taking a dataset's files out of the archive in which its owner publishes them."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from unlearn_audit.data.source import SourceFile, wrong

MOST_UNPACKED = 50 * 10**9
"""The most bytes that an archive is unpacked to, what is skipped included."""

# what tarfile and its decompressor raise on bytes that are not what they should be
_BROKEN = (tarfile.TarError, EOFError, zlib.error, ValueError, TypeError, LookupError, OverflowError, MemoryError)


class UnusableArchive(Exception):
    """Why an archive does not give the files wanted, as words that fit into brackets."""


def unpack(archive: Path, files: Sequence[SourceFile], folder: Path) -> None:
    """Write ``files``, and nothing else, from a ``.tar.gz`` to their paths in ``folder``.

    A member is taken for a file when its name is the file's path; where it goes is the file's path too, so no
    name in the archive can lead out of the folder. The content goes to ``<file>.part``, is checked, and only
    then gets its name. What follows the last file wanted is not read.

    Parameters
    ----------
    archive
        The archive; its name does not matter.
    files
        What to take, with digests or sizes where they are known.
    folder
        The data folder.

    Raises
    ------
    UnusableArchive
        If the archive cannot be read to the last file wanted, lacks one, or holds one that is not the
        published one or not a plain file. Files before it are in place.
    """
    wanted, unpacked = {file.path: file for file in files}, 0
    try:
        # As a stream: a random access would unpack all that lies before each file once more.
        with tarfile.open(archive, "r|gz") as members:
            for member in members:
                unpacked += member.size
                if unpacked > MOST_UNPACKED:
                    raise UnusableArchive(f"it unpacks to more than {MOST_UNPACKED:,} bytes")
                file = wanted.pop(member.name.removeprefix("./"), None)
                if file is not None:
                    _write(members, member, file, folder)
                if not wanted:
                    return
    except _BROKEN as error:
        raise UnusableArchive(f"it is not a complete .tar.gz: {error}") from error
    raise UnusableArchive(f"it lacks {', '.join(wanted)}")


def _write(members: tarfile.TarFile, member: tarfile.TarInfo, file: SourceFile, folder: Path) -> None:
    content = members.extractfile(member) if member.isreg() else None
    if content is None:
        raise UnusableArchive(f"its {member.name} is not a plain file")
    if file.size is not None and member.size != file.size:
        raise UnusableArchive(
            f"its {member.name} is not the published file: expected {file.size:,} bytes, got {member.size:,}"
        )
    final = folder / file.path
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(final.name + ".part")
    try:
        with part.open("wb") as out:
            shutil.copyfileobj(content, out)
        if problem := wrong(part, file):
            raise UnusableArchive(f"its {member.name} is not the published file: {problem}")
        part.replace(final)
    finally:
        part.unlink(missing_ok=True)
