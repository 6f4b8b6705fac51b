"""Why an experiment can come out otherwise than in the paper, where it does."""

from __future__ import annotations

READINGS = {
    "main": (
        "A network of scikit-learn can only run as same-seed: one record fewer shifts every later draw, so "
        "two versions differ by more than the deletion and the update adds little. The paper's networks are "
        "trained to overfit further."
    ),
    "features": (
        "For a fully grown tree a deletion changes the posterior of the deleted record from 1 to 0 or not at "
        "all, which difference and concatenation show alike; the paper's overfitted models are networks."
    ),
    "overfitting": (
        "A forest of full trees breaks the rule: it remembers its records, so that the original alone gives "
        "members away, and the update still adds as much as in a small tree."
    ),
    "hyper-parameters": (
        "The intervals of single sweeps are wide at small scale; what is seen is a plateau from four shadow "
        "worlds on. Their cost grows in proportion, see the column of trainings."
    ),
    "transfer": (
        "The length of the change means the same whatever data and model it was learned on; confidences "
        "calibrated on other worlds do not transfer, which the bits show."
    ),
    "sisa": (
        "A shard holds a tenth of the records, so one record moves its model ten times as much and the mean "
        "of ten shards a tenth of that: the two cancel in part, and the leak falls less than the number of "
        "shards suggests."
    ),
    "retained": (
        "The deletion of one other record hardly moves the posterior of those who remain, in these models: "
        "the paper's retained records are at risk where they are near the deleted one, which an average over "
        "random records does not show. That the deleted are told from the retained is the same signal as "
        "against unseen records."
    ),
    "group": ("A group moves the model in many directions at once, and each member's share of the change shrinks."),
    "online": ("An added record moves the model too, and the attacker cannot tell that change from the deletion's."),
    "multi-version": (
        "Every version tells in principle more than the first and the last. A classifier on all of them has "
        "several times the features and the same number of shadow rows, and loses more by that than it gains; "
        "attacks made for sequences are needed to use it."
    ),
    "defences": (
        "Temperature scaling has an inverse: with exact outputs an attacker who adapts loses nothing, which "
        "differs from the paper's claim; rounded to four decimals afterwards the scaled differences vanish. "
        "Of two classes top-1 hides nothing. A naive attacker is fooled by far more than one who adapts."
    ),
}
"""Name of the experiment to a few sentences, shown beside its claims."""
