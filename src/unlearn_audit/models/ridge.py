"""Ridge regression as a classifier with posteriors, solved from the moments of its records.

scikit-learn's ``RidgeClassifier`` has no ``predict_proba``. Its decision values are those of least squares on targets
of -1 and 1; here their softmax is the posterior (two classes have the decision values -d and d). The softmax hides
nothing of them, unlike clipping to [0, 1]; it is not calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.typing import Array, Integers, Mask


@dataclass(frozen=True, eq=False)
class Moments:
    """All that a least-squares classifier needs to know of its records.

    Attributes
    ----------
    centre
        (d,) what is subtracted from each record first, so that large means cost no digits.
    counts, sums
        (k,) the records of each class and (k, d) their sums.
    products
        (d, d) sum of the outer products of all records.
    """

    centre: Array
    counts: Array
    sums: Array
    products: Array

    @classmethod
    def of(cls, X: Array, codes: Integers, n_classes: int, centre: Array) -> Moments:
        """Return the moments of (n, d) records with (n,) codes of classes."""
        Z = X - centre
        own = np.equal(codes[:, None], np.arange(n_classes)).astype(np.float64)
        return cls(centre, own.sum(axis=0), own.T @ Z, Z.T @ Z)

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both sets of records, which must have one centre."""
        return Moments(self.centre, self.counts + other.counts, self.sums + other.sums, self.products + other.products)

    def __sub__(self, other: Moments) -> Moments:
        """Return the moments without some of the records."""
        return Moments(self.centre, self.counts - other.counts, self.sums - other.sums, self.products - other.products)

    def of_classes(self, kept: Mask) -> Moments:
        """Return the moments with only some classes; the others must have no records."""
        return Moments(self.centre, self.counts[kept], self.sums[kept], self.products)

    def mapped(self, factor: Array, shift: Array) -> Moments:
        """Return the moments of the records times a factor plus a shift, (d,) each."""
        return Moments(
            self.centre * factor + shift, self.counts, self.sums * factor, factor[:, None] * self.products * factor
        )

    def about_zero(self) -> Moments:
        """Return the moments of the records as they are, with nothing subtracted from them."""
        total, centre = self.sums.sum(axis=0), self.centre
        crossed = np.outer(total, centre)
        products = self.products + crossed + crossed.T + self.counts.sum() * np.outer(centre, centre)
        return Moments(np.zeros_like(centre), self.counts, self.sums + self.counts[:, None] * centre, products)

    def solved(self, alpha: float, fit_intercept: bool) -> tuple[Array, Array]:
        """Return the coefficients, (outputs, d), and the (outputs,) intercepts; one output for two classes."""
        if not fit_intercept and self.centre.any():
            return self.about_zero().solved(alpha, fit_intercept)
        n = self.counts.sum()
        own, counts = (self.sums[1:], self.counts[1:]) if len(self.counts) == 2 else (self.sums, self.counts)
        total = self.sums.sum(axis=0)
        mean = total / n if fit_intercept else np.zeros_like(total)
        # a target is 1 for the own class, else -1
        sides = 2 * own - total - (2 * counts - n)[:, None] * mean
        gram = self.products - n * np.outer(mean, mean)
        gram[np.diag_indices_from(gram)] += alpha
        coefficients = cho_solve(cho_factor(gram), sides.T).T
        if not fit_intercept:
            return coefficients, np.zeros(len(own))
        return coefficients, 2 * counts / n - 1 - coefficients @ (self.centre + mean)


class SoftRidgeClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Ridge regression on targets of -1 and 1, with the softmax of its decision values as posterior.

    Parameters
    ----------
    alpha
        Strength of the L2 penalty, positive; intercepts are free.
    fit_intercept
        Whether there are intercepts.

    Attributes
    ----------
    classes_
        (k,) labels.
    coef_, intercept_
        (outputs, d) and (outputs,); one output for two classes, else one a class.
    moments_
        What it was solved from.

    Examples
    --------
    >>> from sklearn.linear_model import RidgeClassifier
    >>> X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    >>> ours, theirs = SoftRidgeClassifier().fit(X, y), RidgeClassifier().fit(X, y)
    >>> bool(np.allclose(ours.decision_function(X), theirs.decision_function(X)))
    True
    """

    def __init__(self, alpha: float = 1.0, *, fit_intercept: bool = True) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept

    def fit(self, X: Any, y: Any) -> Self:
        """Fit (n, d) records with (n,) labels.

        Raises
        ------
        AuditError
            If the penalty is not positive.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        if not 0 < self.alpha < np.inf:
            raise AuditError(f"alpha {self.alpha} of a ridge classifier is out of range; give a positive number")
        classes, codes = np.unique(y, return_inverse=True)
        centre = X.mean(axis=0) if self.fit_intercept else np.zeros(X.shape[1])
        return self.take(classes, Moments.of(X, codes, len(classes), centre))

    def take(self, classes: npt.NDArray[Any], moments: Moments) -> Self:
        """Become the classifier of the records of some classes that have these moments."""
        self.classes_, self.moments_ = classes, moments
        self.coef_, self.intercept_ = moments.solved(self.alpha, self.fit_intercept)
        return self

    def decision_function(self, X: Any) -> Array:
        """Return (m,) decision values of two classes, else (m, k)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        values = X @ self.coef_.T + self.intercept_
        return np.asarray(values[:, 0] if len(self.classes_) == 2 else values)

    def predict_proba(self, X: Any) -> Array:
        """Return (m, k) posteriors."""
        values = self.decision_function(X)
        return np.asarray(softmax(np.column_stack([-values, values]) if values.ndim == 1 else values, axis=1))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return (m,) the most probable labels."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])
