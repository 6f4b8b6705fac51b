"""Does the deletion of a record explain what changed about the references? Our own; see docs/attacks.md.

The attacker knows by how much the deletion of a record would move the predictions for each reference record
(`unlearn_audit.attacks.influence`), from its own model on its own records: no shadow world. A record scores the
higher the smaller the angle between what it would change and what did change in its pair.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.formula.pair_scale import pair_covariates
from unlearn_audit.attacks.formula.references import References
from unlearn_audit.attacks.formula.statistic import DELETION_SIGNS
from unlearn_audit.attacks.influence.base import Influence
from unlearn_audit.attacks.learned.covariate_forest import CovariateForest
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.views import View
from unlearn_audit.utils.typing import Array, Positions


def explained(view: View, influence: Influence | None) -> Array:
    """Return (n,) how well the deletion of each record explains what changed about the references of its pair.

    Raises
    ------
    AuditError
        If there is no influence, the view does not show which records are asked, or pairs were asked different
        references.
    """
    if influence is None or view.positions is None or view.references is None or view.references.positions is None:
        raise AuditError(
            "influence attacks need reference records, and a model of the attacker's own on records of the same "
            "dataset; run them where the data and the model are available"
        )
    references = References.of(view)
    rows = references.rows_of(view)
    asked = _asked(view.references, len(references.pairs))
    return influence.explain_rows(references.change, references.original, view.positions, rows, asked)


def _asked(references: View, n_pairs: int) -> Positions:
    """Return (R,) the positions of the references, which are to be the same in every pair."""
    assert references.positions is not None
    by_pair = references.positions[np.argsort(references.pair, kind="stable")]
    if len(by_pair) % n_pairs or (by_pair.reshape(n_pairs, -1) != by_pair[: len(by_pair) // n_pairs]).any():
        raise AuditError(
            "pairs were queried on different reference records; influence attacks need the same in every pair"
        )
    return by_pair[: len(by_pair) // n_pairs]


@dataclass(frozen=True)
class InfluenceAttack(Attack):
    """An attack that computes with the influence of each record.

    Attributes
    ----------
    influence
        What it looks up; None before it is known.
    """

    influence: Influence | None = field(default=None, repr=False, compare=False)

    needs = frozenset({"labels", "references", "influence"})

    def with_influence(self, influence: Influence | None) -> Self:
        """Return it with the influence of each record."""
        return replace(self, influence=influence)

    def looked_up(self, positions: Positions) -> Positions:
        """Return the positions themselves: it looks up each record that it scores."""
        return positions


@dataclass(frozen=True)
class ChangeField(InfluenceAttack):
    """The cosine of what a record's deletion would change and what did change."""

    name = "change-field"
    games = tuple(DELETION_SIGNS)
    silent_without_change = True

    def score(self, target: View) -> Array:
        """Return (n,) how well each deletion explains the change of its pair, higher for the positive role."""
        if self.influence is not None and target.positions is not None:
            target = replace(target, positions=self.looked_up(target.positions))
        return explained(target, self.influence)


@dataclass(frozen=True)
class ChangeFieldShuffled(ChangeField):
    """The control: each record is given the influence of another, which shows nothing."""

    name = "change-field-shuffled"
    by_default = False
    looks_up_others = True

    def looked_up(self, positions: Positions) -> Positions:
        """Return (n,) the position of another record for each."""
        assert self.influence is not None
        return np.random.default_rng(0).permutation(self.influence.n_records)[positions]


@dataclass(frozen=True)
class ChangeFieldFitted(CovariateForest, InfluenceAttack):
    """A forest on the cosine of `ChangeField` and on all that `PairScaleFitted` reads, fitted on shadow worlds."""

    name = "change-field-fitted"

    def covariates(self, view: View) -> Array:
        """Return (n, 9) those of `pair_covariates`, and the cosine."""
        return np.column_stack([pair_covariates(view), explained(view, self.influence)])


ATTACKS = (ChangeField(), ChangeFieldFitted(), ChangeFieldShuffled())
