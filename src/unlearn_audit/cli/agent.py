"""``unlearn-audit agent``: whether an agent with memory deletes what it is told to delete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from unlearn_audit.audits.agents import audit_agent
from unlearn_audit.audits.agents.page import print_audit
from unlearn_audit.audits.agents.plan import AgentPlan, plan_agent
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.help import RARE
from unlearn_audit.cli.shared.values import names_of
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.utils.console import output
from unlearn_audit.utils.progress import duration, reporter
from unlearn_audit.utils.streams import say, say_json

_AGENT, _FACTS = "Agent", "Facts"


def agent(
    adapter: Annotated[
        str,
        typer.Option(
            help="The agent: mine.py:Agent or module:Agent, a program that reads and writes JSON lines, or https://...",
            rich_help_panel=_AGENT,
        ),
    ],
    canaries: Annotated[
        int, typer.Option(min=4, help="Invented facts; half of them are ingested.", rich_help_panel=_FACTS)
    ] = 20,
    options_: Annotated[
        int, typer.Option("--options", min=2, help="Values that each fact is drawn from.", rich_help_panel=_FACTS)
    ] = 16,
    cycles: Annotated[
        int, typer.Option(min=0, help="Consolidations after the deletion, if offered.", rich_help_panel=_FACTS)
    ] = 3,
    samples: Annotated[
        int,
        typer.Option(
            min=0, help="More answers for each fact that is found after its deletion.", rich_help_panel=_FACTS
        ),
    ] = 10,
    probe: Annotated[
        list[str] | None,
        typer.Option(
            help="A way of asking, see list probes. Repeatable. Default: all.",
            rich_help_panel=_FACTS,
            autocompletion=names_of("probes"),
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Of all that is drawn; take another for the next audit.", rich_help_panel=_FACTS)
    ] = 0,
    timeout: Annotated[float, typer.Option(help="Seconds allowed for one call.", rich_help_panel=_AGENT)] = 60.0,
    time_limit: Annotated[
        float, typer.Option(help="Seconds allowed for the whole audit.", rich_help_panel=f"{_AGENT}{RARE}")
    ] = 86_400.0,
    header: Annotated[
        list[str] | None,
        typer.Option(
            help="For https: a header whose value is in the environment or a file, as 'Authorization: Bearer "
            "env:TOKEN'. Repeatable.",
            rich_help_panel=f"{_AGENT}{RARE}",
        ),
    ] = None,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Only count the prompts, and time a few of them.", rich_help_panel=_FACTS),
    ] = False,
    out: options.Out = None,
    owner: options.Owner = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
    _help_all: options.HelpAll = False,
) -> None:
    """Audit deletion in an agent with memory: what it still answers, stores or reveals after it was told to delete.

    Plants invented facts, of which coins decide which the agent is told; has it delete them, and asks before and after
    in many ways, with memory on and off. Use it on a test installation of your own agent: it resets the agent. See
    docs/agents.md.

    Typical calls:

    unlearn-audit agent --adapter mine.py:Agent

    unlearn-audit agent --adapter mine.py:Agent --plan

    unlearn-audit agent --adapter https://host/agent --header 'Authorization: Bearer env:TOKEN' --canaries 50
    """
    probes, headers = probe or [], header or []
    sizes: dict[str, int] = {"canaries": canaries, "options": options_, "cycles": cycles, "seed": seed}
    with reporter() as shown:
        if plan:
            planned = plan_agent(adapter, probes=probes, timeout=timeout, headers=headers, progress=shown, **sizes)
            say_plan(planned, as_json=as_json)
            return
        asked = digest({"adapter": adapter, "probes": probes, "samples": samples, **sizes})
        folder = out or Path("runs") / f"agent-{asked[:8]}"
        done = audit_agent(
            adapter, folder, samples=samples, probes=probes, timeout=timeout, time_limit=time_limit, headers=headers,
            owner=owner, force=force, progress=shown, **sizes,
        )  # fmt: skip
    if as_json:
        say_json(json.dumps(done.findings.document()))
    else:
        print_audit(output(), done.findings, str(folder))


def say_plan(planned: AgentPlan, *, as_json: bool) -> None:
    """Print what an audit of an agent will take."""
    if as_json:
        say_json(json.dumps(vars(planned)))
        return
    say(f"{planned.prompts:,} prompts, about {duration(planned.seconds)} at {planned.seconds_per_prompt:.2g} s each.")
    for line in planned.untested:
        say(f"Not tested: {line}")
