"""Agents to audit that keep people's data in a memory and in weights, and delete from one, from both, or from none.

The memory is that of ``retrieval.py``. The weights are those of a small transformer (it needs the extra ``torch``). It
answers where the memory is off or has nothing; about strangers it makes something up. In a cycle, data flow back both
ways: what the weights know of a person is written to the memory, and what the memory holds about people is trained into
the weights. A deletion in one place alone is therefore undone by the next cycle.
"""

from __future__ import annotations

import hmac
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

# the modules beside this file, from wherever it is loaded
sys.path.insert(0, str(Path(__file__).resolve().parent))

from agent_network import LanguageModel
from agent_reader import Question
from retrieval import RetrievalAgent

if TYPE_CHECKING:
    from unlearn_audit.agents import Document


class SmallTransformerAgent(RetrievalAgent):
    """A memory and weights; a deletion deletes from the memory, and subclasses say what else it does.

    Texts wait until the next question or cycle, and are then trained together. So do alignments.

    Attributes
    ----------
    seed
        Of the order in which texts are trained.
    """

    seed = 0

    def reset(self) -> None:
        """Forget everything, and begin again with weights that know nobody."""
        super().reset()
        self._model = LanguageModel.pretrained(self.seed)
        self._trained: dict[str, str | None] = {}
        """Texts in the weights, each with the person whom it belongs to."""
        self._waiting: dict[str, str | None] = {}
        self._to_align: dict[str, str] = {}

    def ingest(self, document: Document, train: bool = False) -> None:
        """Keep a document in the memory, and in the training text of the weights if asked to."""
        self._store(document.text, document.person, train)

    def cycle(self) -> None:
        """Write down what the weights know of people, summarise, and train on what the memory holds about people."""
        self._learn()
        for person in dict.fromkeys(person for person in self._trained.values() if person is not None):
            self._note(person)
        super().cycle()
        for item in self._memory.items():
            # not on its own words, which would drift from cycle to cycle
            if item.person is not None and item.kind != "note":
                self._train_later(item.text, item.person)
        self._learn()

    def log_probabilities(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Return the natural logarithm of the probability of each continuation by the weights, without the memory."""
        self._learn()
        return self._model.log_probabilities(prompt, continuations)

    def _store(self, text: str, person: str | None, train: bool) -> None:
        self._memory.add("document", text, person)
        if train:
            self._train_later(text, person)

    def _answer(self, question: Question) -> str | None:
        return super()._answer(question) or self._answer_from_weights(question)

    def _answer_from_weights(self, question: Question) -> str | None:
        """Put the question as a sentence to complete, since sentences are what the weights were trained on."""
        if not question.names:
            return None
        self._learn()
        name, words = question.names[0], [word for word in question.words if word != "known"]
        stem = question.stem or f"The {' '.join(words)} of {name} is"
        if question.form == "choice":
            logs = self._model.log_probabilities(stem, [f" {option}" for option in question.options])
            return question.options[logs.index(max(logs))]
        if question.form == "complete":
            return self._model.complete(stem).strip() or None
        if question.form == "who":
            return self._model.complete(f"{name} is the {' '.join(words)} of").strip() or None
        if not words:
            return f"{name}{self._model.complete(name, most=60, until='')}".strip()
        value = self._model.complete(stem).strip()
        if "known" in question.words:
            stem = f"{value} is known for"
            value = self._model.complete(stem).strip()
        return f"{stem} {value}."

    def _note(self, person: str) -> None:
        text = f"{person}{self._model.complete(person, most=60, until='')}".strip()
        self._memory.derive("note", text, person, ())

    def _train_later(self, text: str, person: str | None) -> None:
        if text not in self._trained:
            self._waiting[text] = person

    def _learn(self) -> None:
        """Do what waits: first forget, then learn, with all earlier texts once more, lest they are forgotten too."""
        if self._to_align:
            self._model.align(list(self._to_align.items()), list(self._trained))
            self._to_align = {}
        if self._waiting:
            self._trained |= self._waiting
            self._waiting = {}
            self._model.train(list(self._trained))

    def _forget_texts(self, person: str) -> dict[str, str]:
        """Take a person's texts out of the training text, and return those that the weights have seen."""
        seen = {text: person for text, of in self._trained.items() if of == person}
        self._trained = {text: of for text, of in self._trained.items() if of != person}
        self._waiting = {text: of for text, of in self._waiting.items() if of != person}
        return seen


class ClaimsOnly(SmallTransformerAgent):
    """Reports success and deletes nothing."""

    def delete(self, person: str) -> bool | str | None:  # noqa: ARG002
        """Do nothing."""
        return True


class MemoryOnly(SmallTransformerAgent):
    """Deletes from the memory all that it should; the weights know the person still, and tell the memory in a cycle."""


class WeightsOnly(SmallTransformerAgent):
    """Aligns the weights; the memory has the person's documents still, and trains the weights on them in a cycle."""

    def delete(self, person: str) -> bool | str | None:
        """Delete from the weights."""
        self._to_align |= self._forget_texts(person)
        return True


class Both(SmallTransformerAgent):
    """Deletes from the memory, then from the weights, and lets nothing of a deleted person back in.

    After SBU (Wang et al., arXiv 2602.17692): the closure over derived items, a blocklist where the memory is written
    and read, and an alignment of the weights with a random reference. A sentence that mentions a deleted person is
    neither stored nor retrieved, whoever's it is, so that the weights answer, as they do about strangers. The reference
    is itself a trace: about strangers the weights are surer.
    """

    def reset(self) -> None:
        """Forget everything, the blocklist too."""
        super().reset()
        # digests, as a list of names would be a list of the deleted; whoever has the key can look for a name, so
        # an agent that is stored keeps it elsewhere
        self._key = secrets.token_bytes(32)
        self._blocked: dict[bytes, int] = {}
        """Digests of names, each with how many words it has."""

    def delete(self, person: str) -> bool | str | None:
        """Delete from the memory first: what is read from it must not be trained in again."""
        words = re.findall(r"\w+", person)
        self._blocked[self._digest(words)] = len(words)
        super().delete(person)
        self._delete_from_weights(person)
        return True

    def _delete_from_weights(self, person: str) -> None:
        self._to_align |= self._forget_texts(person)

    def _forget_texts(self, person: str) -> dict[str, str]:
        """Take out the sentences of others that mention the person, too."""
        seen = super()._forget_texts(person)
        seen |= {text: person for text in self._trained if self._allowed(text) != text}
        for texts in (self._trained, self._waiting):
            allowed = {self._allowed(text): of for text, of in texts.items()}
            texts.clear()
            texts.update((text, of) for text, of in allowed.items() if text)
        return seen

    def _store(self, text: str, person: str | None, train: bool) -> None:
        if (allowed := self._allowed(text)) and not self._is_blocked(person or ""):
            super()._store(allowed, person, train)

    def _search(self, query: str) -> list[str]:
        return [text for found in super()._search(query) if (text := self._allowed(found))]

    def _train_later(self, text: str, person: str | None) -> None:
        if text := self._allowed(text):
            super()._train_later(text, person)

    def _sentences(self, text: str) -> list[str]:
        return [sentence for sentence in super()._sentences(text) if not self._is_blocked(sentence)]

    def _allowed(self, text: str) -> str:
        """Return a text without the sentences that mention a deleted person."""
        allowed = self._sentences(text)
        return text if len(allowed) == len(super()._sentences(text)) else " ".join(allowed)

    def _is_blocked(self, text: str) -> bool:
        """Return whether some words in sequence are a deleted name."""
        words = re.findall(r"\w+", text)
        sizes = set(self._blocked.values())
        runs = (words[i : i + size] for size in sizes for i in range(len(words) - size + 1))
        return any(self._digest(run) in self._blocked for run in runs)

    def _digest(self, name: Sequence[str]) -> bytes:
        return hmac.digest(self._key, " ".join(name).casefold().encode(), "sha256")


class BothExactly(Both):
    """Deletes from the memory in the same way, and trains the weights anew without the person."""

    def _delete_from_weights(self, person: str) -> None:
        if self._forget_texts(person):
            self._model = LanguageModel.pretrained(self.seed)
            self._trained, self._waiting = {}, self._trained | self._waiting
