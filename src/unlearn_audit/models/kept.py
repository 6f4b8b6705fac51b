"""Fitted models as arrays and plain values, from which they are made again: nothing that a file says is executed.

A model is made again by its source, as for a training, and then given what its training found. Of a network that is
its state; of the scikit-learn estimators below, the attributes that fitting sets, where all of them are arrays or plain
values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from unlearn_audit.models.privacy import Spent
from unlearn_audit.models.source import ModelSource

_SKLEARN = ("sklearn.linear_model.", "sklearn.naive_bayes", "sklearn.discriminant_analysis", "sklearn.preprocessing.")
"""Estimators whose fitted attributes are all that they learned, and hold no records."""

_BY_COLUMN = "by column"
"""The note of the names of arrays that lie column by column."""

_PLAIN = (bool, int, float, str, type(None))

_OF_NETWORK = ("module_", "spent_", "_shape")
"""What a network knows and is kept as its state, as plain values, and not at all."""


@dataclass(frozen=True)
class Kept:
    """What is kept of a model.

    Attributes
    ----------
    arrays
        By name: the number of the step of a pipeline, and the name of the attribute or weight.
    notes
        The same of plain values, to write as JSON.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    notes: Mapping[str, Any]


def why_not_kept(estimator: Any) -> str | None:
    """Return why models like an unfitted estimator cannot be kept, as the end of a sentence; None if they can.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> why_not_kept(make_pipeline(StandardScaler(), DecisionTreeClassifier()))
    'only networks, linear models and naive Bayes can be stored without running code from a file'
    """
    if not all(_is_network(step) or _is_known(step) for _, step in _steps(estimator)):
        return "only networks, linear models and naive Bayes can be stored without running code from a file"
    return None if _can_be_written() else "safetensors is not installed; the extra torch includes it"


def _can_be_written() -> bool:
    try:
        import safetensors  # noqa: F401
    except ImportError:
        return False
    return True


def kept(model: Any) -> Kept | None:
    """Return what is kept of a fitted model; None if it cannot be kept."""
    if not _can_be_written():
        return None
    arrays: dict[str, npt.NDArray[Any]] = {}
    notes: dict[str, Any] = {}
    for number, step in _steps(model):
        if _is_network(step):
            found, spent = _fitted(step), step.spent_
            for name in _OF_NETWORK:
                del found[name]
            found["spent_"] = None if spent is None else list(dataclasses.astuple(spent))
            state = _state_of(step.module_)
            if state is None:
                return None
            arrays |= {f"{number}.module_.{name}": values for name, values in state.items()}
        elif _is_known(step):
            found = _fitted(step)
        else:
            return None
        for name, value in found.items():
            if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
                arrays[f"{number}.{name}"] = value
                # how an array lies in memory decides the last bits of what is computed with it
                if value.flags.f_contiguous and not value.flags.c_contiguous:
                    notes.setdefault(_BY_COLUMN, []).append(f"{number}.{name}")
            else:
                try:
                    notes[f"{number}.{name}"] = _noted(value)
                except TypeError:
                    return None
    return Kept(arrays, notes)


def _state_of(module: Any) -> dict[str, npt.NDArray[Any]] | None:
    """Return weights and buffers by name; None if a module has state of another kind, or numbers that NumPy lacks."""
    with suppress(Exception):  # other people's modules may raise anything
        return {name: of.detach().cpu().contiguous().numpy() for name, of in module.state_dict().items()}
    return None


def made_again(source: ModelSource, seed: int, of: Kept, shape: tuple[int, ...]) -> Any:
    """Return the fitted model that something was kept of.

    Parameters
    ----------
    source, seed
        What made it, and the seed of its training.
    of
        What was kept of it.
    shape
        The shape of a record.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError, RuntimeError
        If the source makes models of another kind.
    """
    model = source.make(seed)
    for number, step in _steps(model):
        start = f"{number}."
        arrays = {
            name.removeprefix(start): np.asfortranarray(value) if name in of.notes.get(_BY_COLUMN, ()) else value
            for name, value in of.arrays.items()
            if name.startswith(start)
        }
        noted = {name.removeprefix(start): _read(v) for name, v in of.notes.items() if name.startswith(start)}
        if not _is_network(step):
            for name, value in (arrays | noted).items():
                setattr(step, name, value)
            continue
        state = {name: arrays.pop(name) for name in list(arrays) if name.startswith("module_.")}
        for name, value in (arrays | noted).items():
            setattr(step, name, value)
        step.spent_ = None if step.spent_ is None else Spent(*step.spent_)
        step.module_ = _module(
            step, seed, {name.removeprefix("module_."): values for name, values in state.items()}, shape
        )
    return model


def _module(network: Any, seed: int, state: Mapping[str, npt.NDArray[Any]], shape: tuple[int, ...]) -> Any:
    """Return the trained module of a network that knows all else."""
    import torch

    from unlearn_audit.models.networks.device import chosen_device, generators_of_its_own

    device = chosen_device(network.device)
    with generators_of_its_own(seed, device):
        own = shape if len(shape) > 1 else (network.n_features_in_,)
        module = network.make_module(own, len(network.classes_), device)
    module.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in state.items()})
    return module.eval()


def _steps(estimator: Any) -> Iterator[tuple[int, Any]]:
    """Yield the steps of a pipeline by number; an estimator that is none is its only step."""
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    yield from enumerate(steps)


def _is_network(step: Any) -> bool:
    of = type(step)
    return (of.__module__, of.__name__) == ("unlearn_audit.models.networks.classifier", "TorchClassifier")


def _is_known(step: Any) -> bool:
    return type(step).__module__.startswith(_SKLEARN)


def _fitted(step: Any) -> dict[str, Any]:
    """Return the attributes that fitting set."""
    settings = step.get_params(deep=False)
    return {name: value for name, value in vars(step).items() if name not in settings}


def _noted(value: Any) -> Any:
    """Return a value as JSON can hold it; arrays of texts with their type.

    Raises
    ------
    TypeError
        If it cannot.
    """
    if isinstance(value, np.ndarray) and all(isinstance(of, str) for of in value.ravel()) and value.ndim == 1:
        return {"texts": [str(of) for of in value], "type": "O" if value.dtype.hasobject else value.dtype.str}
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return {"number": value.item(), "type": value.dtype.str}
    if isinstance(value, tuple | list) and all(type(of) in _PLAIN for of in value):
        return {"tuple" if isinstance(value, tuple) else "list": list(value)}
    if type(value) in _PLAIN:
        return value
    raise TypeError(f"a {type(value).__name__} is not a plain value")


def _read(noted: Any) -> Any:
    """Return the value of a note."""
    if not isinstance(noted, dict):
        return noted
    if "texts" in noted:
        return np.array(noted["texts"], dtype=noted["type"])
    if "number" in noted:
        return np.dtype(noted["type"]).type(noted["number"])
    return tuple(noted["tuple"]) if "tuple" in noted else list(noted["list"])
