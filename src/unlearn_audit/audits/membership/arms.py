"""The arms of an audit: as it is asked for, exactly retrained, and under each defence that changes the training.

All arms share the plan of their worlds, so that they delete the same records from the same training sets and ask the
same queries; they differ in how a model is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from unlearn_audit.config import AuditConfig, UnlearningConfig
from unlearn_audit.defenses import UNDEFENDED, Defense, parse_defense
from unlearn_audit.defenses.dp_sgd import private_source
from unlearn_audit.engine.regimes import Claims
from unlearn_audit.engine.runner import SideTask
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.retraining_arm import RETRAINING
from unlearn_audit.models import ModelSource
from unlearn_audit.models.privacy import Privacy
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import unlearner_for
from unlearn_audit.utils.notes import Caution
from unlearn_audit.worlds import WorldPlan
from unlearn_audit.worlds.prepare import Records, standardized

SHARED_NOISE = (
    "{name} in the regime {regime} would share its noise between the two versions, where it cancels in their "
    "difference and hides nobody, whatever the epsilon; use the regime fresh"
)

OTHER_REGIME = (
    "{side} side: exact retraining ran in the regime {retraining} and {method} in {regime}, so what tells them apart "
    "may be the regime; ask for the regime same-seed, which both can run ({why})"
)


@dataclass(frozen=True)
class Arm:
    """One way of training the worlds of both sides.

    Attributes
    ----------
    name
        `UNDEFENDED`, `RETRAINING`, or the text of a defence's change of the training.
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
    config: AuditConfig,
    records: Mapping[str, Records],
    models: Mapping[str, ModelSource],
    plans: Mapping[str, WorldPlan],
    claims: Claims,
) -> tuple[Arm, ...]:
    """Return the undefended arm, one of exact retraining beside it if asked for, and one for each defence in training.

    The regime of each is the one that its models were seen to run.

    Raises
    ------
    AuditError
        If such a defence cannot be had with this model or regime.
    """
    defenses = {d.training: d for d in map(parse_defense, config.defenses) if d.training != UNDEFENDED}
    if defenses and Regime(config.regime) is not Regime.FRESH:
        raise AuditError(SHARED_NOISE.format(name=next(iter(defenses)), regime=config.regime))
    arms = [_plain_arm(UNDEFENDED, config, records, models, plans, claims)]
    if config.has_retraining_arm:
        arms.append(_retraining_arm(arms[0], config, records, models, plans, claims))
    scaled: dict[int, Records] = {}

    def public(of: Records) -> Records:
        # both sides and every epsilon share one copy, which for images is large
        if id(of) not in scaled:
            scaled[id(of)] = standardized(of)
        return scaled[id(of)]

    for defense in defenses.values():
        arms.append(_private_arm(defense, config, records, models, plans, public, claims))
    return tuple(arms)


def _arm(
    name: str,
    config: AuditConfig,
    records: Mapping[str, Records],
    models: Mapping[str, ModelSource],
    plans: Mapping[str, WorldPlan],
    claims: Claims,
    notes: tuple[str, ...] = (),
) -> Arm:
    tasks, regime_notes = {}, {}
    for side, plan in plans.items():
        asked = Regime(config.regime)
        unlearner, regime_notes[side] = unlearner_for(
            config.unlearning,
            models[side],
            asked,
            draws=claims.of(models[side], records[side].data, plan, asked),
            n_training=plan.sizes.train_size,
            # online learning replaces what it deletes, so the number of records stays
            plain=config.training == "plain",
            n_deleted=0 if plan.scenario.name == "online" else int(plan.scenario.size) * plan.scenario.versions,
        )
        tasks[side] = SideTask(records[side].data, models[side], unlearner, plan, "" if name == UNDEFENDED else name)
    return Arm(name, tasks, regime_notes, notes)


def _plain_arm(
    name: str,
    config: AuditConfig,
    records: Mapping[str, Records],
    models: Mapping[str, ModelSource],
    plans: Mapping[str, WorldPlan],
    claims: Claims,
) -> Arm:
    """Return the arm of the models as they are, with a note where networks could not be trained at once."""
    arm = _arm(name, config, records, models, plans, claims)
    said = {
        f"networks of {task.source.name} were trained one at a time: {reason}": None
        for task in arm.tasks.values()
        if (reason := task.unlearner.why_plain(task.source, task.data)) is not None
    }
    return replace(arm, notes=tuple(said))


def _retraining_arm(
    beside: Arm,
    config: AuditConfig,
    records: Mapping[str, Records],
    models: Mapping[str, ModelSource],
    plans: Mapping[str, WorldPlan],
    claims: Claims,
) -> Arm:
    """Return the worlds that an audit of the same configuration would make whose unlearning is retraining."""
    retrained = config.model_copy(update={"unlearning": UnlearningConfig()})
    arm = _plain_arm(RETRAINING, retrained, records, models, plans, claims)
    notes = list(arm.notes)
    for side, task in arm.tasks.items():
        retraining, regime = task.unlearner.regime, beside.tasks[side].unlearner.regime
        if retraining is not regime:
            method, why = config.unlearning.method, arm.regime_notes[side] or beside.regime_notes[side]
            said = OTHER_REGIME.format(side=side, retraining=retraining, method=method, regime=regime, why=why)
            notes.append(Caution(said))
    return replace(arm, notes=tuple(notes))


def _private_arm(
    defense: Defense,
    config: AuditConfig,
    records: Mapping[str, Records],
    models: Mapping[str, ModelSource],
    plans: Mapping[str, WorldPlan],
    public: Callable[[Records], Records],
    claims: Claims,
) -> Arm:
    assert defense.epsilon is not None
    privacy = Privacy(defense.epsilon, config.dp_sgd.delta, config.dp_sgd.max_grad_norm)
    private: dict[str, ModelSource] = {}
    trained_on: dict[str, Records] = {}
    notes: list[str] = []
    for side in plans:
        private[side], unscaled = private_source(models[side], privacy)
        trained_on[side] = public(records[side]) if unscaled else records[side]
        data = trained_on[side].data
        private[side].make(seed=0).check_private(data.X, len(data.class_values))
        if unscaled and not notes:
            notes.append(
                f"{defense.training}: features are standardised with figures of the shadow side, which stands for "
                "public data, since figures of the training records are outside the guarantee"
            )
    return _arm(defense.training, config, trained_on, private, plans, claims, tuple(notes))
