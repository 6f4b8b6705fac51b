"""What the commands that audit share: the run folder, progress, and the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.result import AuditResult
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.report import print_summary
from unlearn_audit.utils.console import output
from unlearn_audit.utils.imports import import_meanwhile
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.streams import say_json


def run_and_save(
    identity: Mapping[str, Any],
    name: str,
    work: Callable[[Execution], AuditResult],
    *,
    out: Path | None,
    force: bool,
    as_json: bool,
    every_attack: bool = False,
    **execution: Any,
) -> None:
    """Hold the run folder, do the work, write the report, and say what was found; `execution` is of `Execution`."""
    folder = out or Path("runs") / f"{name}-{digest(identity)[:8]}"
    store = Execution(store=execution["store"]).store_folder if "store" in execution else None
    with run_folder(folder, identity, note, store, force=force):
        if execution.get("jobs", 1) > 1:  # while workers compute, this process waits
            import_meanwhile("matplotlib.figure", "matplotlib.backends.backend_svg")
        with reporter() as shown:
            result = work(Execution(reporter=shown, **execution))
        page = result.write(folder)
    if as_json:
        say_json((folder / "findings.json").read_text(encoding="utf-8"))
    else:
        print_summary(output(), result.findings, page, every_attack=every_attack)
