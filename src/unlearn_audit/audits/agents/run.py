"""An audit of an agent from start to end: plant facts, ask, delete, ask again, judge, and write what was found."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from unlearn_audit.agents import Agent, open_agent
from unlearn_audit.audits.agents.assess import Assessment, assess
from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.findings import AgentFindings
from unlearn_audit.audits.agents.interview import Interview, Settings, n_prompts
from unlearn_audit.audits.agents.journal import Journal, lines_of
from unlearn_audit.audits.agents.page import markdown, render
from unlearn_audit.audits.agents.probes import PROBES, REGISTRY, Probe
from unlearn_audit.audits.agents.transcript import Exchange, transcript
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.report.signing import Signing
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.keywords import known_keywords
from unlearn_audit.utils.progress import Reporter, usual_reporter
from unlearn_audit.versions.headers import headers_of


@dataclass(frozen=True)
class AgentAudit:
    """A finished audit.

    Attributes
    ----------
    findings
        What was found; it names nobody.
    folder
        Where it is written.
    """

    findings: AgentFindings
    folder: Path

    @property
    def report(self) -> Path:
        """The page that may be published."""
        return self.folder / "report.html"


@known_keywords()
def audit_agent(
    adapter: Any,
    out: str | Path,
    *,
    canaries: int = 20,
    options: int = 16,
    cycles: int = 3,
    samples: int = 10,
    probes: Sequence[str] = (),
    seed: int = 0,
    timeout: float = 60.0,
    time_limit: float = 86_400.0,
    headers: Sequence[str] = (),
    owner: str | None = None,
    force: bool = False,
    progress: Reporter | None = None,
) -> AgentAudit:
    """Audit the deletion of people's data in an agent with memory.

    Plants invented facts, of which fair coins decide which are ingested, tells the agent to delete them, and asks
    before and after in many ways. Only the private files of the folder hold answers.

    Parameters
    ----------
    adapter
        ``file.py:Class`` or ``module:Class``, a command, a URL, or an object; see `unlearn_audit.agents`.
    out
        The folder for report and findings. An interrupted audit continues in it.
    canaries
        How many facts are planted.
    options
        From how many values that of each fact is drawn.
    cycles
        How often consolidation runs after the deletion, where the agent offers it.
    samples
        More answers for each fact that is recovered after its deletion.
    probes
        Names of the probes to use; all by default.
    seed
        Of all that is drawn. An agent that remembers an audit needs another one for the next.
    timeout
        Seconds that the agent may take for one call.
    time_limit
        Seconds that all calls may take together; what was not asked by then is left out, and the report says so.
    headers
        Of requests to a URL, each ``Name: env:VARIABLE`` or ``Name: file:PATH``.
    owner
        Who answers for the agent, named in the report.
    force
        Whether to replace another run in the folder.
    progress
        Shows progress.

    Raises
    ------
    AuditError
        If the agent cannot be opened, reset or fed, or a setting is impossible.
    """
    for name, value, least in (
        ("cycles", cycles, 0),
        ("samples", samples, 0),
        ("time_limit", time_limit, 1),
    ):
        if value < least:
            raise AuditError(f"{name} is {value:g}; give {least:g} or more")
    facts = Facts.draw(seed, canaries, options)
    chosen = chosen_probes(probes)
    settings = Settings(chosen, cycles, samples, seed, time_limit)
    shown = progress or usual_reporter()
    with open_agent(adapter, timeout, headers_of(headers)) as agent:
        configured = {
            "agent": public_identity(agent),
            "canaries": canaries,
            "options": options,
            "cycles": cycles,
            "samples": samples,
            "probes": list(chosen),
            "seed": seed,
        }
        folder = Path(out)
        with run_folder(folder, {"agent-audit": configured}, shown.say, force=force):
            journal = Journal(folder, asking_changes_nothing=agent.asking_changes_nothing)
            try:
                show = _shown(shown, facts, settings, agent)
                heard = Interview(agent, facts, settings, journal, show, shown.say).run(
                    lambda heard: Assessment(facts, chosen, heard, seed).recovered()
                )
            finally:
                journal.close()
            findings = assess(Assessment(facts, chosen, heard, seed), agent, configured)
            _write(folder, findings, transcript(facts, chosen, heard, seed), journal, Signing.now(owner))
    return AgentAudit(findings, folder)


def chosen_probes(names: Sequence[str]) -> Mapping[str, Probe]:
    """Return probes by name, all of our own by default.

    Raises
    ------
    AuditError
        If there is no such probe.
    """
    return {name: REGISTRY.find(name) for name in names or PROBES}


def public_identity(agent: Agent) -> dict[str, str]:
    """Return what tells an agent from another in files that may be published.

    A command or an address may hold secrets, so of all that identifies it there is only the digest.
    """
    whole = json.dumps(dict(agent.identity), sort_keys=True, default=str)
    return {"where": agent.where, "digest": sha256(whole.encode()).hexdigest()}


def _shown(shown: Reporter, facts: Facts, settings: Settings, agent: Agent) -> Callable[[], None]:
    show = shown.stage("Asking the agent", n_prompts(facts, settings, agent.offers))
    done = 0

    def next_one() -> None:
        nonlocal done
        done += 1
        show(done)

    return next_one


def _write(
    folder: Path, findings: AgentFindings, worst: Sequence[Exchange], journal: Journal, signing: Signing
) -> None:
    """Write findings and pages; answers stand in private files alone."""
    write_atomic(folder / "findings.json", json.dumps(findings.document(), indent=1) + "\n", publishable=True)
    write_atomic(folder / "report.html", render(findings, signing), publishable=True)
    write_atomic(folder / "report.md", markdown(findings, signing), publishable=True)
    write_atomic(folder / "private-report.html", render(findings, signing, worst))
    write_atomic(folder / "private-answers.jsonl", lines_of(journal.events))
    journal.remove()
