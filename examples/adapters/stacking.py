"""Stacking, voting, calibration and searches: anything with fit and, once fitted, predict_proba."""

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import audit

X, y = load_breast_cancer(return_X_y=True)
parts = [("bayes", GaussianNB()), ("tree", DecisionTreeClassifier())]
model = StackingClassifier(parts, RandomForestClassifier(10), cv=3)
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["none"]}
result = audit(model, X, y, train_size=150, **few)
print(result.findings.verdict.summary)
