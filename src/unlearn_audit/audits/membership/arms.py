"""The arms of an audit: as it is asked for, exactly retrained, never unlearned, and under each defence in training.

All arms share the plan of their worlds, so that they delete the same records from the same training sets and ask the
same queries; they differ in how a model is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import AuditConfig, UnlearningConfig
from unlearn_audit.defenses import UNDEFENDED, Defense
from unlearn_audit.defenses.dp_sgd import private_source
from unlearn_audit.engine.measures import USUAL, measures_of
from unlearn_audit.engine.regimes import Claims
from unlearn_audit.engine.tasks import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.tables import NONE, RETRAINING
from unlearn_audit.models import ModelSource
from unlearn_audit.models.kept import why_not_kept
from unlearn_audit.models.privacy import Privacy
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Exactness, Forgetting, options_of, repeatable, unlearner_for
from unlearn_audit.utils.notes import Caution
from unlearn_audit.worlds import WorldPlan
from unlearn_audit.worlds.prepare import Records, standardized

SHARED_NOISE = (
    "{name} in the regime {regime} would share its noise between the two versions, where it cancels out in their "
    "difference and hides no one, whatever the epsilon; use the regime fresh"
)

NOT_PRIVATE = (
    "{name} trains with noise and {method} then changes the model without any, outside the guarantee, so the epsilon "
    "would not hold; use {name} with the unlearning retrain or sisa, or leave the defence out"
)

OTHER_REGIME = (
    "{side} side: exact retraining ran in the regime {retraining} and {method} in {regime}, so a difference between "
    "them may come from the regime; use the regime {both}, which both can run ({why})"
)


@dataclass(frozen=True)
class Arm:
    """One way of training the worlds of both sides.

    Attributes
    ----------
    name
        `UNDEFENDED`, `RETRAINING`, `NONE`, or the text of a defence's change of the training.
    tasks
        By side, what to train.
    regime_notes
        By side, why the regime is not the one asked for.
    notes
        What should be known of this way of training.
    """

    name: str
    tasks: Mapping[str, SideTask]
    regime_notes: Mapping[str, str | None]
    notes: tuple[str, ...] = ()

    def with_target_worlds(self, number: int) -> Arm:
        """Return the same arm with another number of target worlds; those it had stay the same."""
        task = self.tasks["target"]
        sizes = task.plan.sizes.model_copy(update={"target": number})
        return replace(self, tasks={**self.tasks, "target": replace(task, plan=replace(task.plan, sizes=sizes))})


def plan_arms(
    task: AuditTask, worlds: Mapping[str, WorldPlan], defenses: Iterable[Defense], claims: Claims
) -> tuple[Arm, ...]:
    """Return the undefended arm, exact retraining and no unlearning for comparison, and one arm for each defence.

    The regime of each is the one that its models were seen to run.

    Parameters
    ----------
    task
        The audit; its records are those that are trained on.
    worlds
        By side, the plan of its worlds.
    defenses
        The defences that are tried.
    claims
        Finds out which regime a model really runs.

    Raises
    ------
    AuditError
        If a defence in training cannot be had with this model or regime.
    """
    config = task.config
    private = {defense.training: defense for defense in defenses if defense.training != UNDEFENDED}
    if private and Regime(config.regime) is not Regime.FRESH:
        raise AuditError(SHARED_NOISE.format(name=next(iter(private)), regime=config.regime))
    check_measures(task)
    arms = [_undefended_arm(UNDEFENDED, task, worlds, claims)]
    if private and _changes_originals(arms[0], config):
        raise AuditError(NOT_PRIVATE.format(name=next(iter(private)), method=config.unlearning.method))
    if has_retraining_arm(config):
        arms.append(_retraining_arm(arms[0], task, worlds, claims))
        if options_of(config.unlearning).exactness is not Exactness.NONE:
            arms.append(_none_arm(task, worlds, claims))
    arms = [_compared(arm, config) for arm in arms]
    scaled: dict[int, Records] = {}

    def public(of: Records) -> Records:
        # both sides and every epsilon share one copy, which for images is large
        if id(of) not in scaled:
            scaled[id(of)] = standardized(of)
        return scaled[id(of)]

    return (*arms, *(_private_arm(defense, task, worlds, public, claims) for defense in private.values()))


def _changes_originals(arm: Arm, config: AuditConfig) -> bool:
    """Return whether a method changes trained originals, by steps that know nothing of how these were trained."""
    changed = any(isinstance(of.unlearner, Forgetting) for of in arm.tasks.values())
    return changed and options_of(config.unlearning).exactness is not Exactness.NONE


def has_retraining_arm(config: AuditConfig) -> bool:
    """Return whether another method is compared with the arms of exact retraining and of no unlearning."""
    return config.retraining_arm and not options_of(config.unlearning).is_retraining


def check_measures(task: AuditTask) -> None:
    """Raise where something is to be measured that models of this kind have not.

    Raises
    ------
    AuditError
        If so.
    """
    for name, measure in measures_of(task.config.unlearning_measures).items():
        for side, source in task.models.items():
            reason = measure.why_not(source, task.records[side].data)
            if reason is not None:
                raise AuditError(f"{name} cannot be measured, as {reason}; leave --measure {name} out")


def _compared(arm: Arm, config: AuditConfig) -> Arm:
    """Return an arm whose pairs are measured, and whose originals are kept where methods may be compared on them."""
    another = not options_of(config.unlearning).is_retraining
    names = (*(USUAL if another else ()), *config.unlearning_measures)
    tasks = {side: replace(task, measures=names, keep_originals=another) for side, task in arm.tasks.items()}
    return replace(arm, tasks=tasks)


def not_kept(arms: Iterable[Arm]) -> tuple[str, ...]:
    """Say which originals would be kept for other methods and cannot be."""
    tasks = [task for arm in arms for task in arm.tasks.values() if task.shares_originals and task.keep_originals]
    reasons = {task.source.name: why_not_kept(task.source.make(seed=0)) for task in tasks}
    return tuple(
        f"originals of {name} are not kept in the store, so an audit of another method trains them again: {reason}"
        for name, reason in reasons.items()
        if reason is not None
    )


def _arm(
    name: str, task: AuditTask, worlds: Mapping[str, WorldPlan], claims: Claims, notes: tuple[str, ...] = ()
) -> Arm:
    config, tasks, regime_notes = task.config, {}, {}
    for side, plan in worlds.items():
        source, data = task.models[side], task.records[side].data
        asked = Regime(config.regime)
        unlearner, note = unlearner_for(
            config.unlearning,
            source,
            asked,
            draws=claims.of(source, data, plan, asked),
            n_training=plan.sizes.train_size,
            plain=config.training == "plain",
            data=data,
            # online learning replaces what it deletes, so the number of records stays
            n_deleted=0 if plan.scenario.name == "online" else plan.n_deleted_by_chain,
        )
        unlearner, regime_notes[side] = repeatable(
            unlearner, note, config.unlearning.method, claims.of_method(unlearner, source, data, plan)
        )
        tasks[side] = SideTask(data, source, unlearner, plan, "" if name == UNDEFENDED else name)
    return Arm(name, tasks, regime_notes, notes)


def _undefended_arm(name: str, task: AuditTask, worlds: Mapping[str, WorldPlan], claims: Claims) -> Arm:
    """Return the arm of the models as they are, with a note where networks could not be trained at once."""
    arm = _arm(name, task, worlds, claims)
    messages = {
        f"{side.unlearner.one_by_one.format(model=side.source.name)}: {reason}": None
        for side in arm.tasks.values()
        if (reason := side.unlearner.why_plain(side.source, side.data)) is not None
    }
    return replace(arm, notes=tuple(messages))


def _retraining_arm(beside: Arm, task: AuditTask, worlds: Mapping[str, WorldPlan], claims: Claims) -> Arm:
    """Return the worlds that an audit of the same configuration would make whose unlearning is retraining."""
    arm = _undefended_arm(RETRAINING, _with_method(task, UnlearningConfig()), worlds, claims)
    notes = list(arm.notes)
    for side, own in arm.tasks.items():
        retraining, regime = own.unlearner.regime, beside.tasks[side].unlearner.regime
        if retraining is not regime:
            method, why = task.config.unlearning.method, arm.regime_notes[side] or beside.regime_notes[side]
            both = Regime.FRESH if Regime.FRESH in (retraining, regime) else Regime.SAME_SEED
            message = OTHER_REGIME.format(
                side=side, retraining=retraining, method=method, regime=regime, both=both, why=why
            )
            notes.append(Caution(message))
    return replace(arm, notes=tuple(notes))


def _none_arm(task: AuditTask, worlds: Mapping[str, WorldPlan], claims: Claims) -> Arm:
    """Return the worlds whose originals are published again: what retraining starts from, so they cost no training."""
    return _arm(NONE, _with_method(task, UnlearningConfig(method="none")), worlds, claims)


def _with_method(task: AuditTask, method: UnlearningConfig) -> AuditTask:
    """Return an audit with one of our own methods, in which the code of another one decides nothing."""
    models = {side: source.alone for side, source in task.models.items()}
    return replace(task, config=task.config.model_copy(update={"unlearning": method}), models=models)


def _private_arm(
    defense: Defense,
    task: AuditTask,
    worlds: Mapping[str, WorldPlan],
    public: Callable[[Records], Records],
    claims: Claims,
) -> Arm:
    """Return the worlds of models that are trained under a defence."""
    assert defense.epsilon is not None
    privacy = Privacy(defense.epsilon, task.config.dp_sgd.delta, task.config.dp_sgd.max_grad_norm)
    models: dict[str, ModelSource] = {}
    records: dict[str, Records] = {}
    notes: tuple[str, ...] = ()
    for side in worlds:
        models[side], unscaled = private_source(task.models[side], privacy)
        records[side] = public(task.records[side]) if unscaled else task.records[side]
        data = records[side].data
        models[side].make(seed=0).check_private(data.X, len(data.class_values))
        if unscaled:
            notes = (
                f"{defense.training}: features are standardised with statistics of the shadow side, which takes the "
                "place of public data, since figures from the training records are outside the guarantee",
            )
    return _arm(defense.training, replace(task, records=records, models=models), worlds, claims, notes)
