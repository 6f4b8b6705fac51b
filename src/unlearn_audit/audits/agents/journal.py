"""Events of an audit in a file of JSON lines, so that an interrupted audit goes on where it can.

An agent's state cannot be stored, so an episode (from one reset to the next) is repeated unless it was finished.
Answers of an unfinished episode are kept only where the agent says that asking changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from unlearn_audit.audits.agents.heard import Event
from unlearn_audit.models.program.files import put
from unlearn_audit.utils.files import CannotWrite

NAME = ".answers.part"

_ANSWERS = ("reply", "repeat", "log-probabilities")


class Journal:
    """The events of an audit so far.

    Parameters
    ----------
    folder
        Of the run.
    asking_changes_nothing
        Whether answers of an unfinished episode may be used again.
    """

    def __init__(self, folder: Path, *, asking_changes_nothing: bool) -> None:
        self._path = folder / NAME
        self._reusable = asking_changes_nothing
        self._stream: IO[str] | None = None
        self._open: dict[tuple[Any, ...], Event] = {}
        self.events = self._finished(_read(self._path))
        self._rewrite()

    def ended(self, episode: str) -> bool:
        """Return whether an episode was finished."""
        return any(event["what"] == "end" and event["episode"] == episode for event in self.events)

    def known(self, episode: str, key: tuple[Any, ...]) -> Event | None:
        """Return what an interrupted episode was answered; None if that is not known, or may not be used."""
        return self._open.get((episode, *key))

    def add(self, event: Event) -> None:
        """Keep an event.

        Raises
        ------
        CannotWrite
            If it cannot be written.
        """
        self.events.append(event)
        there = self._open.get(_key(event)) if event["what"] in _ANSWERS else None
        if event["what"] == "end" and self._reused(event["episode"]):
            # from here on the file holds what this run heard, in its order, and none of what it did not use again
            self._open = {key: of for key, of in self._open.items() if key[0] != event["episode"]}
            self._rewrite()
        elif there != event:  # what is used again stands in the file already
            self._write(event)

    def close(self) -> None:
        """Close the file; what is in it stays."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def remove(self) -> None:
        """Remove the file: its content is elsewhere now."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _finished(self, events: list[Event]) -> list[Event]:
        """Return the events of finished episodes, and set those of others apart that can be used again."""
        done = {event["episode"] for event in events if event["what"] == "end"}
        left = [event for event in events if event["episode"] not in done and event["what"] in _ANSWERS]
        self._open = {_key(event): event for event in left if self._reusable and event.get("failure") is None}
        return [event for event in events if event["episode"] in done]

    def _reused(self, episode: str) -> bool:
        return any(key[0] == episode for key in self._open)

    def _rewrite(self) -> None:
        """Leave in the file what was heard, and what can be used again."""
        self.close()
        new = self._path.with_name(f"{NAME}.new")
        try:
            put(new, lines_of((*self.events, *self._open.values())).encode())
            os.replace(new, self._path)
            self._stream = self._path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise CannotWrite(error.errno or 5, error.strerror or str(error), str(self._path)) from error

    def _write(self, event: Event) -> None:
        assert self._stream is not None
        try:
            self._stream.write(lines_of([event]))
        except OSError as error:
            raise CannotWrite(error.errno or 5, error.strerror or str(error), str(self._path)) from error


def lines_of(events: Iterable[Event]) -> str:
    """Return events as lines of JSON."""
    return "".join(json.dumps(event) + "\n" for event in events)


def _key(event: Event) -> tuple[Any, ...]:
    where = event["episode"], event["what"], event["phase"], event["memory"]
    return (*where, event.get("probe"), event.get("key", event.get("canary")))


def _read(path: Path) -> list[Event]:
    """Return the whole lines of a file: the last one may have been cut."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    events = []
    for line in lines:
        try:
            events.append(json.loads(line))
        except ValueError:
            break
    return events
