"""Agents to which every call goes as a message; what carries the messages differs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from unlearn_audit.agents.base import OPTIONAL, Agent, Answer, Document, Failure, Item
from unlearn_audit.agents.messages import Unusable, answer_of, claim_of, hello_of, items_of, logarithms_of
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import in_one_line

T = TypeVar("T")

_LONGEST = 600
"""Characters of an agent's own words that a sentence quotes."""


class SpokenAgent(Agent):
    """An agent that gets messages and replies to them, see `unlearn_audit.agents.messages`.

    Parameters
    ----------
    where, identity
        As of `Agent`.
    """

    def __init__(self, where: str, identity: Mapping[str, Any]) -> None:
        self.where, self.identity = where, identity
        self.offers, self.asking_changes_nothing = frozenset[str](), False

    @abstractmethod
    def _reply(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the reply to a message.

        Raises
        ------
        Failure
            If there is none.
        Unusable
            If it is none, and the next one will be of use.
        """

    def _greet(self) -> None:
        """Ask what it offers, before anything else."""
        self.offers, self.asking_changes_nothing = self._said({"call": "hello"}, hello_of)

    def _failed(self, what: str) -> str:
        """Return a sentence about this agent, as a message shows it."""
        return str(AuditError(f"agent {self.where} {what}"))

    def _said(self, message: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        call = message["call"]
        if call in OPTIONAL and call not in self.offers:
            raise AuditError(f"agent {self.where} offers no {call}; give it one, or leave out what needs it")
        try:
            reply = self._reply(message)
            if "error" not in reply:
                return read(reply["answer"])
            told = in_one_line(str(reply["error"]), _LONGEST)
            if reply.get("what") == "broken":
                raise Unusable(told)
            if reply.get("what") == "sentence":
                raise Failure("raised", told)
            raise Failure("raised", self._failed(f"failed at '{call}': {told or 'it says no more'}"))
        except Unusable as error:
            raise Failure("broken", self._failed(str(error))) from error

    def reset(self) -> None:
        """Let it forget everything and begin anew."""
        self._said({"call": "reset"}, _anything)

    def ingest(self, document: Document, train: bool) -> None:
        """Give it a document to remember, and with ``train`` also to train its weights on."""
        self._said(
            {"call": "ingest", "text": document.text, "person": document.person, "train": bool(train)}, _anything
        )

    def ask(self, prompt: str, session: str | None = None) -> Answer:
        """Return its answer."""
        return self._said({"call": "ask", "prompt": prompt, "session": session}, answer_of)

    def delete(self, person: str) -> bool | str | None:
        """Let it delete a person, and return what it claims."""
        return self._said({"call": "delete", "person": person}, claim_of)

    def set_memory(self, on: bool) -> None:
        """Let it use its memory, or answer from its weights alone."""
        self._said({"call": "set_memory", "on": bool(on)}, _anything)

    def cycle(self) -> None:
        """Let it do what it does from time to time."""
        self._said({"call": "cycle"}, _anything)

    def memory_dump(self) -> list[Item]:
        """Return every item of its memory in the order in which they are stored."""
        return self._said({"call": "memory_dump"}, items_of)

    def log_probabilities(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Return the natural logarithm of the probability of each whole continuation after a prompt."""
        message = {"call": "log_probabilities", "prompt": prompt, "continuations": list(continuations)}
        return self._said(message, lambda value: logarithms_of(value, len(continuations)))


def _anything(value: Any) -> None:
    """Look at nothing: whatever comes is as good."""
