"""The matrix nearest to given probabilities among those with given row and column sums (Zhao et al., arXiv 2411.02622).

Of all non-negative matrices M whose rows sum to 1 and whose columns sum to c, the one with the least
Σ_i w_i Σ_j M_ij log(M_ij / P_ij) is

    M_ij = X_i (P_ij / e) exp(-ν_j / w_i),

where X_i makes row i sum to 1, so that M_ij is P_ij exp(-ν_j / w_i) over its sum in the row, and ν makes the columns
sum to c. Newton's method finds ν.

Two consequences of the formula. If c are the column sums of P, as published, ν = 0 solves it and M = P: the refinement
changes nothing. And rows of P that are equal, with equal weights, stay equal: from uniform rows all forgotten records
get one identical answer.
"""

from __future__ import annotations

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.typing import Array

_STEPS = 100
_TOLERANCE = 1e-8
"""The difference of a column sum from its target at which Newton's method stops."""
_ENOUGH = 1e-5
"""The difference that the authors allow."""
_SMALLEST = 1e-9
"""The share of a step below which it is not halved further: rounding hides any progress."""


def entropies(P: Array) -> Array:
    """Return (n,) the entropy of each row: 1 / w of the weights that the authors' notebooks take."""
    logs = np.log(P, out=np.zeros_like(P), where=P > 0)
    return np.asarray(-(P * logs).sum(axis=1))


def refined(P: Array, columns: Array, inverse_weights: Array | None = None) -> Array:
    """Return the (n, k) matrix nearest to P whose rows sum to 1 and whose columns sum to (k,) targets.

    Parameters
    ----------
    P
        (n, k) probabilities.
    columns
        (k,) what columns are to sum to; together n.
    inverse_weights
        (n,) 1 / w; None for weights of 1.

    Raises
    ------
    AuditError
        If no such matrix is found.

    Examples
    --------
    >>> P = np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1]])
    >>> refined(P, np.array([2.1, 0.9])).round(3).tolist()
    [[0.586, 0.414], [0.586, 0.414], [0.927, 0.073]]
    """
    h = np.ones(len(P)) if inverse_weights is None else inverse_weights

    def matrix(nu: Array) -> Array:
        exponents = -np.outer(h, nu)
        M = P * np.exp(exponents - exponents.max(axis=1, keepdims=True))
        return np.asarray(M / M.sum(axis=1, keepdims=True))

    nu, M = np.zeros(len(columns)), P
    left = columns - M.sum(axis=0)
    for _ in range(_STEPS):
        if np.abs(left).max() <= _TOLERANCE:
            break
        slope = np.diag(h @ M) - (M * h[:, None]).T @ M
        # the same number added to all of ν changes nothing
        step, size = -np.linalg.lstsq(slope, left, rcond=None)[0], 1.0
        while size > _SMALLEST:
            tried = matrix(nu + size * step)
            if np.linalg.norm(columns - tried.sum(axis=0)) < np.linalg.norm(left):
                break
            size /= 2
        else:
            break
        nu, M = nu + size * step, tried
        left = columns - M.sum(axis=0)
    if np.abs(left).max() > _ENOUGH:
        raise AuditError(
            f"ppu found no matrix with the requested column sums (one is off by {np.abs(left).max():.2g}); the network "
            "is too sure of too many answers, so use columns: published"
        )
    return M
