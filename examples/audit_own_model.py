"""Audit your own model on your own table, from Python.

A small shop predicts which customers leave. Before it publishes an updated model after a deletion request, it
measures what the update would reveal about the deleted person. Run it from any folder:

    python examples/audit_own_model.py report

The sizes are small, so that it takes seconds; for a release leave them at their defaults.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import audit


def make_customers(n: int = 1200) -> tuple[pd.DataFrame, pd.Series]:
    """Return made-up customers and whether each left; put your own table here."""
    rng = np.random.default_rng(0)
    customers = pd.DataFrame(
        {
            "plan": rng.choice(["basic", "family", "business"], n),
            "months": rng.integers(1, 72, n),
            "bill": rng.gamma(4.0, 12.0, n).round(2),
        }
    )
    tendency = 0.04 * customers["bill"] - 0.06 * customers["months"] + (customers["plan"] == "basic")
    left = pd.Series(np.where(tendency + rng.logistic(size=n) > 0, "left", "stayed"))
    return customers, left


def make_model() -> Pipeline:
    """Return the unfitted model, with its preprocessing inside: every world fits its own."""
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["plan"]), remainder="passthrough")
    return make_pipeline(columns, DecisionTreeClassifier(max_leaf_nodes=10))


def main(folder: str | None) -> None:
    """Audit, say what was found, and write the report if a folder is named."""
    customers, left = make_customers()
    result = audit(
        make_model(),
        customers,
        left,
        name="customers",
        shadow_worlds=8,
        target_worlds=8,
        train_size=200,
        deletions=12,
        features=["sorted-diff", "direct-diff"],
        attack_models=["decision-tree"],
    )
    findings = result.findings
    leading = findings.leading()
    print(findings.verdict.summary)
    print(f"regime: {findings.regime}")
    print(f"leading attack: {leading.attack} with {leading.attack_model}, AUC {leading.auc:.3f} {leading.auc_ci}")
    if folder is not None:
        print(f"report: {result.save(folder)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
