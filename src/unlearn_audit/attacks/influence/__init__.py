"""How the answers of a model would change if a given record were deleted: the change field.

An attacker who trains a model of its own on its own records knows how each record pulls at the answers to others. Of
two published versions it sees by how much the answers to reference records changed; whose deletion explains that change
is the person who was deleted. Some models tell it of every record at once; of any other the attacker trains once for
each record. Our own method; see docs/naming.md.
"""

from unlearn_audit.attacks.influence.base import Field, field_for, has_field
from unlearn_audit.attacks.influence.last_layer import LastLayerField
from unlearn_audit.attacks.influence.leaves import LeafField
from unlearn_audit.attacks.influence.logistic import LogisticField
from unlearn_audit.attacks.influence.one_training_each import RetrainingField

__all__ = ["Field", "LastLayerField", "LeafField", "LogisticField", "RetrainingField", "field_for", "has_field"]
