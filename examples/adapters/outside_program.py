"""A program as the model, here in awk: it learns from one file of records and answers for another."""

from pathlib import Path

from sklearn.datasets import load_wine

from unlearn_audit import audit

X, y = load_wine(return_X_y=True)
program = Path(__file__).with_name("nearest_mean.awk")
command = f"'{program}' answers={{answers.csv}} {{train.csv}} {{query.csv}}"
sizes = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 5, "train_size": 60}
result = audit(command, X, y, **sizes, features=["sorted-diff"], attack_models=["logistic-regression"])
print(result.findings.verdict.summary)
