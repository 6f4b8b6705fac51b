"""The table that everything meets at: what every version of a model answered for one record.

Everything left of it makes the table, everything right of it reads it and never touches a model. A row
belongs to one *pair* (world, request); its role is ground truth that no attack may see on target rows, so
attacks get a `View` of the table instead of the table.
"""

from unlearn_audit.observations.formats import read_observations, write_observations
from unlearn_audit.observations.table import ROLES, Observations, concatenate
from unlearn_audit.observations.views import LabelledView, View

__all__ = [
    "ROLES",
    "LabelledView",
    "Observations",
    "View",
    "concatenate",
    "read_observations",
    "write_observations",
]
