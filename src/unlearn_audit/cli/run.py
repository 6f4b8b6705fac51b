"""``unlearn-audit run``: from records to a report."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from unlearn_audit.audits.membership.run import run_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.cli.shared import attack_names, options
from unlearn_audit.cli.shared.options import settings_of
from unlearn_audit.cli.shared.renamed import deprecations_noted
from unlearn_audit.cli.shared.run_and_report import run_and_save
from unlearn_audit.config import AuditConfig, build_config, read_config
from unlearn_audit.errors import AuditError
from unlearn_audit.models import MODELS
from unlearn_audit.unlearning import METHODS


def specify(
    config: Annotated[Path | None, typer.Argument(help="A YAML file; flags override it.", show_default=False)] = None,
    dataset: Annotated[str | None, typer.Option(help="A name of 'unlearn-audit data list'. Default: digits.")] = None,
    data: Annotated[str | None, typer.Option("--data", help="Your own table: a CSV or Parquet file.")] = None,
    label: Annotated[str | None, typer.Option(help="The column of --data that holds the class.")] = None,
    person: Annotated[
        str | None,
        typer.Option(help="The column of --data that says whose row it is; all rows of a person are deleted together."),
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A column of --data that is no feature.")] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="A column of --data that stays though it looks like an id.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Categories as 'codes' (default) or 'one-hot'.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(MODELS)}; or package.module:factory, or file.py:factory."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Networks: passes over the training records.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Networks: records a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Networks: of the optimiser.")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Networks: steps after which training stops.")] = None,
    device: Annotated[str | None, typer.Option(help="Networks: auto (default: a GPU if any), cpu, cuda.")] = None,
    shadow_dataset: Annotated[str | None, typer.Option(help="The attacker's dataset, where it differs.")] = None,
    shadow_model: Annotated[str | None, typer.Option(help="The attacker's model, where it differs.")] = None,
    regime: Annotated[str | None, typer.Option(help="fixed (default), same-seed or fresh.")] = None,
    unlearning: Annotated[str | None, typer.Option(help=f"{', '.join(METHODS)}. Default: retrain.")] = None,
    shards: Annotated[int | None, typer.Option(help="SISA: parts with a model of their own. Default: 10.")] = None,
    slices: Annotated[int | None, typer.Option(help="SISA: steps of training within a shard. Default: 1.")] = None,
    aggregation: Annotated[str | None, typer.Option(help="SISA: mean (default) or vote.")] = None,
    retraining_arm: Annotated[
        bool | None,
        typer.Option(
            "--retraining-arm/--no-retraining-arm",
            help="Beside another method, retrain the same worlds exactly and compare (default), or save the time.",
            show_default=False,
        ),
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(help="single (default), group, online, multi-version or retained.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Records deleted by one update: a number, or a share like 1%. Default: 1, group 10."),
    ] = None,
    versions: Annotated[int | None, typer.Option(help="multi-version: updates in a chain. Default: 5.")] = None,
    shadow_worlds: Annotated[int | None, typer.Option(help="Original models of the attacker. Default: 10.")] = None,
    target_worlds: Annotated[int | None, typer.Option(help="Original models under attack. Default: 10.")] = None,
    train_size: Annotated[int | None, typer.Option(help="Training records of each original. Default: 2000.")] = None,
    deletions: Annotated[int | None, typer.Option(help="Unlearned models per original. Default: 20.")] = None,
    unseen: Annotated[int | None, typer.Option(help="More unseen records asked of each pair. Default: 20.")] = None,
    references: Annotated[int | None, typer.Option(help="Reference records asked of each pair. Default: 100.")] = None,
    retained: Annotated[int | None, typer.Option(help="Retained records asked of each pair. Default: 1.")] = None,
    layout: Annotated[
        str | None, typer.Option(help="Who is audited: paper (default), or per-record, the same in all worlds.")
    ] = None,
    canaries: Annotated[
        str | None, typer.Option(help="mislabelled: audited records get wrong labels, a worst case. Default: none.")
    ] = None,
    probes: Annotated[
        int | None,
        typer.Option(
            help="Perturbed copies of each record whose labels are asked, for label-only attacks, such as 20."
        ),
    ] = None,
    defense: options.Defenses = None,
    view: options.Views = None,
    game: options.Games = None,
    attack: attack_names.Attacks = None,
    feature: options.Features = None,
    attack_model: options.AttackModels = None,
    group_by: options.GroupBy = None,
    until: Annotated[
        str | None, typer.Option(help="Add target worlds until the AUC's interval is this narrow: 'auc ± 0.03'.")
    ] = None,
    at_most: Annotated[
        int | None, typer.Option(help="--until: target worlds at which to stop in any case. Default: 100.")
    ] = None,
    training: Annotated[
        str | None, typer.Option(help="auto (default: many models at once where it can be done) or plain (one by one).")
    ] = None,
    seed: options.Seed = None,
    no_reuse: options.NoReuse = False,
    allow_code: options.AllowCode = False,
) -> AuditConfig:
    """Return the configuration that a file and flags describe: what all commands about one audit take.

    Raises
    ------
    AuditError
        If they contradict each other, or describe no audit.
    """
    target_data = settings_of(
        name=dataset, file=data, label=label, person=person, exclude=exclude, keep=keep, encoding=encoding
    )
    flags: dict[str, Any] = settings_of(
        target=settings_of(
            data=target_data or None,
            model=model,
            network=settings_of(
                epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, max_steps=max_steps, device=device
            )
            or None,
        )
        or None,
        shadow=settings_of(data={"name": shadow_dataset} if shadow_dataset else None, model=shadow_model) or None,
        worlds=settings_of(
            shadow=shadow_worlds,
            target=target_worlds,
            train_size=train_size,
            deletions=deletions,
            unseen=unseen,
            references=references,
            retained=retained,
            layout=layout,
            canaries=canaries,
            probes=probes,
        )
        or None,
        regime=regime,
        unlearning=settings_of(method=unlearning, shards=shards, slices=slices, aggregation=aggregation) or None,
        retraining_arm=retraining_arm,
        scenario=settings_of(name=scenario, size=_number_or_share(size), versions=versions) or None,
        defenses=defense,
        views=view,
        games=game,
        attacks=attack_names.attacks_named(attack),
        features=feature,
        attack_models=attack_model,
        groups=group_by,
        training=training,
        until=settings_of(auc=until, at_most=at_most) or None,
        seed=seed,
        execution={"reuse": "never"} if no_reuse else None,
    )
    if dataset is not None and data is not None:
        raise AuditError("--dataset and --data were both given; name one source of records")
    if data is None and config is None and (label is not None or person is not None or exclude or keep):
        raise AuditError("--label, --person, --exclude and --keep belong to --data; give the table they are columns of")
    with deprecations_noted():
        if config is None:
            return build_config(flags, "the command line")
        return read_config(config, flags, allow_code=allow_code)


def configured(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `specify`, before its own; its first parameter is what they describe."""
    asked = signature(specify, eval_str=True).parameters
    _, *own = signature(command, eval_str=True).parameters.values()

    def with_options(**given: Any) -> None:
        command(specify(**{name: given.pop(name) for name in asked}), **given)

    parameters = [*asked.values(), *own]
    with_options.__doc__ = command.__doc__
    with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options


@configured
def run(
    specification: AuditConfig,
    jobs: options.Jobs = 1,
    executor: options.Executor = None,
    scheduler: options.Scheduler = None,
    store: options.Store = None,
    explain: options.Explain = False,
    keep_going: options.KeepGoing = False,
    out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:
    """Audit a deletion: train worlds, delete, query, attack, report.

    [bold]Examples[/]

    unlearn-audit run

    unlearn-audit run --dataset adult --model random-forest --regime fixed --jobs 2 --out adult-forest

    unlearn-audit run --data people.csv --label income --person customer --model my_models:make_model

    unlearn-audit run --dataset adult --group-by sex --group-by age

    unlearn-audit run --dataset adult --scenario group --size 10 --unlearning sisa --shards 5

    unlearn-audit run --dataset checkins-nyc --defense top-k:3 --defense label-only --defense rounding:2

    unlearn-audit run --dataset adult --model logistic-regression --until "auc ± 0.03" --at-most 60

    unlearn-audit run audit.yaml --seed 1 --json
    """
    task = AuditTask.load(specification)
    run_and_save(
        task.identity,
        _folder_name(specification),
        lambda execution: run_audit(task, execution),
        jobs=jobs,
        executor=executor,
        scheduler=scheduler,
        store=store,
        explain=explain,
        keep_going=keep_going,
        out=out,
        as_json=as_json,
    )


def _number_or_share(size: str | None) -> int | str | None:
    return int(size) if size is not None and size.lstrip("-").isdigit() else size


def _folder_name(specification: AuditConfig) -> str:
    """Return what the run folder is called by default: data and model, in letters that every disk takes."""
    name = Path(specification.target.data.name or specification.target.data.file or "").stem
    model = "".join(c if c.isalnum() or c in "-_." else "-" for c in specification.target.model)
    return f"{name}-{model}"
