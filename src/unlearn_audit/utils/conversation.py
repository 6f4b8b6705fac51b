"""Programs of the user's that are talked to, line by line, for as long as they are needed."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from unlearn_audit.utils.leash import Ended, Leash

_LOOK = 0.5
"""Seconds between two looks whether the program still runs: what it started may hold its output open."""

_SECONDS_TO_END = 1.0


class Silence(Exception):
    """A program said nothing in its time."""


class Over(Exception):
    """A program ended, or closed its standard output, before it had said a whole line."""


class TooLong(Exception):
    """A program said a line that is longer than a line may be."""


class Conversation:
    """A program that reads lines on standard input, and answers on standard output.

    Only lines that are awaited are read, so that a program that talks without end waits. After `Silence` or `TooLong`
    its lines belong to no question any more: end it.

    Parameters
    ----------
    words
        The program and its arguments.
    folder
        Where it runs.

    Raises
    ------
    OSError
        As of `Leash`.
    """

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        self._leash = Leash(words, folder, talks=True)
        self._awaited: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def ask(self, line: bytes, seconds: float, most: int) -> bytes:
        """Tell a line, and return the next one that the program says.

        Parameters
        ----------
        line
            It ends with a line feed.
        seconds
            The time to answer.
        most
            Bytes of an answer.

        Raises
        ------
        Silence
            If its time is over.
        Over
            If it ended.
        TooLong
            If its line does not end after ``most`` bytes.
        """
        if self._leash.input.closed:
            raise Over
        with suppress(OSError):  # if it has ended, what it said before is of interest still
            self._leash.input.write(line)
            self._leash.input.flush()
        self._awaited.put(most)
        answer = self._next_line(time.monotonic() + seconds)
        if len(answer) > most:
            raise TooLong
        if not answer.endswith(b"\n"):
            raise Over
        return answer

    def end(self, seconds: float = 0.0) -> Ended:
        """Return how it ended; if it has not after some seconds, kill it with all that it started."""
        ended = self._leash.end(seconds)
        self._awaited.put(0)
        self._listener.join(_SECONDS_TO_END)
        return ended

    def _next_line(self, until: float) -> bytes:
        ended = False
        while True:
            left = until - time.monotonic()
            try:
                return self._heard.get(timeout=max(min(left, _LOOK), 0.0))
            except queue.Empty:
                if ended:
                    raise Over from None
                ended = not self._leash.runs  # what it said last may be on its way
                if left <= 0 and not ended:
                    raise Silence from None

    def _listen(self) -> None:
        with self._leash.output as output:
            while most := self._awaited.get():
                self._heard.put(output.readline(most + 1))
