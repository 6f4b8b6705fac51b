"""``unlearn-audit predictions``: from files of posteriors to a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearn_audit.api import audit_observations, file_settings
from unlearn_audit.cli.shared import attack_names, options
from unlearn_audit.cli.shared.options import settings_of
from unlearn_audit.cli.shared.run_and_report import run_and_save
from unlearn_audit.config import build_config
from unlearn_audit.observations import read_observations


def predictions(
    shadow: Annotated[Path, typer.Option(help="Observations of the attacker's own worlds.", show_default=False)],
    target: Annotated[Path, typer.Option(help="Observations of the models under audit.", show_default=False)],
    defense: options.Defenses = None,
    view: options.Views = None,
    game: options.Games = None,
    attack: attack_names.Attacks = None,
    feature: options.Features = None,
    attack_model: options.AttackModels = None,
    group_by: options.GroupBy = None,
    seed: options.Seed = None,
    jobs: options.Jobs = 1,
    keep_going: options.KeepGoing = False,
    out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:
    """Audit posteriors that any system exported; no model is needed.

    A .csv, .jsonl, .parquet or .npz file needs one row a query with the columns role (deleted, unseen, retained or
    reference), before_<class> and after_<class> for each class; label, world, request, record and paper are
    optional, and so is group_<name>, for --group-by <name>. See docs/file-formats.md.

    [bold]Examples[/]

    unlearn-audit predictions --shadow shadow.csv --target target.csv --out audit

    unlearn-audit predictions --shadow runs/adult/observations/shadow.parquet --target release.csv --json
    """
    config = build_config(
        settings_of(
            defenses=defense,
            views=view,
            games=game,
            attacks=attack_names.attacks_named(attack),
            features=feature,
            attack_models=attack_model,
            groups=group_by,
            seed=seed,
        ),
        "the command line",
    )
    tables = {"shadow": read_observations(shadow), "target": read_observations(target)}
    settings = file_settings(config, {"shadow": shadow, "target": target})
    run_and_save(
        settings,
        f"predictions-{target.stem}",
        lambda execution: audit_observations(
            tables["shadow"], tables["target"], config=config, settings=settings, execution=execution
        ),
        jobs=jobs,
        store=None,
        keep_going=keep_going,
        out=out,
        as_json=as_json,
    )
