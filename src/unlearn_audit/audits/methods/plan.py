"""Which methods are compared, and the one audit plan that trains the worlds of all of them.

Its first arm publishes the originals again, its second retrains exactly, and each further one unlearns by a method. All
share the plan of their worlds and, where methods start from a trained model, the originals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unlearn_audit.audits.membership.arms import Arm
from unlearn_audit.audits.membership.plan import AuditPlan, plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.methods.difficulty import PER_INSTANCE
from unlearn_audit.config import AuditConfig, UnlearningConfig
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.engine.measures import MEASURES
from unlearn_audit.engine.regimes import Claims
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.tables import RETRAINING
from unlearn_audit.unlearning import Exactness, options_of, parse_method
from unlearn_audit.unlearning.methods import REGISTRY

Method = str | UnlearningConfig | Callable[..., Any]
"""How a method is named: as in ``--method``, as a configuration, or as a function of one's own."""

NO_UNLEARNING = UnlearningConfig(method="none")

NOT_HERE = {
    "unlearning": "compare-methods takes its methods from --method, which can be repeated; leave "
    "--{flag} out and write options behind a name, as in --method sisa:shards=5",
    "until": "compare-methods uses the same worlds for every method; give --target-worlds, and no --{flag}",
    "defenses": "compare-methods compares methods without defences; leave --{flag} out, and try defences on one of "
    "them with run",
}
"""By block of a configuration, why a comparison has none of its options."""


@dataclass(frozen=True)
class Asked:
    """A method to compare.

    Attributes
    ----------
    text
        What it is called.
    config
        The method and its options.
    named
        Whether it was asked for by name, and not because it may fit.
    """

    text: str
    config: UnlearningConfig
    named: bool


@dataclass(frozen=True)
class MethodsPlan:
    """A comparison.

    Attributes
    ----------
    audit
        The worlds of every arm: not unlearned (under `UNDEFENDED`, as the first arm of an audit), retrained, and each
        method under its text; and the attacks.
    methods
        By text, those that run.
    skipped
        By text, why a method that was not named cannot run here.
    """

    audit: AuditPlan
    methods: dict[str, UnlearningConfig]
    skipped: dict[str, str]


def methods_asked(texts: Sequence[Method] | None) -> tuple[Asked, ...]:
    """Return the methods that some texts name, each once and without the references.

    For None it is every one that needs no option.

    Raises
    ------
    AuditError
        If a text names no method, or an option that it does not have.
    """
    configs = [_config(given) for given in (_by_default() if texts is None else texts)]
    asked = []
    for config in configs:
        options = options_of(config)
        if not (options.is_retraining or options.exactness is Exactness.NONE) and config not in asked:
            asked.append(config)
    # what others read shows no folder, unless it takes that to tell two files apart
    short = [_text(config, re.split(r"[/\\]", config.method)[-1]) for config in asked]
    names = [
        of if short.count(of) == 1 else _text(config, config.method) for of, config in zip(short, asked, strict=True)
    ]
    return tuple(Asked(name, config, texts is not None) for name, config in zip(names, asked, strict=True))


def _by_default() -> list[str]:
    """Return the names of all methods that need no option."""
    return [
        name
        for name in REGISTRY.names
        if not any(field.is_required() for field in REGISTRY.find(name).model_fields.values())
    ]


def _config(given: Method) -> UnlearningConfig:
    if isinstance(given, UnlearningConfig):
        return given
    return parse_method(given) if isinstance(given, str) else UnlearningConfig.model_validate(given)


def _text(config: UnlearningConfig, name: str) -> str:
    """Return a method and its options as one text."""
    options = ",".join(f"{option}={value}" for option, value in config.options.items())
    return f"{name}:{options}" if options else name


def comparison_config(config: AuditConfig) -> AuditConfig:
    """Return the configuration of the arms that every comparison has; only the first game is played.

    Raises
    ------
    AuditError
        If it asks for what a comparison has not.
    """
    for block, flag in (("unlearning", "unlearning"), ("until", "until"), ("defenses", "defense")):
        if getattr(config, block) != AuditConfig.model_fields[block].default:
            raise AuditError(NOT_HERE[block].format(flag=flag))
    return config.model_copy(
        update={"unlearning": NO_UNLEARNING, "retraining_arm": True, "games": config.two_way_games[:1]}
    )


def plan_methods(task: AuditTask, asked: Sequence[Asked], claims: Claims | None = None) -> MethodsPlan:
    """Plan the worlds of every method, before anything is trained.

    Parameters
    ----------
    task
        Data and models, and what is asked besides methods.
    asked
        The methods.
    claims
        Finds out which regime a model really runs.

    Raises
    ------
    AuditError
        If the worlds cannot be drawn, or a method that was named cannot unlearn from such models.
    """
    claims = claims or Claims()
    config = comparison_config(task.config)
    audit = plan_audit(_unlearning(task, config, NO_UNLEARNING), claims)
    arms, of_methods = [_with_losses(arm) for arm in audit.arms], dict[str, list[str]]()
    methods: dict[str, UnlearningConfig] = {}
    skipped: dict[str, str] = {}
    for method in asked:
        try:
            own = _plan_of(task, config, method, claims)
        except AuditError as error:
            if method.named:
                raise AuditError(f"--method {method.text}: it cannot unlearn here: {error}") from error
            skipped[method.text] = str(error)
            continue
        arms.append(_named(own.undefended, method.text))
        for note in dict.fromkeys(own.notes):
            if note not in audit.notes:
                of_methods.setdefault(note, []).append(method.text)
        methods[method.text] = method.config
    notes = [type(note)(f"{', '.join(names)}: {note}") for note, names in of_methods.items()]
    return MethodsPlan(replace(audit, arms=tuple(arms)).noting(*notes), methods, skipped)


def _unlearning(task: AuditTask, config: AuditConfig, method: UnlearningConfig) -> AuditTask:
    """Return the task with a method; the code of one of other people's counts with the models."""
    return AuditTask.of(config.model_copy(update={"unlearning": method}), task.records, task.models)


def _plan_of(task: AuditTask, config: AuditConfig, method: Asked, claims: Claims) -> AuditPlan:
    for side, source in task.models.items():
        reason = options_of(method.config).why_not(source, task.records[side].data)
        if reason is not None:
            raise AuditError(reason)
    return plan_audit(_unlearning(task, config, method.config), claims)


def _with_losses(arm: Arm) -> Arm:
    """Return an arm; that of retraining measures the per-instance losses of deleted records, where models have such."""
    task = arm.tasks["target"]
    if arm.name != RETRAINING or MEASURES[PER_INSTANCE].why_not(task.source, task.data) is not None:
        return arm
    return replace(arm, tasks={**arm.tasks, "target": replace(task, measures=(*task.measures, PER_INSTANCE))})


def _named(arm: Arm, text: str) -> Arm:
    assert arm.name == UNDEFENDED
    return replace(arm, name=text, tasks={side: replace(of, arm=text) for side, of in arm.tasks.items()})
