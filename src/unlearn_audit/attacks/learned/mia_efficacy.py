"""What papers on unlearning report as MIA efficacy: how many deleted records pass for records never seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.svm import SVC

from unlearn_audit.metrics import Clusters, Estimate, share
from unlearn_audit.observations import Observations
from unlearn_audit.utils.probabilities import probability
from unlearn_audit.utils.seeds import Kind, integer_seed, name_key
from unlearn_audit.utils.threads import one_thread


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


def _confidence(table: Observations, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """(n, 1) the unlearned model's probability of the label."""
    labels = table.rows["label"].to_numpy()[rows]
    return probability(table.posteriors[rows, -1], labels)[:, None]
