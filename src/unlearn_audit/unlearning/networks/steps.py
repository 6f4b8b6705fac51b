"""What a method for networks is made of: records, the losses on their batches, and phases of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Values = Mapping[str, Tensor]
    """What is known of the records of a batch: ``labels``, and what a stream adds, each (b, ...)."""

    Weights = Mapping[str, Tensor]
    """The trained weights of a module by name."""

    Loss = Callable[[Tensor, Values], Tensor]
    """The loss of a batch, one number, from (b, k) logits and what is known of its records."""

    Penalty = Callable[[Weights, int], Tensor]
    """What is added to the loss of a step, from the weights and the number of the step in its phase."""


@dataclass(frozen=True, eq=False)
class Records:
    """Some records of a request.

    Attributes
    ----------
    rows
        (n,) int64, where they are among all records of the original.
    ids
        (n,) int64 ids that their draws are keyed by.
    labels
        (n,) int64 codes of their classes, as the network counts them.
    """

    rows: Tensor
    ids: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def and_then(self, others: Records) -> Records:
        """Return these records, followed by others."""
        import torch

        pairs = zip((self.rows, self.ids, self.labels), (others.rows, others.ids, others.labels), strict=True)
        return Records(*(torch.cat(pair) for pair in pairs))

    def at(self, places: Tensor) -> Records:
        """Return those at some places."""
        return Records(self.rows[places], self.ids[places], self.labels[places])


@dataclass(frozen=True, eq=False)
class Stream:
    """Records that give each step a batch, and what is lost on it.

    Attributes
    ----------
    records
        At least one.
    loss
        The loss of a batch. It sees nothing but logits and values, so that it may be computed for many models at
        once: `torch.func.vmap` has to take it.
    batch_size
        Records of a step, at most; a last batch of one record joins the one before it.
    values
        What the loss has to know of each record besides its label, (n, ...) each: the logits of a frozen teacher,
        another label.
    weight
        Factor of the loss.
    """

    records: Records
    loss: Loss
    batch_size: int
    values: Values = field(default_factory=dict)
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Phase:
    """Some steps of training. Each takes a batch of every stream and goes down the weighted sum of their losses.

    Phases of many requests run together, so whatever is no tensor must depend on the options, and on how many records
    are forgotten and retained, alone.

    Attributes
    ----------
    streams
        The first one's passes are the epochs; the others begin again whenever they end.
    optimizer
        Makes the optimiser; takes the parameters, ``lr`` and ``weight_decay``.
    learning_rate, weight_decay
        Of the optimiser.
    epochs
        Passes over the first stream's records.
    steps
        The number of steps, whatever the epochs; None for as many as the epochs have.
    goes_on
        Whether the optimiser of the phase before is used further, with its momentum and the settings that it had.
    penalty
        Added to each step's loss.
    mask
        By name of a parameter, boolean, of its shape: where it is False, no weight changes. Nor do the
        running figures of a layer none of whose weights may change.
    clip
        The largest norm of a step's gradient, over all weights; None for no clipping.
    noise
        Standard deviation of the normal noise that is added to every weight after each step.
    radius
        The largest norm that the weights may have after a step; None for any. Noise comes before it.
    """

    streams: tuple[Stream, ...]
    optimizer: Callable[..., torch.optim.Optimizer]
    learning_rate: float
    weight_decay: float = 0.0
    epochs: int = 1
    steps: int | None = None
    goes_on: bool = False
    penalty: Penalty | None = None
    mask: Weights | None = None
    clip: float | None = None
    noise: float = 0.0
    radius: float | None = None

    @property
    def n_steps(self) -> int:
        """How many steps there are."""
        from unlearn_audit.models.networks.training import batch_sizes

        if self.steps is not None:
            return self.steps
        first = self.streams[0]
        return self.epochs * len(batch_sizes(len(first.records), first.batch_size))

    def make_optimizer(self, parameters: list[Tensor], **further: Any) -> torch.optim.Optimizer:
        """Return the optimiser of some parameters."""
        return self.optimizer(parameters, lr=self.learning_rate, weight_decay=self.weight_decay, **further)
