"""Columns of text, of one type whatever the version of pandas: that of pandas 3, whose missing value is NaN.

pandas 2 keeps texts as Python objects and turns a missing one into the text ``None`` where it is told to make texts.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def _text_dtype() -> pd.StringDtype:
    try:
        return pd.StringDtype(na_value=np.nan)
    except TypeError:  # pandas 2.2 knows it by another name
        known: pd.StringDtype = pd.StringDtype("pyarrow_numpy")  # type: ignore[call-overload]
        return known


TEXT = _text_dtype()
"""The type of a column of text."""


def with_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which columns of Python objects that are all texts, or missing, are columns of text.

    Examples
    --------
    >>> frame = with_texts(pd.DataFrame({"job": pd.Series(["cook", None], dtype=object)}))
    >>> frame["job"].dtype == TEXT, frame["job"].isna().tolist()
    (True, [False, True])
    """
    objects = frame.loc[:, [isinstance(of, np.dtype) and of.hasobject for of in frame.dtypes]].items()
    texts = {name: TEXT for name, values in objects if pd.api.types.infer_dtype(values, skipna=True) == "string"}
    return frame.astype(texts) if texts else frame
