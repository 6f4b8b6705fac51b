"""LightGBM: silent, on one thread, and reseeded for every training."""

from lightgbm import LGBMClassifier
from sklearn.datasets import load_breast_cancer

from unlearn_audit import audit

X, y = load_breast_cancer(return_X_y=True)
model = LGBMClassifier(n_estimators=20, min_child_samples=5, subsample=0.8, subsample_freq=1)
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["none"]}
result = audit(model, X, y, **few)
print(result.findings.verdict.summary)
