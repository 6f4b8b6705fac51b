"""An audit from Python: from a configuration, a model and arrays, or two tables of observations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from unlearn_audit.attacks.sample import FIT_ROWS
from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.notes import min_mean_max, repeats, roundings, table_details
from unlearn_audit.audits.membership.result import AuditResult
from unlearn_audit.audits.membership.run import Provenance, evaluate_tables, run_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.methods.plan import comparison_config, methods_asked
from unlearn_audit.audits.methods.result import MethodsResult
from unlearn_audit.audits.methods.run import compare
from unlearn_audit.config import AuditConfig, DataConfig, SideConfig, UnlearningConfig, WorldsConfig, build_config
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.attack_plan import AttackPlan, available_in_tables
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.models import resolve_model
from unlearn_audit.observations import Observations
from unlearn_audit.observations.table import GROUP
from unlearn_audit.utils.manifest import digest_of
from unlearn_audit.worlds.prepare import prepare_arrays


def run(config: AuditConfig, execution: Execution | None = None) -> AuditResult:
    """Run the audit that a configuration describes.

    Raises
    ------
    AuditError
        If anything about the request is wrong.
    """
    return run_audit(AuditTask.load(config), execution or Execution())


def audit(
    model: Any,
    X: Any,
    y: Sequence[Any],
    *,
    persons: Sequence[Any] | None = None,
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
    keep: Sequence[str] = (),
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
    persons
        (n,) whose row each is: rows of one person stay on one side and are deleted together.
    name
        What to call the data in reports.
    shadow_worlds, target_worlds, train_size, deletions, unseen, references, retained, layout, canaries, probes
        Sizes, see `WorldsConfig`; what the data cannot give shrinks with a note.
    groups
        Columns of a DataFrame X by whose values to break risk down; or (n,) values by name, features or not.
    keep
        Columns of X that are features even if nearly every record holds another text, which is refused otherwise.
    execution
        Worker processes, store and progress.
    **settings
        Further fields of `AuditConfig`: ``regime``, ``unlearning``, ``retraining_arm``, ``scenario``, ``games``,
        ``views``, ``defenses``, ``attacks``, ``features``, ``attack_models``, ``until``, ``seed``. ``units`` is the
        deprecated name of ``persons``.

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
    task = _Arrays(model, X, y, persons, name, groups, keep).task("audit", sizes, settings)
    return run_audit(task, execution or Execution())


def compare_methods(
    model: Any,
    X: Any,
    y: Sequence[Any],
    methods: Sequence[str | UnlearningConfig | Callable[..., Any]] | None = None,
    *,
    persons: Sequence[Any] | None = None,
    name: str = "in-memory",
    worlds: WorldsConfig | Mapping[str, Any] | None = None,
    groups: Sequence[str] | Mapping[str, Sequence[Any]] = (),
    keep: Sequence[str] = (),
    execution: Execution | None = None,
    **settings: Any,
) -> MethodsResult:
    """Compare unlearning methods on a model of one's own, beside exact retraining and no unlearning.

    All methods get the same worlds, deletions and queries, and start from the same originals.

    Parameters
    ----------
    model, X, y, persons, name, groups, keep
        As in `audit`.
    methods
        Each by its name, with options as in ``"sisa:shards=5"``, or as a function of one's own; by default every one
        that can unlearn from the model.
    worlds
        Sizes, see `WorldsConfig`; what the data cannot give shrinks with a note.
    execution
        Worker processes, store and progress.
    **settings
        Further fields of `AuditConfig`: ``regime``, ``scenario``, ``games``, ``views``, ``attacks``, ``features``,
        ``attack_models``, ``unlearning_measures``, ``seed``.

    Returns
    -------
    MethodsResult
        ``to_frame()`` is the table, ``save(folder)`` writes it with a page, and ``findings`` has everything.

    Raises
    ------
    AuditError
        If anything about the request is wrong, or a method that is named cannot unlearn from the model.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> compared = compare_methods(
    ...     DecisionTreeClassifier(max_leaf_nodes=10), X, y, ["sisa:shards=2"], attacks=["score-difference"],
    ...     attack_models=["none"], worlds={"shadow": 3, "target": 3, "deletions": 5},
    ... )
    >>> compared.to_frame()["method"].tolist()
    ['retrain', 'none', 'sisa:shards=2']
    """
    task = _Arrays(model, X, y, persons, name, groups, keep).task("compare_methods", worlds or {}, settings)
    comparison_config(task.config)
    return compare(task, methods_asked(methods), execution or Execution())


@dataclass(frozen=True)
class _Arrays:
    """A model and the arrays that it is audited with, as `audit` takes them."""

    model: Any
    X: Any
    y: Sequence[Any]
    persons: Sequence[Any] | None
    name: str
    groups: Sequence[str] | Mapping[str, Sequence[Any]]
    keep: Sequence[str]

    def task(self, what: str, sizes: WorldsConfig | Mapping[str, Any], settings: dict[str, Any]) -> AuditTask:
        """Return the audit, given what the function is called that takes the arrays, and its further settings."""
        persons = self.persons
        if "units" in settings:
            warnings.warn("units is deprecated; use persons.", DeprecationWarning, stacklevel=3)
            if persons is not None:
                raise AuditError("units is the former name of persons, and both are given; keep persons")
            persons = settings.pop("units")
        source = resolve_model(self.model)
        if taken := {"target", "shadow", "worlds"} & settings.keys():
            raise AuditError(
                f"{what}() takes no {sorted(taken)[0]}: model, X and y are both sides and sizes are arguments of their "
                "own; for a shadow side of its own use run() with a configuration"
            )
        side = SideConfig(data=DataConfig(name=self.name), model=source.name)
        groups = (self.groups,) if isinstance(self.groups, str) else self.groups
        keep = (self.keep,) if isinstance(self.keep, str) else self.keep
        config = build_config({"target": side, "worlds": sizes, "groups": tuple(groups), **settings}, where=f"{what}()")
        records = prepare_arrays(self.X, self.y, persons, self.name, config.seed, groups, keep)
        both = {"target": records, "shadow": records}
        return AuditTask.of(config, both, {"target": source, "shadow": source})


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
    settings = settings or file_settings(config, {})
    tables, plan = plan_of_files(shadow, target, config)
    sides = {"shadow": shadow, "target": target}
    overfitting = {
        side: min_mean_max(table.metadata["overfitting"])
        for side, table in sides.items()
        if table.metadata.get("overfitting")
    }
    origin = Provenance(
        config=settings,
        identity=settings,
        dataset=", ".join(sorted(set(target.rows["dataset"].unique()) - {""})) or "unnamed",
        model=str(target.metadata.get("model", "unknown")),
        regime=str(target.metadata.get("regime", "unknown")),
        regime_note=None,
        details={side: table_details(table) for side, table in sides.items()},
        overfitting=overfitting or None,
        notes=(*repeats(sides), *roundings(sides)),
    )
    return evaluate_tables(tables, plan, origin, execution or Execution())


def plan_of_files(
    shadow: Observations, target: Observations, config: AuditConfig
) -> tuple[dict[str, SideTables], AttackPlan]:
    """Return two tables as an audit takes them, and the attacks on them; attack models are fitted on a bounded sample.

    Raises
    ------
    AuditError
        If what is asked cannot be had of files.
    """
    if config.until is not None:
        raise AuditError("until adds target worlds, and a file of posteriors has none to add; use it with run")
    tables = {UNDEFENDED: SideTables(shadow, _grouped_by(target, config.groups))}
    if config.fit_rows is None:
        config = config.model_copy(update={"fit_rows": FIT_ROWS})
    plan = AttackPlan.of(config, available_in_tables(config, tables))
    for defense in plan.defenses:
        if defense.training != UNDEFENDED:
            raise AuditError(
                f"{defense.training} changes the training, and a file of posteriors has none; use it with run"
            )
    return tables, plan


def _grouped_by(target: Observations, names: Sequence[str]) -> Observations:
    """Return a table with the groups asked for alone."""
    for name in names:
        if name not in target.groups:
            there = ", ".join(GROUP + of for of in target.groups) or "none of the kind"
            raise AuditError(f"the target file has no column {GROUP + name!r} to group by; it has {there}")
    return replace(target, groups={name: target.groups[name] for name in names})


_READ_OF_FILES = ("games", "views", "attacks", "defenses", "features", "attack_models", "fit_rows", "groups", "seed")
"""The keys of a configuration that an audit of files reads."""


def file_settings(config: AuditConfig, files: Mapping[str, Path]) -> dict[str, Any]:
    """Return the configuration of an audit of tables: what is read of ``config``, and digests of the files."""
    used = config.model_dump(mode="json", include=set(_READ_OF_FILES))
    return {
        **used,
        "observations": {side: {"file": path.name, "sha256": digest_of(path)} for side, path in files.items()},
    }
