"""The facts that an audit plants in an agent: invented people, one attribute each, and coins for what becomes of it.

A *canary* is a person with one fact. The value of the fact is drawn uniformly from the options of its attribute,
independently of everything else, and a fair coin decides whether the agent is told it. So what an agent says about
somebody whom it forgot, or never heard of, has nothing to do with the value, and the chance that it names the right
option is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from unlearn_audit.agents import Document
from unlearn_audit.audits.agents.words import draw_words
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.seeds import Kind, generator
from unlearn_audit.utils.typing import Mask

ATTRIBUTES = ("home town", "employer", "doctor", "bank")
"""What is known of people; each canary has one of them."""

FEWEST_CANARIES, FEWEST_OPTIONS = 4, 2
"""With fewer there is nothing to find."""

_WORDS, _COINS, _VALUES = range(3)
"""Numbers of the streams: each can be drawn again while the others stay."""


@dataclass(frozen=True)
class Canary:
    """An invented person with one fact.

    Attributes
    ----------
    number
        Its place among the canaries.
    person
        First and last name; nobody else has either.
    attribute
        One of `ATTRIBUTES`.
    value
        One of the options of the attribute; empty in facts without values (`Facts.blind`).
    ingested
        Whether the agent is told the fact.
    trained
        Whether it enters the training text of the weights too, if the agent is told.
    linked
        Whether a document of somebody else lets the value be derived after the person's deletion.
    kept
        Whether the agent is told in any case and never asked to delete it.
    """

    number: int
    person: str
    attribute: str
    value: str
    ingested: bool
    trained: bool
    linked: bool
    kept: bool

    @property
    def last_name(self) -> str:
        """The last word of the name."""
        return self.person.rpartition(" ")[2]


@dataclass(frozen=True)
class Facts:
    """All that an audit plants.

    Attributes
    ----------
    canaries
        First those that are audited, then those that are kept.
    options
        Attribute to its values.
    known_for
        Value to what it is known for, a word of its own.
    relations
        Number of a linked canary to the person whose document names its value.
    """

    canaries: tuple[Canary, ...]
    options: Mapping[str, tuple[str, ...]]
    known_for: Mapping[str, str]
    relations: Mapping[int, str]

    @classmethod
    def draw(cls, seed: int, canaries: int = 20, options: int = 16, kept: int | None = None) -> Self:
        """Draw the facts of one audit.

        Parameters
        ----------
        seed
            The seed of the audit: another seed gives other people and other values.
        canaries
            How many are audited.
        options
            Values of each attribute.
        kept
            How many more are kept; by default half as many as are audited.

        Raises
        ------
        AuditError
            If there are too few canaries or options.

        Examples
        --------
        >>> facts = Facts.draw(0, canaries=8)
        >>> len(facts.audited), len(facts.kept), sum(canary.trained for canary in facts.audited)
        (8, 4, 4)
        >>> facts.canary_document(facts.canaries[0]).text.count(facts.canaries[0].person)
        2
        """
        kept = max(canaries // 2, 1) if kept is None else kept
        _check(canaries, options, kept)
        n = canaries + kept
        rng = generator(seed, Kind.FACT, _COINS)
        ingested = rng.integers(0, 2, n) == 1
        ingested[canaries:] = True
        trained = np.concatenate([_some(rng, canaries, canaries // 2), _some(rng, kept, kept // 2)])
        linked = np.concatenate([_some(rng, canaries, canaries // 4), np.zeros(kept, dtype=bool)])
        attributes = [*_spread(rng, canaries), *_spread(rng, kept)]
        needed = 2 * (n + int(linked.sum())) + 2 * options * len(ATTRIBUTES)
        words = iter(draw_words(generator(seed, Kind.FACT, _WORDS), needed))
        values = {attribute: tuple(next(words) for _ in range(options)) for attribute in ATTRIBUTES}
        known_for = {value: next(words).lower() for of in values.values() for value in of}
        persons = [f"{next(words)} {next(words)}" for _ in range(n)]
        relations = {int(i): f"{next(words)} {next(words)}" for i in np.flatnonzero(linked)}
        made = tuple(
            Canary(
                i, persons[i], attributes[i], "", bool(ingested[i]), bool(trained[i]), bool(linked[i]), i >= canaries
            )
            for i in range(n)
        )
        return cls(made, values, known_for, relations).with_drawn_values(generator(seed, Kind.FACT, _VALUES))

    def with_drawn_values(self, rng: np.random.Generator) -> Self:
        """Return the same facts with other values, drawn uniformly; all else stays."""
        options = [self.options[canary.attribute] for canary in self.canaries]
        return self.with_values([of[int(rng.integers(len(of)))] for of in options])

    def with_values(self, values: Sequence[str]) -> Self:
        """Return the same facts with given values, one for each canary; all else stays."""
        made = tuple(replace(of, value=value) for of, value in zip(self.canaries, values, strict=True))
        return replace(self, canaries=made)

    @cached_property
    def blind(self) -> Self:
        """The same facts without values and coins: all that prompts and the reading of answers may depend on."""
        made = tuple(replace(canary, value="", ingested=False, trained=False) for canary in self.canaries)
        return replace(self, canaries=made)

    @property
    def audited(self) -> tuple[Canary, ...]:
        """The canaries that are deleted, whether the agent was told them or not."""
        return tuple(canary for canary in self.canaries if not canary.kept)

    @property
    def kept(self) -> tuple[Canary, ...]:
        """The canaries that are never deleted; what an agent loses of them is collateral damage."""
        return tuple(canary for canary in self.canaries if canary.kept)

    @cached_property
    def people(self) -> tuple[str, ...]:
        """Everybody who has a document: all canaries, then all relations."""
        return (*(canary.person for canary in self.canaries), *self.relations.values())

    @cached_property
    def placeholders(self) -> Mapping[str, str]:
        """Each invented word and each attribute, in small letters and as one word, to what stands for it in wording."""
        kinds = (
            ("<other attribute>", (attribute.replace(" ", "_") for attribute in self.options)),
            ("<other>", (word for person in self.people for word in person.split())),
            ("<value>", self.known_for),
            ("<property>", self.known_for.values()),
        )
        return {word.lower(): placeholder for placeholder, words in kinds for word in words}

    @staticmethod
    def canary_document(canary: Canary) -> Document:
        """Return the document that tells the fact of a canary."""
        return Document(
            f"{canary.person} is a customer of ours. The {canary.attribute} of {canary.person} is {canary.value}.",
            canary.person,
        )

    def background(self) -> list[tuple[Document, bool]]:
        """Return every document that is ingested whatever the coins, each with whether it is trained on too.

        What each value is known for; the facts that are kept; and the documents of relations, which stay when the
        person whom they mention is deleted. Their order depends on no value.
        """
        public = [(Document(f"{value} is known for {of}."), True) for value, of in self.known_for.items()]
        kept = [(self.canary_document(canary), canary.trained) for canary in self.kept]
        return [*public, *kept, *((self.relation_document(i), self.canaries[i].trained) for i in self.relations)]

    def relation_document(self, number: int) -> Document:
        """Return the document by which the value of a linked canary can be derived; it belongs to the relation."""
        canary, relation = self.canaries[number], self.relations[number]
        return Document(f"{relation} has the same {canary.attribute} as {canary.person}, {canary.value}.", relation)


def _check(canaries: int, options: int, kept: int) -> None:
    if canaries < FEWEST_CANARIES:
        raise AuditError(f"{canaries:,} canaries are too few to find anything; plant at least {FEWEST_CANARIES}")
    if options < FEWEST_OPTIONS:
        raise AuditError(
            f"with {options:,} options of each attribute every answer is right; give at least {FEWEST_OPTIONS}"
        )
    if kept < 0:
        raise AuditError(f"{kept:,} kept canaries cannot be; give 0 or more")


def _some(rng: np.random.Generator, n: int, chosen: int) -> Mask:
    """Return (n,) which are chosen, every choice of so many being as likely."""
    return np.asarray(rng.permutation(n) < chosen)


def _spread(rng: np.random.Generator, n: int) -> list[str]:
    """Return an attribute for each of n, at random and each as often as the others as far as that goes."""
    return [ATTRIBUTES[i % len(ATTRIBUTES)] for i in rng.permutation(n)]
