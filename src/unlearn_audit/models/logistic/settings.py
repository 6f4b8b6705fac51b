"""What decides the optimum of a logistic regression besides the records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

LOOSEST_TOLERANCE = 1e-6
"""Above it a solver's own error is part of the model, and may exceed the effect of a deletion."""

_SOLVERS = ("newton-cholesky", "newton-cg", "lbfgs")


@dataclass(frozen=True)
class LogisticSettings:
    """What decides the optimum besides the records.

    Attributes
    ----------
    C
        Inverse strength of the L2 penalty; intercepts are free.
    standardized
        Whether features are standardised with the figures of each training set.
    one_vs_rest
        One binary regression a class, probabilities normalised to sum to 1; otherwise softmax regression (with
        two classes both are one binary regression).
    class_weight
        None, ``balanced``, or the weight of each label (under ``one_vs_rest`` of 0, the rest, and 1, the class).
    """

    C: float
    standardized: bool
    one_vs_rest: bool
    class_weight: str | Mapping[Any, float] | None = None

    @classmethod
    def of(cls, estimator: Any) -> LogisticSettings | None:
        """Return the settings of an estimator that is solved to such an optimum, None for any other.

        Examples
        --------
        >>> from sklearn.linear_model import LogisticRegression
        >>> LogisticSettings.of(LogisticRegression(tol=1e-8))
        LogisticSettings(C=1.0, standardized=False, one_vs_rest=False, class_weight=None)
        >>> LogisticSettings.of(LogisticRegression()) is None
        True
        """
        steps = [step for _, step in estimator.steps] if type(estimator) is Pipeline else [estimator]
        scalers, last = steps[:-1], steps[-1]
        if len(scalers) > 1 or any(type(s) is not StandardScaler or not (s.with_mean and s.with_std) for s in scalers):
            return None
        one_vs_rest = type(last) is OneVsRestClassifier
        regression = last.estimator if one_vs_rest else last
        if type(regression) is not LogisticRegression:
            return None
        asked = (
            regression.solver in _SOLVERS
            and regression.tol <= LOOSEST_TOLERANCE
            and getattr(regression, "penalty", "l2") in ("l2", "deprecated")
            and not regression.l1_ratio
            and regression.fit_intercept
            and not regression.warm_start
            and 0 < regression.C < math.inf
        )
        return cls(float(regression.C), bool(scalers), one_vs_rest, regression.class_weight) if asked else None
