"""A tree or a forest that was grown here, and its versions, answering as scikit-learn's do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from unlearn_audit.models.cart.kernel.arrays import Grown, Overlay
from unlearn_audit.models.float32 import as_float32
from unlearn_audit.utils.typing import Array


@dataclass(frozen=True)
class CartModel:
    """A tree or a forest, or a version of one.

    Attributes
    ----------
    grown
        The trees of the original.
    classes_
        (k,) labels that its training records have.
    columns
        (k,) which values of leaves belong to them.
    n_features_in_
        How many features its records have.
    overlay, version
        In what the versions of the original differ from it, and which one this is; None and 0 for the original.
    leaves
        Leaves of the original in which the records of a later question lie, and which of them are asked; see `asked`.
    """

    grown: Grown = field(repr=False)
    classes_: npt.NDArray[Any]
    columns: npt.NDArray[np.intp]
    n_features_in_: int
    overlay: Overlay | None = field(default=None, repr=False)
    version: int = 0
    leaves: tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]] | None = field(default=None, repr=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself, which never changes."""
        return self

    @property
    def n_parameters(self) -> int:
        """Two for each split and one for each class in each leaf, of the original."""
        leaves = len(self.grown.values)
        return 2 * (len(self.grown.feature) - leaves) + leaves * len(self.columns)

    def is_version_of(self, other: Any) -> bool:
        """Return whether the leaves of another model's trees are those of the original here."""
        return isinstance(other, CartModel) and other.grown is self.grown

    def tree(self, t: int) -> CartModel:
        """Return one of its trees."""
        of = self.grown
        overlay = self.overlay and self.overlay._replace(ends=self.overlay.ends[:, t : t + 1].copy())
        return replace(self, grown=of._replace(starts=of.starts[t : t + 2]), overlay=overlay, leaves=None)

    def find_leaves(self, X: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """Return the (trees, m) leaves of the original into which records fall."""
        from unlearn_audit.models.cart.kernel.answers import find_leaves

        leaves = np.zeros((len(self.grown.starts) - 1, len(X)), dtype=np.int32)
        find_leaves(self.grown, as_float32(X), leaves)
        return leaves

    def asked(self, leaves: npt.NDArray[np.int32], at: npt.NDArray[np.int64]) -> CartModel:
        """Return the model, to be asked of records whose leaves in the original are known, and of no others.

        Parameters
        ----------
        leaves
            What `find_leaves` of the original gave for any records.
        at
            (m,) which of these will be asked.
        """
        return replace(self, leaves=(leaves, at))

    def predict(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return (m,) the most probable label of each record."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def predict_proba(self, X: npt.NDArray[Any]) -> Array:
        """Return (m, k) posteriors of (m, features) finite records."""
        from unlearn_audit.models.cart.kernel.answers import mean_of_originals, mean_of_version

        leaves, at = self.leaves or (self.find_leaves(X), np.arange(len(X)))
        total = np.zeros((len(X), self.grown.values.shape[1]))
        if self.overlay is None:
            mean_of_originals(self.grown, leaves, at, total)
        else:
            where = np.zeros(int(np.diff(self.grown.starts).max()), dtype=np.int32)
            mean_of_version(self.grown, self.overlay, self.version, as_float32(X), leaves, at, where, total)
        return total if total.shape[1] == len(self.columns) else total[:, self.columns]
