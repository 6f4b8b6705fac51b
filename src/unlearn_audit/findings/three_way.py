"""The three-way game: who was deleted, who remains, who was never there, and what the update adds to each risk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.learned.mia_efficacy import mia_efficacy
from unlearn_audit.attacks.learned.three_way import THREE_ROLES, ThreeWayAttack
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.sections import RoleResult, ThreeWay
from unlearn_audit.metrics import Clusters, auc_difference, auc_interval
from unlearn_audit.metrics.multiclass import macro_auc
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import ViewName, attacker_view
from unlearn_audit.utils.seeds import Kind, integer_seed, name_key
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Array


def three_way(shadow: Observations, target: Observations, seed: int) -> ThreeWay:
    """Tell all three roles apart, fitted on shadow worlds, with both versions and with the original alone.

    Raises
    ------
    AuditError
        If a role or a label is missing on a side.
    """
    shadow, target = (
        table.select(rows_of_all_roles(table, side)) for table, side in ((shadow, "shadow"), (target, "target"))
    )
    roles, clusters = target.roles, Clusters(target.worlds, target.records)
    pair = _probabilities("pair", shadow, target, seed)
    original = _probabilities("original", shadow, target, seed)
    found = []
    for i, role in enumerate(THREE_ROLES):
        one = auc_interval(pair[:, i], roles == role, clusters)
        added = auc_difference(pair[:, i], original[:, i], roles == role, clusters)
        found.append(
            RoleResult(
                role=role,
                n=int((roles == role).sum()),
                auc=one.value,
                auc_ci=one.interval,
                added=added.value,
                added_ci=added.interval,
            )
        )

    whole = macro_auc(pair, roles, THREE_ROLES, clusters)
    members = roles != "deleted"
    retained = [_of_two(of[members], "retained", "unseen") for of in (pair, original)]
    known = roles[members] == "retained"
    of_members = clusters.take(members)
    with_both = auc_interval(retained[0], known, of_members)
    added = auc_difference(retained[0], retained[1], known, of_members)
    efficacy = mia_efficacy(shadow, target, seed)
    return ThreeWay(
        macro_auc=whole.value,
        macro_auc_ci=whole.interval,
        roles=tuple(found),
        retained_auc=with_both.value,
        retained_auc_ci=with_both.interval,
        retained_added=added.value,
        retained_added_ci=added.interval,
        mia_efficacy=efficacy.value,
        mia_efficacy_ci=efficacy.interval,
    )


def rows_of_all_roles(table: Observations, side: str) -> npt.NDArray[np.bool_]:
    """Return (n,) the rows that take part: clean queries of the three roles.

    Raises
    ------
    AuditError
        If a role or a label is missing.
    """
    clean = table.clean
    for role in THREE_ROLES:
        if not (clean & (table.roles == role)).any():
            raise AuditError(f"the {side} side has no row with role '{role}', which the game three-way needs")
    rows = clean & np.isin(table.roles, THREE_ROLES)
    if (table.rows["label"].to_numpy()[rows] < 0).any():
        raise AuditError(f"the game three-way needs the label of every record, and some of the {side} side have none")
    return np.asarray(rows)


def _probabilities(view: ViewName, shadow: Observations, target: Observations, seed: int) -> Array:
    """Return (n, 3) what a view tells of the target's rows."""
    own = integer_seed(seed, Kind.ATTACK, name_key("three-way"), name_key(view))
    with one_thread():
        shown, asked = (attacker_view(table, view, np.ones(len(table), dtype=bool)) for table in (shadow, target))
        return ThreeWayAttack().fit(shown, shadow.roles, own).probabilities(asked)


def _of_two(probabilities: Array, one: str, other: str) -> Array:
    """Return (n,) how probable a role is where only another comes into question."""
    first, second = (probabilities[:, THREE_ROLES.index(role)] for role in (one, other))
    total = first + second
    return np.asarray(np.where(total > 0, first / np.where(total > 0, total, 1.0), 0.5))
