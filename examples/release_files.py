"""One release as its engineer sees it: files with the answers of both versions, one deleted record, and nothing else.

    python examples/release_files.py folder

leaves before.parquet, after.parquet, deleted.txt, held-out.txt and a report in the folder. The same on the command
line, in that folder:

    unlearn-audit release before.parquet after.parquet --deleted deleted.txt --reference held-out.txt --base-rate 0.01
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit.audits.release import (
    ReleaseResult,
    ReleaseSettings,
    examine,
    findings_of,
    pair_of,
    read_answers,
    read_ids,
)


def main(folder: Path) -> None:
    """Write the files, look at them, and write the report."""
    folder.mkdir(parents=True, exist_ok=True)
    write_files(folder)
    versions = [read_answers(folder / f"{name}.parquet") for name in ("before", "after")]
    deleted, references = (read_ids(str(folder / f"{name}.txt"), name) for name in ("deleted", "held-out"))
    settings = ReleaseSettings(base_rates=(0.01,))
    examined = [examine(pair_of(*versions, deleted, references), settings)]
    result = ReleaseResult(findings_of(examined, settings, {}), examined)
    print(result.findings.summary)
    print("Report:", result.write(folder / "report"))


def train(X: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Pipeline:
    """Fit a model on some rows."""
    return make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8, max_iter=1000)).fit(X[rows], y[rows])


def write_files(folder: Path) -> None:
    """Train a model with and without one person, and ask both versions about everybody."""
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    held_out, training = order[:269], order[269:]
    before = train(X, y, training)
    # the one whom the model fits worst: such people move it most
    of_own_class = before.predict_proba(X)[np.arange(len(X)), y]
    deleted = training[[of_own_class[training].argmin()]]
    after = train(X, y, np.setdiff1d(training, deleted))
    for name, model in (("before", before), ("after", after)):
        p = model.predict_proba(X)
        table = pd.DataFrame({"record": np.arange(len(X)), "label": y, "p_0": p[:, 0], "p_1": p[:, 1]})
        table.to_parquet(folder / f"{name}.parquet", index=False)
    for name, ids in (("deleted", deleted), ("held-out", held_out)):
        (folder / f"{name}.txt").write_text("\n".join(map(str, ids)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "release"))
