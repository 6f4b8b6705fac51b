"""Any modules of one structure side by side: their gradients by PyTorch's function transforms, vmap over grad.

For what `stacks` cannot tell apart into products. One call computes for all models at once, so this is for GPUs. On a
CPU it gains nothing by convolutions, and where a model lies in memory may decide its last bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from unlearn_audit.models.networks.batched.stacks import aligned
from unlearn_audit.models.networks.draws import RecordDraws


class Vmapped:
    """Several modules of one structure, and the gradients of their losses.

    Parameters
    ----------
    modules
        The modules, of which the first also stands for the structure, with dropout keyed by ``draws``.
    records, inputs
        (models, n, ...) their records, and what turns (m, ...) of them into what the modules take.
    n_classes
        Logits of a record.
    draws
        Whom dropout masks are drawn for; None if nothing is drawn.

    Attributes
    ----------
    weights, gradients, logits
        As in `stacks.Stack`.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        records: Tensor,
        inputs: Callable[[Tensor], Tensor],
        n_classes: int,
        draws: RecordDraws | None,
    ) -> None:
        self._modules, self._records, self._inputs, self._draws = modules, records, inputs, draws
        named = {name: p for name, p in modules[0].named_parameters() if p.requires_grad}
        shapes = [tuple(p.shape) for p in named.values()]
        like = next(iter(named.values())).detach()
        self.weights, views = aligned(len(modules), shapes, like)
        self.gradients, slopes = aligned(len(modules), shapes, like)
        self._named, self._slopes = dict(zip(named, views, strict=True)), dict(zip(named, slopes, strict=True))
        for j, module in enumerate(modules):
            for name, view in self._named.items():
                view[j].copy_(module.get_parameter(name).detach())
        frozen = [name for name, p in modules[0].named_parameters() if not p.requires_grad]
        self._frozen = {name: torch.stack([m.get_parameter(name) for m in modules]) for name in frozen}
        self.logits = like.new_zeros((len(modules), records.shape[1], n_classes))
        self._order = torch.zeros(0)
        self._gradients = vmap(grad(self._loss, has_aux=True), randomness="error")

    def begin_epoch(self, order: Tensor) -> None:
        """Take each model's records in the (models, n) order of an epoch."""
        self._order = order

    def step(self, part: slice, targets: Tensor, states: Tensor | None) -> None:
        """Compute logits and gradients; see `stacks.Stack.step`."""
        rows = self._order[:, part]
        model = torch.arange(len(rows), device=rows.device)[:, None]
        batch = self._inputs(self._records[model, rows].flatten(0, 1))
        batch = batch.reshape(*rows.shape, *batch.shape[1:])
        nobody = rows if states is None else states
        slopes, logits = self._gradients(self._named, self._frozen, batch, targets, nobody)
        self.logits[:, part] = logits
        for name, slope in slopes.items():
            self._slopes[name].copy_(slope)

    def write_back(self) -> None:
        """Give each module its weights."""
        for j, module in enumerate(self._modules):
            for name, view in self._named.items():
                module.get_parameter(name).detach().copy_(view[j])

    def _loss(
        self, weights: dict[str, Tensor], frozen: dict[str, Tensor], batch: Tensor, targets: Tensor, states: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the mean loss of one model's batch, and its logits."""
        if self._draws is None:
            logits = functional_call(self._modules[0], {**weights, **frozen}, (batch,))
        else:
            with self._draws.holding(states):
                logits = functional_call(self._modules[0], {**weights, **frozen}, (batch,))
        return nn.functional.cross_entropy(logits, targets), logits
