"""An audit from Python: from a configuration, a model and arrays, or two tables of observations.

Keywords that are keys of a configuration have the names, types and defaults of its fields (`AuditConfig` and
`WorldsConfig`), and are taken from a function's arguments by these names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from unlearn_audit.attacks.base import Attack
from unlearn_audit.audits.membership.arrays import NO_SIDES, SIZES, Arrays, settings_in, sizes_in
from unlearn_audit.audits.membership.execution import Execution, executing
from unlearn_audit.audits.membership.files import file_settings, plan_of_files
from unlearn_audit.audits.membership.notes import min_mean_max, repeats, roundings, table_details
from unlearn_audit.audits.membership.result import AuditResult
from unlearn_audit.audits.membership.run import Provenance, evaluate_tables, run_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.methods.plan import comparison_config, methods_asked
from unlearn_audit.audits.methods.result import MethodsResult
from unlearn_audit.audits.methods.run import compare
from unlearn_audit.config import (
    AuditConfig,
    ConfigView,
    DpSgdConfig,
    GameName,
    RegimeName,
    ReuseName,
    ScenarioConfig,
    ScenarioName,
    UnlearningConfig,
    UntilConfig,
    WorldsConfig,
    build_config,
)
from unlearn_audit.config.base import MeasureName
from unlearn_audit.observations import Observations
from unlearn_audit.utils.keywords import known_keywords

_FEATURES = ("direct-concat", "sorted-concat", "direct-diff", "sorted-diff", "euclidean-distance")
_ATTACK_MODELS = ("logistic-regression", "decision-tree", "random-forest", "mlp")


@known_keywords()
def run(
    config: AuditConfig,
    execution: Execution | None = None,
    *,
    jobs: int | None = None,
    store: str | Path | None = None,
    reuse: ReuseName | None = None,
    progress: bool | None = None,
    training_timeout: float | None = None,
) -> AuditResult:
    """Run the audit that a configuration describes.

    Parameters
    ----------
    config
        What is audited; `read_config` reads it from a file.
    execution
        Worker processes, store and progress, all in one.
    jobs, store, reuse
        Parts of `Execution` that override ``execution``.
    progress
        Whether to show progress; by default, a notebook shows it.
    training_timeout
        Seconds that one training may take; a longer one is stopped, and the audit with it.

    Raises
    ------
    AuditError
        If anything about the request is wrong.
    """
    with executing(
        execution, jobs=jobs, store=store, reuse=reuse, progress=progress, training_timeout=training_timeout
    ) as running:
        return run_audit(AuditTask.load(config), running)


@known_keywords(
    {"units": "persons"}, {**NO_SIDES, "worlds": "sizes are keywords, such as shadow_worlds=5 and train_size=500"}
)
def audit(
    model: Any,
    X: Any,
    y: Sequence[Any] | str,
    *,
    persons: Sequence[Any] | str | None = None,
    person: str | None = None,
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
    stratify: bool = False,
    probes: int = 0,
    groups: Sequence[str] | Mapping[str, Sequence[Any]] = (),
    keep: Sequence[str] = (),
    sample_weight: Sequence[float] | str | None = None,
    fit_params: Mapping[str, Any] | None = None,
    unlearning: str | Mapping[str, Any] | UnlearningConfig | Callable[..., Any] = "retrain",
    retraining_arm: bool = True,
    unlearning_measures: Sequence[MeasureName] = (),
    scenario: ScenarioName | Mapping[str, Any] | ScenarioConfig = "single",
    regime: RegimeName = "fixed",
    training: Literal["auto", "plain"] = "auto",
    games: Sequence[GameName] = (),
    views: Sequence[ConfigView] = (),
    defenses: Sequence[str] = (),
    dp_sgd: Mapping[str, float] | DpSgdConfig | None = None,
    features: Sequence[str] = _FEATURES,
    attack_models: Sequence[str] = _ATTACK_MODELS,
    attacks: Sequence[str | Attack | type[Attack]] | None = None,
    fit_rows: int | None = None,
    until: str | float | Mapping[str, float] | UntilConfig | None = None,
    seed: int = 0,
    execution: Execution | None = None,
    jobs: int | None = None,
    store: str | Path | None = None,
    reuse: ReuseName | None = None,
    progress: bool | None = None,
    training_timeout: float | None = None,
) -> AuditResult:
    """Audit the deletion of records from your own model.

    Parameters
    ----------
    model
        A scikit-learn classifier (Pipelines too), a function that makes an unfitted one, or a name.
    X
        (n, ...) features: an array, a sparse matrix or a DataFrame that the model can take; or n texts.
    y
        (n,) labels; or the column of X that holds them, which is then not a feature.
    persons
        (n,) whose row each is: rows of one person stay on one side and are deleted together; or a column of X.
    person
        The column of X that says whose row each is, instead of ``persons``; it is not a feature.
    name
        What to call the data in reports.
    shadow_worlds, target_worlds, train_size, deletions, unseen, references, retained, layout, canaries, stratify, \
probes
        Sizes, see `WorldsConfig`; they shrink, with a note, to what the data allow.
    groups
        Columns of a DataFrame X by which to break down the risk, whether features or not; or (n,) values by name.
    keep
        Columns of X that are features even if nearly every record holds a different text, which is otherwise refused.
    sample_weight
        (n,) the weight of each record, passed to ``fit`` for the training records; or a column of X.
    fit_params
        Further parameters of ``fit``, by name: constants, (n,) values, or columns of X; a pipeline passes them to its
        last step. A column that is named is not a feature.
    unlearning, retraining_arm, unlearning_measures, scenario, regime, training, games, views, defenses, dp_sgd, \
features, attack_models, attacks, fit_rows, until, seed
        Keys of a configuration, see `AuditConfig`; None is the default. ``unlearning`` may be a function, and
        ``attacks`` may hold classes derived from `unlearn_audit.attacks.Attack`, or instances.
    execution
        Worker processes, store and progress, all in one.
    jobs, store, reuse
        Parts of `Execution` that override ``execution``.
    progress
        Whether to show progress; by default, a notebook shows it.
    training_timeout
        Seconds that one training may take; a longer one is stopped, and the audit with it.

    Raises
    ------
    AuditError
        If anything about the request is wrong.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> people = load_breast_cancer(as_frame=True).frame
    >>> result = audit(
    ...     DecisionTreeClassifier(max_leaf_nodes=10), people, "target", shadow_worlds=3, target_worlds=3, deletions=5,
    ...     attacks=[], features=["sorted-diff"], attack_models=["logistic-regression"],
    ... )
    >>> result.findings.regime, result.findings.selected.attack
    ('fixed', 'sorted-diff')
    """
    given = locals()
    with executing(
        execution, jobs=jobs, store=store, reuse=reuse, progress=progress, training_timeout=training_timeout
    ) as running:
        return run_audit(Arrays.of(given).task("audit", sizes_in(given), settings_in(given)), running)


_OF_ONE_AUDIT = {
    "unlearning": "`methods` names the methods to compare, each with exact retraining and with no unlearning",
    "retraining_arm": "every method is compared with exact retraining",
    "until": "all methods get the same worlds; give their number in `worlds`",
    "defenses": "methods are compared without defences; try defences on one of them with audit()",
    "dp_sgd": "methods are compared without defences; try defences on one of them with audit()",
}
"""Configuration keys that a comparison does not have, and why."""

_IN_WORLDS = dict.fromkeys(
    {*SIZES, *WorldsConfig.model_fields} - set(SIZES.values()),
    "sizes are keys of worlds, such as worlds={'shadow': 5, 'target': 5, 'train_size': 500}",
)
"""Keywords that `audit` has for sizes."""


@known_keywords({"units": "persons"}, {**NO_SIDES, **_OF_ONE_AUDIT, **_IN_WORLDS})
def compare_methods(
    model: Any,
    X: Any,
    y: Sequence[Any] | str,
    methods: Sequence[str | UnlearningConfig | Callable[..., Any]] | None = None,
    *,
    persons: Sequence[Any] | str | None = None,
    person: str | None = None,
    name: str = "in-memory",
    worlds: WorldsConfig | Mapping[str, Any] | None = None,
    groups: Sequence[str] | Mapping[str, Sequence[Any]] = (),
    keep: Sequence[str] = (),
    sample_weight: Sequence[float] | str | None = None,
    fit_params: Mapping[str, Any] | None = None,
    unlearning_measures: Sequence[MeasureName] = (),
    scenario: ScenarioName | Mapping[str, Any] | ScenarioConfig = "single",
    regime: RegimeName = "fixed",
    training: Literal["auto", "plain"] = "auto",
    games: Sequence[GameName] = (),
    views: Sequence[ConfigView] = (),
    features: Sequence[str] = _FEATURES,
    attack_models: Sequence[str] = _ATTACK_MODELS,
    attacks: Sequence[str | Attack | type[Attack]] | None = None,
    fit_rows: int | None = None,
    seed: int = 0,
    execution: Execution | None = None,
    jobs: int | None = None,
    store: str | Path | None = None,
    reuse: ReuseName | None = None,
    progress: bool | None = None,
    training_timeout: float | None = None,
) -> MethodsResult:
    """Compare unlearning methods on your own model with exact retraining and no unlearning.

    All methods get the same worlds, deletions and queries, and start from the same originals.

    Parameters
    ----------
    model, X, y, persons, person, name, groups, keep, sample_weight, fit_params
        As in `audit`.
    methods
        Each by its name, with options as in ``"sisa:shards=5"``, or as your own function; by default every method that
        can unlearn from the model.
    worlds
        Sizes, see `WorldsConfig`; they shrink, with a note, to what the data allow.
    unlearning_measures, scenario, regime, training, games, views, features, attack_models, attacks, fit_rows, seed
        Keys of a configuration, see `AuditConfig`; None is the default. ``attacks`` as in `audit`.
    execution, jobs, store, reuse, progress, training_timeout
        As in `audit`.

    Returns
    -------
    MethodsResult
        ``to_frame()`` is the table, ``save(folder)`` writes it with a page, and ``findings`` has everything.

    Raises
    ------
    AuditError
        If anything about the request is wrong, or a named method cannot unlearn from the model.

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
    given = locals()
    with executing(
        execution, jobs=jobs, store=store, reuse=reuse, progress=progress, training_timeout=training_timeout
    ) as running:
        task = Arrays.of(given).task("compare_methods", worlds or {}, settings_in(given))
        comparison_config(task.config)
        return compare(task, methods_asked(methods), running)


@known_keywords()
def audit_observations(
    shadow: Observations,
    target: Observations,
    *,
    config: AuditConfig | None = None,
    settings: dict[str, Any] | None = None,
    games: Sequence[GameName] | None = None,
    views: Sequence[ConfigView] | None = None,
    attacks: Sequence[str | Attack | type[Attack]] | None = None,
    defenses: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    attack_models: Sequence[str] | None = None,
    fit_rows: int | None = None,
    groups: Sequence[str] | None = None,
    seed: int | None = None,
    execution: Execution | None = None,
    jobs: int | None = None,
    progress: bool | None = None,
) -> AuditResult:
    """Audit two tables of observations from any source.

    Parameters
    ----------
    shadow, target
        The attacker's table and the table under audit, of the same classes and versions.
    config
        Gives games, features, attack models and seed.
    settings
        What findings state as their configuration; by default what ``config`` and the keywords say.
    games, views, attacks, defenses, features, attack_models, fit_rows, groups, seed
        Keys of a configuration, see `AuditConfig`, that override ``config``. ``attacks`` as in `audit`.
    execution, jobs, progress
        As in `audit`.

    Raises
    ------
    AuditError
        If the tables do not fit together or lack a role.
    """
    given = {**settings_in(locals()), **({} if groups is None else {"groups": groups})}
    config = config or AuditConfig()
    if given:
        asked = build_config(given, where="audit_observations()")
        config = config.model_copy(update={key: getattr(asked, key) for key in given})
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
    with executing(execution, jobs=jobs, progress=progress) as running:
        return evaluate_tables(tables, plan, origin, running)
