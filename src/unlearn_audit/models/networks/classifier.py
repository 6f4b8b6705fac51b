"""Any PyTorch module as a scikit-learn classifier, trained so that an audit can compare two trainings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from unlearn_audit.data.images import TO_CHANNELS_FIRST, channels_last
from unlearn_audit.errors import AuditError
from unlearn_audit.models.networks.device import chosen_device, exact, generators_of_its_own, lay_channels_last
from unlearn_audit.models.networks.draws import RecordDraws, keyed_dropout
from unlearn_audit.models.networks.modules import asked_for
from unlearn_audit.models.networks.private import calibrated, check_module
from unlearn_audit.models.networks.recipe import TrainingRecipe
from unlearn_audit.models.networks.training import OPTIMIZERS, VERSION, Recipe, batch_sizes, optimizer_of, train_network
from unlearn_audit.models.privacy import Privacy
from unlearn_audit.models.seeding import seed_arguments
from unlearn_audit.utils.foreign import foreign

ASKED_AT_ONCE = {"cpu": 128, "cuda": 512}
"""Records in one forward pass of a query: on a CPU as many as leave a small network's activations in its cache."""


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a training starts from.

    Attributes
    ----------
    module
        The untrained module.
    records, labels
        (n, ...) and (n,) int64 codes, on the module's device.
    inputs
        Turns a batch of records into what the module takes.
    recipe
        Steps, batches and optimiser.
    seed
        Seed of order, sampling and noise.
    draws
        Draws keyed by record, instead of by a generator.
    """

    module: nn.Module
    records: Tensor
    labels: Tensor
    inputs: Callable[[Tensor], Tensor]
    recipe: Recipe
    seed: int
    draws: RecordDraws | None

    def keyed(self) -> AbstractContextManager[None]:
        """Draw dropout masks by record meanwhile, if draws are keyed by it."""
        return nullcontext() if self.draws is None else keyed_dropout(self.module, self.draws)


class TorchClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier made of a PyTorch module and a recipe of training it with the cross-entropy loss.

    Parameters
    ----------
    module
        A function or class that makes an untrained ``nn.Module`` which maps a batch to (batch, classes) logits.
        It gets what its parameters ask for by name: ``n_features``, ``image_shape`` (channels, height,
        width; the module then receives images) and ``n_classes``.
    image_shape
        The shape of an image where records are flat and the image is no square of one or three channels.
    epochs
        Passes over the training records.
    batch_size
        Records a step. A last batch of one record joins the one before it.
    optimizer
        ``adam`` or ``sgd`` (momentum 0.9), or a class of ``torch.optim``.
    learning_rate, weight_decay
        Of the optimiser.
    max_steps
        Steps after which training stops, whatever the epochs; None for no such cap.
    device
        ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``cuda:1``.
    privacy
        None, or the guarantee to train under with DP-SGD; ``batch_size`` is then the expected size of a batch.
    random_state
        Seed of initialisation, order, dropout, sampling and noise.

    Attributes
    ----------
    classes_
        (k,) labels seen in training.
    module_
        The trained module, in evaluation mode.
    n_steps_
        Steps made.
    spent_
        What the training spent of its privacy; None without ``privacy``.

    Notes
    -----
    Records are flat or have the shape of images; bytes (``uint8``) are taken for pixels and scaled to [0, 1].
    Other features should be standardised before, say by a ``StandardScaler`` in a pipeline.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> def linear(n_features, n_classes):
    ...     return nn.Linear(n_features, n_classes)
    >>> net = TorchClassifier(linear, epochs=5, learning_rate=0.01, random_state=0).fit(X / 16, y)
    >>> bool(net.score(X / 16, y) > 0.9)
    True
    """

    draws_by_record = True
    """``fit`` takes ``record_ids`` and then keys every draw by them: the regime *fixed*."""

    def __init__(
        self,
        module: Callable[..., nn.Module],
        *,
        image_shape: tuple[int, int, int] | None = None,
        epochs: int = 20,
        batch_size: int = 64,
        optimizer: str | Callable[..., torch.optim.Optimizer] = "adam",
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        max_steps: int | None = None,
        device: str = "auto",
        privacy: Privacy | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.module = module
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_steps = max_steps
        self.device = device
        self.privacy = privacy
        self.random_state = random_state

    def fit(self, X: Any, y: Any, record_ids: npt.NDArray[np.int64] | None = None) -> Self:
        """Train on records.

        Parameters
        ----------
        X
            (n, ...) records.
        y
            (n,) labels.
        record_ids
            (n,) ids of the records. If given, every draw is a function of the seed and the record's id and not
            of who else is trained on: a record's place in the order, its dropout masks, its sampling.

        Raises
        ------
        AuditError
            If the module cannot be made or does not fit the records, a setting is out of range, the device is
            absent, the training diverges, or with ``record_ids`` the module draws in a way that cannot be keyed.
        """
        with self.begin(X, y, record_ids) as begun, begun.keyed():
            train_network(
                begun.module, begun.records, begun.labels, begun.inputs, begun.recipe, begun.seed, begun.draws
            )
        return self.finish(begun)

    @contextmanager
    def begin(self, X: Any, y: Any, record_ids: npt.NDArray[np.int64] | None = None) -> Iterator[Beginning]:
        """Check records and settings as `fit` does and yield what a training starts from, with generators seeded."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.uint8], allow_nd=True)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self._check_settings(len(y))
        device = chosen_device(self.device)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        records, labels = torch.from_numpy(np.ascontiguousarray(X)), torch.from_numpy(codes)
        draws = None if record_ids is None else RecordDraws(seed, self._ids(record_ids, len(y)).to(device))
        with generators_of_its_own(seed, device):
            module = self.make_module(tuple(X.shape[1:]), len(self.classes_), device)
            recipe = self._recipe(len(y))
            if recipe.spent is not None:
                check_module(module, self._name)
            yield Beginning(module, records.to(device), labels.to(device), self.inputs, recipe, seed, draws)

    def finish(self, begun: Beginning) -> Self:
        """Take over a module that was trained."""
        self.module_ = begun.module.eval()
        self.n_steps_, self.spent_ = begun.recipe.steps, begun.recipe.spent
        return self

    @property
    def recipe_(self) -> TrainingRecipe:
        """How it was trained."""
        batch_size, epochs, steps = map(int, (self.batch_size, self.epochs, self.n_steps_))
        make = optimizer_of(self.optimizer)
        return TrainingRecipe(make, self.learning_rate, self.weight_decay, batch_size, epochs, steps)

    def tensors(self, X: Any, codes: npt.NDArray[np.int64], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return (n, ...) records as the module takes them, and (n,) codes of their classes, on a device."""
        return self.inputs(self.records_of(X).to(device)), torch.from_numpy(codes).to(device)

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return (m, k) posteriors: the softmax of the module's logits, in double precision."""
        records, device = self.records_of(X), self.device_
        parts = torch.split(records, ASKED_AT_ONCE[device.type])
        with torch.no_grad(), exact(device):
            logits = [self.module_(self.inputs(part.to(device))) for part in parts]
        return np.asarray(torch.cat(logits).double().softmax(dim=1).cpu().numpy())

    def records_of(self, X: Any) -> Tensor:
        """Return (m, ...) records as `inputs` takes them, on the CPU, once they are known to suit the network."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float32, np.uint8], allow_nd=True, reset=False)
        return torch.from_numpy(np.ascontiguousarray(X))

    @property
    def device_(self) -> torch.device:
        """Where the trained module computes."""
        return next((p.device for p in self.module_.parameters()), torch.device("cpu"))

    def before_last_layer(self, X: Any) -> npt.NDArray[np.float64]:
        """Return (m, features) what the last layer takes to make (m, k) logits.

        Raises
        ------
        AuditError
            If the last layer with weights is not linear, or makes anything else.
        """
        check_is_fitted(self)
        layers = [m for m in self.module_.modules() if next(m.parameters(recurse=False), None) is not None]
        last = layers[-1]
        if not isinstance(last, nn.Linear) or last.out_features != len(self.classes_):
            raise AuditError(
                f"the last layer of network {self._name} is a {type(last).__name__} and not an nn.Linear with one "
                "output per class, so its features are unknown"
            )
        seen: list[Tensor] = []
        hook = last.register_forward_pre_hook(lambda _, taken: seen.append(taken[0]))
        try:
            self.predict_proba(X)
        finally:
            hook.remove()
        return np.asarray(torch.cat(seen).double().cpu().numpy())

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return (m,) the most probable labels."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def check_private(self, X: Any, n_classes: int) -> None:
        """Raise an `AuditError` if this network cannot be trained by DP-SGD on records like these."""
        check_module(self.make_module(tuple(X.shape[1:]), n_classes, torch.device("cpu")), self._name)

    def computed_with(self) -> dict[str, str]:
        """Return what decides the last bits of results besides the settings: the kind of device and the library."""
        made_by = {
            "torch": torch.__version__,
            "device": chosen_device(self.device).type,
            "loop": f"network-loop/{VERSION}",
        }
        return made_by if self.privacy is None else {**made_by, "opacus": version("opacus")}

    @property
    def _name(self) -> str:
        return str(getattr(self.module, "__name__", type(self.module).__name__))

    def _ids(self, record_ids: Any, n: int) -> Tensor:
        """Return the ids of n records."""
        ids = np.asarray(record_ids)
        if ids.shape != (n,) or not np.issubdtype(ids.dtype, np.integer):
            raise AuditError(
                f"network {self._name} got record ids of shape {ids.shape} and type {ids.dtype} for {n:,} records; "
                "give one integer per record"
            )
        return torch.from_numpy(ids.astype(np.int64))

    def _check_settings(self, n: int) -> None:
        counts = {"epochs": self.epochs, "batch_size": self.batch_size}
        if self.max_steps is not None:
            counts["max_steps"] = self.max_steps
        for name, value in counts.items():
            if not isinstance(value, int | np.integer) or value < 1:
                raise AuditError(f"{name} {value!r} of network {self._name} is not a count; give a whole number from 1")
        if not 0 < self.learning_rate < math.inf:
            raise AuditError(
                f"learning_rate {self.learning_rate} of network {self._name} is out of range; give a positive number"
            )
        if not 0 <= self.weight_decay < math.inf:
            raise AuditError(
                f"weight_decay {self.weight_decay} of network {self._name} is out of range; give 0 or a positive number"
            )
        if isinstance(self.module, nn.Module):
            raise AuditError(
                f"network {self._name} already exists and has weights, but each training creates its own; pass the "
                "class, or a function that makes one"
            )
        if self.batch_size > n:
            raise AuditError(
                f"a batch of {self.batch_size:,} records is larger than the training data of network {self._name} "
                f"(n_samples = {n:,}); give a smaller batch size or more records"
            )
        if isinstance(self.optimizer, str) and self.optimizer not in OPTIMIZERS:
            raise AuditError(
                f"unknown optimizer '{self.optimizer}' of network {self._name}; use {', '.join(OPTIMIZERS)}, or a "
                "class of torch.optim"
            )

    def _recipe(self, n: int) -> Recipe:
        """Return how to train on n records."""
        sizes = batch_sizes(n, self.batch_size)
        steps = min(self.epochs * len(sizes), self.max_steps or self.epochs * len(sizes))
        return Recipe(
            name=self._name,
            batch_sizes=sizes,
            steps=steps,
            optimizer=optimizer_of(self.optimizer),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            spent=None if self.privacy is None else calibrated(self.privacy, self.batch_size / n, steps),
        )

    def make_module(self, shape: tuple[int, ...], n_classes: int, device: torch.device) -> nn.Module:
        """Return the untrained module for records of a shape, checked on two of them."""
        takes = asked_for(self.module)
        self._shape = self._shape_for(shape, wants_image="image_shape" in takes)
        offered = {"n_features": math.prod(shape), "image_shape": self._shape, "n_classes": n_classes}
        offered |= seed_arguments(self.module, torch.initial_seed() % 2**31)
        asks = "; it may ask for n_features, image_shape and n_classes and must return an nn.Module"
        with foreign(f"the factory of network {self._name} raised", asks):
            module = self.module(**{name: value for name, value in offered.items() if name in takes})
        if not isinstance(module, nn.Module):
            raise AuditError(f"the factory of network {self._name} made a {type(module).__name__}, not an nn.Module")
        if not any(p.requires_grad for p in module.parameters()):
            raise AuditError(f"network {self._name} has no weights to train; give a module with parameters")
        module = module.to(device)
        probe = torch.zeros((2, *(self._shape or shape)), device=device)
        size = " x ".join(str(side) for side in probe.shape[1:])
        advice = TO_CHANNELS_FIRST if channels_last(shape) else "give it records of the size it was made for"
        fails = f"network {self._name} cannot take records of size {size} ("
        with torch.no_grad(), foreign(fails, f"); {advice}"):
            answer = module.eval()(probe)
        if not isinstance(answer, Tensor) or answer.shape != (2, n_classes):
            got = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
            raise AuditError(
                f"network {self._name} answered 2 records with {got}; (2, {n_classes}) is needed, one logit per class"
            )
        if device.type == "cpu" and self.privacy is None:
            lay_channels_last(module, probe)
        return module

    def _shape_for(self, shape: tuple[int, ...], wants_image: bool) -> tuple[int, ...] | None:
        """Return the shape to give flat records, or None to leave them as they are."""
        if self.image_shape is not None:
            if channels_last(self.image_shape):
                size = " x ".join(map(str, self.image_shape))
                raise AuditError(
                    f"image_shape {size} of network {self._name} looks like height, width and channels; give channels, "
                    "height and width"
                )
            if math.prod(self.image_shape) != math.prod(shape):
                size = " x ".join(map(str, self.image_shape))
                raise AuditError(
                    f"images of {size} have {math.prod(self.image_shape):,} values, the records have "
                    f"{math.prod(shape):,}; give the image shape of these records"
                )
            return self.image_shape
        if not wants_image or len(shape) == 3:
            if wants_image and channels_last(shape):
                raise AuditError(f"network {self._name}: {TO_CHANNELS_FIRST}")
            return shape if wants_image else None
        values = math.prod(shape)
        for channels in (1, 3):
            side = math.isqrt(values // channels)
            if channels * side * side == values:
                return (channels, side, side)
        raise AuditError(
            f"network {self._name} takes images, and records of {values:,} values are not a square image of one or "
            "three channels; give image_shape, or use a network for tables"
        )

    def inputs(self, records: Tensor) -> Tensor:
        """Return records as the module takes them: floats, bytes scaled to [0, 1], images in their shape."""
        floats = records.float() / 255 if records.dtype == torch.uint8 else records
        return floats if self._shape is None else floats.reshape(len(floats), *self._shape)
