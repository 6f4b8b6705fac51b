"""Neural networks: any PyTorch module as a classifier to audit, and the paper's own.

Importing this package imports PyTorch, so nothing else imports it before a network is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from unlearn_audit.models.networks.classifier import TorchClassifier
from unlearn_audit.models.networks.modules import asked_for
from unlearn_audit.models.networks.training import TrainingWarning
from unlearn_audit.models.privacy import Privacy, Spent


def network_classifier(module: Callable[..., nn.Module], **settings: Any) -> Any:
    """Return an unfitted classifier for a factory of modules: as it is for images, else on standardised features.

    Parameters
    ----------
    module
        See `TorchClassifier`.
    **settings
        Further parameters of `TorchClassifier`.
    """
    network = TorchClassifier(module, random_state=0, **settings)
    if "image_shape" in asked_for(module):
        return network
    return make_pipeline(StandardScaler(), network)


__all__ = ["Privacy", "Spent", "TorchClassifier", "TrainingWarning", "network_classifier"]
