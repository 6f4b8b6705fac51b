"""Where a network computes, and how so that the same training gives the same bits."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_audit.errors import AuditError

_TIMES_TO_LOOK = 5


def chosen_device(name: str) -> torch.device:
    """Return the device of a name; ``auto`` is a GPU if there is one.

    Raises
    ------
    AuditError
        If there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise AuditError(f"unknown device '{name}'; use auto, cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise AuditError(f"device '{name}' is not supported; use auto, cpu or cuda")
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= there:
        raise AuditError(f"device '{name}' was requested, but PyTorch finds {there} GPUs here; use device auto or cpu")
    return device


@contextmanager
def generators_of_its_own(seed: int, device: torch.device) -> Iterator[None]:
    """Seed PyTorch's global generators that a training on this device uses, and put them back afterwards."""
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        # not torch.manual_seed, which seeds those of every GPU
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def generator_states(device: torch.device) -> tuple[object, ...]:
    """Return the states of the global generators of PyTorch and NumPy that a module may draw from, to compare them.

    Not of Python's own, from which other threads draw too, as those of a Dask worker do; see `draws_from_python`.
    """
    states = [torch.default_generator.get_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    name, numbers, *place = np.random.get_state()  # noqa: NPY002
    return name, np.asarray(numbers).tobytes(), *place, *(s.numpy().tobytes() for s in states)


def draws_from_python(compute: Callable[[], object]) -> bool:
    """Return whether a computation draws from Python's global generator, as it then does every time."""
    for _ in range(_TIMES_TO_LOOK):
        before = random.getstate()
        compute()
        if before == random.getstate():
            return False
    return True


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Compute in full precision and in one order on a GPU, so that a training repeated gives the same bits."""
    if device.type != "cuda":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def lay_channels_last(module: nn.Module, probe: Tensor) -> None:
    """Lay the weights of a module's convolutions with channels last, and with them all that it computes of images.

    On a CPU that is the quicker way, by ten times for pooling. A module that takes its images' numbers to lie as they
    are given, say by ``view``, is left as it is.

    Parameters
    ----------
    module
        In evaluation mode, on the CPU.
    probe
        A batch that it can take.
    """
    kernels = [parameter for parameter in module.parameters() if parameter.dim() == 4]
    if not kernels:
        return
    for kernel in kernels:
        # a copy: of a kernel of one channel either layout is both, and only its strides tell which is meant
        kernel.data = kernel.data.clone(memory_format=torch.channels_last)
    try:
        with torch.no_grad():
            module(probe)
    except RuntimeError:
        for kernel in kernels:
            kernel.data = kernel.data.clone(memory_format=torch.contiguous_format)
