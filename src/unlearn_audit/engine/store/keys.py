"""Keys of stored work: the digest of everything that made it."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
from scipy.sparse import issparse

from unlearn_audit.data.base import Dataset

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

STAGE_VERSION = 3
"""Raise it whenever the same inputs would make other observations than before."""

COMPUTING_LIBRARIES = ("numpy", "scipy", "scikit-learn", "threadpoolctl")
"""Libraries whose versions may change a posterior."""


def library_versions() -> dict[str, str]:
    """Return the versions of what computes, the interpreter's among them."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: _version(name) for name in COMPUTING_LIBRARIES},
    }


@cache
def _version(name: str) -> str:
    """Return the version of a library; asking means parsing its metadata, and does not change while a process runs."""
    return version(name)


def digest(document: Mapping[str, Any]) -> str:
    """Return the key of a document: the SHA-256 of its canonical JSON.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def dataset_fingerprint(data: Dataset) -> str:
    """Return a digest of records, labels, ids and classes; equal content gives an equal digest."""
    state = sha256()
    if isinstance(data.X, pd.DataFrame):
        state.update(repr([(str(c), str(t)) for c, t in data.X.dtypes.items()]).encode())
        state.update(pd.util.hash_pandas_object(data.X, index=False).to_numpy().tobytes())
        for dtype in data.X.dtypes:
            if isinstance(dtype, pd.CategoricalDtype):
                state.update(repr(dtype.categories.tolist()).encode())
    elif issparse(data.X):
        state.update(f"{type(data.X).__name__} {data.X.shape}".encode())
        for part in (data.X.data, data.X.indices.astype("<i8"), data.X.indptr.astype("<i8")):
            _add(state, part)
    else:
        _add(state, data.X)
    for name, values in sorted(data.fit_columns.items()):
        state.update(f"fit {name}".encode())
        _add(state, values)
    for part in (data.y, data.class_values, data.record_ids, data.persons, data.true_y):
        _add(state, part)
    state.update(repr((data.name, data.class_names)).encode())
    return state.hexdigest()


def _add(state: Hash, part: Any) -> None:
    """Let a digest depend on an array: its type, its shape and its bytes; or on any other object."""
    if isinstance(part, np.ndarray) and not part.dtype.hasobject:
        state.update(f"{part.dtype} {part.shape}".encode())
        state.update(np.ascontiguousarray(part).data)
    else:
        state.update(joblib.hash(part).encode())
