"""Which trees and forests can be grown here, and what decides about them besides the records."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.models.cart.kernel.arrays import Rules

_UNLIMITED = 2**31 - 1

_USUAL = {"min_weight_fraction_leaf": 0.0, "ccp_alpha": 0.0, "class_weight": None, "monotonic_cst": None}
"""Parameters that may have no other value, of trees; what follows are those of forests and single trees."""

_OF_FORESTS = {"oob_score": False, "warm_start": False, "max_samples": None}
_OF_TREES = {"splitter": "best"}


@dataclass(frozen=True)
class CartSettings:
    """What decides about a tree or a forest besides its records; names as of scikit-learn.

    Attributes
    ----------
    n_trees
        How many trees are averaged; None for a single tree, which draws no bootstrap.
    bootstrap
        Whether each tree draws its records.
    """

    n_trees: int | None
    bootstrap: bool
    criterion: str
    max_depth: int | None
    max_leaf_nodes: int | None
    min_samples_split: int | float
    min_samples_leaf: int | float
    max_features: str | int | float | None
    min_impurity_decrease: float

    @classmethod
    def of(cls, estimator: Any) -> CartSettings | None:
        """Return the settings of an estimator that can be grown here, None for any other.

        Examples
        --------
        >>> CartSettings.of(DecisionTreeClassifier(max_depth=3, random_state=0)).max_depth
        3
        >>> CartSettings.of(RandomForestClassifier(class_weight="balanced", random_state=0)) is None
        True
        """
        forest = type(estimator) is RandomForestClassifier
        if not forest and type(estimator) is not DecisionTreeClassifier:
            return None
        given = estimator.get_params(deep=False)
        fixed = _USUAL | (_OF_FORESTS if forest else _OF_TREES)
        if any(type(given.get(name)) is not type(value) or given.get(name) != value for name, value in fixed.items()):
            return None
        if not _is_whole(given["random_state"], 0) or not _is_valid(given):
            return None
        if forest and not (_is_whole(given["n_estimators"], 1) and type(given["bootstrap"]) is bool):
            return None
        return cls(
            given["n_estimators"] if forest else None,
            forest and given["bootstrap"],
            given["criterion"],
            given["max_depth"],
            given["max_leaf_nodes"],
            given["min_samples_split"],
            given["min_samples_leaf"],
            given["max_features"],
            float(given["min_impurity_decrease"]),
        )

    def rules(self, n: int, width: int, n_classes: int) -> Rules:
        """Return how trees are grown on ``n`` records of ``width`` features."""
        leaf, split = self.min_samples_leaf, self.min_samples_split
        least = leaf if isinstance(leaf, int) else math.ceil(leaf * n)
        fewest = split if isinstance(split, int) else max(2, math.ceil(split * n))
        return Rules(
            n_classes=n_classes,
            max_features=self._features(width),
            min_samples_leaf=least,
            min_samples_split=max(fewest, 2 * least),
            max_depth=_UNLIMITED if self.max_depth is None else self.max_depth,
            max_leaf_nodes=self.max_leaf_nodes or 0,
            entropy=self.criterion != "gini",
            min_impurity_decrease=self.min_impurity_decrease,
        )

    def _features(self, width: int) -> int:
        """Return how many features are tried for a split."""
        most = self.max_features
        if most is None:
            return width
        if isinstance(most, str):
            return max(1, int(math.sqrt(width) if most == "sqrt" else math.log2(width)))
        return most if isinstance(most, int) else max(1, int(most * width))


def _is_whole(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


def _is_share(value: Any) -> bool:
    return type(value) is float and 0.0 < value < 1.0


def _is_valid(given: dict[str, Any]) -> bool:
    """Return whether scikit-learn would take the parameters on which trees depend."""
    most, decrease = given["max_features"], given["min_impurity_decrease"]
    return (
        given["criterion"] in ("gini", "entropy", "log_loss")
        and (given["max_depth"] is None or _is_whole(given["max_depth"], 1))
        and (given["max_leaf_nodes"] is None or _is_whole(given["max_leaf_nodes"], 2))
        and (_is_whole(given["min_samples_split"], 2) or _is_share(given["min_samples_split"]))
        and (_is_whole(given["min_samples_leaf"], 1) or _is_share(given["min_samples_leaf"]))
        and (most in (None, "sqrt", "log2") or _is_whole(most, 1) or _is_share(most) or most == 1.0)
        and type(decrease) in (int, float)
        and 0.0 <= decrease < math.inf
    )
