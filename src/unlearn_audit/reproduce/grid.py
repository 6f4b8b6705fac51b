"""Cells of a grid, and the three scales at which a grid can be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from unlearn_audit.config import AuditConfig


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Attributes
    ----------
    name
        ``smoke``, ``small`` or ``paper``.
    worlds, deletions, train_size, unseen, references
        Sizes of each audit, see `WorldsConfig`.
    datasets
        The tables that grids run over; the first two stand in where a grid needs only one or two.
    cities
        Two datasets of the same form, for transfer.
    forest
        The random forest used.
    attack_models
        Classifiers of the attacks.
    images
        The datasets of images.
    image_models
        The networks trained on them.
    """

    name: str
    worlds: int
    deletions: int
    train_size: int
    unseen: int
    references: int
    datasets: tuple[str, ...]
    cities: tuple[str, str]
    forest: str
    attack_models: tuple[str, ...]
    images: tuple[str, ...]
    image_models: tuple[str, ...]

    def audit(self, data: str, model: str, **changes: Any) -> AuditConfig:
        """Return the audit of one cell: this scale's sizes, and whatever differs."""
        sizes = {
            "shadow": self.worlds,
            "target": self.worlds,
            "train_size": self.train_size,
            "deletions": self.deletions,
            "unseen": self.unseen,
            "references": self.references,
            **changes.pop("worlds", {}),
        }
        return AuditConfig.model_validate(
            {
                "target": {"data": data, "model": model, "network": changes.pop("network", {})},
                "worlds": sizes,
                "attacks": (),
                "attack_models": self.attack_models,
                **changes,
            }
        )


TABLES = ("adult", "checkins-jakarta", "us-accidents", "checkins-nyc")

PAPER_ATTACK_MODELS = ("logistic-regression", "decision-tree", "random-forest", "mlp")

_PAPER = Scale(
    name="paper",
    worlds=20,
    deletions=100,
    train_size=5000,
    unseen=20,
    references=0,
    datasets=TABLES,
    cities=("checkins-jakarta", "checkins-nyc"),
    forest="random-forest",
    attack_models=PAPER_ATTACK_MODELS,
    images=("mnist", "cifar10", "stl10"),
    image_models=("simple-cnn", "resnet50", "densenet121"),
)

_SMALL = replace(
    _PAPER,
    name="small",
    worlds=6,
    deletions=10,
    train_size=2000,
    forest="random-forest-100",
    attack_models=("logistic-regression", "decision-tree"),
    images=("mnist", "cifar10"),
    image_models=("simple-cnn",),
)

_SMOKE = Scale(
    name="smoke",
    worlds=3,
    deletions=5,
    train_size=100,
    unseen=3,
    references=0,
    datasets=("digits", "breast-cancer"),
    cities=("digits", "digits"),
    forest="decision-tree-full",
    attack_models=("logistic-regression",),
    # what scikit-learn brings: digits, of whose pixels some never vary and are dropped, so not as square images
    images=("digits",),
    image_models=("torch-mlp",),
)

SCALES = {scale.name: scale for scale in (_SMOKE, _SMALL, _PAPER)}
"""Name to scale: a check that all works, an hour on two cores, and the paper's own."""


@dataclass(frozen=True)
class Cell:
    """One audit of a grid.

    Attributes
    ----------
    labels
        What tells it from the others: column to value.
    config
        The audit.
    """

    labels: Mapping[str, str | float]
    config: AuditConfig

    @property
    def name(self) -> str:
        """The labels in one line."""
        return ", ".join(f"{key} {value}" for key, value in self.labels.items())
