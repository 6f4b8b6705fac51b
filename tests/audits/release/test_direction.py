"""Whether two versions look exchanged: a p-value that holds where the deleted are like the references."""

import numpy as np
import pytest

from unlearn_audit.audits.release import direction
from unlearn_audit.audits.release.direction import exchanged
from unlearn_audit.audits.release.pair import Pair, Rows


def pair(rng, fall, deleted, references, ties=False):
    """Two versions of a binary model: the deleted's margins fall by more than those of references, with two each."""
    n = deleted + references
    labels, person = rng.integers(0, 2, n), np.r_[np.arange(deleted), np.arange(references) // 2]
    logit, moved = rng.normal(size=n), rng.normal(size=n) * (rng.random(n) < 0.1 if ties else 1)
    moved[:deleted] += fall
    after = logit - 0.3 * moved
    of_label = 1 / (1 + np.exp(-np.stack([logit, after], axis=1)))
    posteriors = np.stack([of_label, 1 - of_label], axis=2)
    posteriors[labels == 1] = posteriors[labels == 1][:, :, ::-1]
    rows = [
        Rows(posteriors[at].astype(np.float32), labels[at], person[at]) for at in (slice(deleted), slice(deleted, None))
    ]
    return Pair(*rows, ("no", "yes"), np.arange(deleted).astype(object), 1.0)


@pytest.mark.parametrize(("deleted", "ties"), [(1, False), (1, True), (6, False), (6, True)])
def test_it_is_rarely_said_where_the_update_reveals_nothing(monkeypatch, deleted, ties):
    monkeypatch.setattr(direction, "_DRAWS", 199)
    rng = np.random.default_rng(0)
    found = [exchanged(pair(rng, 0, deleted, 200, ties), seed) for seed in range(300)]
    low = np.mean([p is not None and p <= 0.05 for p in found])
    assert low <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert ties or low >= 0.01


def test_the_direction_tells():
    rng = np.random.default_rng(1)
    assert exchanged(pair(rng, 2, 8, 200), 0) is None
    assert exchanged(pair(rng, -2, 8, 200), 0) == pytest.approx(1 / 5000)
