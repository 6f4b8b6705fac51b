"""The conductor: configuration -> worlds -> observations -> scores -> findings."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from unlearn_audit.arms import Arm, plan_arms
from unlearn_audit.assess import assess, chosen_attacks, expected_attacks, n_attacks
from unlearn_audit.attacks.stage import FEWEST_ROWS
from unlearn_audit.config import AuditConfig, DataConfig, SideConfig, WorldsConfig, build_config
from unlearn_audit.defenses import UNDEFENDED, parse_defense
from unlearn_audit.defenses.base import check_defenses
from unlearn_audit.describe import (
    described,
    grouped,
    notes_on,
    repeats,
    said_of_classes,
    side_details,
    spread,
    table_details,
    warning_texts,
)
from unlearn_audit.engine import Store, WorldStats, default_store_folder, observe_worlds
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.engine.keys import COMPUTING_LIBRARIES, dataset_fingerprint, digest
from unlearn_audit.engine.probes import check_probes
from unlearn_audit.engine.runner import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.fields import Field, field_for, has_field
from unlearn_audit.foretell import foretell
from unlearn_audit.models import ModelSource, resolve_model
from unlearn_audit.models.privacy import Spent
from unlearn_audit.observations import Observations
from unlearn_audit.observations.table import GROUP
from unlearn_audit.progress import Reporter, Silent
from unlearn_audit.report.findings import Findings
from unlearn_audit.report.verdict import verdict
from unlearn_audit.result import AuditResult
from unlearn_audit.threads import one_thread
from unlearn_audit.until import grow
from unlearn_audit.worlds import WorldPlan, per_record_plans, plan_worlds
from unlearn_audit.worlds.canaries import with_canaries
from unlearn_audit.worlds.prepare import Records, prepare, prepare_arrays

SIDE_NAMES = ("shadow", "target")


@dataclass(frozen=True)
class Execution:
    """What does not change results.

    Attributes
    ----------
    jobs
        Cores to use.
    store
        Folder of finished worlds, shared by runs; None means `default_store_folder`.
    reporter
        Shows progress.
    executor
        Where worlds are made: ``serial``, ``processes`` or ``dask``; None means processes for several jobs.
    scheduler
        The address of a running Dask scheduler; None means worker processes of this machine.
    keep_going
        Whether an attack that fails is reported and the others go on.
    explain
        Whether to tell the reporter what is reused and why the rest is not.
    """

    jobs: int = 1
    store: Path | None = None
    reporter: Reporter = field(default_factory=Silent)
    executor: str | None = None
    scheduler: str | None = None
    keep_going: bool = False
    explain: bool = False


@dataclass(frozen=True)
class Subject:
    """An audit about to be run: its configuration, and the records and models of both sides.

    Attributes
    ----------
    config
        What is asked.
    records, models
        By side.
    """

    config: AuditConfig
    records: Mapping[str, Records]
    models: Mapping[str, ModelSource]

    @classmethod
    def load(cls, config: AuditConfig) -> Subject:
        """Load the data and resolve the models that a configuration names.

        Raises
        ------
        AuditError
            If there is no such data or model, or the two sides do not go together.
        """
        target, shadow = config.target, config.shadow_side
        records = {"target": prepare(target.data, config.seed, config.groups)}
        records["shadow"] = records["target"] if shadow.data == target.data else prepare(shadow.data, config.seed)
        models = {
            side: resolve_model(of.model, of.network.settings) for side, of in (("target", target), ("shadow", shadow))
        }
        return cls(config, records, models)

    @property
    def identity(self) -> dict[str, Any]:
        """What makes this audit another than any other; changed data or model code make another identity."""
        columns = self.records["target"].columns
        groups = {name: digest({"values": [str(value) for value in of]}) for name, of in columns.items()}
        return {
            "config": self.config.model_dump(mode="json"),
            "data": {side: dataset_fingerprint(of.data) for side, of in self.records.items()},
            "model": {side: digest({"model": source.fingerprint}) for side, source in self.models.items()},
            **({"groups": groups} if groups else {}),
        }


def run(config: AuditConfig, execution: Execution | None = None) -> AuditResult:
    """Run the audit that a configuration describes.

    Raises
    ------
    AuditError
        If anything about the request is wrong.
    """
    return conduct(Subject.load(config), execution or Execution())


def audit(
    model: Any,
    X: Any,
    y: Sequence[Any],
    *,
    units: Sequence[Any] | None = None,
    name: str = "in-memory",
    shadow_worlds: int = 10,
    target_worlds: int = 10,
    train_size: int = 2000,
    deletions: int = 20,
    unseen: int = 20,
    references: int = 100,
    retained: int | None = None,
    layout: Literal["paper", "per-record"] = "paper",
    canaries: Literal["none", "mislabelled"] = "none",
    probes: int = 0,
    groups: Sequence[str] | Mapping[str, Sequence[Any]] = (),
    execution: Execution | None = None,
    **settings: Any,
) -> AuditResult:
    """Audit the deletion of records from a model of one's own.

    Parameters
    ----------
    model
        A scikit-learn classifier (Pipelines too), a function that makes an unfitted one, or a name.
    X
        (n, ...) features: an array, or a DataFrame that the model can take.
    y
        (n,) labels.
    units
        (n,) whose row each is: rows of one unit stay on one side and are deleted together.
    name
        What to call the data in reports.
    shadow_worlds, target_worlds, train_size, deletions, unseen, references, retained, layout, canaries, probes
        Sizes, see `WorldsConfig`; what the data cannot give shrinks with a note.
    groups
        Columns of a DataFrame X by whose values risk is told too; or (n,) values by name, which need not be features.
    execution
        Worker processes, store and progress.
    **settings
        Further fields of `AuditConfig`: ``regime``, ``unlearning``, ``retraining_arm``, ``scenario``, ``games``,
        ``views``, ``defenses``, ``attacks``, ``features``, ``attack_models``, ``until``, ``seed``.

    Raises
    ------
    AuditError
        If anything about the request is wrong.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> result = audit(
    ...     DecisionTreeClassifier(max_leaf_nodes=10), X, y, shadow_worlds=3, target_worlds=3, deletions=5,
    ...     attacks=[], features=["sorted-diff"], attack_models=["logistic-regression"],
    ... )
    >>> result.findings.regime, result.findings.selected.attack
    ('fixed', 'sorted-diff')
    """
    source = resolve_model(model)
    sizes = WorldsConfig(
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
    if taken := {"target", "shadow", "worlds"} & settings.keys():
        raise AuditError(
            f"audit() takes no {sorted(taken)[0]}: model, X and y are both sides and sizes are arguments of their own; "
            "for a shadow side of its own use run() with a configuration"
        )
    side = SideConfig(data=DataConfig(name=name), model=source.name)
    groups = (groups,) if isinstance(groups, str) else groups
    config = build_config({"target": side, "worlds": sizes, "groups": tuple(groups), **settings}, where="audit()")
    records = prepare_arrays(X, y, units, name, config.seed, groups)
    both = {"target": records, "shadow": records}
    return conduct(Subject(config, both, {"target": source, "shadow": source}), execution or Execution())


def audit_observations(
    shadow: Observations,
    target: Observations,
    *,
    config: AuditConfig | None = None,
    settings: dict[str, Any] | None = None,
    execution: Execution | None = None,
) -> AuditResult:
    """Audit two tables of observations, whoever made them.

    Parameters
    ----------
    shadow, target
        The attacker's table and the table under audit, of the same classes and versions.
    config
        Games, features, attack models and seed are read from it.
    settings
        What findings state as their configuration; by default what was read from ``config``.
    execution
        Worker processes and progress.

    Raises
    ------
    AuditError
        If the tables do not fit together or lack a role.
    """
    config = config or AuditConfig()
    if config.until is not None:
        raise AuditError("until adds target worlds, and a file of posteriors has none to add; use it with run")
    for defense in map(parse_defense, config.defenses):
        if defense.training != UNDEFENDED:
            raise AuditError(
                f"{defense.training} changes the training, and a file of posteriors has none; use it with run"
            )
    target = _grouped_by(target, config.groups)
    settings = settings or file_settings(config, {})
    known = target.metadata
    overfitting = {
        side: spread(table.metadata["overfitting"])
        for side, table in (("shadow", shadow), ("target", target))
        if table.metadata.get("overfitting")
    }
    return _find(
        settings,
        settings,
        config,
        {UNDEFENDED: {"shadow": shadow, "target": target}},
        execution or Execution(),
        dataset=", ".join(sorted(set(target.rows["dataset"]) - {""})) or "unnamed",
        model=str(known.get("model", "unknown")),
        regime=str(known.get("regime", "unknown")),
        regime_note=None,
        details={side: table_details(table) for side, table in (("shadow", shadow), ("target", target))},
        overfitting=overfitting or None,
        notes=tuple(repeats({"shadow": shadow, "target": target})),
        timing={},
    )


def _grouped_by(target: Observations, names: Sequence[str]) -> Observations:
    """Return a table with the groups asked for alone."""
    for name in names:
        if name not in target.groups:
            there = ", ".join(GROUP + of for of in target.groups) or "none of the kind"
            raise AuditError(f"the target file has no column {GROUP + name!r} to group by; it has {there}")
    return replace(target, groups={name: target.groups[name] for name in names})


_READ_OF_FILES = ("games", "views", "attacks", "defenses", "features", "attack_models", "groups", "seed")
"""The keys of a configuration that an audit of files reads."""


def file_settings(config: AuditConfig, files: Mapping[str, Path]) -> dict[str, Any]:
    """Return the configuration of an audit of tables: what is read of ``config``, and digests of the files."""
    used = config.model_dump(mode="json", include=set(_READ_OF_FILES))
    return {
        **used,
        "observations": {
            side: {"file": path.name, "sha256": sha256(path.read_bytes()).hexdigest()} for side, path in files.items()
        },
    }


def plan_audit(subject: Subject) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Return the arms of an audit with their worlds, the undefended one first, and notes on what was adjusted.

    Raises
    ------
    AuditError
        If the worlds cannot be drawn, or the attacks could not be run on them.
    """
    config, records, models = subject.config, subject.records, subject.models
    if len(records["shadow"].data.class_names) != len(records["target"].data.class_names):
        raise AuditError(
            f"shadow data {records['shadow'].data.name} has {len(records['shadow'].data.class_names)} classes and "
            f"target data {records['target'].data.name} {len(records['target'].data.class_names)}; an attack on "
            "posteriors of one width cannot read another, so choose data with as many classes"
        )
    plans, notes = _plan(config, records)
    _refuse_before_training(subject, plans)
    if config.worlds.canaries == "mislabelled":
        records, said = with_canaries(records, plans, config.seed)
        notes = (*notes, *said)
    arms = plan_arms(config, records, models, plans)
    notes = (*notes, *(note for arm in arms for note in arm.notes))
    regime_notes = arms[0].regime_notes
    if regime_notes["shadow"] and regime_notes["shadow"] != regime_notes["target"]:
        notes = (*notes, f"shadow side: {regime_notes['shadow']}")
    return arms, notes


def conduct(subject: Subject, execution: Execution) -> AuditResult:
    """Train, observe, attack and measure.

    Raises
    ------
    AuditError
        If the worlds cannot be drawn, a model fails, or the attacks cannot be fitted.
    """
    config, records, models = subject.config, subject.records, subject.models
    executor = executor_for(execution.executor, execution.jobs, execution.scheduler)
    started = time.perf_counter()
    arms, notes = plan_audit(subject)
    plain = arms[0]
    store = Store(execution.store or default_store_folder())

    def observe(tasks: Sequence[SideTask]) -> Iterator[tuple[SideTask, Observations, WorldStats]]:
        show = execution.reporter.stage("Training and querying worlds", sum(task.plan.n_worlds for task in tasks))
        say = execution.reporter.say if execution.explain else None
        return observe_worlds(tasks, store, executor, lambda done, _: show(done), say)

    knows, notes_of_field = _change_field(subject, plain, execution)
    notes = (*notes, *notes_of_field)
    stopping, made_before = None, 0
    if config.until is not None:
        stopping, made_before = grow(
            plain, config, observe, execution.jobs, execution.reporter, knows, keep_going=execution.keep_going
        )
        arms = tuple(arm.with_target_worlds(stopping.worlds) for arm in arms)
        plain = arms[0]
        notes = (*notes, stopping.sentence)
    tasks = [(arm.name, side, task) for arm in arms for side, task in arm.tasks.items()]
    tables: dict[str, dict[str, Observations]] = {arm.name: {} for arm in arms}
    stats: dict[str, WorldStats] = {}
    spent: dict[str, Spent] = {}
    observed = observe([task for _, _, task in tasks])
    for (arm, side, _), (task, table, of_side) in zip(tasks, observed, strict=True):
        table = described(task, table, of_side)
        tables[arm][side] = grouped(table, records["target"]) if side == "target" else table
        stats[side if arm == UNDEFENDED else f"{arm}, {side}"] = of_side
        if side == "target" and of_side.spent is not None:
            spent[arm] = of_side.spent
    classes = {side: table.classes for side, table in tables[plain.name].items()}
    if classes["shadow"] != classes["target"]:
        notes = (*notes, said_of_classes(classes["shadow"], classes["target"]))
        for of_arm in tables.values():
            of_arm["shadow"] = replace(of_arm["shadow"], classes=classes["target"])
    trained = time.perf_counter()
    return _find(
        config.model_dump(mode="json"),
        subject.identity,
        config,
        tables,
        execution,
        spent=spent,
        knows=knows,
        dataset=records["target"].data.name,
        model=models["target"].name,
        regime=str(plain.tasks["target"].unlearner.regime),
        regime_note=plain.regime_notes["target"],
        details={side: side_details(plain.tasks[side]) for side in SIDE_NAMES},
        overfitting={side: spread(stats[side].overfitting) for side in SIDE_NAMES},
        notes=(*notes, *notes_on(records, tables[plain.name], stats)),
        stopping=stopping,
        timing={
            "executor": executor.name,
            "seconds_worlds": round(trained - started, 2),
            "worlds_reused": sum(s.reused for s in stats.values()) - made_before,
            "store": str(store.folder),
            "training_warnings": warning_texts(stats),
        },
    )


def foretells_deletions(subject: Subject) -> bool:
    """Return whether the attacker knows what deletions change, from records of the same data.

    Of some models it takes one training, of any other one for each record: that is done for attacks asked for by name.
    """
    same_data = subject.records["shadow"] is subject.records["target"]
    return same_data and (has_field(subject.models["target"]) or subject.config.attacks is not None)


def _change_field(subject: Subject, plain: Arm, execution: Execution) -> tuple[Field | None, tuple[str, ...]]:
    """Train the attacker's own model, if an attack will compute with it; return what it knows, or why it does not.

    Raises
    ------
    AuditError
        If an attack was asked for by name that cannot be had.
    """
    config = subject.config
    attacks = expected_attacks(config, field=foretells_deletions(subject))
    if not any("field" in attack.needs for of in attacks.values() for attack in of.runs):
        return None, ()
    own, target = plain.tasks["shadow"].plan.candidates, plain.tasks["target"]
    show = execution.reporter.stage("Training the attacker's own model", 1)
    try:
        with one_thread():
            knows = field_for(target.source, target.data, own, target.plan.sizes.train_size, config.seed)
            # whatever it cannot do shows now, and not when all worlds are trained
            knows.change(own[:2], target.plan.references[:2])
    except Exception as error:
        said = " ".join(str(error).split())
        reason = said if isinstance(error, AuditError) else f"{type(error).__name__}: {said}"
        if config.attacks is not None:
            raise AuditError(
                f"what deletions change is not known, and an attack that was asked for needs it: {reason}"
            ) from error
        return None, (f"attacks that foretell deletions were left out: {reason}",)
    show(1)
    return knows, ()


def _refuse_before_training(subject: Subject, plans: Mapping[str, WorldPlan]) -> None:
    """Raise where the attacks could not be run on what would be trained."""
    config, shadow = subject.config, plans["shadow"]
    if config.worlds.probes:
        for side, plan in plans.items():
            check_probes(subject.records[side].data, plan.references)
    check_defenses(config.defenses, len(subject.records["target"].data.class_names))
    expected_attacks(config, field=foretells_deletions(subject))
    rows = shadow.n_worlds * shadow.sizes.deletions * int(shadow.scenario.size) * shadow.scenario.versions
    if rows < FEWEST_ROWS:
        raise AuditError(
            f"the shadow side would have {rows:,} deleted records to fit attacks on, fewer than {FEWEST_ROWS}; "
            "use more shadow worlds or deletions"
        )


def _find(
    settings: dict[str, Any],
    identity: Mapping[str, Any],
    config: AuditConfig,
    tables: Mapping[str, Mapping[str, Observations]],
    execution: Execution,
    *,
    spent: Mapping[str, Spent] | None = None,
    knows: Field | None = None,
    timing: dict[str, Any],
    regime: str,
    regime_note: str | None,
    notes: tuple[str, ...],
    **facts: Any,
) -> AuditResult:
    """Attack the tables and put the findings together: the same for our own observations and for files."""
    started = time.perf_counter()
    chosen = chosen_attacks(config, tables, knows)
    of_sides = (table for of_arm in tables.values() for table in of_arm.values())
    foretell(knows, chosen, of_sides, execution.jobs, execution.reporter)
    n = n_attacks(config, chosen, tables)
    show = execution.reporter.stage("Fitting attacks", n)
    done = iter(range(1, n + 1))
    found = assess(
        tables,
        config,
        execution.jobs,
        lambda: show(next(done)),
        spent,
        chosen,
        keep_going=execution.keep_going,
    )
    canaries = tables[UNDEFENDED]["target"].canaries
    findings = Findings(
        config=settings,
        canaries=canaries,
        selected=found.selected,
        verdict=verdict(found.results, found.selected, regime, regime_note, canaries),
        results=found.results,
        released=found.released,
        groups=found.groups,
        record_risk=found.record_risk,
        deletion_time=found.deletion_time,
        three_way=found.three_way,
        paper=found.paper,
        retraining=found.retraining,
        failed=found.failed,
        regime=regime,
        regime_note=regime_note,
        notes=(*notes, *dict.fromkeys(note for attacks in chosen.values() for note in attacks.notes)),
        execution={
            "jobs": execution.jobs,
            **timing,
            "seconds_attacks": round(time.perf_counter() - started, 2),
            "python": platform.python_version(),
            "unlearn-audit": version("unlearn-audit"),
            **{name: version(name) for name in COMPUTING_LIBRARIES},
        },
        **facts,
    )
    # as they lie in the run folder: shadow, target, and of other arms shadow-retraining or shadow-dp-sgd-4
    named = {
        side if arm == UNDEFENDED else f"{side}-{arm.replace(':', '-')}": table
        for arm, of_arm in tables.items()
        for side, table in of_arm.items()
    }
    return AuditResult(findings, found.scores, named, identity)


def _plan(config: AuditConfig, records: Mapping[str, Records]) -> tuple[dict[str, WorldPlan], tuple[str, ...]]:
    """Plan both sides, on one dataset or, under transfer, on two."""
    if records["shadow"] is records["target"]:
        both = records["target"]
        plans, said = plan_worlds(
            both.split, both.units, config.worlds, config.scenario, config.seed, both.data.name, SIDE_NAMES
        )
        return (per_record_plans(plans, both.data.name) if config.worlds.layout == "per-record" else plans), said
    if config.worlds.layout == "per-record":
        raise AuditError("per-record worlds audit the same records on both sides; leave the shadow dataset out")
    plans = {}
    notes: list[str] = []
    for side in SIDE_NAMES:
        of = records[side]
        more, said = plan_worlds(of.split, of.units, config.worlds, config.scenario, config.seed, of.data.name, (side,))
        plans |= more
        notes += said
    return plans, tuple(notes)
