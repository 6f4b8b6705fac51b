"""XGBoost (the package xgboost-cpu does without CUDA): its seed and its threads are set for every training."""

from sklearn.datasets import load_breast_cancer
from xgboost import XGBClassifier

from unlearn_audit import audit

X, y = load_breast_cancer(return_X_y=True)
model = XGBClassifier(n_estimators=20, max_depth=3, subsample=0.8)
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["none"]}
result = audit(model, X, y, **few)
print(result.findings.verdict.summary)
