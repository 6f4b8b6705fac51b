"""XGBoost (the package xgboost-cpu does without CUDA): its seed and its threads are set for every training."""

from sklearn.datasets import load_breast_cancer
from xgboost import XGBClassifier

from unlearn_audit import audit

X, y = load_breast_cancer(return_X_y=True)
model = XGBClassifier(n_estimators=20, max_depth=3, subsample=0.8)
result = audit(model, X, y, shadow_worlds=4, target_worlds=4, deletions=8)
print(result.findings.verdict)
