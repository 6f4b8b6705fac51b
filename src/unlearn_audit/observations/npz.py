"""Observations as named arrays in an NPZ archive, without pickles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.arrays import load_arrays
from unlearn_audit.observations.column_values import is_partial_array, numbered
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.table import COLUMNS, GROUP, READ_AS, SIGNAL, Observations
from unlearn_audit.observations.values import probabilities_of
from unlearn_audit.utils.messages import reason, shortened


def write_npz(observations: Observations, path: Path) -> None:
    """Write every column, the posteriors and the signals as arrays."""
    arrays: dict[str, Any] = {name: observations.rows[name].to_numpy() for name in COLUMNS}
    for name in ("dataset", "side", "role"):
        arrays[name] = arrays[name].astype(str)
    arrays |= {SIGNAL + name: values for name, values in observations.signals.items()}
    for name, values in observations.groups.items():
        # a text that is missing is empty, since an array of texts has no other way to say so
        arrays[GROUP + name] = pd.Series(values).fillna("").to_numpy(dtype=str) if values.dtype == object else values
    with path.open("wb") as stream:
        np.savez_compressed(
            stream,
            posteriors=observations.posteriors,
            classes=np.array(observations.classes, dtype=str),
            partial=np.array(observations.partial),
            metadata=np.array(json.dumps(dict(observations.metadata))),
            **arrays,
        )


def read_npz(path: Path, read_as: ReadAs) -> Observations:
    """Read named arrays; ``before`` and ``after`` may stand for ``posteriors``."""
    arrays = load_arrays(path)
    if "posteriors" in arrays:
        posteriors = arrays.pop("posteriors")
    elif "before" in arrays and "after" in arrays:
        before, after = arrays.pop("before"), arrays.pop("after")
        if before.shape != after.shape or before.ndim != 2:
            raise AuditError(
                f"{path}: 'before' has shape {before.shape} and 'after' {after.shape}; both need (rows, classes)"
            )
        posteriors = np.stack([before, after], axis=1)
    else:
        raise AuditError(
            f"{path} has no array 'posteriors', nor 'before' and 'after'; it has {shortened(list(arrays))}"
        )
    width = posteriors.shape[-1] if posteriors.ndim else 0
    classes = arrays.pop("classes", np.arange(width))
    partial = arrays.pop("partial", np.array(False))
    for name, values, ndim in (("classes", classes, 1), ("partial", partial, 0)):
        if values.ndim != ndim:
            wanted = "one name per class" if ndim else "a single true or false"
            raise AuditError(f"{path}: '{name}' has shape {values.shape}; {wanted} is needed")
    if classes.dtype.kind not in "iuU":
        raise AuditError(f"{path}: 'classes' holds values of type {classes.dtype}; the name of each class is needed")
    try:
        metadata = json.loads(str(arrays.pop("metadata", "{}")))
    except (ValueError, RecursionError) as error:
        raise AuditError(f"{path}: 'metadata' is not valid JSON ({reason(error)}); fix it or leave it out") from error
    if not isinstance(metadata, dict):
        raise AuditError(f"{path}: 'metadata' holds a JSON {type(metadata).__name__}; keys and values are needed")
    signals = {n.removeprefix(SIGNAL): arrays.pop(n) for n in list(arrays) if n.startswith(SIGNAL)}
    posteriors, notes = probabilities_of(posteriors, read_as.values, path)
    if "record" in arrays and arrays["record"].dtype.kind == "U" and arrays["record"].ndim == 1:
        notes += numbered(arrays)
    if notes:
        metadata = {**metadata, READ_AS: notes}
    groups = {n.removeprefix(GROUP): _missing(arrays.pop(n)) for n in list(arrays) if n.startswith(GROUP)}
    return Observations.create(
        arrays,
        posteriors,
        [str(name) for name in classes],
        partial=is_partial_array(partial, path),
        signals=signals,
        metadata=metadata,
        groups=groups,
        where=str(path),
    )


def _missing(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values of a group with None for an empty text."""
    if values.dtype.kind != "U":
        return values
    texts = values.astype(object)
    texts[values == ""] = None
    return texts
