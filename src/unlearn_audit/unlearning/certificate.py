"""What a certified method proves of one unlearned model."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Certificate:
    """(epsilon, delta): no event is much likelier under this model than under one that never had the records.

    P(unlearned in S) <= e^epsilon P(reference in S) + delta for every set S of models, and the reverse; over what the
    method draws, for one release of the unlearned model alone. The pair of versions is not covered.

    Attributes
    ----------
    epsilon, delta
        What has been spent. Of a model that was trained from scratch, epsilon is 0 up to the rounding of the solver.
    reference
        What the unlearned model cannot be told from, as the end of a sentence.
    given
        What is taken as it is and may have seen the records, as the end of a sentence; None for nothing.
    residual, bound
        Norm of the objective's gradient at the model, and the bound proven for it: the sum over the updates since the
        last training; None for methods that rest on no such bound.
    limit
        The most that the bound may be; None for methods that rest on none.
    """

    epsilon: float
    delta: float
    reference: str
    given: str | None = None
    residual: float | None = None
    bound: float | None = None
    limit: float | None = None


def normal_shift(epsilon: float, delta: float) -> float:
    """Return by how many standard deviations normal noise may be shifted under a guarantee.

    It is ε/√(2 ln(1.5/δ)): Guo et al., ICML 2020, theorem 3 with normal noise. The proof needs ε <= 1.

    Examples
    --------
    >>> round(normal_shift(1.0, 1e-5), 4)
    0.2048
    """
    return epsilon / math.sqrt(2 * math.log(1.5 / delta))
