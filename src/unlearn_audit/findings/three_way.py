"""The three-way game: who was deleted, who remains, who was never there, and what the update adds to each risk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.svm import SVC

from unlearn_audit.attacks.learned.three_way import THREE_ROLES, ThreeWayAttack
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.schema import OfRole, ThreeWay
from unlearn_audit.metrics import Clusters, auc_difference, auc_interval, auc_variation, share, variation
from unlearn_audit.metrics.intervals import Estimate, linear_interval
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import ViewName, attacker_view
from unlearn_audit.utils.probabilities import probability
from unlearn_audit.utils.seeds import Kind, integer_seed, name_key
from unlearn_audit.utils.threads import one_thread

Array = npt.NDArray[np.float64]


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
            OfRole(
                role=role,
                n=int((roles == role).sum()),
                auc=one.value,
                auc_ci=one.interval,
                added=added.value,
                added_ci=added.interval,
            )
        )

    whole = _macro(pair, roles, clusters)
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


def mia_efficacy(shadow: Observations, target: Observations, seed: int) -> Estimate:
    """Return the share of deleted records that a classifier of the unlearned model's confidence calls never seen.

    It is what papers on unlearning report under this name (Jia et al., "Model Sparsity Can Simplify Machine
    Unlearning", NeurIPS 2023): a support vector machine that tells retained from unseen records, here on shadow worlds,
    is asked about the deleted ones. It says nothing of who sees both versions.

    Parameters
    ----------
    shadow, target
        Rows of the three roles.
    seed
        The seed of the audit.
    """
    rows = shadow.paper & (shadow.roles != "deleted")
    deleted = target.roles == "deleted"
    model = SVC(C=3, class_weight="balanced", random_state=integer_seed(seed, Kind.ATTACK, name_key("mia-efficacy")))
    with one_thread():
        model.fit(_confidence(shadow, rows), shadow.roles[rows] == "retained")
        unseen = ~model.predict(_confidence(target, deleted)).astype(bool)
    return share(unseen, Clusters(target.worlds, target.records).take(deleted))


def _confidence(table: Observations, rows: npt.NDArray[np.bool_]) -> Array:
    """(n, 1) the unlearned model's probability of the label."""
    labels = table.rows["label"].to_numpy()[rows]
    return probability(table.posteriors[rows, -1], labels)[:, None]


def _macro(probabilities: Array, roles: npt.NDArray[np.str_], clusters: Clusters) -> Estimate:
    """Return the mean over roles of the AUC of each against the other two.

    Its error is that of the sum of DeLong's components over the three, by world, or by world and record.
    """
    figures, units, shares = [], set(), np.zeros(len(roles))
    for i, role in enumerate(THREE_ROLES):
        area, found, of_role = auc_variation(probabilities[:, i], roles == role, clusters)
        figures.append(area)
        units.add(found.unit)
        shares += of_role / len(THREE_ROLES)
    value = float(np.mean(figures))
    if units != {"world"}:
        return Estimate(value, 0.0, 1.0)
    return linear_interval(value, variation(shares, roles == THREE_ROLES[0], clusters), bounds=(0.0, 1.0))


def rows_of_all_roles(table: Observations, side: str) -> npt.NDArray[np.bool_]:
    """Return (n,) the rows that take part: clean queries of the three roles.

    Raises
    ------
    AuditError
        If a role or a label is missing.
    """
    clean = table.rows["query"].to_numpy() == 0
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
