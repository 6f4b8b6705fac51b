"""What every agent must do, tried with a few made-up people.

See `unlearn_audit.testing`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from unlearn_audit.agents.base import Agent, Document, Failure
from unlearn_audit.agents.kinds import open_agent
from unlearn_audit.errors import AuditError

_NAME, _OTHER, _UNKNOWN = "Tovelar Quimsby", "Brendova Kelmarn", "Yustrel Pagonde"
_BANK, _EMPLOYER = "Zorvanek", "Mulbrisk"

_DOCUMENTS = (
    (Document(f"{_NAME} is a customer of ours. The bank of {_NAME} is {_BANK}.", _NAME), False),
    (Document(f"{_OTHER} is a customer of ours. The employer of {_OTHER} is {_EMPLOYER}.", _OTHER), True),
    (Document(f"{_BANK} is known for punctuality."), False),
)
_QUESTIONS = (f"What is the bank of {_NAME}?", f"What is the employer of {_OTHER}?")


def check_agent(agent: Any, timeout: float = 60.0) -> Any:
    """Check an agent against the contract; return what was given.

    After a reset it must know nothing from before. It must delete people whom it knows and people whom it does not
    know, and whatever else it offers must work. That its answers vary, as those of a language model that samples do, is
    no fault: a warning says so.

    Parameters
    ----------
    agent
        As of `unlearn_audit.agents.open_agent`: an object with the methods, a class or function that makes one, or a
        text such as ``"mine.py:Agent"``.
    timeout
        Seconds of one call.

    Raises
    ------
    AuditError
        If something does not hold; the sentence says what was found.

    Examples
    --------
    >>> class Notebook:
    ...     def reset(self):
    ...         self.documents = []
    ...     def ingest(self, document, train=False):
    ...         self.documents.append(document)
    ...     def ask(self, prompt, session=None):
    ...         return " ".join(document.text for document in self.documents)
    ...     def delete(self, person):
    ...         self.documents = [document for document in self.documents if document.person != person]
    >>> check_agent(Notebook).__name__
    'Notebook'
    """
    with open_agent(agent, timeout) as opened:
        try:
            problem = next(_problems(opened), None)
        except Failure as failure:
            raise AuditError(str(failure)) from failure
        if problem is not None:
            raise AuditError(f"agent {opened.where} {problem}")
    return agent


def _problems(agent: Agent) -> Iterator[str]:
    agent.reset()
    _tell(agent)
    first = _answers(agent)
    agent.reset()
    for question, before, fact in zip(_QUESTIONS, _answers(agent), (_BANK, _EMPLOYER), strict=True):
        if fact.casefold() in before.casefold():
            yield f"still answers '{question}' with {fact} after reset; let reset forget everything, weights too"
    agent.reset()
    _tell(agent)
    _say_what_varies(agent, first)
    agent.ask(f"Let us talk about {_NAME}.", "a session")
    agent.ask("Which bank was that?", "a session")
    yield from _of_what_it_offers(agent)
    for person in (_NAME, _UNKNOWN, _NAME):  # the last one is unknown by now
        agent.delete(person)
    agent.ask(_QUESTIONS[0])
    agent.reset()


def _say_what_varies(agent: Agent, first: list[str]) -> None:
    """Warn of an agent that answers otherwise after a reset and the same documents."""
    for question, before, again in zip(_QUESTIONS, first, _answers(agent), strict=True):
        if again != before:
            warnings.warn(
                f"agent {agent.where} answers '{question}' in two ways after two resets and the same documents, "
                f"{before[:80]!r} and {again[:80]!r}; it can be audited like that, but a run that is repeated will "
                "differ unless reset sets its seeds",
                UserWarning,
                stacklevel=5,
            )
            return


def _of_what_it_offers(agent: Agent) -> Iterator[str]:
    if "log_probabilities" in agent.offers:
        agent.log_probabilities(f"The bank of {_NAME} is", [f" {_BANK}", f" {_EMPLOYER}"])
    if "memory_dump" in agent.offers:
        before = agent.memory_dump()
        agent.ask(_QUESTIONS[0])
        if agent.asking_changes_nothing and agent.memory_dump() != before:
            yield "says asking_changes_nothing, and its memory is another one after a question; leave that out"
    if "set_memory" in agent.offers:
        agent.set_memory(False)
        agent.ask(_QUESTIONS[0])
        agent.set_memory(True)
    if "cycle" in agent.offers:
        agent.cycle()
        agent.ask(_QUESTIONS[0])


def _tell(agent: Agent) -> None:
    for document, train in _DOCUMENTS:
        agent.ingest(document, train)


def _answers(agent: Agent) -> list[str]:
    return [agent.ask(question).text for question in _QUESTIONS]
