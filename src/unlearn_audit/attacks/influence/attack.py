"""Does the deletion of a record explain what changed about the references? Our own; see docs/attacks.md.

The attacker knows by how much the deletion of a record would move the answers to each reference record
(`unlearn_audit.attacks.influence`), from a model of its own on its own records: no shadow world. A record scores the
higher the smaller the angle between what it would change and what did change in its pair.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.formula.pair_scale import pair_covariates
from unlearn_audit.attacks.formula.references import References
from unlearn_audit.attacks.formula.statistic import FALLS, Need
from unlearn_audit.attacks.learned.forest import Forest
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.views import LabelledView, View, ViewName

if TYPE_CHECKING:
    from unlearn_audit.attacks.influence import Field

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

_NEEDS: frozenset[Need] = frozenset({"labels", "references", "field"})


def explained(view: View, knows: Field | None) -> Array:
    """Return (n,) how well the deletion of each record explains what changed about the references of its pair.

    Raises
    ------
    AuditError
        If it is not known what deletions change, the view does not tell whom the records are, or pairs were asked
        different references.
    """
    if knows is None or view.positions is None or view.references is None or view.references.positions is None:
        raise AuditError(
            "the change field needs reference records, and a model of the attacker's own on records of the same "
            "dataset; run it where the data and the model are at hand"
        )
    references = References.of(view)
    rows = references.rows_of(view)
    asked = _asked(view.references, len(references.pairs))
    return knows.explain_rows(references.change, references.original, view.positions, rows, asked)


def _asked(references: View, n_pairs: int) -> npt.NDArray[np.int64]:
    """Return (R,) the positions of the references, which are to be the same in every pair."""
    assert references.positions is not None
    by_pair = references.positions[np.argsort(references.pair, kind="stable")]
    if len(by_pair) % n_pairs or (by_pair.reshape(n_pairs, -1) != by_pair[: len(by_pair) // n_pairs]).any():
        raise AuditError("pairs were asked different reference records; the change field needs the same in every pair")
    return by_pair[: len(by_pair) // n_pairs]


@dataclass(frozen=True)
class ChangeField:
    """The cosine of what a record's deletion would change and what did change.

    Attributes
    ----------
    knows
        What deletions change.
    shuffled
        Whether each record is given the field of another: the control, which can tell nothing.
    """

    knows: Field | None = field(default=None, repr=False, compare=False)
    shuffled: bool = False
    sign: int = 1

    attack_model: None = field(default=None, init=False)
    view: ViewName = field(default="pair", init=False)
    needs: frozenset[Need] = field(default=_NEEDS, init=False)
    probabilistic: bool = field(default=False, init=False)
    fits_on: Literal["paper", "all"] = field(default="paper", init=False)
    silent_without_change: bool = field(default=True, init=False)

    @property
    def name(self) -> str:
        """What it is called."""
        return "change-field-shuffled" if self.shuffled else "change-field"

    @property
    def by_default(self) -> bool:
        """Whether it runs unasked."""
        return not self.shuffled

    def for_game(self, game: str) -> ChangeField | None:
        """Return it with the sign of a game, None where it has nothing to say."""
        return replace(self, sign=FALLS[game]) if game in FALLS else None

    def with_field(self, knows: Field | None) -> ChangeField:
        """Return it with what deletions change."""
        return replace(self, knows=knows)

    def looks_up(self, positions: Positions, knows: Field) -> Positions:
        """Return (n,) whose field it takes for each of some records."""
        if not self.shuffled:
            return positions
        return np.random.default_rng(0).permutation(len(knows.data.y))[positions]

    def fit(self, shadow: LabelledView, seed: int) -> Self:  # noqa: ARG002 - as every attack
        """Return itself: there is nothing to fit."""
        return self

    def score(self, target: View) -> Array:
        """Return (n,) how well each deletion explains the change of its pair, higher for the positive role."""
        if self.knows is not None and target.positions is not None:
            target = replace(target, positions=self.looks_up(target.positions, self.knows))
        return self.sign * explained(target, self.knows)


@dataclass(frozen=True)
class ChangeFieldFitted:
    """A forest on the cosine of `ChangeField` and on all that `PairScaleFitted` reads, fitted on shadow worlds.

    Like that one it is fitted on every shadow row of the game, both roles weighing the same.
    """

    knows: Field | None = field(default=None, repr=False, compare=False)
    model_: Any = field(default=None, repr=False, compare=False)

    name: str = field(default="change-field-fitted", init=False)
    attack_model: None = field(default=None, init=False)
    view: ViewName = field(default="pair", init=False)
    needs: frozenset[Need] = field(default=_NEEDS, init=False)
    probabilistic: bool = field(default=True, init=False)
    fits_on: Literal["paper", "all"] = field(default="all", init=False)
    by_default: bool = field(default=True, init=False)
    silent_without_change: bool = field(default=False, init=False)

    def for_game(self, game: str) -> ChangeFieldFitted:  # noqa: ARG002 - as every attack
        """Return itself: it learns any game."""
        return self

    def with_field(self, knows: Field | None) -> ChangeFieldFitted:
        """Return it with what deletions change."""
        return replace(self, knows=knows)

    def looks_up(self, positions: Positions, knows: Field) -> Positions:  # noqa: ARG002
        """Return (n,) whose field it takes for each of some records."""
        return positions

    def fit(self, shadow: LabelledView, seed: int) -> ChangeFieldFitted:
        """Return a fitted copy."""
        model = Forest(200, min_samples_leaf=5, random_state=seed, balanced=True)
        return replace(self, model_=model.fit(self._covariates(shadow.view), shadow.positive))

    def score(self, target: View) -> Array:
        """Return (n,) probabilities of being positive."""
        return np.asarray(self.model_.predict_proba(self._covariates(target))[:, 1], dtype=np.float64)

    def _covariates(self, view: View) -> Array:
        return np.column_stack([pair_covariates(view), explained(view, self.knows)])


CHANGE_FIELDS = (ChangeField(), ChangeFieldFitted(), ChangeField(shuffled=True))
