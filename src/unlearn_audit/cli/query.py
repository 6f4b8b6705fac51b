"""``unlearn-audit query``: ask two finished versions of a model about records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearn_audit.audits.query import QueryResult
from unlearn_audit.audits.query import query as ask
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.help import RARE
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.streams import say

_RECORDS, _VERSIONS, _HTTP, _MORE = "Records", "Versions", "HTTP", f"HTTP{RARE}"


def query(
    records: Annotated[
        Path, typer.Option(help="Records to query: CSV, JSON lines or Parquet.", rich_help_panel=_RECORDS)
    ],
    before: Annotated[
        str,
        typer.Option(
            help="The version before: https://..., file.onnx, file.safetensors or file.pt with --module, "
            "module:function, or a program as './answer.sh {query} {answers}'.",
            rich_help_panel=_VERSIONS,
        ),
    ],
    after: Annotated[str, typer.Option(help="The same for the version after.", rich_help_panel=_VERSIONS)],
    out: Annotated[Path, typer.Option(help="Folder for before.parquet and after.parquet.", rich_help_panel=_RECORDS)],
    record: Annotated[
        str | None,
        typer.Option(
            help="The column that holds the id; it is not sent. Default: the row's number, from 0.",
            rich_help_panel=_RECORDS,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="The column that holds the class; it is not sent, but is written to the files.",
            rich_help_panel=_RECORDS,
        ),
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="The same for the person of each record.", rich_help_panel=_RECORDS)
    ] = None,
    group_by: Annotated[
        list[str] | None,
        typer.Option(
            help="A column to write to the files, for --group-by of release. Repeatable.", rich_help_panel=_RECORDS
        ),
    ] = None,
    send: Annotated[
        list[str] | None,
        typer.Option(
            help="A column to send, in this order. Repeatable. Default: all but --record, --label, --person and "
            "--exclude.",
            rich_help_panel=_RECORDS,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="A column not to send. Repeatable.", rich_help_panel=_RECORDS)
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            help="Names of the classes, joined by commas, in the order in which versions answer.",
            rich_help_panel=_VERSIONS,
        ),
    ] = None,
    module: Annotated[
        str | None,
        typer.Option(
            help="For weights: the code that makes the PyTorch module, as my_models:Net.", rich_help_panel=_VERSIONS
        ),
    ] = None,
    logits: Annotated[
        bool,
        typer.Option("--logits", help="The versions answer with logits: take the softmax.", rich_help_panel=_VERSIONS),
    ] = False,
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Records per query. Default: 100 over HTTP.", rich_help_panel=_VERSIONS),
    ] = None,
    request: Annotated[
        str,
        typer.Option(
            help="Body of a request: instances, objects, inputs, dataframe_split, dataframe_records or v2; JSON such "
            'as \'{"data": "{rows}"}\'; or @FILE.',
            rich_help_panel=_HTTP,
        ),
    ] = "instances",
    answers: Annotated[
        str | None,
        typer.Option(
            help="Where in the answer the probabilities are, such as results[*].probabilities.", rich_help_panel=_HTTP
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            help="A header whose value is in the environment or a file: 'Authorization: Bearer env:TOKEN'. Repeatable.",
            rich_help_panel=_HTTP,
        ),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="The most requests per second.", rich_help_panel=_HTTP)] = None,
    timeout: Annotated[
        float, typer.Option(help="Seconds allowed for one request, or one run of a program.", rich_help_panel=_MORE)
    ] = 60.0,
    time_limit: Annotated[
        float, typer.Option(help="Seconds allowed for all requests.", rich_help_panel=_MORE)
    ] = 86_400.0,
    attempts: Annotated[
        int, typer.Option(min=1, help="How often to try a request that fails temporarily.", rich_help_panel=_MORE)
    ] = 6,
    deleted: Annotated[
        str | None,
        typer.Option(help="Ids of deleted records, for the command that is printed.", rich_help_panel=f"Records{RARE}"),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Ids of reference records, likewise.", rich_help_panel=f"Records{RARE}")
    ] = None,
    force: options.Force = False,
    _help_all: options.HelpAll = False,
) -> None:
    """Query two finished versions of a model, and write their answers to files that release reads.

    Sends only feature columns. Repeat the command to continue an interrupted query. Use it only on your own services,
    or where you are allowed to: it sends one request per batch of records and version. See docs/query.md.

    Typical calls:

    unlearn-audit query --records people.csv --record id --label income --before https://host/v1/predict
    --after https://host/v2/predict --out answers

    unlearn-audit query --records people.csv --before v1.onnx --after v2.onnx --classes no,yes --out answers

    unlearn-audit query --records people.csv --before v1.pt --after v2.pt --module my_models:Net --out answers
    """
    if classes is not None and not all(classes.split(",")):
        raise AuditError(f"--classes is {classes!r}; give names joined by commas, such as no,yes")
    with reporter() as shown:
        result = ask(
            records, before, after, out, record=record, label=label, person=person, groups=group_by or (),
            send=send or (), exclude=exclude or (), classes=classes.split(",") if classes else (), batch=batch,
            module=module, logits=logits, request=request, answers=answers, headers=header or (), timeout=timeout,
            time_limit=time_limit, attempts=attempts, rate=rate, force=force, progress=shown,
        )  # fmt: skip
    _print(result, deleted, reference)


def _print(result: QueryResult, deleted: str | None, reference: str | None) -> None:
    for sentence in result.sentences:
        say(f"{sentence}.")
    say(f"Answers: {result.before} and {result.after}")
    say(f"Next: {result.next_command(deleted, reference)}")
