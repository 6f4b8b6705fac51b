"""The order in which documents are ingested: facts stand among the documents that stay, each at a place of its own.

A fact that is never ingested has a place as well, where nothing is ingested: what the neighbours of such a place show
is the null of what those of a deleted fact show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from unlearn_audit.agents import Document
from unlearn_audit.audits.agents.facts import ATTRIBUTES, FEWEST_CANARIES, Canary, Facts
from unlearn_audit.utils.seeds import Kind, generator, name_key

_T = TypeVar("_T")


def drawn(of: Sequence[_T], seed: int, about: str) -> list[_T]:
    """Return things in an order that is drawn for some purpose, and depends on nothing that is to be found."""
    rng = generator(seed, Kind.AGENT_ORDER, name_key(about))
    return [of[at] for at in rng.permutation(len(of))]


def places(facts: Facts, seed: int) -> list[tuple[Document, bool] | Canary]:
    """Return the documents that stay, each with whether it is trained on, and the audited facts at their places."""
    return drawn([*facts.background(), *facts.audited], seed, "ingestion")


def deleted(facts: Facts) -> tuple[Canary, ...]:
    """Return the facts that are ingested, and deleted later."""
    return tuple(canary for canary in facts.audited if canary.ingested)


def unrelated(facts: Facts, seed: int, n: int) -> list[Document]:
    """Return n documents of the same form about people whom nothing is asked about."""
    others = Facts.draw(seed + 1_000_003, max(n, FEWEST_CANARIES), len(facts.options[ATTRIBUTES[0]]))
    return [others.canary_document(canary) for canary in others.canaries[:n]]


def gaps(facts: Facts, seed: int, ids: Mapping[str, int]) -> dict[int, float]:
    """Return by audited fact how far the ids of its neighbours lie apart; of one without two neighbours nothing.

    Parameters
    ----------
    facts, seed
        Tell the order of ingestion.
    ids
        Of stored items, by their text.
    """
    order = places(facts, seed)
    known = [None if isinstance(of, Canary) else ids.get(of[0].text) for of in order]
    found = {}
    for at, of in enumerate(order):
        if isinstance(of, Canary):
            before = next((one for one in reversed(known[:at]) if one is not None), None)
            after = next((one for one in known[at + 1 :] if one is not None), None)
            if before is not None and after is not None:
                found[of.number] = float(after - before)
    return found
