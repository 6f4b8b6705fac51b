"""What an audit may ask and a search for the deleted themselves cannot honour."""

from __future__ import annotations

from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.errors import AuditError
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import options_of


def refuse_unsupported(task: AuditTask, command: str, *, from_weights: bool = False) -> None:
    """Refuse what would stand in the configuration of a result and change nothing of it.

    All commands ask about one record at a time, by the attacker's own records of the same data.

    Parameters
    ----------
    task
        What is asked.
    command
        Who refuses.
    from_weights
        Whether it solves for the weights of its worlds, and neither trains nor queries them as an audit does.

    Raises
    ------
    AuditError
        If something is asked that it cannot do.
    """
    config = task.config
    if config.scenario.name not in ("single", "retained"):
        deletes = f"the scenario {config.scenario.name} deletes several"
        raise AuditError(f"{command} handles one record at a time, and {deletes}")
    if not task.same_data:
        raise AuditError(f"{command} needs the attacker's records to be of the same data; leave the shadow dataset out")
    if config.worlds.canaries != "none":
        raise AuditError(f"{command} looks for people with their own labels; leave canaries out")
    if config.worlds.layout != "paper":
        raise AuditError(f"{command} keeps the attacker's records apart; leave the layout per-record out")
    if config.until is not None:
        raise AuditError(f"{command} needs a fixed number of target worlds; leave until out, give --target-worlds")
    persons = task.records["target"].persons
    if (persons.sizes(persons.values) > 1).any():
        several = "people here have several; leave --person out"
        raise AuditError(f"{command} handles one record at a time, and {several}")
    defenses = set(config.defenses) - {UNDEFENDED}
    if not from_weights and len(defenses) > 1:
        raise AuditError(f"{command} checks one release; give one --defense")
    if from_weights:
        _refuse_other_trainings(task, command, defenses)


def _refuse_other_trainings(task: AuditTask, command: str, defenses: set[str]) -> None:
    """Refuse what changes how models are trained or what they answer."""
    config = task.config
    if defenses:
        raise AuditError(f"{command} reads published weights; leave --defense out, --decimals rounds the weights")
    if not options_of(config.unlearning).is_retraining:
        raise AuditError(f"{command} solves for exact retraining; leave the unlearning {config.unlearning.method} out")
    if Regime(config.regime) is not Regime.FIXED:
        raise AuditError(f"{command} solves for the optimum, which is the same in every regime; leave the regime out")
    if config.training != "auto":
        raise AuditError(f"{command} trains in its own way; leave --training out")
    if task.models["shadow"].fingerprint != task.models["target"].fingerprint:
        raise AuditError(f"{command} trains no model of the attacker's own; leave the shadow model out")
