"""Why an experiment can come out otherwise than in the paper, where it does: reasons that lie in the methods."""

from __future__ import annotations

READINGS = {
    "main": (
        "A scikit-learn network can only run as same-seed: one record fewer shifts every later draw, so two versions "
        "differ by more than the deletion."
    ),
    "features": (
        "A difference of posteriors cannot contain more than both posteriors together, but a classifier trained on few "
        "rows finds small changes in it more easily. In an overfitted tree, a deletion changes the deleted record's "
        "posterior completely or not at all, which both features show equally well; the paper's overfitted models are "
        "networks."
    ),
    "overfitting": (
        "A forest of full trees remembers its records, so the original alone gives members away, and it visibly "
        "forgets a deleted one: overfitting then brings both a strong classical attack and a large change. A single "
        "full tree answers 0 or 1 for nearly everybody, so the paper's classical attack, which reads posteriors "
        "without labels, finds hardly any member in it, however overfitted it is."
    ),
    "hyper-parameters": (
        "The first and last values of a sweep are compared as if their errors were independent, which makes the "
        "interval wide; the cost grows in proportion to each number, as the column of trainings shows."
    ),
    "transfer": (
        "The size of the change means the same for any data and model; confidences calibrated on other worlds need not "
        "transfer, as the bits show."
    ),
    "sisa": (
        "With k shards, a record is one of 1/k of the training records, so it moves its shard's model about k times as "
        "much, and the mean of the shards by about 1/k of that: the two effects partly cancel."
    ),
    "retained": (
        "Deleting another record moves the posterior of a random retained record no more than that of a random unseen "
        "one, except near the deleted record. Deleted records differ from retained ones by the same signal as from "
        "unseen ones."
    ),
    "group": ("A group moves the model in many directions at once, so each member's share of the change shrinks."),
    "online": ("An added record moves the model too, and the attacker cannot tell that change from the deletion's."),
    "multi-version": (
        "In principle, all versions tell more than the first and the last. But a classifier on all of them has several "
        "times as many features for the same number of shadow rows, and can lose more by that than it gains."
    ),
    "defences": (
        "Temperature scaling has an inverse: with exact outputs, an attacker who adapts loses nothing, unlike in the "
        "paper; rounding afterwards removes differences smaller than its step. With two classes, top-1 hides nothing."
    ),
    "images": (
        "In the regime fixed, a deletion is the only difference between two versions of a network, and still puts "
        "training on a different path: every later batch shifts by one record."
    ),
    "epochs": (
        "Overfitting gives members away through the original alone; what the update adds need not grow with it."
    ),
    "dp-sgd": (
        "Noise and sampling are fresh in every version, as a release needs them. The cost of a small epsilon is in the "
        "accuracy column: an attack on a network that has learned nothing finds nothing. Epsilon holds for one "
        "version, and for adding or removing one record."
    ),
}
"""Name of the experiment to a few sentences, shown alongside its claims."""
