"""Calls to an agent in one episode: what becomes of those that fail, and when nothing more is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from unlearn_audit.agents import Agent, Failure
from unlearn_audit.audits.agents.heard import Event
from unlearn_audit.audits.agents.phases import MOMENTS
from unlearn_audit.errors import AuditError

T = TypeVar("T")

MOST_IN_A_ROW = 20
"""Questions in a row that may fail in any way."""

MOST_LOST_IN_A_ROW = 5
"""Calls in a row that may hang, or be of no use."""

MOST_LOST, COUNTED_FROM = 0.05, 100
"""Share of the prompts at which the agent may hang or end, once so many were asked."""

_DID = {"hung": "hung", "raised": "raised an error", "broken": "gave no reply of use"}


class Calls:
    """Makes the calls of one episode.

    Sentences of failures may quote the agent, so they go into private events and to ``say`` alone.

    Parameters
    ----------
    agent
        The agent.
    note
        Keeps an event.
    say
        Shows a line to whoever runs the audit.
    deadline
        When the time for all calls is over, by `time.monotonic`.
    time_limit
        How long that time is, in seconds.
    """

    def __init__(
        self,
        agent: Agent,
        note: Callable[[Event], None],
        say: Callable[[str], None],
        deadline: float,
        time_limit: float,
    ) -> None:
        self._agent, self._note, self._say = agent, note, say
        self._deadline, self._time_limit = deadline, time_limit
        self._done = list[tuple[str, Callable[[], object]]]()
        self._asked = self._in_a_row = self._lost_in_a_row = self._lost = 0
        self._stopped: str | None = None
        self.moment = ""

    @property
    def stopped(self) -> bool:
        """Whether nothing more is asked."""
        if self._stopped is None and time.monotonic() >= self._deadline:
            self._stop(f"the time limit of {self._time_limit:,g} seconds was reached", "")
        return self._stopped is not None

    def begin(self) -> None:
        """Reset the agent, which an earlier episode may have left without life.

        Raises
        ------
        AuditError
            If it cannot be reset.
        """
        if self.stopped:
            return
        try:
            try:
                self._agent.reset()
            except Failure as failure:
                if not failure.ended or not self._agent.restart():
                    raise
                self._agent.reset()
        except Failure as failure:
            raise AuditError(f"{self._agent.where} cannot be reset: {failure}") from failure
        self._done.append(("reset", self._agent.reset))

    def change(self, name: str, call: Callable[[], object]) -> None:
        """Make a call that changes the agent's state; if it fails, bring the agent back and make it once more.

        Raises
        ------
        AuditError
            If a document cannot be ingested, and nothing was asked yet.
        """
        if self.stopped:
            return
        try:
            try:
                call()
            except Failure as failure:
                # half of the call may have been done; it does no harm to switch the memory twice
                if (failure.ended or name != "set_memory") and not self._brought_back(failure, name):
                    return
                call()
        except Failure as failure:
            if name == "ingest" and not self._asked:
                raise AuditError(f"{self._agent.where} could not ingest a document: {failure}") from failure
            self._stop(f"'{name}' failed twice ({_DID[failure.what]} the second time){self._when()}", str(failure))
            return
        self._done.append((name, call))

    def ask(self, call: Callable[[], T]) -> T:
        """Make a call that is a question.

        Raises
        ------
        Failure
            If it fails; by then the agent was brought back, or the episode stopped.
        """
        self._asked += 1
        return self._heard("ask", call)

    def delete(self, call: Callable[[], T]) -> T:
        """Make a call that deletes somebody.

        Raises
        ------
        Failure
            If it fails; see `ask`.
        """
        found = self._heard("delete", call)
        self._done.append(("delete", call))
        return found

    def look(self, name: str, call: Callable[[], T]) -> T | None:
        """Make a call that shows something without being a question; return None where it fails."""
        try:
            return self._heard(name, call)
        except Failure as failure:
            self._note({"what": "failed", "call": name, "phase": self.moment, "why": str(failure)})
            return None

    def _heard(self, name: str, call: Callable[[], T]) -> T:
        try:
            found = call()
        except Failure as failure:
            self._count(name, failure)
            if self._stopped is None and failure.ended:
                self._brought_back(failure, name)
            raise
        self._in_a_row = self._lost_in_a_row = 0
        return found

    def _count(self, name: str, failure: Failure) -> None:
        """Count a failure, and stop where there are too many."""
        lost = failure.what != "raised"
        self._in_a_row += lost or name == "ask"  # other calls may raise whenever they are made, as if they lacked
        self._lost_in_a_row = self._lost_in_a_row + 1 if lost else 0
        self._lost += failure.what == "hung" or failure.ended
        last = f"the last, '{name}', {_DID[failure.what]}{self._when()}"
        if self._lost_in_a_row >= MOST_LOST_IN_A_ROW:
            self._stop(f"{self._lost_in_a_row} calls in a row hung or gave no reply of use; {last}", str(failure))
        elif self._in_a_row >= MOST_IN_A_ROW:
            self._stop(f"{self._in_a_row} questions in a row failed; {last}", str(failure))
        elif self._asked >= COUNTED_FROM and self._lost > MOST_LOST * self._asked:
            self._stop(f"the agent hung or ended {self._lost} times in {self._asked:,} prompts; {last}", str(failure))

    def _brought_back(self, failure: Failure, at: str) -> bool:
        """Bring an agent back to where it was, and return whether that was possible.

        All calls that changed its state are made again, from the reset on.
        """
        try:
            if failure.ended and not self._agent.restart():
                self._give_up("the agent cannot be started again", failure, at)
                return False
        except Failure as another:
            self._give_up("the agent did not start again", another, at)
            return False
        for name, call in self._done:
            try:
                call()
            except Failure as another:
                self._give_up(f"'{name}' failed when it was repeated", another, at)
                return False
        return True

    def _give_up(self, why: str, failure: Failure, at: str) -> None:
        if at == "ingest" and not self._asked:
            raise AuditError(f"{self._agent.where} could not ingest a document, and {why}: {failure}") from failure
        self._stop(f"{why} after '{at}' failed{self._when()}", str(failure))

    def _when(self) -> str:
        """Return which phase it was, as the end of a sentence."""
        return f" (phase: {MOMENTS.get(self.moment, self.moment)})" if self.moment else ""

    def _stop(self, why: str, said: str) -> None:
        self._stopped = why
        self._note({"what": "stopped", "why": why, "said": said})
        self._say(f"The audit asks no more in this episode: {why}" + (f". {said}" if said else ""))
