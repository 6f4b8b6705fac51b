"""L-Diff, the score of Wang et al., "Has Approximate Machine Unlearning been evaluated properly?" (arXiv 2403.12830).

No shadow model: it compares a record with non-members asked of the same pair, in place (L) and in change (D).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy

from unlearn_audit.attacks.formula.references import FLOOR, References, changes
from unlearn_audit.attacks.formula.statistic import DELETION_SIGNS, Statistic
from unlearn_audit.observations.views import View


def l_diff(view: View) -> npt.NDArray[np.float64]:
    """(n,) (L + D)/2, large for the deleted.

    With μ, σ the mean and standard deviation of φ_u over the references and Φ the normal distribution function,
    L = ½ (Φ((φ_o - μ)/σ) - Φ((φ_u - μ)/σ) + 1); D is the Laplace distribution function, fitted to the references'
    Δφ by median and mean distance from it, at Δφ. Beyond about 36 scales D is 1 for all.
    """
    references = References.of(view)
    rows = references.rows_of(view)
    change, original = changes(view)
    mean = np.nanmean(references.unlearned, axis=1)[rows]
    deviation = np.maximum(np.nanstd(references.unlearned, axis=1), FLOOR)[rows]
    place = 0.5 * (
        scipy.stats.norm.cdf((original - mean) / deviation)
        - scipy.stats.norm.cdf((original - change - mean) / deviation)
        + 1
    )
    moved = scipy.stats.laplace.cdf(change, references.location[rows], references.scale[rows])
    return np.asarray((place + moved) / 2)


ATTACKS = (Statistic("l-diff", "pair", l_diff, DELETION_SIGNS, frozenset({"labels", "references"})),)
