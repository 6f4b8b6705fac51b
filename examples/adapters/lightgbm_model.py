"""LightGBM: silent, on one thread, and seeded anew for every training."""

from lightgbm import LGBMClassifier
from sklearn.datasets import load_breast_cancer

from unlearn_audit import audit

X, y = load_breast_cancer(return_X_y=True)
model = LGBMClassifier(n_estimators=20, min_child_samples=5, subsample=0.8, subsample_freq=1)
result = audit(model, X, y, shadow_worlds=4, target_worlds=4, deletions=8)
print(result.findings.verdict)
