"""Requests to servers that fail in passing: which failures another try may cure, and how long to wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

# request timeout, too early, too many requests, and the server's own passing troubles
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers of a server after which it may answer otherwise."""

LONGEST_WAIT = 30.0
"""Seconds between two tries at most, unless the server asks for more."""


class Passing(Exception):
    """A failure that another try may cure.

    Parameters
    ----------
    why
        What failed.
    after
        Seconds that the server asks to wait; None where it asks for nothing.
    """

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class Closing(Protocol):
    """What has connections to close."""

    def close(self) -> None:
        """Close them."""
        ...


def pause(failures: int, first: float) -> float:
    """Return the seconds to wait after so many failures in a row: twice as many each time.

    Examples
    --------
    >>> [pause(failures, 1.0) for failures in (1, 2, 3, 9)]
    [1.0, 2.0, 4.0, 30.0]
    """
    return min(first * 2.0 ** min(failures - 1, 60), LONGEST_WAIT)


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a header ``Retry-After`` asks to wait: a number or a date; None for anything else.

    Examples
    --------
    >>> retry_after("2"), retry_after("Thu, 01 Jan 1970 00:00:00 GMT"), retry_after("soon"), retry_after(None)
    (2.0, 0.0, None, None)
    """
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    zoned = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max((zoned - datetime.now(UTC)).total_seconds(), 0.0)


class Clock:
    """The time that requests have together, and their turns.

    Parameters
    ----------
    time_limit
        Seconds from now on.
    rate
        Requests a second at most; None for no limit.
    """

    def __init__(self, time_limit: float = 86_400.0, rate: float | None = None) -> None:
        self.time_limit, self._rate = time_limit, rate
        self._end = time.monotonic() + time_limit
        self._next = 0.0

    @property
    def left(self) -> float:
        """Seconds that are left; 0 at least."""
        return max(self._end - time.monotonic(), 0.0)

    def wait_for_turn(self) -> bool:
        """Wait until the next request may be sent, and return whether there is time for it."""
        time.sleep(min(max(self._next - time.monotonic(), 0.0), self.left))
        if self._rate is not None:
            self._next = time.monotonic() + 1.0 / self._rate
        return self.left > 0


@contextmanager
def closed_after(seconds: float, client: Closing) -> Iterator[None]:
    """End the connections of a client after some time: a server may send a byte now and then for ever."""
    timer = threading.Timer(seconds, client.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
