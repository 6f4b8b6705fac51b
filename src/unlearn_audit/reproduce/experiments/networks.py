"""Neural networks: images, overfitting by epochs, and differential privacy."""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_audit.attacks import CLASSICAL
from unlearn_audit.reproduce.claims import Decision, Measured, decide, difference, each_beats_classical
from unlearn_audit.reproduce.experiments.base import Experiment
from unlearn_audit.reproduce.grid import Cell, Scale


def _images(scale: Scale) -> list[Cell]:
    settings = {"small": {"epochs": 10}, "paper": {"epochs": 100}}.get(scale.name, {"epochs": 5, "batch_size": 20})
    sizes = {"train_size": min(scale.train_size, 500)} if scale.name == "small" else {}
    return [
        Cell({"dataset": data, "model": model}, scale.audit(data, model, network=settings, worlds=sizes))
        for data in scale.images
        for model in scale.image_models
    ]


def _images_claims(cells: Sequence[Measured]) -> list[Decision]:
    return each_beats_classical("two versions of a network give away more than the original alone", cells)


IMAGES = Experiment(
    name="images",
    title="Networks on images",
    claim="the attack on both versions is stronger than classical membership inference on the original",
    values="MNIST, CIFAR-10 and STL-10 x a small convolutional network, ResNet-50 and DenseNet-121",
    grid=_images,
    decide=_images_claims,
)

OVERFITTED = {"small": {"train_size": 300}, "paper": {}, "smoke": {}}
"""Sizes at which a perceptron goes from underfitted to overfitted within the epochs of the sweep."""


def _epochs(scale: Scale) -> list[Cell]:
    steps = {"smoke": (2, 20), "small": (2, 10, 30, 100), "paper": (2, 10, 30, 100, 300)}[scale.name]
    batch = {"batch_size": 20} if scale.name == "smoke" else {}
    return [
        Cell(
            {"dataset": data, "epochs": epochs},
            scale.audit(data, "torch-mlp", network={"epochs": epochs, **batch}, worlds=OVERFITTED[scale.name]),
        )
        for data in scale.datasets[:1]
        for epochs in steps
    ]


def _epochs_claims(cells: Sequence[Measured]) -> list[Decision]:
    levels = {id(m): m.findings.overfitting["target"].mean for m in cells if m.findings.overfitting}
    least, most = min(cells, key=lambda m: levels[id(m)]), max(cells, key=lambda m: levels[id(m)])
    where = f"{least.cell.name} against {most.cell.labels['epochs']}"
    classical = tuple(CLASSICAL)
    return [
        decide(
            "overfitting strengthens the attack on both versions",
            where,
            difference(most.best(), least.best()),
            above=0.0,
        ),
        decide(
            "the classical attack grows with overfitting",
            where,
            difference(most.best(classical), least.best(classical)),
            above=0.0,
        ),
    ]


EPOCHS = Experiment(
    name="epochs",
    title="Overfitting against leakage, by epochs",
    claim="the longer a network is trained, the more it overfits and the more it gives away",
    values="a perceptron of four hidden layers, from 2 epochs to hundreds",
    grid=_epochs,
    decide=_epochs_claims,
)

EPSILONS = {"smoke": (8,), "small": (1, 3, 10), "paper": (0.5, 1, 2, 4, 8, 16)}


def _private(scale: Scale) -> list[Cell]:
    # many features, few records and many epochs leak with fresh randomness, which differential privacy needs
    sizes = {} if scale.name == "smoke" else {"train_size": 200, "deletions": scale.deletions}
    network = {"epochs": 60, "batch_size": 32} if scale.name != "smoke" else {"epochs": 20, "batch_size": 20}
    tried = tuple(f"dp-sgd:{epsilon:g}" for epsilon in EPSILONS[scale.name])
    return [
        Cell(
            {"dataset": data, "model": model},
            scale.audit(data, model, network=network, worlds=sizes, regime="fresh", defenses=tried),
        )
        for data in scale.cities[1:]
        for model in ("torch-logistic-regression",)
    ]


def _private_claims(cells: Sequence[Measured]) -> list[Decision]:
    return [
        decide(
            "differential privacy lowers the leak",
            f"{m.cell.name}, {text}",
            difference(m.best(defense=text), m.best()),
            below=0.0,
        )
        for m in cells
        for text in m.cell.config.defenses
    ]


PRIVATE = Experiment(
    name="dp-sgd",
    title="Differential privacy",
    claim="training by DP-SGD mitigates the attack, at a cost in accuracy",
    values="softmax regression trained by DP-SGD with several epsilons, and plain training",
    grid=_private,
    decide=_private_claims,
)
