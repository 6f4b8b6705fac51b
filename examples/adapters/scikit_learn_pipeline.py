"""A scikit-learn pipeline: it is cloned and trained again in every world."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit import audit

people = load_breast_cancer(as_frame=True).frame
model = make_pipeline(StandardScaler(), LogisticRegression())
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["none"]}
result = audit(model, people, "target", **few)
print(result.findings.verdict.summary)
