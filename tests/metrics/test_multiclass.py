"""The mean over classes of the AUC of each against the others."""

import numpy as np
import pytest
from scipy.stats import norm

from unlearn_audit.metrics import Clusters, auc
from unlearn_audit.metrics.multiclass import macro_auc

CLASSES = ("deleted", "retained", "unseen")


@pytest.mark.parametrize(("worlds", "rows", "apart"), [(4, 20, 0.5), (10, 20, 0.5), (30, 10, 0.7)])
def test_the_interval_of_the_mean_covers(worlds, rows, apart):
    """Classes differ by shifts of normal scores, and worlds in these: the AUC of each is known."""
    rng = np.random.default_rng(0)
    shifts = (1.0, 0.2, 0.6)
    truth = np.mean(norm.cdf(np.array(shifts) / np.sqrt(2 + apart**2)))
    roles = np.tile(np.repeat(CLASSES, [rows, rows, 3 * rows]), worlds)
    of_world = np.repeat(np.arange(worlds), 5 * rows)
    covered = 0
    for _ in range(1000):
        scores = rng.normal(size=(len(roles), 3))
        for i, role in enumerate(CLASSES):
            own = roles == role
            scores[own, i] += shifts[i] + apart * rng.normal(size=worlds)[of_world[own]]
        found = macro_auc(scores, roles, CLASSES, Clusters(of_world))
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / 1000 <= 0.97


def test_it_is_the_mean_of_one_against_the_others_and_unknown_without_worlds():
    rng = np.random.default_rng(0)
    truth, scores = np.repeat(CLASSES, 20), rng.normal(size=(60, 3))
    found = macro_auc(scores, truth, CLASSES, Clusters())
    assert found.value == pytest.approx(np.mean([auc(scores[:, i], truth == name) for i, name in enumerate(CLASSES)]))
    assert found.interval == (0, 1)
