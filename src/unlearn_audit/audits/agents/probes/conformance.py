"""What every probe must do, our own in the tests, other people's as they are loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.probes.base import Probe, prompts_of, readings_of
from unlearn_audit.config.base import NAME
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.checks import raise_first

_SAYINGS = 6
"""Sets of answers on which a probe is tried."""


def check_probe(found: Any) -> Probe:
    """Check a probe, or the class of one, against the contract; return the probe.

    Its prompts must repeat with the seed, and have keys of their own; it must read any answers, missing and empty ones
    too, as options of the canary's attribute, and read the same answers alike.

    Raises
    ------
    AuditError
        If something does not hold; the sentence says what was found.

    Examples
    --------
    >>> from unlearn_audit.audits.agents.probes import Reverse
    >>> check_probe(Reverse).name
    'reverse'
    """
    if isinstance(found, type):
        try:
            found = found()
        except TypeError as error:
            raise AuditError(
                f"probe {found.__name__} cannot be made without arguments ({error}); give its fields defaults, and "
                "methods prompts and read"
            ) from error
    if not isinstance(found, Probe):
        raise AuditError(f"a {type(found).__name__} is not a {Probe.__module__}.{Probe.__name__}; derive from that")
    if re.fullmatch(NAME, str(getattr(found, "name", ""))) is None:
        raise AuditError(f"a probe {type(found).__name__} needs a name of small letters, digits and hyphens")
    raise_first(f"probe {found.name}", _problems(found), "made-up facts")
    return found


def _problems(probe: Probe) -> Iterator[str]:
    facts = Facts.draw(0, canaries=8, options=4)
    prompts = prompts_of(probe, facts, 1)
    if prompts != prompts_of(probe, facts, 1):
        yield "asks something else each time; draw random numbers only from the seed"
    if any(of.canary is not None and not 0 <= of.canary < len(facts.canaries) for of in prompts):
        yield "asks about a canary that is not there; give its number, or None"
    if any(readings_of(probe, facts, {}).values()):
        yield "reads options where nothing was answered"
    rng = np.random.default_rng(0)
    words = [*facts.known_for, *facts.known_for.values(), *facts.people, "", "is", "nothing", "\ufffd {0} %s"]
    for _ in range(_SAYINGS):
        replies = {
            of.key: [" ".join(rng.choice(words, rng.integers(0, 9))) for _ in of.turns]
            for of in prompts
            if rng.random() < 0.9
        }
        if readings_of(probe, facts, replies) != readings_of(probe, facts, replies):
            yield "reads the same answers in two ways"
