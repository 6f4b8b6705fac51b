"""Which randomness of a model can be seeded, and its seeding for one unit of work.

Three kinds are found: seeds known by name (`SEED_NAMES`), generators known by their type whatever they are called, and
the global generators of Python, NumPy and PyTorch, which `seeded_globals` seeds around the making, the training and the
querying of models. Seeds and generators are looked for in parameters and attributes, in lists, dictionaries and partial
functions among them, and in what these hold. What a ``fit`` makes for itself, or a function keeps to itself, cannot be
reached from outside: that is measured (see `models.regimes.Draws`).
"""

from __future__ import annotations

import copy
import inspect
import random
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np

SEED_NAMES = frozenset(
    {
        # scikit-learn, and most libraries that follow it
        "random_state",
        # XGBoost, LightGBM, CatBoost, PyTorch and TensorFlow code
        "seed", "random_seed", "rand_seed", "rng_seed", "init_seed", "model_seed", "seed_value",
        "numpy_seed", "np_seed", "torch_seed",
        # LightGBM: what comes with its main seed
        "bagging_seed", "feature_fraction_seed", "data_random_seed", "data_seed", "drop_seed", "extra_seed",
        "objective_seed",
    }
)  # fmt: skip
"""Names under which a whole number is a seed; underscores at either end do not count (``seed_``, ``_random_state``)."""

GENERATOR_NAMES = frozenset({"rng", "np_rng", "np_random"})
"""Names of which one without a value gets a generator, and not a whole number, which is a seed under them too."""

_LIBRARIES = frozenset({"sklearn", "numpy", "scipy", "pandas", "pyarrow", "joblib", "torch", "unlearn_audit"})
_DRAWING = frozenset({"random", "secrets", "os", "time", "uuid"})
_KNOWN = (_LIBRARIES | sys.stdlib_module_names) - _DRAWING
"""Packages whose code draws from nothing but the generators that it is given, or the global ones."""

_CLOSED = _KNOWN - {"sklearn", "unlearn_audit"}
"""Packages whose objects hold data, files and the like; nothing is looked for inside them."""

_NO_SEED = object()
"""What stands for a value that is neither a seed nor a generator."""


def seed_arguments(factory: Callable[..., Any], seed: int) -> dict[str, Any]:
    """Return what to call a factory with: a seed or a generator for each of its parameters that is named as one.

    Examples
    --------
    >>> seed_arguments(lambda depth=3, random_seed=0: None, 7)
    {'random_seed': 7}
    """
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return {}
    asked = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    new = {p.name: renewed(p.name, None if p.default is p.empty else p.default, seed) for p in asked}
    return {name: value for name, value in new.items() if value is not _NO_SEED}


def seed_estimator(estimator: Any, seed: int) -> None:
    """Give every seed and every generator that is found in an unfitted estimator one that comes from ``seed``.

    Parameters named ``random_state`` come first, in the order of their names; no two get the same seed.
    """
    _Seeder(seed).seed(estimator)


def seed_random_states(estimator: Any, seed: int) -> None:
    """Do what `seed_estimator` does to an estimator that is known to hold no other seeds."""
    _Seeder(seed).random_states(estimator)


def holds_seeds(holder: Any) -> bool:
    """Return whether there is a seed or a generator in an estimator, or in another object."""
    return any(renewed(name, value, 0) is not _NO_SEED for name, value in held(holder))


def holds_only_random_states(estimator: Any) -> bool:
    """Return whether an estimator is code of libraries and has no seeds but its parameters ``random_state``."""
    deep = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    for owner in (estimator, *(value for value in deep.values() if hasattr(value, "get_params"))):
        own = owner.get_params(deep=False).get("random_state", _NO_SEED) if deep else _NO_SEED
        for name, value in held(owner, estimators=False):
            if renewed(name, value, 0) is not _NO_SEED and not (name == "random_state" and value is own):
                return False
    return is_of_libraries(estimator)


def is_of_libraries(estimator: Any) -> bool:
    """Return whether an estimator, with all that it holds, is code of which it is known what it draws from."""
    return not is_foreign(estimator) and not any(is_foreign(value) for _, value in held(estimator))


def is_foreign(value: Any) -> bool:
    """Return whether a value is code, or an object with code, of which it is not known what it draws from.

    Examples
    --------
    >>> is_foreign(np.log1p), is_foreign("balanced"), is_foreign(random.random)
    (False, False, True)
    """
    while isinstance(value, partial):
        value = value.func
    if isinstance(getattr(value, "__self__", None), np.random.RandomState | random.Random):
        return True
    module = getattr(value, "__module__", None) or type(value).__module__
    return str(module).partition(".")[0] not in _KNOWN


def held(holder: Any, *, estimators: bool = True) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of all that an object holds, however deep; what stands in a list has no name.

    Parameters
    ----------
    holder
        An estimator, or what one may hold.
    estimators
        Whether to look into the estimators that it holds too.
    """
    seen: set[int] = set()
    waiting = [holder]
    while waiting:
        owner = waiting.pop()
        if id(owner) in seen:
            continue
        seen.add(id(owner))
        for name, value in _parts(owner).items():
            yield name if isinstance(name, str) else "", value
            if estimators or not hasattr(value, "get_params"):
                waiting.append(value)


def renewed(name: str, value: Any, seed: int) -> Any:
    """Return a seed or a generator of the kind that a value is, or that its name asks for; else `_NO_SEED`."""
    if isinstance(value, np.random.Generator):
        return np.random.Generator(type(value.bit_generator)(seed))
    if isinstance(value, np.random.RandomState | np.random.BitGenerator | np.random.SeedSequence):
        return type(value)(seed)
    if type(value) is random.Random:
        return random.Random(seed)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Generator):
        return torch.Generator(device=value.device).manual_seed(seed)
    if not _is_seed(name):
        return _NO_SEED
    if value is None:
        return np.random.default_rng(seed) if _plain(name) in GENERATOR_NAMES else seed
    return seed if isinstance(value, int | np.integer) and not isinstance(value, bool) else _NO_SEED


def _is_seed(name: str) -> bool:
    return _plain(name) in SEED_NAMES or _plain(name) in GENERATOR_NAMES


def _plain(name: str) -> str:
    """Return the last part of a name, without underscores at its ends."""
    return name.rstrip("_").split("__")[-1].strip("_").lower()


class _Seeder:
    """Hands out the seeds of one unit of work, each once, and sets them."""

    def __init__(self, seed: int) -> None:
        self._root, self._given = seed, 0
        self._set: set[tuple[int, Any]] = set()
        self._seen: dict[int, tuple[Any, Any]] = {}

    def _next(self) -> int:
        self._given += 1
        return (self._root + self._given - 1) % 2**31

    def seed(self, estimator: Any) -> None:
        """Set all that is found."""
        self.random_states(estimator)
        self._seen[id(estimator)] = estimator, estimator
        self._inside(estimator)

    def random_states(self, estimator: Any) -> None:
        """Set every parameter ``random_state``, however deep."""
        if not (hasattr(estimator, "get_params") and hasattr(estimator, "set_params")):
            return
        deep = estimator.get_params(deep=True)
        new = {}
        for name in sorted(name for name in deep if name.split("__")[-1] == "random_state"):
            seed = self._next()
            value = renewed("random_state", deep[name], seed)
            new[name] = seed if value is _NO_SEED else value
        estimator.set_params(**new)
        self._set = {(id(owner), "random_state") for owner in (estimator, *deep.values())}

    def _inside(self, owner: Any) -> None:
        """Set what an object holds, in place."""
        parts, parameters = _parts(owner), _parameters(owner)
        new = {}
        for name in sorted(parts):
            # an attribute without a value is for fit to set; only of a parameter it is known that a seed will do
            if (id(owner), name) not in self._set and (parts[name] is not None or name in parameters):
                value = self._renewed(name, parts[name])
                if value is not parts[name]:
                    new[name] = value
        settable = {name: new.pop(name) for name in parameters & new.keys() if hasattr(owner, "set_params")}
        if settable:
            owner.set_params(**settable)
        if new:
            vars(owner).update(new)

    def _renewed(self, name: Any, value: Any) -> Any:
        """Return what is to stand in a value's place: the value itself, unless it is a seed or holds one."""
        if renewed(str(name), value, self._root) is not _NO_SEED:
            return renewed(str(name), value, self._next())
        if id(value) not in self._seen:
            # besides what it becomes the value itself is kept, since another object could reuse the id of a lost one
            self._seen[id(value)] = value, value
            self._seen[id(value)] = value, self._own(value)
        return self._seen[id(value)][1]

    def _own(self, value: Any) -> Any:
        """Return an estimator, seeded; or a seeded copy of what may be shared with other worlds."""
        if hasattr(value, "get_params") and not isinstance(value, type):
            self._inside(value)
            return value
        if not holds_seeds(value):
            return value
        if isinstance(value, dict | list | tuple | partial):
            parts = _parts(value)
            new = {name: self._renewed(name, part) for name, part in parts.items()}
            return value if all(new[name] is part for name, part in parts.items()) else _rebuilt(value, new)
        own = copy.copy(value)
        self._inside(own)
        return own


def _parts(owner: Any) -> dict[Any, Any]:
    """Return what an object holds by name: parameters, attributes, items."""
    if type(owner) is dict:
        return owner
    if type(owner) in (list, tuple):
        return dict(enumerate(owner))
    if isinstance(owner, partial):
        return {**dict(enumerate(owner.args)), **owner.keywords}
    is_code = inspect.isclass(owner) or inspect.isroutine(owner) or inspect.ismodule(owner)
    if is_code or not hasattr(owner, "__dict__") or type(owner).__module__.partition(".")[0] in _CLOSED:
        return {}
    parameters = owner.get_params(deep=False) if hasattr(owner, "get_params") else {}
    return {**_unsaid(owner, parameters), **_of_classes(type(owner)), **vars(owner), **parameters}


def _unsaid(owner: Any, parameters: dict[str, Any]) -> dict[str, None]:
    """Return the seed that an estimator takes and does not tell of while it is not set, as CatBoost's do not."""
    if not hasattr(owner, "set_params") or any(map(_is_seed, parameters)):
        return {}
    # of several names for one seed it takes one
    return dict.fromkeys([name for name in _arguments(type(owner).__init__) if _is_seed(name)][:1])


def _rebuilt(value: Any, parts: dict[Any, Any]) -> Any:
    """Return a container like another with other items."""
    if not isinstance(value, partial):
        return parts if isinstance(value, dict) else type(value)(parts.values())
    n = len(value.args)
    return partial(value.func, *(parts[i] for i in range(n)), **{key: parts[key] for key in value.keywords})


def _of_classes(kind: type) -> dict[str, Any]:
    """Return the seeds and generators that a user's classes hold for all their objects."""
    user = [base for base in reversed(kind.__mro__) if base.__module__.partition(".")[0] not in _KNOWN]
    held_by = {name: value for base in user for name, value in vars(base).items() if value is not None}
    return {name: value for name, value in held_by.items() if renewed(name, value, 0) is not _NO_SEED}


def _parameters(owner: Any) -> set[str]:
    own = owner.get_params(deep=False) if hasattr(owner, "get_params") else {}
    return {*own, *_arguments(type(owner).__init__)}


@cache
def _arguments(maker: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of what a function takes."""
    try:
        return tuple(inspect.signature(maker).parameters)
    except (TypeError, ValueError):
        return ()
