"""A record's change on the scale of its pair, which reference records show; no shadow model.

Our own (see docs/attacks.md). The position of a change among those of non-members is also the second part of the
score of `unlearn_audit.attacks.formula.l_diff`.
"""

from __future__ import annotations

import numpy as np

from unlearn_audit.attacks.base import Need
from unlearn_audit.attacks.formula.references import References, changes
from unlearn_audit.attacks.formula.statistic import DELETION_SIGNS, Statistic
from unlearn_audit.observations.views import View
from unlearn_audit.utils.typing import Array

_NEEDS: frozenset[Need] = frozenset({"labels", "references"})


def pair_scale(view: View) -> Array:
    """(n,) z = (Δφ - median Δφ_r) / b, with b the mean distance of Δφ_r from their median."""
    references = References.of(view)
    rows = references.rows_of(view)
    return (changes(view)[0] - references.location[rows]) / references.scale[rows]


def pair_scale_local(view: View) -> Array:
    """(n,) Δφ / ls, with ls the mean |Δφ_r| of references that the original answers like the record."""
    references = References.of(view)
    change, original = changes(view)
    return change / references.local_scale(original, references.rows_of(view))


def pair_covariates(view: View) -> Array:
    """(n, 8) Δφ, φ_o, asinh z, asinh Δφ/ls, log b, log ls, share of references that moved, rank of Δφ."""
    references = References.of(view)
    rows = references.rows_of(view)
    change, original = changes(view)
    local = references.local_scale(original, rows)
    return np.column_stack(
        [
            change,
            original,
            np.arcsinh((change - references.location[rows]) / references.scale[rows]),
            np.arcsinh(change / local),
            np.log(references.scale[rows]),
            np.log(local),
            references.moved_share[rows],
            references.rank(change, rows),
        ]
    )


ATTACKS = (
    Statistic("pair-scale", "pair", pair_scale, DELETION_SIGNS, _NEEDS),
    Statistic("pair-scale-local", "pair", pair_scale_local, DELETION_SIGNS, _NEEDS),
)
