"""A forest on what reference records reveal, fitted on shadow worlds. Our own; see docs/attacks.md."""

from __future__ import annotations

from dataclasses import dataclass

from unlearn_audit.attacks.formula.pair_scale import pair_covariates
from unlearn_audit.attacks.learned.covariate_forest import CovariateForest
from unlearn_audit.observations.views import View
from unlearn_audit.utils.typing import Array


@dataclass(frozen=True)
class PairScaleFitted(CovariateForest):
    """Learns from shadow worlds how to weigh a change, its pair's scale and its local scale."""

    name = "pair-scale-fitted"
    needs = frozenset({"labels", "references"})
    fits_on_a_sample = True

    def covariates(self, view: View) -> Array:
        """Return (n, 8) those of `pair_covariates`."""
        return pair_covariates(view)


ATTACKS = (PairScaleFitted(),)
