"""What an audit of an agent will take: prompts, and the time of a few of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unlearn_audit.agents import OPTIONAL, Failure, open_agent
from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.interview import Settings, n_prompts
from unlearn_audit.audits.agents.paths import untested
from unlearn_audit.audits.agents.probes import prompts_of
from unlearn_audit.audits.agents.run import chosen_probes
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.progress import Reporter, usual_reporter
from unlearn_audit.versions.headers import headers_of

TIMED = 10
"""Prompts that are timed."""


@dataclass(frozen=True)
class AgentPlan:
    """What an audit will take.

    Attributes
    ----------
    prompts
        How many the agent will be asked.
    seconds_per_prompt
        Of the few that were timed; what ingestion and consolidation take is not counted.
    seconds
        Of all of them.
    untested
        What will not be tested, since the agent lacks a method.
    """

    prompts: int
    seconds_per_prompt: float
    seconds: float
    untested: tuple[str, ...]


def plan_agent(
    adapter: Any,
    *,
    canaries: int = 20,
    options: int = 16,
    cycles: int = 3,
    probes: Sequence[str] = (),
    seed: int = 0,
    timeout: float = 60.0,
    headers: Sequence[str] = (),
    progress: Reporter | None = None,
) -> AgentPlan:
    """Count the prompts of an audit, and time a few; the agent is reset, and told a few facts.

    Raises
    ------
    AuditError
        If the agent cannot be opened, reset or fed, or does not answer.
    """
    facts, chosen = Facts.draw(seed, canaries, options), chosen_probes(probes)
    settings = Settings(chosen, cycles, 0, seed)
    first = prompts_of(next(iter(chosen.values())), facts, seed)[:TIMED]
    show = (progress or usual_reporter()).stage("Timing a few prompts", len(first))
    with open_agent(adapter, timeout, headers_of(headers)) as agent:
        try:
            agent.reset()
            for canary in facts.kept[:TIMED]:
                agent.ingest(facts.canary_document(canary), train=False)
            began = time.perf_counter()
            for done, prompt in enumerate(first, start=1):
                agent.ask(prompt.turns[0])
                show(done)
            each = (time.perf_counter() - began) / len(first)
        except Failure as failure:
            raise AuditError(f"{agent.where} cannot be timed: {failure}") from failure
        prompts = n_prompts(facts, settings, agent.offers)
        lacking = [name for name in OPTIONAL if name not in agent.offers]
    return AgentPlan(prompts, each, prompts * each, tuple(untested(lacking, Heard())))
