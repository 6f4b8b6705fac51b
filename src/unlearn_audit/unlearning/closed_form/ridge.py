"""Ridge classifiers: the moments of the records that leave are subtracted, and the normal equations solved again.

Without what else changes (the scaler before it, the intercept), that is the Sherman-Morrison-Woodbury formula; solving
again costs d³/3 operations, whatever the number of records, and lets no error grow along a chain of updates.
"""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.ridge import Moments, SoftRidgeClassifier
from unlearn_audit.unlearning.closed_form.change import Change, collapsed


def without(model: SoftRidgeClassifier, change: Change) -> SoftRidgeClassifier | None:
    """Return the classifier after a change; None where it has to be fitted anew."""
    classes, before = model.classes_, model.moments_
    if not change.knows(classes):
        return None

    def moments(rows: npt.NDArray[np.float64], labels: npt.NDArray[np.float64]) -> Moments:
        return Moments.of(
            np.asarray(rows, dtype=np.float64), np.searchsorted(classes, labels), len(classes), before.centre
        )

    joined = moments(change.joining, change.joined_labels)
    after = before - moments(change.leaving, change.left_labels) + joined
    if collapsed(before.products.diagonal() + model.alpha, after.products.diagonal() + model.alpha):
        return None
    kept = after.counts > 0
    return copy.deepcopy(model).take(classes[kept], after.of_classes(kept).mapped(change.factor, change.shift))
