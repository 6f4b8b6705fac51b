"""What can be audited: anything with ``fit`` and ``predict_proba``.

A *model source* makes unfitted estimators, seeded as the unit of work asks. It comes from a name of the
zoo, from ``package.module:factory`` or ``file.py:factory``, or from an estimator or a factory in Python.
"""

from unlearn_audit.models.source import ModelSource, resolve_model
from unlearn_audit.models.zoo import MODELS

__all__ = ["MODELS", "ModelSource", "resolve_model"]
