"""Every experiment of the paper: its grid, its figure, and what the paper claims of it."""

from unlearn_audit.reproduce.experiments.attack import FEATURES, HYPER_PARAMETERS, MAIN, OVERFITTING, TRANSFER
from unlearn_audit.reproduce.experiments.base import Experiment
from unlearn_audit.reproduce.experiments.defenses import DEFENSES
from unlearn_audit.reproduce.experiments.networks import EPOCHS, IMAGES, PRIVATE
from unlearn_audit.reproduce.experiments.updates import GROUP, MULTI_VERSION, ONLINE, RETAINED, SISA

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        MAIN,
        FEATURES,
        OVERFITTING,
        HYPER_PARAMETERS,
        TRANSFER,
        SISA,
        RETAINED,
        GROUP,
        ONLINE,
        MULTI_VERSION,
        DEFENSES,
        IMAGES,
        EPOCHS,
        PRIVATE,
    )
}
"""Name to experiment, in the order of the paper."""

__all__ = ["EXPERIMENTS", "Experiment"]
