"""What passes between an audit and an agent that remembers people: documents, questions, answers and deletions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from unlearn_audit.utils.kinds import TextKind

What = Literal["hung", "raised", "broken"]

REQUIRED = ("reset", "ingest", "ask", "delete")
"""What every agent has."""

OPTIONAL = ("set_memory", "cycle", "memory_dump", "log_probabilities")
"""What an agent may have besides."""


@dataclass(frozen=True)
class Document:
    """A text that an agent is given to remember.

    Attributes
    ----------
    text
        In English.
    person
        Whose data it is; None for a document about nobody.
    """

    text: str
    person: str | None = None


@dataclass(frozen=True)
class Answer:
    """What an agent answers.

    Attributes
    ----------
    text
        It may be empty.
    log_probabilities
        Natural logarithms of the probabilities of other answers, by their text; None where the agent gives none.
    """

    text: str
    log_probabilities: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Item:
    """One item of an agent's memory, as it shows it.

    Attributes
    ----------
    text
        What it holds.
    id
        What the agent calls it.
    person
        Whose it is, if the agent says so.
    """

    text: str
    id: str | None = None
    person: str | None = None


class Failure(Exception):
    """A call to an agent that failed, told in one sentence.

    Parameters
    ----------
    what
        ``"hung"`` if it did not return in time, ``"raised"`` if it raised an error, and ``"broken"`` if its reply is of
        no use or its process ended.
    sentence
        What was wrong, where, and what to do.
    ended
        Whether all later calls fail too, until `Agent.restart`: what the agent knew is lost.
    """

    def __init__(self, what: What, sentence: str, *, ended: bool = False) -> None:
        super().__init__(sentence)
        self.what, self.ended = what, ended


class Agent(ABC):
    """An opened agent, as the audit uses it.

    Every call returns within a time limit or raises a `Failure`.

    Attributes
    ----------
    where
        What messages and files call it; it holds no secret and no folder.
    identity
        What tells it from another one, as far as that is known, in plain values without secrets.
    offers
        Which of `OPTIONAL` it has.
    asking_changes_nothing
        Whether it says that questions leave its memory as it is.
    """

    where: str
    identity: Mapping[str, Any]
    offers: frozenset[str]
    asking_changes_nothing: bool

    @abstractmethod
    def reset(self) -> None:
        """Let it forget everything and begin anew."""

    @abstractmethod
    def ingest(self, document: Document, train: bool) -> None:
        """Give it a document to remember, and with ``train`` also to train its weights on."""

    @abstractmethod
    def ask(self, prompt: str, session: str | None = None) -> Answer:
        """Return its answer; the same session continues a conversation, and None is one that nothing continues."""

    @abstractmethod
    def delete(self, person: str) -> bool | str | None:
        """Let it delete a person, and return what it claims: None or True for done, False, or a message."""

    @abstractmethod
    def set_memory(self, on: bool) -> None:
        """Let it use its memory, or answer from its weights alone."""

    @abstractmethod
    def cycle(self) -> None:
        """Let it do what it does from time to time, such as write summaries or consolidate its memory."""

    @abstractmethod
    def memory_dump(self) -> list[Item]:
        """Return every item of its memory in the order in which they are stored."""

    @abstractmethod
    def log_probabilities(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Return the natural logarithm of the probability of each whole continuation after a prompt."""

    @abstractmethod
    def restart(self) -> bool:
        """End it and start it anew after a `Failure`; return False where that is impossible.

        Raises
        ------
        Failure
            If it does not start.
        """


@dataclass(frozen=True)
class Opening:
    """How agents are opened and called.

    Attributes
    ----------
    timeout
        Seconds of one call.
    start_timeout
        Seconds until it can be called: it may have to load a model first.
    headers
        Of requests; their values are secret.
    """

    timeout: float = 60.0
    start_timeout: float = 300.0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Kind(TextKind):
    """A kind of agent."""

    @abstractmethod
    def opened(self, text: str, opening: Opening) -> AbstractContextManager[Agent]:
        """Open the agent that a text names, for as long as the block runs.

        Raises
        ------
        AuditError
            If there is none.
        Failure
            If it does not start.
        """
