"""``unlearn-audit run``: from records to a report."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

from unlearn_audit.audits.membership.run import run_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.cli.shared import options
from unlearn_audit.cli.shared.from_config import configured
from unlearn_audit.cli.shared.run_and_report import run_and_save
from unlearn_audit.config import AuditConfig
from unlearn_audit.utils.programs import is_command


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
    force: options.Force = False,
    owner: options.Owner = None,
    every_attack: options.EveryAttack = False,
    as_json: options.AsJson = False,
) -> None:
    """Audit a deletion: train worlds, delete, query, attack, report.

    Typical calls:

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
        folder_name(specification),
        lambda execution: run_audit(task, execution),
        jobs=jobs,
        executor=executor,
        scheduler=scheduler,
        store=store,
        explain=explain,
        keep_going=keep_going,
        out=out,
        force=force,
        owner=owner,
        as_json=as_json,
        every_attack=every_attack,
    )


def folder_name(specification: AuditConfig) -> str:
    """Return what the run folder is called by default: data and model, in letters that every disk takes."""
    name = Path(specification.target.data.name or specification.target.data.file or "").stem
    model = "".join(c if c.isalnum() or c in "-_." else "-" for c in named(specification.target.model))
    return f"{name}-{model}"


def named(model: str) -> str:
    """Return what a folder is called after: a model's name, or the first words of a command without their folders."""
    if not is_command(model):
        return model
    return " ".join(Path(word).name for word in takewhile(lambda word: not {*"{="} & {*word}, model.split()))
