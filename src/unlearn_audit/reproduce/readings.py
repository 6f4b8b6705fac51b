"""Why an experiment can come out otherwise than in the paper, where it does: reasons that lie in the methods."""

from __future__ import annotations

READINGS = {
    "main": (
        "A network of scikit-learn can only run as same-seed: one record fewer shifts every later draw, so "
        "two versions differ by more than the deletion."
    ),
    "features": (
        "A difference of posteriors cannot show more than both posteriors together, but a classifier on few "
        "rows finds small changes more easily in it. In an overfitted tree a deletion changes the deleted "
        "record's posterior wholly or not at all, which both show alike; the paper's overfitted models are "
        "networks."
    ),
    "overfitting": (
        "A forest of full trees remembers its records, so that the original alone gives members away, and "
        "forgets a deleted one visibly: overfitting then comes with a strong classical attack and a large "
        "change at once."
    ),
    "hyper-parameters": (
        "The first and the last value of a sweep are compared as if their errors were independent, which "
        "makes the interval wide; the cost grows in proportion to each number, see the column of trainings."
    ),
    "transfer": (
        "The length of the change means the same whatever data and model it was learned on; confidences "
        "calibrated on other worlds need not transfer, which the bits show."
    ),
    "sisa": (
        "With k shards a record stands among 1/k of the training records, so it moves its shard's model about "
        "k times as much, and the mean of the shards by about 1/k of that: the two cancel in part."
    ),
    "retained": (
        "The deletion of one other record moves the posterior of a random retained record no more than that "
        "of a random unseen one, except near the deleted record. That the deleted differ from the retained "
        "is the same signal as against unseen records."
    ),
    "group": ("A group moves the model in many directions at once, so that each member's share of the change shrinks."),
    "online": ("An added record moves the model too, and the attacker cannot tell that change from the deletion's."),
    "multi-version": (
        "Every version tells in principle more than the first and the last. A classifier on all of them has "
        "several times the features and the same number of shadow rows, and can lose more by that than it "
        "gains."
    ),
    "defences": (
        "Temperature scaling has an inverse: with exact outputs an attacker who adapts loses nothing, unlike "
        "in the paper; rounding after it removes differences below its unit. Of two classes top-1 hides "
        "nothing."
    ),
    "images": (
        "With the regime fixed a deletion is the only difference between two versions of a network, and still moves "
        "it along another path: each later batch passes one record on."
    ),
    "epochs": (
        "Overfitting gives members away by the original alone; what the update adds to that need not grow with it."
    ),
    "dp-sgd": (
        "Noise and sampling are fresh in every version, as a release needs them. What a small epsilon costs in "
        "accuracy stands in its column: an attack on a network that has learned nothing finds nothing. Epsilon is "
        "for one version and for adding or removing one record."
    ),
}
"""Name of the experiment to a few sentences, shown beside its claims."""
