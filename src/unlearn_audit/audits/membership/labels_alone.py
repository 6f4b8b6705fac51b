"""What an audit says of a model that gives labels but no probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from unlearn_audit.attacks.formula.label_only import PROBING
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.engine.probes import no_probes_of
from unlearn_audit.findings.attack_plan import AttackPlan
from unlearn_audit.models.methods import probabilities_instead
from unlearn_audit.utils.notes import Caution

_MORE = (
    "an attacker may also query labels near each record, which can reveal more: worlds.probes, such as 20 (--probes "
    f"20), adds {', '.join(PROBING)}"
)


def _can_be_probed(task: AuditTask) -> bool:
    """Whether the records of both sides can be perturbed."""
    return all(no_probes_of(records.data) is None for records in task.records.values())


def notes_on_labels(task: AuditTask, attacks: AttackPlan) -> Iterator[str]:
    """Yield what to know where a model gives labels alone: which attacks see something, and how more could be seen."""
    for source in dict.fromkeys(of.name for of in task.models.values() if of.labels_alone):
        estimator = next(of for of in task.models.values() if of.name == source).make(seed=0)
        runs = next(iter(attacks.by_game.values())).runs
        names = ", ".join(dict.fromkeys(attack.name for attack in runs))
        probing = (_MORE,) if not task.config.worlds.probes and _can_be_probed(task) else ()
        instead = probabilities_instead(estimator)
        more = "; ".join(filter(None, (*probing, instead)))
        yield Caution(
            f"model {source} gives labels but no probabilities, so the audit queries only labels, in which these "
            f"attacks can see something: {names}{'; ' if more else ''}{more}"
        )
