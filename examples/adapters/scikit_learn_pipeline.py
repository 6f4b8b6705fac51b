"""A scikit-learn pipeline: it is cloned and trained anew in every world."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit import audit

people = load_breast_cancer(as_frame=True).frame
model = make_pipeline(StandardScaler(), LogisticRegression())
result = audit(model, people, "target", shadow_worlds=4, target_worlds=4, deletions=10)
print(result.findings.verdict)
