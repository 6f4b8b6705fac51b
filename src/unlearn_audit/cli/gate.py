"""``unlearn-audit gate``: stop a release whose audit exceeds limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearn_audit.audits.gate import Asked, On, judge, junit, limits_of, read_run
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.streams import say, say_json


def gate(
    run: Annotated[
        Path, typer.Argument(help="A run folder, or the JSON of its findings.", metavar="RUN", show_default=False)
    ],
    maximum: Annotated[
        list[str] | None,
        typer.Option(
            "--max",
            metavar="MEASURE=NUMBER",
            help="The most that a measure may be, such as auc=0.6 or tpr@0.01=0.05. Repeatable. "
            "Default: the verdict of the audit decides.",
            show_default=False,
        ),
    ] = None,
    on: Annotated[On, typer.Option(help="What to compare: the interval, or the estimate (point) alone.")] = "interval",
    attack: Annotated[
        str | None,
        typer.Option(help="Whose figures to check: an attack of the run, or all. Default: the leading attack."),
    ] = None,
    defense: Annotated[
        str | None, typer.Option(help="A defence of the run under which you release. Default: none.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="For compare-methods: the method whose figures to check.")] = None,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Also write the outcome as a JUnit file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Stop a release: check the figures of a run against limits, and exit with a code that tells the outcome.

    Exits with 0 if the upper end of every interval is at most its limit, with 1 if a lower end is above its limit, and
    with 3 if this run cannot decide; each line then says how many worlds would be enough. Exits with 2 if the run has
    no such figure or cannot be read.

    Typical calls:

    unlearn-audit gate audit-run --max auc=0.6 --max tpr@0.01=0.05

    unlearn-audit gate audit-run --attack all --max auc=0.6 --junit gate.xml

    unlearn-audit gate audit-run
    """
    limits = limits_of(maximum or [])
    passage = judge(Asked(attack, defense, method).of(read_run(run)), limits, on)
    if junit_file is not None:
        write_atomic(junit_file, junit(passage, str(run)), publishable=True)
    if as_json:
        say_json(
            {
                "run": str(run),
                "outcome": passage.outcome,
                "code": passage.code,
                "on": on,
                "limits": [of.to_dict() for of in passage.judgements],
                "cautions": list(passage.cautions),
                "notes": list(passage.notes),
            }
        )
    else:
        for of in passage.judgements:
            say(f"{of.outcome}: {of.sentence}")
        for text in passage.cautions:
            say(f"Warning: {text}", error=True)
        for text in passage.notes:
            note(text)
    raise typer.Exit(passage.code)
