"""Arrays by name as safetensors: a format that holds numbers alone, and nothing to execute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_PREFIX = 8
"""Bytes in which the file says how long its header is."""

_LONGEST_HEADER = 100_000_000
"""Bytes of a header, as the format's own library bounds it."""


def bytes_of_tensors(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return arrays of numbers as the bytes of a file of safetensors."""
    from safetensors.numpy import save

    return save({name: np.array(values, order="C") for name, values in arrays.items()})


def read_tensors(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays in the bytes of a file of safetensors.

    Raises
    ------
    ValueError
        If it is none, or safetensors is not installed.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load
    except ImportError as error:
        raise ValueError("safetensors is not installed; install the extra torch to read it") from error
    try:
        return load(content)
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"it is not a complete file of safetensors ({error})") from error


def is_tensors(content: bytes) -> bool:
    """Return whether some bytes begin as a file of safetensors does, be it whole or cut.

    Examples
    --------
    >>> is_tensors(b"\\x02\\0\\0\\0\\0\\0\\0\\0{}"), is_tensors(b'{"a": 1}')
    (True, False)
    """
    header = int.from_bytes(content[:_PREFIX], "little")
    return content[_PREFIX : _PREFIX + 1] == b"{" and header <= _LONGEST_HEADER
