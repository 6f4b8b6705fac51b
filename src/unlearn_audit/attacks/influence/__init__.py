"""The influence of a record: how the predictions of a model would change if that record were deleted.

An attacker who trains a model on its own records knows how each record pulls at the predictions for others.
Of two published versions it sees by how much the predictions for reference records changed; the person whose deletion
explains that change is the one who was deleted. For some kinds of model one training shows the influence of every
record; for any other the attacker trains once for each record. Our own method; see docs/naming.md.
"""

from unlearn_audit.attacks.influence.base import Influence
from unlearn_audit.attacks.influence.choose import influence_for, one_training_suffices
from unlearn_audit.attacks.influence.last_layer import LastLayerInfluence
from unlearn_audit.attacks.influence.leaves import LeafInfluence
from unlearn_audit.attacks.influence.logistic import LogisticInfluence
from unlearn_audit.attacks.influence.one_training_each import RetrainingInfluence

__all__ = [
    "Influence",
    "LastLayerInfluence",
    "LeafInfluence",
    "LogisticInfluence",
    "RetrainingInfluence",
    "influence_for",
    "one_training_suffices",
]
