"""The losses that methods for networks are made of: functions of (b, k) logits and of what is known of the records."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional as F

Values = Mapping[str, Tensor]


def of_labels(logits: Tensor, values: Values) -> Tensor:
    """Return the mean cross entropy with the records' labels."""
    return F.cross_entropy(logits, values["labels"])


def of_targets(logits: Tensor, values: Values) -> Tensor:
    """Return the mean cross entropy with ``values["targets"]``: other labels, (b,), or (b, k) probabilities."""
    return F.cross_entropy(logits, values["targets"])


def to_teacher(temperature: float = 1.0) -> Callable[[Tensor, Values], Tensor]:
    """Return the mean Kullback-Leibler divergence from a teacher, whose logits are ``values["teacher"]``.

    It is the teacher's relative entropy KL(teacher || model) of posteriors at a temperature T, times T squared, so
    that its gradients are as large whatever T is (Hinton et al., 2015).
    """

    def loss(logits: Tensor, values: Values) -> Tensor:
        student = F.log_softmax(logits / temperature, dim=1)
        teacher = F.log_softmax(values["teacher"] / temperature, dim=1)
        return F.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2

    return loss
