"""How many look like the deleted record, by the counts that a tree's answers give away.

Our own (see docs/attacks.md). A leaf of n training records, k of them of class y, answers k/n for y, and
(k - 1)/(n - 1) once one of the k is deleted; all other leaves answer as before. Whoever is in that leaf and of that
class looks exactly like the deleted record, and nobody else does: the likelihood ratio is one over their share of all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.formula.pair_scale import pair_scale
from unlearn_audit.attacks.formula.references import references_of
from unlearn_audit.attacks.formula.statistic import DELETION_SIGNS
from unlearn_audit.observations.views import LabelledView, View
from unlearn_audit.utils.codes import codes_of_rows
from unlearn_audit.utils.probabilities import moved, probability
from unlearn_audit.utils.typing import Array, Mask

Ints = npt.NDArray[np.int64]
LARGEST = 10_000
"""Leaves of more records are not looked for: float32 answers no longer tell one count from the next."""

ROUNDING = 2.0**-23
"""How far an answer may be from the share it is to be, relatively: twice the rounding of float32."""

ELSEWHERE = 5.0
"""By how much a record scores lower where all that moved is one leaf, and it is not in it."""


def leaf_counts(posteriors: npt.NDArray[np.float32], classes: Ints) -> tuple[Array, Array]:
    """Return k and n of the leaf that lost one of its k records of a class and has n - 1 left.

    With r the probability of all other classes, n = r_u / (r_u - r_o), to as many counts as float32 leaves open.

    Parameters
    ----------
    posteriors
        (m, versions, classes) answers; the first and the last version count.
    classes
        (m,) the class of the record that is missing.

    Returns
    -------
    k, n
        (m,) each, NaN where no such counts make all answers of both versions.

    Examples
    --------
    >>> answers = np.array([[[3 / 7, 4 / 7], [2 / 6, 4 / 6]], [[3 / 7, 4 / 7], [0.39, 0.61]]], dtype=np.float32)
    >>> k, n = leaf_counts(answers, np.array([0, 0]))
    >>> k.tolist(), n.tolist()
    ([3.0, nan], [7.0, nan])
    """
    original, unlearned = (posteriors[:, version].astype(np.float64) for version in (0, -1))
    of_class = np.zeros(original.shape, dtype=bool)
    np.put_along_axis(of_class, classes[:, None], True, axis=1)
    before, after = (np.where(of_class, 0.0, answers).sum(axis=1) for answers in (original, unlearned))
    rose = after > before
    estimate = np.divide(after, after - before, out=np.zeros_like(after), where=rose)
    estimate[estimate > LARGEST] = 0
    width = np.where(estimate > 0, np.ceil(ROUNDING * estimate**2), -1)
    k, n = np.full(len(original), np.nan), np.full(len(original), np.nan)
    widest = int(width.max(initial=-1))
    for step in sorted(range(-widest, widest + 1), key=abs):
        at = np.flatnonzero((abs(step) <= width) & np.isnan(n))
        size = np.maximum(np.rint(estimate[at]) + step, 2)
        counts = np.rint(original[at] * size[:, None])
        fits = (counts.sum(axis=1) == size) & _answers(counts, size, original[at])
        fits &= _answers(counts - of_class[at], size - 1, unlearned[at])
        k[at[fits]], n[at[fits]] = counts[of_class[at]][fits], size[fits]
    return k, n


def _answers(counts: Array, size: Array, posteriors: Array) -> Mask:
    """(m,) whether leaves of these counts answer so."""
    return np.asarray((np.abs(counts / size[:, None] - posteriors) <= ROUNDING * posteriors).all(axis=1))


@dataclass(frozen=True, eq=False)
class _Company:
    """What the references of its pair say of each row.

    Attributes
    ----------
    asked
        (n,) how many references its pair was asked.
    alike
        (n,) how many of them have its label and its answers.
    sure
        (n,) how many of them have their label given a probability of 1 by both versions.
    still
        (n,) whether none of them moved.
    no_other
        (n,) whether all that moved have its answers.
    one_leaf
        (n,) whether some moved, all with the same answers, and as a leaf does that loses one record.
    """

    asked: Ints
    alike: Ints
    sure: Ints
    still: Mask
    no_other: Mask
    one_leaf: Mask

    @classmethod
    def of(cls, view: View) -> _Company:
        """Count in every pair by itself."""
        beside = references_of(view)
        pairs, pair = np.unique(np.concatenate([view.pair, beside.pair]), return_inverse=True)
        both = np.concatenate([view.posteriors[:, [0, -1]], beside.posteriors[:, [0, -1]]])
        answers = codes_of_rows(both.reshape(len(both), -1))
        labels = np.concatenate([view.labels, beside.labels])
        group = pair * (answers.max(initial=0) + 1) + answers
        kind = group * (labels.max(initial=0) + 1) + labels
        n = len(view)
        own, theirs = pair[:n], pair[n:]
        changed = moved(beside.posteriors)
        n_asked, n_moved = (np.bincount(of_pairs, minlength=len(pairs)) for of_pairs in (theirs, theirs[changed]))
        # of a pair whose moved references all answer alike, whether they do so as a leaf that lost one record
        found = changed & (_how_many(group[n:][changed], group[n:]) == n_moved[theirs])
        found[found] = np.isfinite(_leaf_that_lost(beside.take(found)))
        return cls(
            n_asked[own],
            _how_many(kind[n:], kind[:n]),
            np.bincount(theirs[_is_sure(beside)], minlength=len(pairs))[own],
            n_moved[own] == 0,
            _how_many(group[n:][changed], group[:n]) == n_moved[own],
            np.isin(own, theirs[found]),
        )


def training_size(references: View) -> float:
    """Return how many records models are trained on, as far as references of many pairs tell; NaN if they do not.

    It is the sum of the sizes of leaves that lost one record, over the sum of the shares of references in them: of the
    pairs in which all references that moved are in one such leaf.
    """
    pairs, pair = np.unique(references.pair, return_inverse=True)
    changed = moved(references.posteriors)
    # what is in no leaf that lost one counts as in one of size 0
    sizes, place = np.nan_to_num(_leaf_that_lost(references.take(changed))), pair[changed]
    asked, of_leaf = np.bincount(pair), np.bincount(place, minlength=len(pairs))
    least, most = np.full(len(pairs), np.inf), np.zeros(len(pairs))
    np.minimum.at(least, place, sizes)
    np.maximum.at(most, place, sizes)
    one = (least == most) & (most > 0)
    return float(most[one].sum() / (of_leaf[one] / asked[one]).sum()) if one.any() else np.nan


def _leaf_that_lost(view: View) -> Array:
    """(n,) the size of the leaf of each record, if that lost one of the class whose probability fell the most."""
    fell = (view.posteriors[:, 0] - view.posteriors[:, -1]).argmax(axis=1)
    return leaf_counts(view.posteriors, fell)[1]


def _is_sure(view: View) -> Mask:
    """(n,) whether the label has a probability of 1 in the first and in the last version."""
    before, after = (probability(answers, view.labels) for answers in (view.original, view.unlearned))
    return np.asarray((before == 1) & (after == 1))


def _how_many(among: Ints, values: Ints) -> Ints:
    """(n,) how often each value occurs among others."""
    ordered = np.sort(among)
    return np.asarray(np.searchsorted(ordered, values, "right") - np.searchsorted(ordered, values, "left"))


def leaf_share(view: View, training: float) -> Array:
    """(n,) -log of the share of all records that look like the deleted one, were it the one asked about.

    With k and n as of `leaf_counts`, N training records and R references of the pair, of which m have the record's
    label and answers and s are in pure leaves of their label:

    - log (N + R)/(k + m) where the record's leaf lost one of its label, and no reference moved otherwise;
    - log (R + 2)/(s + 1) where no reference moved and the record's leaf is pure, as it stays without one of many;
    - asinh z - ½ elsewhere, z the change on the scale of the pair, and 5 less where another leaf is all that moved. The
      order is therefore that of `pair_scale` where a model is no tree.

    Parameters
    ----------
    view
        The records, with their references.
    training
        N; NaN where it is not known, which is then n over the share of references that are alike.
    """
    k, n = leaf_counts(view.posteriors, view.labels)
    company = _Company.of(view)
    scores = np.arcsinh(pair_scale(view)) - 0.5 - np.where(company.one_leaf, ELSEWHERE, 0.0)
    pure = _is_sure(view) & company.still
    scores[pure] = np.log((company.asked + 2) / (company.sure + 1))[pure]
    in_it = np.isfinite(n) & company.no_other
    N = n * (company.asked + 1) / (company.alike + 1) if np.isnan(training) else training
    scores[in_it] = np.log((N + company.asked) / (k + company.alike))[in_it]
    return scores


@dataclass(frozen=True)
class LeafShare(Attack):
    """Learns from shadow worlds how many records models are trained on, and nothing else."""

    training_: float = field(default=np.nan, repr=False, compare=False)

    name = "leaf-share"
    needs = frozenset({"labels", "references"})
    games = tuple(DELETION_SIGNS)
    training_rows = "all"

    def fit(self, shadow: LabelledView, seed: int) -> LeafShare:  # noqa: ARG002 - as every attack
        """Return a copy that knows the size of shadow training sets."""
        return LeafShare(training_size(references_of(shadow.view)))

    def score(self, target: View) -> Array:
        """Return (n,) scores, see `leaf_share`."""
        return leaf_share(target, self.training_)


ATTACKS = (LeafShare(),)
