"""The area under the ROC curve where there are more than two classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unlearn_audit.metrics.intervals import Estimate, linear_interval
from unlearn_audit.metrics.roc import auc_variation
from unlearn_audit.metrics.units import AnyArray, Clusters
from unlearn_audit.metrics.variation import variation


def macro_auc(probabilities: AnyArray, truth: AnyArray, classes: Sequence[str], clusters: Clusters) -> Estimate:
    """Return the mean over classes of the AUC of each against all others.

    Its error is that of the sum of DeLong's components over the classes, by world, or by world and record.

    Parameters
    ----------
    probabilities : (n, classes) float
        How probable each class is for each row.
    truth : (n,) str
        The class of each row.
    classes
        The classes, in the order of the columns.
    clusters
        What rows share.
    """
    figures, units, shares = [], set(), np.zeros(len(truth))
    for i, name in enumerate(classes):
        area = auc_variation(probabilities[:, i], truth == name, clusters)
        figures.append(area.value)
        units.add(area.variation.unit)
        shares += area.shares / len(classes)
    value = float(np.mean(figures))
    if units != {"world"}:
        return Estimate(value, 0.0, 1.0)
    return linear_interval(value, variation(shares, truth == classes[0], clusters), bounds=(0.0, 1.0))
