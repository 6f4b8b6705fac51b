"""How the answers of a model would change if a given record were deleted: the change field.

An attacker who trains a model of its own on its own records knows how each record pulls at the answers to others. Of
two published versions it sees by how much the answers to reference records changed; whose deletion explains that change
is the person who was deleted. Our own method; see docs/naming.md.
"""

from unlearn_audit.fields.base import Field, check_has_field, field_for, has_field
from unlearn_audit.fields.last_layer import LastLayerField
from unlearn_audit.fields.leaves import LeafField
from unlearn_audit.fields.logistic import LogisticField

__all__ = ["Field", "LastLayerField", "LeafField", "LogisticField", "check_has_field", "field_for", "has_field"]
