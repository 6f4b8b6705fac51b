"""Probes: the ways in which an agent is asked what it still knows.

A probe returns `Prompt`s and reads the answers to them: for each canary the options that the answers stand for. It sees
no values, so that the chance that those options hold the right one is known. Another probe is a class of its own that
derives from `Probe`; packages add theirs through entry points of the group ``unlearn_audit.probes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unlearn_audit.audits.agents.probes.base import (
    Probe,
    Prompt,
    Readings,
    Replies,
    hits_and_chances,
    prompts_of,
    readings_of,
)
from unlearn_audit.audits.agents.probes.choice import Choice
from unlearn_audit.audits.agents.probes.conformance import check_probe
from unlearn_audit.audits.agents.probes.hop import Hop
from unlearn_audit.audits.agents.probes.questions import QUESTIONS, Question
from unlearn_audit.audits.agents.probes.reverse import Reverse
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.registry import Registry

PROBES: Mapping[str, Probe] = {probe.name: probe for probe in (*QUESTIONS, Choice(), Reverse(), Hop())}
"""Name to probe, in the order in which reports list them."""


def _probe(name: str, found: Any) -> Probe:
    """Return the probe that other people's code holds, an instance or its class, once it passed the checks."""
    probe = check_probe(found)
    if probe.name in PROBES:
        raise AuditError(f"probe {name} is called {probe.name}, like a built-in one; give it another name")
    return probe


REGISTRY: Registry[Probe] = Registry("probe", "probes", PROBES, _probe)
"""Every probe that can be named."""

__all__ = [
    "PROBES",
    "REGISTRY",
    "Choice",
    "Hop",
    "Probe",
    "Prompt",
    "Question",
    "Readings",
    "Replies",
    "Reverse",
    "check_probe",
    "hits_and_chances",
    "prompts_of",
    "readings_of",
]
