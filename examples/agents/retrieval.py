"""A retrieval agent to audit, and five of the same whose deletion is wrong, each in one way that is often met.

`RetrievalAgent` keeps documents in SQLite, finds them by words and vectors, and answers with their sentences. It has no
weights. Deletion is right where a person's documents, all that was derived from them, and the index are gone, and
nothing that is left tells of the person. A question takes about a millisecond with documents of 200 persons.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

# the modules beside this file, from wherever it is loaded
sys.path.insert(0, str(Path(__file__).resolve().parent))

from agent_memory import Memory
from agent_reader import Question, answer, mentions, read_question, sentences

if TYPE_CHECKING:
    from unlearn_audit.agents import Document

NOTHING = "I have nothing on file about that."
SOURCES = ("document", "note")
"""Kinds of items that summaries are derived from."""


class RetrievalAgent:
    """Documents in, sentences out; a deletion deletes."""

    asking_changes_nothing = True

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._memory = self._new_memory()
        self._memory_is_on = True
        self._topics: dict[str, str] = {}

    def ingest(self, document: Document, train: bool = False) -> None:  # noqa: ARG002  (it has no weights to train)
        """Keep a document."""
        self._memory.add("document", document.text, document.person)

    def ask(self, prompt: str, session: str | None = None) -> str:
        """Answer from the memory; a session remembers whom it is about."""
        return self._answer(self._question(prompt, session)) or NOTHING

    def delete(self, person: str) -> bool | str | None:
        """Delete a person's items and what is derived from them alone; derive anew what has other sources too."""
        gone, shared = self._memory.closure(person)
        left = [(item.person, shared[item.id]) for item in self._memory.items() if item.id in shared]
        self._memory.remove(gone)
        for other, sources in left:
            if other is not None:
                self._summarise(other, sources)
        self._end_talks_about(person)
        return True

    def set_memory(self, on: bool) -> None:
        """Answer with the memory, or without."""
        self._memory_is_on = on

    def cycle(self) -> None:
        """Write a summary for each person, from every sentence that mentions the person."""
        for person in self._memory.persons():
            self._summarise(person)

    def memory_dump(self) -> list[dict[str, str | None]]:
        """Return every item in stored order."""
        return [{"id": item.id, "person": item.person, "text": item.text} for item in self._memory.items()]

    def _new_memory(self) -> Memory:
        return Memory()

    def _question(self, prompt: str, session: str | None) -> Question:
        """Return what a prompt asks, given what its session is about."""
        question = read_question(prompt, None if session is None else self._topics.get(session))
        if session is not None and question.names:
            self._topics[session] = question.names[0]
        return question

    def _answer(self, question: Question) -> str | None:
        return answer(question, self._search) if self._memory_is_on else None

    def _search(self, query: str) -> list[str]:
        return [item.text for item in self._memory.search(query)]

    def _summarise(self, person: str, among: Collection[str] | None = None) -> None:
        """Derive a person's summary, from some items or from all."""
        said: dict[str, None] = {}
        sources = []
        for item in self._memory.items():
            if item.kind in SOURCES and (among is None or item.id in among):
                about = [sentence for sentence in self._sentences(item.text) if mentions(sentence, person)]
                said.update(dict.fromkeys(about))
                sources += [item.id] if about else []
        self._memory.derive("summary", " ".join(said), person, sources)

    def _sentences(self, text: str) -> list[str]:
        return sentences(text)

    def _end_talks_about(self, person: str) -> None:
        self._topics = {session: name for session, name in self._topics.items() if not mentions(person, name)}


class ClaimsOnly(RetrievalAgent):
    """Reports success and deletes nothing."""

    def delete(self, person: str) -> bool | str | None:  # noqa: ARG002
        """Do nothing."""
        return True


class KeepsSummaries(RetrievalAgent):
    """Deletes a person's documents, and none of the summaries derived from them."""

    def delete(self, person: str) -> bool | str | None:
        """Delete the documents."""
        documents = self._memory.items()
        self._memory.remove([item.id for item in documents if (item.kind, item.person) == ("document", person)])
        return True


class KeepsVectors(RetrievalAgent):
    """Deletes the rows; the index of vectors holds the texts still, and answers with them."""

    def delete(self, person: str) -> bool | str | None:
        """Delete rows whose vectors are in the index."""
        self._memory.index()
        return super().delete(person)

    def _new_memory(self) -> Memory:
        return Memory(drop_vectors=False)


class Blocklist(RetrievalAgent):
    """Keeps all data and refuses questions with the name of a deleted person; asked otherwise, it answers."""

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._blocked: list[str] = []

    def ask(self, prompt: str, session: str | None = None) -> str:
        """Refuse, or answer from the memory."""
        question = self._question(prompt, session)
        if any(name in self._blocked for name in question.names):
            return "I cannot discuss that person."
        return self._answer(question) or NOTHING

    def delete(self, person: str) -> bool | str | None:
        """Put a person on the blocklist."""
        self._blocked.append(person)
        return True


class Tombstones(RetrievalAgent):
    """Deletes all that it should, and leaves a row that says whose data was deleted."""

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._deleted: list[str] = []

    def delete(self, person: str) -> bool | str | None:
        """Delete a person and keep a note of it."""
        self._deleted.append(person)
        return super().delete(person)

    def memory_dump(self) -> list[dict[str, str | None]]:
        """Return every item, and the rows of the deleted."""
        rows: list[dict[str, str | None]] = [{"person": person, "text": "deleted"} for person in self._deleted]
        return [*super().memory_dump(), *rows]
