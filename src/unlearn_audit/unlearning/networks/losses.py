"""The losses that methods for networks are made of: functions of (b, k) logits and of what is known of the records."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional as F

Values = Mapping[str, Tensor]


def of_labels(logits: Tensor, values: Values) -> Tensor:
    """Return the mean cross entropy with the records' labels."""
    return F.cross_entropy(logits, values["labels"])


def of_targets(logits: Tensor, values: Values) -> Tensor:
    """Return the mean divergence of the softmax from the records' ``targets``, (b, k) probabilities."""
    return F.kl_div(F.log_softmax(logits, dim=1), values["targets"], reduction="batchmean")
