"""How an agent that gives log-probabilities ranks the options of each canary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.probes.base import shuffled
from unlearn_audit.audits.agents.reading import letters
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.typing import Integers

NAME = "log-probabilities"
ABOUT = "the rank of the value among all options, by their log-probabilities"


@dataclass(frozen=True)
class Continuations:
    """A prompt and how it may go on.

    Attributes
    ----------
    canary
        The number of the canary that it is about.
    prompt
        The text before.
    continuations
        One for each option of the attribute, in their order.
    """

    canary: int
    prompt: str
    continuations: tuple[str, ...]


def continuations(facts: Facts) -> list[Continuations]:
    """Return one prompt for each canary, which a value completes to the sentence of its document."""
    return [
        Continuations(
            of.number,
            f"The {of.attribute} of {of.person} is",
            tuple(f" {option}" for option in facts.options[of.attribute]),
        )
        for of in facts.canaries
    ]


def orders_of(facts: Facts, found: Mapping[int, Sequence[float]], seed: int) -> dict[int, tuple[str, ...]]:
    """Return, by number, the options of a canary from the most to the least likely.

    Equal ones stand in an order that depends on the seed and the number alone. So the order is strict whatever the
    agent says and does not depend on the value, whose rank is uniform under a perfect deletion, ties or not.

    Parameters
    ----------
    facts
        Its values are not looked at.
    found
        Number of a canary to the log-probability of each option, in the order of the options; who failed is left out.
    seed
        The seed of the audit.

    Raises
    ------
    AuditError
        If log-probabilities are too few, too many or not numbers.
    """
    orders = {}
    for number, values in found.items():
        canary = facts.canaries[number]
        options = facts.options[canary.attribute]
        if len(values) != len(options) or np.isnan(values).any():
            raise AuditError(
                f"the log-probabilities of {len(options):,} options were asked for and {len(values):,} came back, or "
                "some are no numbers; return one number for each continuation"
            )
        likely = dict(zip(options, values, strict=True))
        orders[number] = tuple(sorted(shuffled(options, seed, NAME, number), key=lambda of: -likely[of]))
    return orders


def ranks_of(orders: Mapping[int, tuple[str, ...]], canaries: Sequence[Canary]) -> Integers:
    """Return the rank of each canary's value, 1 for the most likely; those without an order are left out."""
    return np.array([orders[of.number].index(of.value) + 1 for of in canaries if of.number in orders], dtype=np.int64)


def of_answer(given: Mapping[str, float], options: Sequence[str]) -> tuple[float, ...] | None:
    """Return the log-probabilities of the options that an answer came with; None where one is missing.

    Examples
    --------
    >>> of_answer({" punitra": -0.5, "Katresax": -2.0, "the": -4.0}, ["Katresax", "Punitra"])
    (-2.0, -0.5)
    """
    found = {letters(text): value for text, value in given.items()}
    values = [found.get(letters(option)) for option in options]
    known = tuple(value for value in values if value is not None)
    return known if len(known) == len(options) else None
