"""An attack model behind a standardisation, without what a pipeline does around each of the two."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import StandardScaler

from unlearn_audit.utils.typing import Array


class Standardised:
    """A classifier of features that have mean 0 and variance 1 on the rows that it is fitted on.

    Parameters
    ----------
    classifier
        What is fitted on them, with ``fit`` and ``predict_proba``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.array([[1.0], [2.0], [30.0], [40.0]]), np.array([False, False, True, True])
    >>> Standardised(LogisticRegression()).fit(X, y).predict_proba(X).argmax(axis=1).tolist()
    [0, 0, 1, 1]
    """

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier

    def fit(self, X: Array, y: npt.NDArray[np.bool_]) -> Self:
        """Fit (n, features) rows to (n,) answers."""
        self.scaler_ = StandardScaler()
        self.classifier.fit(self.scaler_.fit_transform(X), y)
        return self

    def predict_proba(self, X: Array) -> Array:
        """Return (n, 2) probabilities of either answer."""
        return np.asarray(self.classifier.predict_proba(self.scaler_.transform(X)))
