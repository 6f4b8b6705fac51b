"""``unlearn-audit compare``: finished runs side by side."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from unlearn_audit.audits.comparison.compare import Compared, check_number, compare_runs
from unlearn_audit.audits.comparison.page import print_comparison, render_comparison
from unlearn_audit.audits.comparison.table import frame_of
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.console import output
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.spreadsheet import to_csv
from unlearn_audit.utils.streams import say_json, standard_output

_PAGE = ".html"


def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders; others are compared with the first.", metavar="RUN...")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for index.html, comparison.json and comparison.csv; a name that ends in .html gets only the "
            "page."
        ),
    ] = None,
    force: options.Force = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Compare finished runs: what each found, their ROC curves, and by how much they differ from the first.

    If both runs queried the same records in the same worlds, the intervals of differences are paired; otherwise the
    runs are treated as independent. Runs on different data or with a different game are shown side by side but not
    compared. Checks of one release only get a row.

    Typical calls:

    unlearn-audit compare runs/before runs/after

    unlearn-audit compare runs/retrain runs/sisa runs/scrub --out comparison

    unlearn-audit compare runs/before runs/after --csv
    """
    if as_csv and as_json:
        raise AuditError("--csv and --json give the same in two formats; choose one")
    check_number(len(runs))
    compared = compare_runs(runs)
    page = None if out is None else _written(out, compared, runs, force=force)
    if as_json:
        say_json(compared.findings.to_json())
    elif as_csv:
        standard_output().write(to_csv(frame_of(compared.findings)))
    else:
        print_comparison(output(), compared, None if page is None else str(page))


def _written(out: Path, compared: Compared, runs: list[Path], *, force: bool) -> Path:
    """Write the page, alone or in a folder with the data, and return where it is."""
    if out.suffix.lower() == _PAGE:
        write_atomic(out, render_comparison(compared), publishable=True)
        return out
    with run_folder(out, {"comparison": _identity(compared, runs)}, note, force=force):
        write_atomic(out / "comparison.json", compared.findings.to_json())
        write_atomic(out / "comparison.csv", to_csv(frame_of(compared.findings)), publishable=True)
        write_atomic(out / "index.html", render_comparison(compared), publishable=True)
    return out / "index.html"


def _identity(compared: Compared, runs: list[Path]) -> list[dict[str, Any]]:
    """Return which runs are compared: their names, and digests of what they found."""
    return [
        {"name": of.name, "findings": sha256((run / "findings.json").read_bytes()).hexdigest()}
        for of, run in zip(compared.findings.runs, runs, strict=True)
    ]
