"""Audit files of posteriors: no model is needed, only the answers of its two versions.

An auditor gets target.csv from a model's owner: for records that one update deleted, and for records that were
never in the training data, the answers of the model before and after. To know what such answers look like, the
auditor trains a pair of models on data of the same kind, with a deletion of the same size: shadow.csv. Here both
files are made on the spot.

    python examples/audit_files.py folder

leaves the files and a report in the folder. The same audit on the command line:

    unlearn-audit predictions --shadow folder/shadow.csv --target folder/target.csv --out folder/report
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from unlearn_audit import AuditConfig, audit_observations, read_observations

TRAINING, DELETED, UNSEEN = 600, 60, 250


def export_pair(positions: np.ndarray, seed: int, path: Path) -> None:
    """Train an original, retrain it without some of its records, and write what both answer."""
    X, y = load_digits(return_X_y=True)
    training, unseen = positions[:TRAINING], positions[TRAINING : TRAINING + UNSEEN]
    deleted, remaining = training[:DELETED], training[DELETED:]
    before = RandomForestClassifier(n_estimators=50, random_state=seed).fit(X[training], y[training])
    after = RandomForestClassifier(n_estimators=50, random_state=seed).fit(X[remaining], y[remaining])

    asked = np.concatenate([deleted, unseen])
    frame = pd.DataFrame({"role": ["deleted"] * len(deleted) + ["unseen"] * len(unseen), "record": asked})
    frame["label"] = y[asked]
    for version, model in (("before", before), ("after", after)):
        for name, column in zip(model.classes_, model.predict_proba(X[asked]).T, strict=True):
            frame[f"{version}_{name}"] = column
    frame.to_csv(path, index=False)


def main(folder: Path) -> None:
    """Write both files, audit them, and write the report."""
    folder.mkdir(parents=True, exist_ok=True)
    everyone = np.random.default_rng(0).permutation(1797)
    export_pair(everyone[:898], seed=1, path=folder / "shadow.csv")
    export_pair(everyone[898:], seed=2, path=folder / "target.csv")

    config = AuditConfig(features=("sorted-diff", "direct-diff"), attack_models=("logistic-regression",))
    result = audit_observations(
        read_observations(folder / "shadow.csv"), read_observations(folder / "target.csv"), config=config
    )
    print(result.findings.verdict.summary)
    print(f"report: {result.save(folder / 'report')}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "audit-files"))
