"""Random draws keyed by what they are for, so that deleting a record moves no other record's draws.

A generator that is asked for one number after another gives every later record another number once a record
is missing. Here a number is a hash of the seed, the record's id and the place where it is used, so the draws of
a record are the same whoever else is trained on: the regime *fixed* for networks.

The hash is the finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): 64-bit integers, the same on every
device.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from unlearn_audit.errors import AuditError

_GAMMA = -0x61C8864680B583EB  # 2**64 divided by the golden ratio, as a signed 64-bit integer
_FIRST = -0x40A7B892E31B1A47
_SECOND = -0x6B2FB644ECCEEE15
_MANTISSA = 53


def mixed(state: Tensor, word: Tensor | int) -> Tensor:
    """Return the hash of a state and one more word, both int64 and broadcast against each other.

    Examples
    --------
    >>> one, other = mixed(torch.tensor([1, 2]), 7)
    >>> bool(one == mixed(torch.tensor(1), 7)), bool(one == other)
    (True, False)
    """
    z = state * _GAMMA + word + _GAMMA
    z = (z ^ _shifted(z, 30)) * _FIRST
    z = (z ^ _shifted(z, 27)) * _SECOND
    return z ^ _shifted(z, 31)


def uniform(bits: Tensor) -> Tensor:
    """Return float64 numbers in [0, 1) from hashes."""
    return _shifted(bits, 64 - _MANTISSA).to(torch.float64) * 2.0**-_MANTISSA


def _shifted(z: Tensor, places: int) -> Tensor:
    """Return ``z`` shifted right with zeros coming in from the left."""
    return (z >> places) & ((1 << (64 - places)) - 1)


class RecordDraws:
    """The draws of one training, keyed by record.

    Parameters
    ----------
    seed
        The seed of the training.
    record_ids
        (n,) int64 ids of the training records, on the device of the training.
    """

    def __init__(self, seed: int, record_ids: Tensor) -> None:
        self._records = mixed(torch.full_like(record_ids, seed), record_ids)
        self._now: Tensor | None = None
        self._calls: Counter[int] = Counter()

    @classmethod
    def together(cls, draws: Sequence[RecordDraws]) -> RecordDraws:
        """Return the draws of several trainings on equally many records: what was (n,) is (trainings, n)."""
        made = cls(0, torch.zeros(0, dtype=torch.int64))
        made._records = torch.stack([one._records for one in draws])
        return made

    def uniform(self, purpose: int, time: int) -> Tensor:
        """Return (n,) numbers in [0, 1), one a record, for one purpose at one time."""
        return uniform(mixed(mixed(self._records, purpose), time))

    def states(self, rows: Tensor, time: Tensor | int) -> Tensor:
        """Return the hashes, of the shape of ``rows``, that the masks of one training step are drawn from."""
        return mixed(self._records.gather(-1, rows), time)

    def step(self, rows: Tensor, time: int) -> AbstractContextManager[None]:
        """Make the records of one training step those that the masks of this training are drawn for."""
        return self.holding(self.states(rows, time))

    @contextmanager
    def holding(self, states: Tensor) -> Iterator[None]:
        """Make records, by their states in a training step, those that masks are drawn for."""
        self._now = states
        self._calls.clear()
        try:
            yield
        finally:
            self._now = None

    def calls(self, place: int) -> int:
        """Return how often this was asked of a place in this step before."""
        self._calls[place] += 1
        return self._calls[place] - 1

    def mask(self, purpose: int, shape: torch.Size, keep: float) -> Tensor:
        """Return a boolean mask of the given shape, (records of the step, ...), True with probability ``keep``.

        Raises
        ------
        AuditError
            If the first dimension is not the records of the step.
        """
        asked = 0 if self._now is None else len(self._now)
        if self._now is None or shape[0] != asked:
            raise AuditError(
                f"a dropout layer was handed {shape[0]} rows in a step of {asked} records, so its draws cannot be kept "
                "with their records; put records first in its input, or use the regime same-seed or fresh"
            )
        return masks(self._now, purpose, shape[1:], keep)


def masks(states: Tensor, purpose: int, shape: torch.Size, keep: float) -> Tensor:
    """Return boolean masks of a shape, one for each of some states, True with probability ``keep``."""
    units = torch.arange(shape.numel(), device=states.device)
    bits = mixed(mixed(states, purpose)[..., None], units)
    return (uniform(bits) < keep).reshape(*states.shape, *shape)


class KeyedDropout(nn.Module):
    """Dropout whose mask is a function of record, step and place in the network.

    Parameters
    ----------
    p
        The probability of dropping.
    whole_channels
        Whether all positions of a channel are dropped together.
    draws
        Where masks come from.
    place
        Which dropout layer of the network this is, counted from 1.
    places
        How many there are.
    """

    def __init__(self, p: float, whole_channels: bool, draws: RecordDraws, place: int, places: int) -> None:
        super().__init__()
        self.p, self.whole_channels, self.place, self.places = p, whole_channels, place, places
        self._draws = draws

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with units set to 0 and the rest scaled up, in training mode."""
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return torch.zeros_like(x)
        shape = torch.Size([*x.shape[:2], *(1 for _ in x.shape[2:])]) if self.whole_channels else x.shape
        # a layer that is used again in the same step draws a mask of its own, as the plain layer does
        purpose = self.place + self.places * self._draws.calls(self.place)
        return x * self._draws.mask(purpose, shape, 1 - self.p) / (1 - self.p)


_DROPOUTS: dict[type[nn.Module], bool] = {
    nn.Dropout: False,
    nn.Dropout1d: True,
    nn.Dropout2d: True,
    nn.Dropout3d: True,
}


@contextmanager
def keyed_dropout(module: nn.Module, draws: RecordDraws) -> Iterator[None]:
    """Draw the masks of a network's dropout layers by record while it is trained."""
    found = [
        (parent, name, child)
        for parent in module.modules()
        # not named_children, which leaves out a layer that stands under a second name
        for name, child in parent._modules.items()
        if type(child) in _DROPOUTS
    ]
    try:
        for place, (parent, name, child) in enumerate(found, start=1):
            dropout = cast(nn.Dropout, child)
            setattr(parent, name, KeyedDropout(dropout.p, _DROPOUTS[type(dropout)], draws, place, len(found)))
        yield
    finally:
        for parent, name, child in found:
            setattr(parent, name, child)
