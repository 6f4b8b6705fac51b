"""A model without probabilities: only what a label shows is attacked, also near each record (probes)."""

from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from unlearn_audit import audit

X, y = load_breast_cancer(return_X_y=True)
model = make_pipeline(StandardScaler(), LinearSVC())
result = audit(model, X, y, shadow_worlds=4, target_worlds=4, deletions=10, probes=8)
print(*result.findings.warnings, result.findings.verdict, sep="\n")
