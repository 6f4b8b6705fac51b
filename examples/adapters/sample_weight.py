"""Weights of records, and other parameters of fit: they follow the records through every deletion."""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import audit

people = load_breast_cancer(as_frame=True).frame
people["weight"] = np.where(people["target"] == 0, 2.0, 1.0)
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["none"]}
result = audit(
    DecisionTreeClassifier(max_leaf_nodes=10),
    people,
    "target",
    sample_weight="weight",
    fit_params={"check_input": True},
    **few,
)
print(result.findings.verdict.summary)
