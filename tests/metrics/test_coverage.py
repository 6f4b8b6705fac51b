"""Do 95 % intervals cover the truth 95 % of the time? Each test simulates 1,000 audits of 10 worlds.

The truth is the figure over infinitely many new worlds, in closed form: every score is a sum of normal
effects of world, pair (world and request), role and record.
"""

import numpy as np
import pytest
from scipy.stats import norm

from unlearn_audit.metrics import (
    accuracy,
    auc_difference,
    auc_interval,
    bits_added,
    deg_count,
    deg_rate,
    tpr_at_fpr_interval,
)

REPETITIONS = 1000
APPROXIMATE = (0.93, 0.98)
"""What a 95 % interval must reach in 1,000 simulations, and may not exceed: of few worlds it is never narrower than if
rows were independent, and then covers more (docs/validity.md)."""


def layout(n_worlds, n_pairs, n_negative):
    """World and pair of each row and its truth: one positive and some negatives a pair."""
    pairs = np.repeat(np.arange(n_worlds * n_pairs), 1 + n_negative)
    positive = np.tile(np.arange(1 + n_negative) == 0, n_worlds * n_pairs)
    return pairs // n_pairs, pairs, positive


def coverage(truth, simulate):
    """The share of 1,000 simulated intervals that hold the truth."""
    estimates = [simulate() for _ in range(REPETITIONS)]
    return np.mean([estimate.low <= truth <= estimate.high for estimate in estimates])


class Scores:
    """Scores with effects of world, of world on positives alone, of pair and of record."""

    def __init__(self, seed, rows, world=0.3, deletion=0.3, pair=0.5):
        self.rng = np.random.default_rng(seed)
        self.worlds, self.pairs, self.positive = rows
        self.effects = world, deletion, pair

    def auc(self, shift):
        """P(S⁺ > S⁻) for rows of different worlds."""
        world, deletion, pair = self.effects
        return norm.cdf(shift / np.sqrt(2 * (1 + world**2 + pair**2) + deletion**2))

    def draw(self, *shifts):
        """One table with a column of scores per shift; they share effects and half the noise."""
        world, deletion, pair = self.effects
        common = self.rng.normal(0, world, 1000)[self.worlds] + self.rng.normal(0, pair, 5000)[self.pairs]
        extra = self.rng.normal(0, deletion, 1000)[self.worlds]
        shared, *own = self.rng.normal(size=(1 + len(shifts), len(self.worlds))) * np.sqrt(0.5)
        return [
            common + shared + noise + (shift + extra) * self.positive for shift, noise in zip(shifts, own, strict=True)
        ]


@pytest.mark.parametrize("n_negative", [1, 5])
@pytest.mark.parametrize("shift", [0.0, 1.4])
def test_auc(shift, n_negative):
    scores = Scores(0, layout(10, 20, n_negative))
    truth = scores.auc(shift)
    covered = coverage(truth, lambda: auc_interval(*scores.draw(shift), scores.positive, scores.worlds))
    assert truth == pytest.approx(0.8 if shift else 0.5, abs=0.01)
    assert APPROXIMATE[0] <= covered <= APPROXIMATE[1]


def test_auc_of_four_worlds():
    scores = Scores(1, layout(4, 20, 1))
    truth = scores.auc(1.4)
    covered = coverage(truth, lambda: auc_interval(*scores.draw(1.4), scores.positive, scores.worlds))
    assert APPROXIMATE[0] <= covered <= APPROXIMATE[1]


def test_auc_of_records():
    scores = Scores(2, layout(1, 60, 2), world=0, deletion=0, pair=0)
    truth = scores.auc(1.2)
    covered = coverage(truth, lambda: auc_interval(*scores.draw(1.2), scores.positive))
    assert APPROXIMATE[0] <= covered <= APPROXIMATE[1]


def test_auc_with_rows_as_units_would_cover_too_little():
    """The reason for worlds: the same rows with the records as units."""
    scores = Scores(3, layout(10, 20, 1), deletion=0.6)
    truth = scores.auc(0.0)
    assert coverage(truth, lambda: auc_interval(*scores.draw(0.0), scores.positive)) < 0.85


@pytest.mark.parametrize("shifts", [(0.0, 0.0), (1.4, 0.6)])
def test_auc_difference(shifts):
    scores = Scores(4, layout(10, 20, 1))
    truth = scores.auc(shifts[0]) - scores.auc(shifts[1])
    covered = coverage(truth, lambda: auc_difference(*scores.draw(*shifts), scores.positive, scores.worlds))
    assert APPROXIMATE[0] <= covered <= APPROXIMATE[1]


class Confidences:
    """Probabilities Φ(±(shift + world effect) + noise), so that their means are closed forms."""

    def __init__(self, seed, rows, world=0.3):
        self.rng = np.random.default_rng(seed)
        self.worlds, _, self.positive = rows
        self.world = world

    def draw(self, shift):
        effect = shift + self.rng.normal(0, self.world, 1000)[self.worlds]
        return norm.cdf(np.where(self.positive, effect, -effect) + self.rng.normal(size=len(self.worlds)))

    def estimate(self, metric, *shifts):
        return metric(*[self.draw(shift) for shift in shifts], self.positive, self.worlds)


NEW, BASE = 1.2, 0.4
VARIANCE = 1 + 0.3**2


@pytest.mark.parametrize(
    ("metric", "shifts", "truth"),
    [
        (accuracy, (NEW,), norm.cdf(NEW / np.sqrt(VARIANCE))),
        (deg_rate, (NEW, BASE), np.subtract(*norm.cdf(np.array([NEW, BASE]) / np.sqrt(1 + VARIANCE)))),
        (deg_rate, (BASE, BASE), 0.0),
        (deg_count, (NEW, BASE), norm.cdf((NEW - BASE) / np.sqrt(2 * VARIANCE))),
        (bits_added, (BASE, BASE), 0.0),
    ],
)
def test_class_balanced_figures(metric, shifts, truth):
    confidences = Confidences(5, layout(10, 20, 1))
    covered = coverage(truth, lambda: confidences.estimate(metric, *shifts))
    assert APPROXIMATE[0] <= covered <= APPROXIMATE[1]


@pytest.mark.parametrize(("shift", "world"), [(0.0, 0.3), (1.24, 0.3), (1.24, 0.6), (2.5, 0.3)])
def test_tpr_at_one_percent(shift, world):
    """200 positives and 4,200 negatives; over-coverage at rates near 0.01 is known (docstring)."""
    scores = Scores(6, layout(10, 20, 21), world=world, pair=0)
    total = 1 + world**2
    threshold = norm.isf(0.01) * np.sqrt(total)
    truth = norm.sf((threshold - shift) / np.sqrt(total + 0.3**2))
    covered = coverage(truth, lambda: tpr_at_fpr_interval(*scores.draw(shift), scores.positive, scores.worlds, 0.01))
    assert covered >= APPROXIMATE[0]


def test_tpr_of_records():
    scores = Scores(7, layout(1, 200, 21), world=0, deletion=0, pair=0)
    truth = norm.sf(norm.isf(0.01) - 1.24)
    covered = coverage(truth, lambda: tpr_at_fpr_interval(*scores.draw(1.24), scores.positive, None, 0.01))
    assert covered >= APPROXIMATE[0]
