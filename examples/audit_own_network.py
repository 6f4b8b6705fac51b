"""Audit your own PyTorch module, from Python.

All it needs is a function that makes the untrained module: the audit trains it again for each world, and in
the regime ``fixed`` keeps every draw with its record. Run it from any folder (it needs the extra ``torch``):

    python examples/audit_own_network.py report

The sizes are small, so that it takes seconds; for a release leave them at their defaults.
"""

from __future__ import annotations

import sys

from sklearn.datasets import load_digits
from torch import nn

from unlearn_audit import audit
from unlearn_audit.models.networks import TorchClassifier


def make_module(image_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
    """Return the untrained module; it gets what its parameters ask for by name."""
    channels, height, width = image_shape
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(4 * height * width, n_classes),
    )


def main(folder: str | None) -> None:
    """Audit, say what was found, and write the report if a folder is named."""
    X, y = load_digits(return_X_y=True)
    result = audit(
        # 16 levels of grey; the flat records become images of 8 x 8
        TorchClassifier(make_module, epochs=10, batch_size=25, learning_rate=0.005),
        X / 16,
        y,
        name="digits",
        shadow_worlds=4,
        target_worlds=4,
        train_size=150,
        deletions=6,
        features=["sorted-diff", "direct-diff"],
        attack_models=["logistic-regression", "decision-tree"],
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
