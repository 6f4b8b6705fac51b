"""An agent that is given itself, in Python."""

from __future__ import annotations

import inspect
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

from unlearn_audit.agents.adapter import Adapter, adapter_of
from unlearn_audit.agents.base import Agent, Failure, Opening
from unlearn_audit.agents.spoken import SpokenAgent
from unlearn_audit.utils.doors import Given


class InProcessAgent(SpokenAgent):
    """An object that is called in one thread, where it is made too unless it is given: libraries may insist on that.

    A thread cannot be ended: after a call that takes too long the object may still be busy, and is asked no more.

    Parameters
    ----------
    given
        The object, or a class or function without arguments that makes it.
    opening
        How long it may take.
    """

    def __init__(self, given: Any, opening: Opening) -> None:
        where = str(Given.of(given))
        super().__init__(where, {"object": where, "content": _content_of(given)})
        self._given, self._opening = given, opening
        self._adapter: Adapter | None = None
        self._lost: Failure | None = None
        self._waits = False
        self._to_do: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def start(self) -> None:
        """Make the object.

        Raises
        ------
        AuditError
            If it is no agent.
        Failure
            If it takes too long.
        """
        threading.Thread(target=self._work, daemon=True, name=f"agent {self.where}").start()
        self._adapter = self._in_time(
            lambda: adapter_of(self._given, self.where), "the call that makes it", self._opening.start_timeout
        )
        self._greet()

    def close(self) -> None:
        """Let the thread end once it is free."""
        self._to_do.put(None)

    def restart(self) -> bool:
        """Return False: nobody can end a thread."""
        return False

    def _reply(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        adapter = self._adapter
        assert adapter is not None
        reply: Mapping[str, Any] = self._in_time(
            lambda: adapter.reply(message), f"'{message['call']}'", self._opening.timeout
        )
        return reply

    def _in_time(self, call: Callable[[], Any], what: str, seconds: float) -> Any:
        if self._lost is not None:
            raise self._lost
        if self._waits:  # the reply to a call that was interrupted would be taken for that to this one
            raise self._lose("was interrupted, and")
        self._waits = True
        self._to_do.put(call)
        try:
            found, error = self._done.get(timeout=seconds)
        except queue.Empty:
            raise self._lose(f"did not return from {what} within {seconds:g} seconds, and") from None
        self._waits = False
        if error is not None:
            raise error
        return found

    def _lose(self, why: str) -> Failure:
        """Return the failure that this call and all later ones raise."""
        then = (
            "may still be busy; give it more time, or name it as file.py:Class, so that it can be ended and restarted"
        )
        self._lost = Failure("hung", self._failed(f"{why} {then}"), ended=True)
        return self._lost

    def _work(self) -> None:
        while (call := self._to_do.get()) is not None:
            try:
                self._done.put((call(), None))
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                self._done.put((None, error))


@contextmanager
def opened_object(given: Any, opening: Opening) -> Iterator[Agent]:
    """Open an agent that is given itself, for as long as the block runs."""
    agent = InProcessAgent(given, opening)
    try:
        agent.start()
        yield agent
    finally:
        agent.close()


def _content_of(given: Any) -> str:
    """Return what tells an agent from another; of one that cannot be told, what no other has.

    A class or function is told by the file in which it is written, as long as nothing from elsewhere is part of it.
    """
    # a lambda, and what is made within a function, may hold values of that function
    whole = (isinstance(given, type) or inspect.isfunction(given)) and "<" not in given.__qualname__
    try:
        file = inspect.getsourcefile(given) if whole else None
        return token_hex(16) if file is None else sha256(Path(file).read_bytes()).hexdigest()
    except (OSError, TypeError):  # typed into a notebook, or built in
        return token_hex(16)
