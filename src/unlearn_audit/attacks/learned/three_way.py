"""All three roles at once: deleted, retained or unseen, from one classifier.

After TC-UMIA (Fu et al., arXiv 2605.01129), whose exact features and network are not confirmed: per record the sorted
posteriors of both versions and their difference, the loss in each and its change, and whether each has the label right;
here with gradient-boosted trees, every role weighing the same. The same classifier on what the original alone shows
tells how much the new version adds, of the retained records too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from unlearn_audit.attacks.learned.features import sorted_concat, sorted_diff
from unlearn_audit.observations.views import View
from unlearn_audit.utils.probabilities import loss, margin
from unlearn_audit.utils.typing import Array

THREE_ROLES = ("deleted", "retained", "unseen")
"""The answers, in the order of the columns of probabilities."""


@dataclass(frozen=True)
class ThreeWayAttack:
    """A classifier of roles.

    Examples
    --------
    >>> ThreeWayAttack().fitted_ is None
    True
    """

    fitted_: Any = None

    def fit(self, shadow: View, roles: npt.NDArray[np.str_], seed: int) -> Self:
        """Return a copy fitted on (n,) roles of the attacker's own records."""
        model = HistGradientBoostingClassifier(max_iter=100, class_weight="balanced", random_state=seed)
        return replace(self, fitted_=model.fit(seen(shadow), np.searchsorted(THREE_ROLES, roles)))

    def probabilities(self, target: View) -> Array:
        """Return (n, 3) how probable each of `THREE_ROLES` is."""
        return np.asarray(self.fitted_.predict_proba(seen(target)), dtype=np.float64)


def seen(view: View) -> Array:
    """(n, columns) what the classifier reads of one version or of the first and the last.

    Raises
    ------
    AuditError
        If a label is not known.
    """
    phi = margin(view.posteriors, view.labels)
    losses = loss(phi)
    right = view.posteriors.argmax(axis=2) == view.labels[:, None]
    parts = [sorted_concat(view), losses, right]
    if losses.shape[1] > 1:
        parts += [sorted_diff(view), losses[:, 1:] - losses[:, :1]]
    return np.hstack(parts).astype(np.float64)
