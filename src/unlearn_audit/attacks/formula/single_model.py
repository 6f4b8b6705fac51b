"""The margin in one version alone: what each model gives away without the other.

Yeom et al., "Privacy Risk in Machine Learning" (CSF 2018), threshold the loss of a record; the margin φ orders
records as the loss does. A difference between versions has to be better than both of these to say anything new.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.formula.statistic import Statistic
from unlearn_audit.observations.views import View
from unlearn_audit.utils.probabilities import margin


def one_margin(view: View) -> npt.NDArray[np.float64]:
    """(n,) φ of the only version that the view holds."""
    return margin(view.posteriors[:, 0], view.labels)


ATTACKS = (
    Statistic(
        "margin-original",
        "original",
        one_margin,
        {"deleted-vs-unseen": 1, "deleted-vs-retained": 1, "retained-vs-unseen": 1},
        reads_labels=True,
        silent_without_change=False,
    ),
    # whom the unlearned model still knows was not forgotten; among those who remain, the deleted are known less
    Statistic(
        "margin-unlearned",
        "unlearned",
        one_margin,
        {"deleted-vs-unseen": 1, "deleted-vs-retained": -1, "retained-vs-unseen": 1},
        reads_labels=True,
        silent_without_change=False,
    ),
)
