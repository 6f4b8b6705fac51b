"""Naive Bayes: counts, or means and variances, without the records that leave."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB

from unlearn_audit.unlearning.closed_form.change import Change, collapsed, updated

COUNTING = (MultinomialNB, BernoulliNB, ComplementNB, CategoricalNB)
"""Models of counts, by their exact types."""


def counted_without(model: Any, change: Change) -> Any | None:
    """Return a model of counts after a change; None where it has to be fitted anew.

    A record that leaves is taken in with the weight -1. Anew is fitted where a class or a category has no record left,
    or joins, since the model changes its shape then.
    """
    if not change.knows(model.classes_):
        return None
    new = copy.deepcopy(model)
    rows = np.concatenate([change.leaving, change.joining])
    labels = np.concatenate([change.left_labels, change.joined_labels])
    weights = np.repeat([-1.0, 1.0], [len(change.leaving), len(change.joining)])
    if isinstance(model, CategoricalNB) and _unseen(model, rows):
        return None
    names = getattr(model, "feature_names_in_", None)
    new.partial_fit(rows if names is None else pd.DataFrame(rows, columns=names), labels, sample_weight=weights)
    if not new.class_count_.all():
        return None
    if not isinstance(model, CategoricalNB):
        before, after = model.feature_count_, new.feature_count_
        whole = np.array_equal(before, np.rint(before)) and np.array_equal(after, np.rint(after))
        # whole numbers are subtracted without any error
        return new if whole or not collapsed(before, after) else None
    new.n_categories_ = model.n_categories_
    least = 0 if model.min_categories is None else model.min_categories
    tops = np.array([count[:, -1].sum() for count in new.category_count_])
    return new if (tops.astype(bool) | (new.n_categories_ <= least)).all() else None


def _unseen(model: CategoricalNB, rows: Any) -> bool:
    """Return whether records have categories beyond those that a model counts."""
    return bool((np.asarray(rows) >= model.n_categories_).any())


def gaussian_without(model: GaussianNB, change: Change) -> GaussianNB | None:
    """Return a Gaussian model after a change; None where it has to be fitted anew.

    Its smoothing is a share of the largest variance of all records, so that one record moves the variances of every
    class.
    """
    classes = model.classes_
    if not change.knows(classes):
        return None
    counts, means, variances = model.class_count_.copy(), model.theta_.copy(), model.var_ - model.epsilon_
    for c, label in enumerate(classes):
        left, joined = change.leaving[change.left_labels == label], change.joining[change.joined_labels == label]
        if len(left) == counts[c] and not len(joined):
            counts[c] = 0
        elif len(left) or len(joined):
            counts[c], means[c], variances[c] = updated(counts[c], means[c], variances[c], left, joined)
    kept = counts > 0
    if not kept.all() and model.priors is not None:
        return None  # fitting says that the priors given are no longer one a class
    before = model.var_[kept]
    counts, means, variances = counts[kept], means[kept], variances[kept]
    if collapsed(before, variances + model.epsilon_):
        return None
    means, variances = means * change.factor + change.shift, variances * np.square(change.factor)
    n = counts.sum()
    spread = counts @ (variances + np.square(means - counts @ means / n)) / n
    new = copy.deepcopy(model)
    new.classes_, new.class_count_, new.theta_ = classes[kept], counts, means
    new.epsilon_ = model.var_smoothing * spread.max()
    new.var_ = variances + new.epsilon_
    if model.priors is None:
        new.class_prior_ = counts / n
    return new
