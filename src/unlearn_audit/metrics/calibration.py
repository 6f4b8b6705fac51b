"""Make the confidences of different attack models comparable, with shadow worlds alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.units import AnyArray, check_probabilities

LOGIT_CLIP = 1e-6
"""Confidences are cut to [1e-6, 1 − 1e-6] before their logit is taken: trees answer 0 and 1."""


@dataclass(frozen=True)
class Calibrator:
    """Platt scaling: p = expit(slope · logit(confidence) + intercept), kept within what was observed.

    Both classes weigh the same, so the prior is ½ whatever the number of negatives. Platt's smoothed targets
    (m + 1)/(m + 2) and 1/(m + 2), m the rows of the smaller class, keep the fit finite where the classes are
    separable. (Platt takes each class's own size; one m for both keeps the prior at exactly ½.) The same two
    values bound what is returned, so bits stay finite: m rows cannot support more certainty. The slope is
    never negative, since scores of an attack mean "more likely positive"; where shadow data would turn them
    round the best allowed answer is slope 0, the prior. Source: Platt 1999.

    Attributes
    ----------
    slope, intercept : float
        Of the line on the logit scale; slope ≥ 0.
    limit : float
        The smallest probability returned, 1/(m + 2); the largest is 1 − limit.

    Examples
    --------
    >>> calibrator = Calibrator.fit(np.array([0.9, 0.8, 0.3, 0.1]), np.array([True, True, False, False]))
    >>> calibrator.transform(np.array([0.0, 0.6, 1.0])).round(2).tolist()
    [0.25, 0.54, 0.75]
    """

    slope: float
    intercept: float
    limit: float

    @classmethod
    def fit(cls, confidence: AnyArray, positive: AnyArray) -> Calibrator:
        """Fit on out-of-fold confidences of shadow rows.

        Parameters
        ----------
        confidence : (n,) float
            The attack's probability of positive, in [0, 1], by models that did not see the row.
        positive : (n,) bool
            The truth of each row.

        Raises
        ------
        AuditError
            A confidence is NaN or outside [0, 1], a class has no row, or the fit does not converge.
        """
        confidence, positive = check_probabilities(confidence, positive)
        n_positive = int(positive.sum())
        n_negative = len(positive) - n_positive
        limit = 1 / (min(n_positive, n_negative) + 2)
        weights = np.where(positive, 0.5 / n_positive, 0.5 / n_negative)
        targets = np.where(positive, 1 - limit, limit)
        x = _clipped_logit(confidence)
        centre = weights @ x
        scale = np.sqrt(weights @ (x - centre) ** 2)
        if scale < 1e-9:
            return cls(0.0, 0.0, limit)
        x = (x - centre) / scale

        line = _best_line(x, targets, weights)
        slope = float(line[0] / scale)
        return cls(slope, float(line[1] - slope * centre) if slope > 0 else 0.0, limit)

    def transform(self, confidence: AnyArray) -> AnyArray:
        """Return calibrated probabilities of positive, strictly inside (0, 1).

        Parameters
        ----------
        confidence : (n,) float
            The attack's probability of positive, in [0, 1].

        Raises
        ------
        AuditError
            A confidence is NaN or outside [0, 1].
        """
        confidence = np.asarray(confidence, dtype=np.float64)
        check_confidence(confidence)
        calibrated = expit(self.slope * _clipped_logit(confidence) + self.intercept)
        return np.asarray(np.clip(calibrated, self.limit, 1 - self.limit))


def check_confidence(confidence: AnyArray) -> None:
    """Raise an `AuditError` if a confidence is NaN or outside [0, 1]."""
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise AuditError("confidences must lie in [0, 1] and not be NaN; pass the probability of positive")


def _clipped_logit(confidence: AnyArray) -> AnyArray:
    return np.asarray(logit(np.clip(confidence, LOGIT_CLIP, 1 - LOGIT_CLIP)))


_MOST_STEPS = 200
_MOST_HALVINGS = 60

_FLAT = 1e-9
"""A slope of the loss that counts as none."""

_RIDGE = 1e-12
"""Keeps the second derivative from vanishing where all rows are certain."""


def _best_line(x: AnyArray, targets: AnyArray, weights: AnyArray) -> AnyArray:
    """Return the slope, never negative, and the intercept of the least logistic loss, by Newton's method.

    The loss is convex, so that its least value has slope 0 if and only if it does not fall from there with the slope.

    Parameters
    ----------
    x, targets, weights
        (n,) of each row; targets lie strictly inside (0, 1), their weighted mean is ½, and weights sum to 1.

    Raises
    ------
    AuditError
        If it is not reached.
    """
    line = np.zeros(2)
    if (weights * (0.5 - targets)) @ x >= -_FLAT:
        return line

    def slopes(at: AnyArray) -> tuple[AnyArray, AnyArray]:
        """Return the gradient, and (n,) how far each row bends the loss."""
        p = expit(at[0] * x + at[1])
        residual = p - targets
        residual *= weights
        bend = weights * p
        p -= 1
        bend *= p
        return np.array([residual @ x, residual.sum()]), -bend

    gradient, bend = slopes(line)
    for _ in range(_MOST_STEPS):
        along = bend * x
        mixed = along.sum()
        step = np.linalg.solve([[along @ x + _RIDGE, mixed], [mixed, bend.sum() + _RIDGE]], gradient)
        if gradient @ step < _FLAT**2:
            return line - step
        # where a whole step leads too far, part of it makes the gradient smaller
        for part in 0.5 ** np.arange(_MOST_HALVINGS):
            nearer, bend = slopes(line - part * step)
            if nearer @ nearer < (1 - part / 2) * (gradient @ gradient):
                break
        line, gradient = line - part * step, nearer
    raise AuditError(f"calibration on {len(x)} shadow rows did not converge in {_MOST_STEPS} steps")
