"""What a deleted record pulls at, where the Hessian is that of other records and where it holds the record itself.

A deletion moves a model's parameters by H⁻¹ ∇ℓ(x), with H the Hessian over the records that *remain*. The attacker
estimates H from its own training records. Where x is none of them, that is an estimate of H as it stands. Where x is
one of them, its part has to be taken out first (Woodbury's identity).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unlearn_audit.utils.typing import Array, Positions

_MOST = 1 - 1e-12
"""Of a training record's own leverage, which is below 1 but for rounding."""


def held(candidates: Positions, training: Positions) -> npt.NDArray[np.bool_]:
    """Return (n,) whether the attacker's own training set holds each candidate."""
    return np.isin(candidates, training)


def pull(residual: Array, inside: npt.NDArray[np.bool_], root: Array, leverage: Array) -> Array:
    """Return (n, k) how much of its features the deletion of each record moves in each of k logits, before H⁻¹.

    With E = I ⊗ x, the part of a training record x in H is E Q Qᵀ Eᵀ, and
    (H - E Q Qᵀ Eᵀ)⁻¹ E u = H⁻¹ E (u + Q (I - Qᵀ G Q)⁻¹ Qᵀ G u) with G = Eᵀ H⁻¹ E. For one logit that is
    u / (1 - h w), with h = xᵀ H⁻¹ x and w = Q². The eigenvalues of Qᵀ G Q are below 1, since H without x is positive
    definite; where rounding puts one at 1 or above, it counts as just below, and the sign of the pull stays.

    Parameters
    ----------
    residual
        (n, k) label less probability, u; all that there is for a record that H lacks.
    inside
        (n,) whether H holds the record: `held`.
    root, leverage
        (m, k, k) Q and G of the m records that H holds, in their order.
    """
    found = residual.copy()
    own = residual[inside][..., None]
    size, axes = np.linalg.eigh(root.mT @ leverage @ root)
    inner = axes.mT @ (root.mT @ (leverage @ own))
    found[inside] = (own + root @ (axes @ (inner / (1 - np.minimum(size, _MOST))[..., None])))[..., 0]
    return found
