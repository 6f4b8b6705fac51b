"""DP-SGD (Abadi et al., CCS 2016): each record's gradient clipped, noise added, records sampled by coin flips.

Clipping, noise and accounting are Opacus's (Yousefpour et al., 2021). The epsilon that its accountant states is
for two training sets of which one has a record more than the other (*add or remove one*), and for the release
of one model. Nothing here is meant for releases: the noise comes from a seeded generator, so that an audit can
be repeated, and a release needs one that nobody can predict.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from unlearn_audit.errors import AuditError, missing_extra
from unlearn_audit.models.privacy import Privacy, Spent

_EXPECTED_WARNINGS = (
    (".*Secure RNG turned off.*", UserWarning),
    (".*Full backward hook is firing when gradients are computed with respect to module outputs.*", UserWarning),
    (".*Using a non-full backward hook when the forward contains multiple autograd Nodes.*", FutureWarning),
    (".*Optimal order is the (largest|smallest) alpha.*", UserWarning),
    (".*invalid value encountered in (log|divide|scalar divide).*", RuntimeWarning),
)
"""What Opacus says of every training: nothing that a reader of an audit could act on."""


def _opacus() -> Any:
    try:
        with quiet():
            import opacus
            import opacus.accountants.utils
            import opacus.optimizers
            import opacus.validators
    except ImportError as error:
        raise missing_extra("defence dp-sgd", "Opacus", "dp") from error
    return opacus


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out the warnings that Opacus gives every time."""
    with warnings.catch_warnings():
        for message, category in _EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message, category=category)
        yield


def check_module(module: nn.Module, name: str) -> None:
    """Raise unless the gradients of single records can be had from a module.

    Raises
    ------
    AuditError
        With Opacus's reason, if it cannot make the module private.
    """
    with quiet():
        reasons = _opacus().validators.ModuleValidator.validate(module.train(), strict=False)
    if reasons:
        # Opacus explains at length; its first two sentences are the verdict and the reason
        verdict = "; ".join(" ".join(str(reasons[0]).split()).split(". ")[:2]).rstrip(". ")
        mend = "; replace BatchNorm by GroupNorm" if "BatchNorm" in verdict else "; use layers that Opacus supports"
        more = f" (and {len(reasons) - 1} more like it)" if len(reasons) > 1 else ""
        raise AuditError(f"network {name} cannot be trained by dp-sgd: {verdict}{more}{mend}")


@lru_cache(maxsize=256)
def calibrated(privacy: Privacy, sample_rate: float, steps: int) -> Spent:
    """Return the least noise under which a training of so many steps keeps the guarantee, and what it spends.

    Raises
    ------
    AuditError
        If no noise is enough.
    """
    opacus = _opacus()
    try:
        with quiet():
            noise = opacus.accountants.utils.get_noise_multiplier(
                target_epsilon=privacy.epsilon,
                target_delta=privacy.delta,
                sample_rate=sample_rate,
                steps=steps,
                accountant="prv",
            )
            accountant = opacus.accountants.create_accountant("prv")
            accountant.history = [(noise, sample_rate, steps)]
            epsilon = accountant.get_epsilon(privacy.delta)
    except ValueError as error:
        raise AuditError(
            f"no noise gives epsilon {privacy.epsilon:g} at delta {privacy.delta:g} over {steps:,} steps; use a larger "
            "epsilon or fewer epochs"
        ) from error
    return Spent(float(epsilon), privacy.delta, float(noise), privacy.max_grad_norm, sample_rate, steps)


@contextmanager
def private_steps(
    module: nn.Module, optimizer: torch.optim.Optimizer, spent: Spent, n: int, noise: torch.Generator
) -> Iterator[tuple[nn.Module, Any]]:
    """Yield the module and the optimiser in a form whose steps are clipped and noised.

    The loss of a batch must be the sum over its records; a step divides by the expected size of a batch of the n.
    """
    opacus = _opacus()
    with quiet():
        wrapped = opacus.GradSampleModule(module, loss_reduction="sum")
        try:
            yield (
                wrapped,
                opacus.optimizers.DPOptimizer(
                    optimizer,
                    noise_multiplier=spent.noise_multiplier,
                    max_grad_norm=spent.max_grad_norm,
                    expected_batch_size=spent.sample_rate * n,
                    loss_reduction="mean",
                    generator=noise,
                ),
            )
        finally:
            wrapped.to_standard_module()
