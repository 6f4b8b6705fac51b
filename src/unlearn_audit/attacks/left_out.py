"""Which registered attacks an audit does not run, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.catalogue import REGISTRY
from unlearn_audit.attacks.choose import Available
from unlearn_audit.attacks.learned.classifier import ATTACK_MODELS
from unlearn_audit.attacks.learned.features import FEATURES, feature_view, shows_labels
from unlearn_audit.config import AuditConfig

NotRun = tuple[str, str | None, str]
"""An attack, its attack model, and why it was not run; every attack model where that is None."""

ANY = "any feature"
"""Stands for the features of an attack model that was not used."""


def left_out(config: AuditConfig, game: str, available: Available, ran: Collection[Attack]) -> Iterator[NotRun]:
    """Yield every registered attack that did not run in a game.

    Parameters
    ----------
    config
        What was asked.
    game
        The name of the game.
    available
        What there was for attacks.
    ran
        The attacks that ran.
    """
    names = {attack.name for attack in ran}
    # an attack of another package may be called otherwise than the entry point by which it was asked for
    for name in (name for name in REGISTRY.names if name in REGISTRY.own or name not in (config.attacks or ())):
        if name not in names:
            yield name, None, _why(config, game, available, REGISTRY.own.get(name))
    for name in FEATURES:
        if name not in names:
            unseen = feature_view(name) == "sequence" and "sequence" not in config.views
            blind = not available.posteriors and not shows_labels(name)
            why = "the view of every version was not requested" if unseen else "not requested (features)"
            yield name, None, "the same for every label, and the model gives only labels" if blind else why
    models = {attack.attack_model for attack in ran}
    for name in ATTACK_MODELS:
        if name not in models:
            yield ANY, name, "not requested (attack_models)"


def _why(config: AuditConfig, game: str, available: Available, attack: Attack | None) -> str:
    if attack is None or (config.attacks is not None and attack.name not in config.attacks):
        return "not requested (attacks)"
    if not attack.by_default and config.attacks is None:
        return "runs only if requested by name"
    if attack.for_game(game) is None:
        return f"takes no part in the game {game}"
    missing = available.missing_for(attack)
    return "it failed" if missing is None else f"it needs {missing}"
