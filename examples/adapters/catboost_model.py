"""CatBoost with categories, as a function that makes it; it prints nothing and leaves no folder catboost_info."""

import pandas as pd
from catboost import CatBoostClassifier
from sklearn.datasets import load_breast_cancer

from unlearn_audit import audit


def boosted():
    return CatBoostClassifier(iterations=20, depth=3, cat_features=["size"])


people = load_breast_cancer(as_frame=True).frame
people["size"] = pd.qcut(people["mean radius"], 4, labels=["small", "medium", "large", "huge"]).astype(str)
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["none"]}
result = audit(boosted, people, "target", train_size=150, **few)
print(result.findings.verdict.summary)
