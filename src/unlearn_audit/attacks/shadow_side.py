"""The attacker's table as a game is played with it: which rows attacks are fitted on, and what each is handed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unlearn_audit.attacks.base import Attack, TrainingRows, label
from unlearn_audit.attacks.cross_validation import Split, cross_validation_splits
from unlearn_audit.attacks.games import Game
from unlearn_audit.attacks.sample import sample_by_world
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Clusters
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import Asked, LabelledView, attacker_view
from unlearn_audit.utils.seeds import Kind, integer_seed, name_key
from unlearn_audit.utils.typing import Mask

FEWEST_ROWS = 10
"""Shadow positives and negatives below which no attack model is fitted."""


@dataclass(frozen=True, eq=False)
class ShadowSide:
    """The attacker's table, as a game is played with it.

    Attributes
    ----------
    table, game
        The whole table, and the game.
    rows
        (all,) which of its rows take part.
    played
        These rows alone.
    fit_rows
        On how many of them an attack is fitted at most, if it can be on a sample; None for all.
    """

    table: Observations
    game: Game
    rows: Mask
    played: Observations
    fit_rows: int | None = None

    @classmethod
    def of(cls, table: Observations, game: Game, fit_rows: int | None = None) -> ShadowSide:
        """Pick the rows of a game.

        Raises
        ------
        AuditError
            If a role is missing, or has too few rows to fit anything.
        """
        rows = game.rows(table, "the shadow side")
        side = cls(table, game, rows, table.select(rows), fit_rows)
        fewest = min(int((side.positive & side.played.paper).sum()), int((~side.positive & side.played.paper).sum()))
        if fewest < FEWEST_ROWS:
            raise AuditError(
                f"the shadow side has {fewest} rows of a role of {game.name} to fit attacks on, fewer than "
                f"{FEWEST_ROWS}; use more shadow worlds or deletions"
            )
        return side

    @cached_property
    def positive(self) -> Mask:
        """(n,) which rows are positives of the game."""
        return self.played.in_roles(self.game.positive)

    @cached_property
    def clusters(self) -> Clusters:
        """The worlds and the records of the rows."""
        return Clusters(self.played.worlds, self.played.records)

    def training_rows(self, kind: TrainingRows) -> Mask:
        """Return (n,) which rows an attack is fitted on."""
        return self.played.paper if kind == "paper" else np.ones(len(self.played), dtype=bool)

    def splits(self, kind: TrainingRows) -> list[Split]:
        """Return the splits of the cross-validation."""
        return cross_validation_splits(self.played, self.positive, self.training_rows(kind))

    def fitting(self, attack: Attack, seed: int) -> tuple[Mask, list[Split]]:
        """Return on which rows an attack is fitted, of all and in each fold of the cross-validation; made once."""
        key = attack.training_rows, attack.fits_on_a_sample
        if key not in self._fitting:
            most = self.fit_rows if attack.fits_on_a_sample else None
            drawn = integer_seed(seed, Kind.ATTACK, name_key(self.game.name), name_key("fit-rows"))

            def sampled(rows: Mask) -> Mask:
                return sample_by_world(rows, self.positive, self.played, most, drawn)

            splits = [(sampled(train), held) for train, held in self.splits(attack.training_rows)]
            self._fitting[key] = sampled(self.training_rows(attack.training_rows)), splits
        return self._fitting[key]

    @cached_property
    def _fitting(self) -> dict[tuple[TrainingRows, bool], tuple[Mask, list[Split]]]:
        return {}

    def seen(
        self, attack: Attack, targets: Sequence[tuple[Observations, Observations | None]]
    ) -> tuple[LabelledView, list[Asked]]:
        """Return what an attack is handed of this side and of the targets, each given with its references."""
        ids = None if attack.influence is None else attack.influence.data.record_ids
        by_record = "records" in attack.needs
        shadow = attacker_view(self.table, attack.view, self.rows, ids, with_records=by_record)
        return LabelledView(shadow, self.positive), [
            Asked.of(
                target,
                attack.view,
                self.game.rows(target, "the target side"),
                ids,
                with_records=by_record,
                others=references,
            )
            for target, references in targets
        ]

    def tasks(self, attacks: Sequence[Attack], targets: Sequence[Observations], seed: int) -> list[Any]:
        """Return attack, views, rows, clusters and seed for each attack; those that see the same share one view."""
        # of each target one copy, which all views share
        with_references = [(target, target.references) for target in targets]
        views: dict[tuple[str, bool, bool], tuple[LabelledView, list[Asked]]] = {}
        for key, attack in {_view_key(one): one for one in attacks}.items():
            shown, asked = self.seen(attack, with_references)
            _, like = next(iter(views.values()), (shown, asked))
            views[key] = shown, [of.sharing(first) for of, first in zip(asked, like, strict=True)]
        return [
            (
                attack,
                *views[_view_key(attack)],
                *self.fitting(attack, seed),
                self.clusters,
                _seed(seed, self.game, attack),
            )
            for attack in attacks
        ]


def _view_key(attack: Attack) -> tuple[str, bool, bool]:
    """Return a key that is equal for attacks that are handed the same view."""
    return attack.view, attack.influence is not None, "records" in attack.needs


def _seed(root: int, game: Game, attack: Attack) -> int:
    return integer_seed(root, Kind.ATTACK, name_key(game.name), name_key(label(attack)))
