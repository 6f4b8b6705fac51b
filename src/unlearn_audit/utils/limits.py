"""How much a file may hold: counted before anything of it is unpacked.

A file of some kilobytes can be made to unpack to terabytes. What a file says of itself is compared with a bound on its
values, which anybody with more memory can raise, and with the bytes it takes.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from unlearn_audit.errors import AuditError

MOST_VARIABLE = "UNLEARN_AUDIT_MOST_VALUES"
"""The environment variable that names the most values (rows x columns) that are read of one file."""

MOST_VALUES = 100_000_000
"""The most values of one file where the variable says nothing else: 0.8 GB as numbers."""

MOST_STREAMED = 400_000_000
"""The same of a file whose posteriors are read piece by piece, and held in 4 bytes each: 1.6 GB."""

_FEW = 4_000_000
"""So many values are read however few bytes they took."""

_VALUES_A_BYTE = 50
"""Beyond `_FEW`, a file of real answers or records holds fewer values than these a byte."""

_UNPACKED_A_BYTE = 200
"""Text compresses to no less than a byte for so many."""

_BYTES_A_VALUE = 40
"""A file of as many values as are read takes no more bytes than these a value."""


def most_values(*, streamed: bool = False) -> int:
    """Return the most values that are read of one file.

    Parameters
    ----------
    streamed
        Whether it is read piece by piece.

    Raises
    ------
    AuditError
        If the variable holds no whole number above 0.
    """
    given = os.environ.get(MOST_VARIABLE, "").strip()
    if not given:
        return MOST_STREAMED if streamed else MOST_VALUES
    # more digits than these are beyond any memory
    if not given.isdecimal() or len(given) > 18 or int(given) == 0:
        raise AuditError(f"{MOST_VARIABLE} is {given!r}; give a whole number of values above 0")
    return int(given)


def most_unpacked(stored: int) -> int:
    """Return how many bytes a compressed file of some size may hold."""
    most = most_values(streamed=True) * _BYTES_A_VALUE
    return most if MOST_VARIABLE in os.environ else min(most, max(_FEW * 8, stored * _UNPACKED_A_BYTE))


def check_amount(where: str | Path, values: int, stored: int, *, streamed: bool = False) -> None:
    """Raise an `AuditError` if a file holds more than is read.

    Parameters
    ----------
    where
        The file.
    values
        How many values it holds, of 8 bytes each.
    stored
        How many bytes it takes.
    streamed
        Whether it is read piece by piece.
    """
    most = most_values(streamed=streamed)
    if values > most:
        raise AuditError(
            f"{where} holds {values:,} values (rows x columns), more than the {most:,} that are read; leave out what "
            f"is not needed, or set {MOST_VARIABLE} to a larger number if there is memory for it"
        )
    if values > max(_FEW, stored * _VALUES_A_BYTE) and MOST_VARIABLE not in os.environ:
        raise AuditError(
            f"{where} would unpack to {values:,} values from {stored:,} bytes, like files made to exhaust memory; if "
            f"that is right, set {MOST_VARIABLE} to how many values may be read"
        )


def unzipped(path: Path, most_bytes: int) -> bytes:
    """Return the content of a gzip file.

    Raises
    ------
    AuditError
        If it unpacks to more bytes.
    OSError, EOFError, zlib.error
        If it is none, or not whole.
    """
    with gzip.open(path) as stream:
        content = stream.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise AuditError(f"{path} unpacks to more than {most_bytes:,} bytes, which is not the published file")
    return content


def check_stored(where: str | Path, stored: int, *, streamed: bool = False) -> None:
    """Raise an `AuditError` if a file takes more bytes than all values that are read of one file do."""
    most = most_values(streamed=streamed) * _BYTES_A_VALUE
    if stored > most:
        raise AuditError(
            f"{where} takes {stored:,} bytes, more than the {most:,} that are read ({_BYTES_A_VALUE} a value); leave "
            f"out what is not needed, or set {MOST_VARIABLE} to a larger number if there is memory for it"
        )
