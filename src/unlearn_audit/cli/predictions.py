"""``unlearn-audit predictions``: from files of posteriors to a report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from unlearn_audit.api import audit_observations
from unlearn_audit.audits.membership.files import file_settings, plan_of_files
from unlearn_audit.audits.membership.forecast.files import forecast_files
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.from_config import configured_for_files
from unlearn_audit.cli.shared.reading import reading_options
from unlearn_audit.cli.shared.run_and_report import run_and_save
from unlearn_audit.config import AuditConfig
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import read_observations
from unlearn_audit.observations.class_order import ordered_as
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.utils.streams import say, say_json


@configured_for_files
@reading_options
def predictions(
    config: AuditConfig,
    read_as: ReadAs,
    shadow: Annotated[
        Path | None, typer.Option(help="Observations of the attacker's own worlds. Required.", show_default=False)
    ] = None,
    target: Annotated[
        Path | None, typer.Option(help="Observations of the models under audit. Required.", show_default=False)
    ] = None,
    jobs: options.Jobs = 1,
    keep_going: options.KeepGoing = False,
    out: options.Out = None,
    force: options.Force = False,
    owner: options.Owner = None,
    every_attack: options.EveryAttack = False,
    as_json: options.AsJson = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print the time and memory needed, and stop.", rich_help_panel="Execution")
    ] = False,
) -> None:
    """Audit posteriors exported from any system; no model is needed.

    A file (CSV, Parquet, Arrow, JSON or NPZ, also compressed) has one row per query with the columns role (deleted,
    unseen, retained or reference), before_<class> and after_<class> for each class; label, world, request, record and
    paper are optional, and so is group_<name>, for --group-by <name>. Files with other names, other numbers or one row
    per number can be read too: unlearn-audit inspect FILE says how. See docs/file-formats.md.

    Typical calls:

    unlearn-audit predictions --shadow shadow.csv --target target.csv --out audit

    unlearn-audit predictions --shadow runs/adult/observations/shadow.parquet --target release.csv --json

    unlearn-audit predictions --shadow shadow.csv --target target.csv --column role=status --values logits

    unlearn-audit predictions --shadow shadow.csv --target target.csv --plan
    """
    if target is None:
        raise AuditError("predictions needs --target, the posteriors under audit, and --shadow, those of other models")
    if shadow is None:
        raise AuditError(
            "predictions needs --shadow: posteriors of models of the attacker's own, from which attacks learn what "
            f"deleted records look like; without them, compare the two versions of {target.name} with unlearn-audit "
            "release BEFORE AFTER --deleted IDS --reference IDS (docs/release.md)"
        )
    tables = {"shadow": read_observations(shadow, read_as), "target": read_observations(target, read_as)}
    tables["target"] = ordered_as(tables["target"], tables["shadow"].classes)
    if plan:
        sides, attacks = plan_of_files(tables["shadow"], tables["target"], config)
        found = forecast_files(attacks, sides[UNDEFENDED], jobs)
        if as_json:
            say_json(asdict(found))
        else:
            say(".\n".join(found.sentences) + ".")
        return
    settings = file_settings(config, {"shadow": shadow, "target": target}, read_as.stated)
    run_and_save(
        settings,
        f"predictions-{target.stem}",
        lambda execution: audit_observations(
            tables["shadow"], tables["target"], config=config, settings=settings, execution=execution
        ),
        jobs=jobs,
        keep_going=keep_going,
        out=out,
        force=force,
        owner=owner,
        as_json=as_json,
        every_attack=every_attack,
    )
