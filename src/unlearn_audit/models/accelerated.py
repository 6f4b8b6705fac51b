"""The random forest of scikit-learn-intelex, several times as fast as scikit-learn's; imported only where it is used.

It is another forest: it draws other bootstraps, cuts features at the edges of histograms, and counts a record towards
the least size of a leaf as often as its bootstrap drew it, where scikit-learn counts it once. A deletion shifts its
draws however the rows are ordered, so it cannot run in the regime *fixed*.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Self

from sklearnex.ensemble import RandomForestClassifier


class AcceleratedForest(RandomForestClassifier):  # type: ignore[misc]  # sklearnex has no types
    """A forest by oneDAL, with the parameters of scikit-learn's; threads change no bit of it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> AcceleratedForest(n_estimators=10, random_state=0, n_jobs=1).fit(X[:1000], y[:1000]).predict(X[1000:1003])
    array([1, 4, 0])
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Grow the trees."""
        with _quiet_about_threads():
            super().fit(X, y, sample_weight)
        return self

    def predict_proba(self, X: Any) -> Any:
        """Return (m, k) posteriors."""
        with _quiet_about_threads():
            return super().predict_proba(X)

    def computed_with(self) -> dict[str, str]:
        """Return what decides the last bits of results besides the settings."""
        return {name: version(name) for name in ("scikit-learn-intelex", "daal")}


@contextmanager
def _quiet_about_threads() -> Iterator[None]:
    # outside the main thread it says that it falls back to all threads, which `one_thread` has made one
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'Threading' parallel backend")
        yield
