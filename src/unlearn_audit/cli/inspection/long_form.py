"""Whether a file with other names is long: a row for each query, version and class."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt
import pandas as pd

_MOST_VERSIONS, _MOST_CLASSES = 20, 200
_VERSIONS = r"(?i)^(?:before|after|original|unlearned|old|new|pre|post|[vp]?\d{1,3})$"


def long_columns(frame: pd.DataFrame) -> dict[str, str] | None:
    """Return the columns version, class and probability of a long file by our names; None where it isn't one.

    The columns besides tell one query from another, and every query has one row for each version and class. Where two
    columns could be the version, its values tell, or that the numbers of a version sum to the same.
    """
    floats = [str(name) for name in frame if pd.api.types.is_float_dtype(frame[name].dtype)]
    if len(floats) != 1 or len(frame) < 4:
        return None
    texts = frame.drop(columns=floats).astype(str)
    names = [str(name) for name in texts]
    distinct = {name: int(texts[name].nunique()) for name in names}
    few = [name for name in names if 2 <= distinct[name] <= _MOST_CLASSES]
    fitting = []
    for version, of_class in permutations(few, 2):
        keys = [name for name in names if name not in (version, of_class)]
        if distinct[version] > _MOST_VERSIONS or not keys:
            continue
        sizes = texts.groupby(keys, sort=False)[[version, of_class]].size()
        each = distinct[version] * distinct[of_class]
        if (sizes == each).all() and not texts.duplicated().any() and len(sizes) > 1:
            fitting.append((version, of_class, keys))
    if len(fitting) > 1:
        named = [of for of in fitting if texts[of[0]].str.match(_VERSIONS).all()]
        fitting = named if len(named) == 1 else [of for of in fitting if _sums_alike(frame, [*of[2], of[0]], floats[0])]
    if len(fitting) != 1:
        return None
    version, of_class, _ = fitting[0]
    return {"version": version, "class": of_class, "probability": floats[0]}


def _sums_alike(frame: pd.DataFrame, keys: list[str], number: str) -> bool:
    """Return whether the numbers of each version sum to the same, as they are or as logarithms."""
    groups = [frame[key].astype(str) for key in keys]
    numbers = [frame[number], *([np.exp(frame[number])] if (frame[number] <= 0).all() else [])]
    return any(_alike(of.groupby(groups).sum().to_numpy(float)) for of in numbers)


def _alike(sums: npt.NDArray[np.float64]) -> bool:
    if not np.isfinite(sums).all():
        return False
    return bool(np.allclose(sums, round(float(sums[0])), atol=0.02)) and abs(float(sums[0])) > 0.5
