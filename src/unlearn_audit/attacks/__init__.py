"""How an attacker turns what it sees into a score per record.

An attack is fitted on the attacker's own (shadow) worlds, whose answers it knows, and scores target
records of which it sees only a `View`: never role, world, request or id. Higher means more likely positive.
"""

from typing import TYPE_CHECKING

from unlearn_audit.utils.lazy import lazily

if TYPE_CHECKING:
    from unlearn_audit.attacks.base import Attack
    from unlearn_audit.attacks.catalogue import CATALOGUE
    from unlearn_audit.attacks.choose import Attacks, Available, attacks_of
    from unlearn_audit.attacks.games import GAMES, Game
    from unlearn_audit.attacks.learned.classifier import ATTACK_MODELS, LearnedAttack, learned_attacks
    from unlearn_audit.attacks.learned.features import CLASSICAL, FEATURES, PAPER_FEATURES

__all__ = [
    "ATTACK_MODELS",
    "CATALOGUE",
    "CLASSICAL",
    "FEATURES",
    "GAMES",
    "PAPER_FEATURES",
    "Attack",
    "Attacks",
    "Available",
    "Game",
    "LearnedAttack",
    "attacks_of",
    "learned_attacks",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "base": ("Attack",),
        "catalogue": ("CATALOGUE",),
        "choose": ("Attacks", "Available", "attacks_of"),
        "learned.features": ("CLASSICAL", "FEATURES", "PAPER_FEATURES"),
        "games": ("GAMES", "Game"),
        "learned.classifier": ("ATTACK_MODELS", "LearnedAttack", "learned_attacks"),
    },
)
