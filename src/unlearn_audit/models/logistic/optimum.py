"""The optimum of one training set, by the faster way."""

from __future__ import annotations

from unlearn_audit.models.logistic.newton import UnsolvedError, newton
from unlearn_audit.models.logistic.problem import Problem
from unlearn_audit.models.logistic.truncated import truncated_newton
from unlearn_audit.utils.typing import Array

_FEW = 200
"""Parameters of a problem up to which its Hessian is factorised at each step; beyond, conjugate gradients pay."""
_MOST = 5000
"""Parameters of a problem up to which that is done where conjugate gradients fail: beyond, it takes gigabytes."""


def optimum(problem: Problem, W: Array) -> Array:
    """Return the optimum (d + 1, outputs) from parameters to start at.

    Raises
    ------
    UnsolvedError
        If it was not reached.
    """
    large = (W.size if problem.by_softmax else len(W)) > _FEW
    if not large:
        return newton(problem, W)
    try:
        return truncated_newton(problem, W)
    except UnsolvedError:
        if problem.by_softmax and W.size > _MOST:
            raise
        return newton(problem, W)
