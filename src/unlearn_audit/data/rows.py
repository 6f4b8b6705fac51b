"""Records in any form that a model takes: an array, a DataFrame, a sparse matrix, or a list of texts."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse


def n_records(X: Any) -> int:
    """Return how many records there are; a sparse matrix has no ``len``."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def n_features(X: Any) -> int:
    """Return how many features each record has; a text is one."""
    return int(X.shape[1]) if len(X.shape) > 1 else 1


def canonical(X: Any) -> sparse.csr_array | sparse.csr_matrix:
    """Return a copy of a sparse matrix by rows, in which equal rows are stored alike.

    Column numbers ascend, none is twice in a row, and no zero is stored.
    """
    by_row = X.tocsr(copy=True)
    by_row.sum_duplicates()
    by_row.eliminate_zeros()
    by_row.sort_indices()
    return by_row


def digests_of_rows(X: sparse.csr_array | sparse.csr_matrix) -> npt.NDArray[np.object_]:
    """Return (n,) a digest of each row of a `canonical` matrix: equal rows have equal ones."""
    return np.array([sha256(row).hexdigest() for row in _bytes_of_rows(X)], dtype=object)


def _bytes_of_rows(X: sparse.csr_array | sparse.csr_matrix) -> Iterator[bytes]:
    columns = X.indices.astype("<i8")
    for start, end in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        yield columns[start:end].tobytes() + X.data[start:end].tobytes()
