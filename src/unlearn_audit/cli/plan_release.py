"""``unlearn-audit plan-release``: the least costly way of releasing updates that gives nobody away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from unlearn_audit.audits.release import ReleaseSettings
from unlearn_audit.audits.release.owner_data import OwnerData, TrialReleases
from unlearn_audit.audits.release.plan.findings import plan_findings
from unlearn_audit.audits.release.plan.page import print_plan, write_plan
from unlearn_audit.audits.release.plan.search import fitting_batches, search
from unlearn_audit.audits.release.plan.settings import BATCHES, PlanSettings, Target
from unlearn_audit.audits.release.scores import SCORES
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.notes import note
from unlearn_audit.cli.shared.own_records import HELD_OUT, encoding_of, owner_records, regime_of, split
from unlearn_audit.cli.shared.values import names_of, one_of
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.engine.store.keys import dataset_fingerprint, digest
from unlearn_audit.models import MODELS, resolve_model
from unlearn_audit.models.logistic import LogisticSettings
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.seeding import holds_seeds, is_of_libraries
from unlearn_audit.models.source import ModelSource
from unlearn_audit.utils.console import output
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.streams import say_json


def plan_release(
    model: Annotated[
        str,
        typer.Option(
            help=f"{', '.join(MODELS)}; or package.module:factory, or file.py:factory.",
            autocompletion=names_of("models"),
        ),
    ],
    dataset: Annotated[
        str | None, typer.Option(help="A name of 'unlearn-audit data list'.", autocompletion=names_of("datasets"))
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Your own table: a CSV, JSON lines or Parquet file.")] = None,
    label: Annotated[str | None, typer.Option(help="The column of --data that holds the class.")] = None,
    record: Annotated[
        str | None, typer.Option(help="The column of --data that holds the id. Default: the row's number, from 0.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="The column of --data that holds the person of each record.")
    ] = None,
    encoding: Annotated[
        str,
        typer.Option(
            help="Categories as 'codes' or 'one-hot'; unchanged columns, 'raw', or a single column as 'text'.",
            autocompletion=one_of("codes", "one-hot", "raw", "text"),
        ),
    ] = "codes",
    exclude: Annotated[
        list[str] | None, typer.Option(help="A column of --data that is not a feature. Repeatable.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(help=f"Ids of records to hold out of training. Default: {100 * HELD_OUT:g} % of people, drawn."),
    ] = None,
    train_size: Annotated[int | None, typer.Option(help="People to train on. Default: all others.")] = None,
    target: Annotated[
        str, typer.Option(help="identified (no one), identified:N (at most N), or rank:N (mean rank from N).")
    ] = "identified",
    batch: Annotated[
        list[int] | None,
        typer.Option(help=f"People per release; repeatable. Default: {', '.join(map(str, BATCHES))} where they fit."),
    ] = None,
    decimals: Annotated[
        list[int] | None,
        typer.Option(
            help="Decimals to round answers to; unrounded answers are tried too. Repeatable. Default: 4, 3, 2, 1."
        ),
    ] = None,
    regime: Annotated[
        list[str] | None,
        typer.Option(
            help="fixed, same-seed or fresh; repeatable. Default: fixed, and fresh if the model draws random numbers.",
            autocompletion=one_of(*(of.value for of in Regime)),
        ),
    ] = None,
    releases: Annotated[int, typer.Option(min=1, help="Trial releases per policy.")] = 200,
    checks: Annotated[int, typer.Option(min=1, help="Further releases on which to check the chosen policy.")] = 200,
    waiting: Annotated[
        float, typer.Option(min=0, help="Cost of each doubling of the people per release, in points of accuracy.")
    ] = 0.1,
    confidence: Annotated[float, typer.Option(help="Confidence at which a person counts as identified.")] = 0.95,
    score: Annotated[
        str | None,
        typer.Option(help="The score by which to compare people, as in release.", autocompletion=one_of(*SCORES)),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of random draws.")] = 0,
    out: options.Out = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Find the least costly way to release updates that meets a target, and check its guarantee.

    Searches batch size, rounding and randomness with trial releases of your own model, retrained exactly.

    Typical calls:

    unlearn-audit plan-release --dataset adult --model logistic-regression --train-size 20000

    unlearn-audit plan-release --data people.csv --label income --model my_models:make --target rank:100
    """
    wanted = Target.parse(target)
    source = resolve_model(model)
    given = encoding_of(encoding)
    raw = owner_records(dataset, data, label, record, person, exclude or (), given)
    owner = split(raw, reference, train_size, given, seed)
    examination = ReleaseSettings(score=score, confidence=confidence, seed=seed)
    settings = PlanSettings(
        target=wanted,
        batches=tuple(sorted(set(batch))) if batch else fitting_batches(owner, examination),
        decimals=(None, *sorted(set(decimals or (4, 3, 2, 1)), reverse=True)),
        regimes=_regimes(source, regime),
        releases=releases,
        checks=checks,
        waiting=waiting,
        examination=examination,
    )
    config = _identity(owner, source, settings, target)
    folder = out or Path("runs") / f"plan-release-{digest(config)[:8]}"
    with run_folder(folder, config, note, force=force):
        with reporter() as shown:
            trials = TrialReleases.of(owner, source, settings.regimes[0], seed, max(settings.batches))
            found = plan_findings(search(trials, settings, shown), config)
        page = write_plan(folder, found)
    if as_json:
        say_json(found.to_json())
    else:
        print_plan(output(), found, str(page))


def _identity(owner: OwnerData, source: ModelSource, settings: PlanSettings, target: str) -> dict[str, Any]:
    """Return what tells a plan apart, as JSON; the target as the user wrote it."""
    return {
        "data": {"name": owner.data.name, "sha256": dataset_fingerprint(owner.data)},
        "model": source.name,
        "model_fingerprint": digest({"of": source.fingerprint}),
        "training": len(owner.training),
        "held_out": len(owner.held_out),
        "target": target,
        "batches": list(settings.batches),
        "decimals": list(settings.decimals),
        "regimes": [regime.value for regime in settings.regimes],
        "releases": settings.releases,
        "checks": settings.checks,
        "waiting": settings.waiting,
        "confidence": settings.examination.confidence,
        "score": settings.examination.score,
        "seed": settings.examination.seed,
    }


def _regimes(source: ModelSource, asked: list[str] | None) -> tuple[Regime, ...]:
    """Return the regimes asked for, or fixed, and fresh where the model draws random numbers."""
    if asked:
        return tuple(dict.fromkeys(regime_of(text) for text in asked))
    estimator = source.make(seed=0)
    draws = holds_seeds(estimator) or not is_of_libraries(estimator)
    return (Regime.FIXED, Regime.FRESH) if draws and LogisticSettings.of(estimator) is None else (Regime.FIXED,)
