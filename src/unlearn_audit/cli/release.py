"""``unlearn-audit release``: who can be identified as deleted from the two versions of one release."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from os.path import isfile
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from unlearn_audit.audits.release import (
    ReleaseResult,
    ReleaseSettings,
    examine,
    findings_of,
    pair_of,
    read_answers,
    read_ids,
)
from unlearn_audit.audits.release.examine import BASE_RATES
from unlearn_audit.audits.release.page import print_release
from unlearn_audit.audits.release.result import PRIVATE
from unlearn_audit.audits.release.scores import SCORES
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.cli.shared.reading import reading_options
from unlearn_audit.cli.shared.values import names_of, one_of
from unlearn_audit.config.base import RegimeName
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.one_version import Answers, is_model
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.table import GROUP
from unlearn_audit.utils.columns import content_of, read_columns
from unlearn_audit.utils.console import output
from unlearn_audit.utils.manifest import check_recorded
from unlearn_audit.utils.spreadsheet import unescaped
from unlearn_audit.utils.streams import say_json

IDENTIFIED = 1
"""Exit code of ``--fail-if-identified`` where somebody can be identified."""


@reading_options
def release(
    before: Annotated[
        str | None,
        typer.Argument(
            help="Answers of the version before: a file, or module:function that returns a fitted model.",
            show_default=False,
        ),
    ] = None,
    after: Annotated[str | None, typer.Argument(help="The same for the version after.", show_default=False)] = None,
    *,
    deleted: Annotated[str, typer.Option(help="Ids of the deleted records: a file, or ids joined by commas.")],
    reference: Annotated[str, typer.Option(help="Ids of records that neither version was trained on, likewise.")],
    person: Annotated[str | None, typer.Option(help="The column that holds the person of each record.")] = None,
    group_by: Annotated[
        list[str] | None,
        typer.Option("--group-by", help="Compare people only within values of this column (group_<name>). Repeatable."),
    ] = None,
    base_rate: Annotated[
        list[float] | None,
        typer.Option(help="Share of deleted people among those an observer considers; repeatable."),
    ] = None,
    confidence: Annotated[float, typer.Option(help="Confidence at which a person counts as identified.")] = 0.95,
    control: Annotated[
        str,
        typer.Option(
            help="With several people: holm (limits the chance of one wrong) or fdr (the share of wrong ones).",
            autocompletion=one_of("holm", "fdr"),
        ),
    ] = "holm",
    score: Annotated[
        str | None,
        typer.Option(
            help=f"The score by which to compare people: {', '.join(SCORES)}.", autocompletion=one_of(*SCORES)
        ),
    ] = None,
    combine: Annotated[
        str,
        typer.Option(
            help="How to combine the scores of a person's records: sum, max.", autocompletion=one_of("sum", "max")
        ),
    ] = "sum",
    data: Annotated[
        Path | None,
        typer.Option(help="Records to query models about, or to rehearse with: CSV, JSON lines or Parquet."),
    ] = None,
    label: Annotated[str | None, typer.Option(help="The column of --data that holds the class.")] = None,
    record: Annotated[
        str | None, typer.Option(help="The column of --data that holds the id. Default: the row's number, from 0.")
    ] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Before the deletion: delete stand-ins of the same kind instead.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="Rehearsal: the model to train, as in run.", autocompletion=names_of("models"))
    ] = None,
    regime: Annotated[
        str, typer.Option(help="Rehearsal: fixed, same-seed or fresh.", autocompletion=one_of(*get_args(RegimeName)))
    ] = "fixed",
    repetitions: Annotated[int, typer.Option(min=1, help="Rehearsal: number of sets of stand-ins.")] = 20,
    encoding: Annotated[
        str,
        typer.Option(
            help="Rehearsal: categories as 'codes' or 'one-hot'; unchanged columns, 'raw', or a single column as "
            "'text'.",
            autocompletion=one_of("codes", "one-hot", "raw", "text"),
        ),
    ] = "codes",
    exclude: Annotated[
        list[str] | None, typer.Option(help="Rehearsal: a column of --data that is not a feature. Repeatable.")
    ] = None,
    fail_if_identified: Annotated[
        bool,
        typer.Option("--fail-if-identified", help=f"Exit with {IDENTIFIED} if anyone can be identified, as a gate."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of random draws.")] = 0,
    out: options.Out = None,
    force: options.Force = False,
    owner: options.Owner = None,
    as_json: options.AsJson = False,
    _help_all: options.HelpAll = False,
    read_as: ReadAs,
) -> None:
    """Show who can be identified as deleted from the two versions of one release.

    No shadow worlds are needed: each deleted person is compared with people of the same class who were never in
    training. Files hold a column record, a column p_<class> for each class, and optionally label and group_<name>;
    for other files, unlearn-audit inspect FILE says how to read them. See docs/release.md.

    Typical calls:

    unlearn-audit release before.parquet after.parquet --deleted deleted.txt --reference held-out.txt

    unlearn-audit release before.csv after.csv --deleted 17,80 --reference held.txt --person who --base-rate 0.01

    unlearn-audit release models:before models:after --data people.csv --label income --deleted 17 --reference held.txt

    unlearn-audit release --rehearse --data people.csv --label income --model m:make --deleted 17 --reference held.txt
    """
    settings = _settings(score, combine, confidence, control, base_rate, seed)
    table = _Table(data, label, record, person, group_by)
    if rehearse:
        if before or after:
            raise AuditError("a rehearsal trains its own versions; leave BEFORE and AFTER out, or --rehearse")
        if data is None or label is None or model is None:
            raise AuditError(
                "a rehearsal needs --data, --label and --model: your records, and the model to train on them"
            )
        from unlearn_audit.cli.rehearse import (  # here, since it needs scikit-learn
            Rehearsal,
            encoding_of,
            read_owner_data,
        )

        left_out = exclude or ()
        raw = read_owner_data(data, label, record, person, table.groups, left_out, encoding_of(encoding))
        rehearsal = Rehearsal(model, regime, encoding, repetitions)
        config = {
            **_of_settings(settings),
            "data": _source(str(data), _read(str(data))),
            "label": label,
            "record": record,
            "person": person,
            "group_by": group_by,
            **vars(rehearsal),
            **({"exclude": left_out} if left_out else {}),
            "reference": _source(reference, _read(reference)),
        }
        result = rehearsal.run(raw, deleted, reference, settings, config)
    elif before is None or after is None:
        raise AuditError("give the answers of both versions, BEFORE and AFTER; or --rehearse, before the deletion")
    elif exclude:
        raise AuditError("--exclude names columns that a rehearsal trains without; leave it out, or add --rehearse")
    else:
        result = _compared((before, after), (deleted, reference), table, read_as, settings)
    finish(result, out, as_json, fail_if_identified, owner, force=force)


@dataclass(frozen=True)
class _Table:
    """The options about the columns of answers or of ``--data``, as a user gave them."""

    data: Path | None
    label: str | None
    record: str | None
    person: str | None
    group_by: list[str] | None

    @property
    def groups(self) -> tuple[str, ...]:
        """The columns to compare people within."""
        return tuple(self.group_by or ())


def _compared(
    asked: tuple[str, str], lists: tuple[str, str], table: _Table, read_as: ReadAs, settings: ReleaseSettings
) -> ReleaseResult:
    """Examine two versions that are there, given the ids of the deleted and of references."""
    (before, after), (deleted, reference) = asked, lists
    data = None if table.data is None else str(table.data)
    read = _read(before, after, deleted, reference, *([] if data is None else [data]))
    # a file may hold both versions, of which the other is not read
    versions = [
        _answers(before, table, read, read_as, 0),
        _answers(after, table, read, replace(read_as, before=read_as.after, after=read_as.before), 1),
    ]
    lacking = [name for name in table.groups if all(name not in version.groups for version in versions)]
    if lacking:
        raise AuditError(
            f"no column '{GROUP}{lacking[0]}' in {before} nor in {after}; add the column whose values tell groups apart"
        )
    if table.person is not None and all(version.persons is None for version in versions):
        raise AuditError(
            f"no column '{table.person}' in {before} nor in {after}; name the column that holds the person of each "
            "record"
        )
    column = read_as.columns.get("record", "record")
    named = ((deleted, "--deleted"), (reference, "--reference"))
    ids = [read_ids(text, flag, read.get(text), column) for text, flag in named]
    config = {
        **_of_settings(settings),
        "before": _source(before, read),
        "after": _source(after, read),
        "reference": _source(reference, read),
        "person": table.person,
        "group_by": table.group_by,
        "data": None if data is None else _source(data, read),
        "label": table.label,
        "record": table.record,
        **({"read_as": read_as.stated} if read_as.stated else {}),
    }
    examined = [examine(pair_of(versions[0], versions[1], *ids), settings)]
    return ReleaseResult(findings_of(examined, settings, config), examined)


def finish(
    result: ReleaseResult,
    out: Path | None,
    as_json: bool,
    fail_if_identified: bool,
    owner: str | None = None,
    *,
    force: bool = False,
) -> None:
    """Write the folder, say what was found, and exit with `IDENTIFIED` if that was asked for."""
    config = result.findings.config
    kind = "rehearsal" if result.findings.rehearsal else "release"
    folder = out or Path("runs") / f"{kind}-{digest(config)[:8]}"
    with run_folder(folder, config, note, force=force):
        if not force:
            refuse_others(folder, result)
        page = result.write(folder, owner)
    if as_json:
        say_json(result.findings.to_json())
    else:
        print_release(output(), result.findings, str(page), str(folder / PRIVATE))
    if fail_if_identified and result.findings.identified:
        raise typer.Exit(IDENTIFIED)


def refuse_others(folder: Path, result: ReleaseResult) -> None:
    """Raise if a folder holds the same release of other people.

    The marker of a folder does not tell: whoever has a digest of a few ids finds them by trying.
    """
    if not (folder / PRIVATE).exists():
        return
    try:
        check_recorded(folder / PRIVATE)
    except AuditError as error:
        raise AuditError(
            f"{folder / PRIVATE} has changed since it was written, so whose release {folder} holds is not known; "
            "choose another --out"
        ) from error
    there = map(unescaped, read_columns(folder / PRIVATE, ("person",))["person"].to_pylist())
    if sorted(there) != sorted(result.private_table()["person"].astype(str)):
        raise AuditError(
            f"{folder} holds the check of other deleted people; choose another --out, or replace it with --force"
        )


def _settings(
    score: str | None, combine: Any, confidence: float, control: Any, base_rate: list[float] | None, seed: int
) -> ReleaseSettings:
    rates = tuple(base_rate) if base_rate else BASE_RATES
    return ReleaseSettings(score, combine, confidence, control, rates, seed)


def _of_settings(settings: ReleaseSettings) -> dict[str, Any]:
    return {**vars(settings), "base_rates": list(settings.base_rates)}


def _read(*given: str) -> dict[str, bytes]:
    """Return the content of those that are files: read once, so that a digest is of what was looked at."""
    # which, unlike Path.is_file, takes a long list of ids for none
    return {text: content_of(Path(text)) for text in given if isfile(text)}


def _answers(text: str, table: _Table, read: dict[str, bytes], read_as: ReadAs, version: int) -> Answers:
    if not is_model(text):
        return read_answers(Path(text), table.person, read.get(text), read_as=read_as, version=version)
    if table.data is None or table.label is None:
        raise AuditError(f"{text} is a model, which needs records to answer; give them with --data and --label")
    from unlearn_audit.audits.release.fitted import ask_model  # here, since it needs scikit-learn

    content = read.get(str(table.data))
    return ask_model(text, table.data, table.label, table.record, table.person, content, table.groups)


def _source(text: str, read: dict[str, bytes]) -> dict[str, str]:
    """Return what a file is called and the digest of its content; of ids that were written out, how many.

    Never call it on the ids of the deleted: whoever has a digest of a few ids finds them by trying.
    """
    if text in read:
        return {"file": Path(text).name, "sha256": sha256(read[text]).hexdigest()}
    if is_model(text):
        return {"model": f"{Path(text.rpartition(':')[0]).name}:{text.rpartition(':')[2]}"}
    return {"ids": str(len(text.split(",")))}
