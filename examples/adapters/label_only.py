"""A model without probabilities: attacks see only labels, also near each record (probes)."""

from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from unlearn_audit import audit

X, y = load_breast_cancer(return_X_y=True)
model = make_pipeline(StandardScaler(), LinearSVC())
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["logistic-regression"]}
result = audit(model, X, y, probes=8, **few)
print(*result.findings.warnings, result.findings.verdict.summary, sep="\n")
