"""Every attack without the paper's attack models, by name: each module lists its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.conformance import check_attack
from unlearn_audit.attacks.formula import (
    l_diff,
    label_only,
    leaf_share,
    pair_scale,
    score_change,
    sequence,
    single_model,
)
from unlearn_audit.attacks.influence import attack as influence
from unlearn_audit.attacks.learned import pair_scale_fitted, population
from unlearn_audit.attacks.per_record import bavaria, iam, lira, paired_likelihood, rmia, ruli
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.registry import Registry

CATALOGUE: Mapping[str, Attack] = {
    attack.name: attack
    for attack in (
        *single_model.ATTACKS,
        *score_change.ATTACKS,
        *l_diff.ATTACKS,
        *pair_scale.ATTACKS,
        *leaf_share.ATTACKS,
        *pair_scale_fitted.ATTACKS,
        *influence.ATTACKS,
        *population.ATTACKS,
        *label_only.ATTACKS,
        *sequence.ATTACKS,
        *lira.ATTACKS,
        *bavaria.ATTACKS,
        *rmia.ATTACKS,
        *ruli.ATTACKS,
        *iam.ATTACKS,
        *paired_likelihood.ATTACKS,
    )
}
"""Name to attack, in the order in which reports list them."""


def _attack(name: str, found: Any) -> Attack:
    """Return the attack that other people's code holds, an instance or its class, once it passed the checks."""
    attack = check_attack(found)
    if attack.name in CATALOGUE:
        raise AuditError(f"attack {name} is called {attack.name}, like a built-in one; give it another name")
    return attack


REGISTRY: Registry[Attack] = Registry("attack", "attacks", CATALOGUE, _attack)
"""Every attack that can be named."""
