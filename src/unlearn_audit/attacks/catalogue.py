"""Every attack without the paper's attack models, and which of all attacks an audit runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.formula.l_diff import L_DIFF
from unlearn_audit.attacks.formula.label_only import LABEL_ONLY, PROBED, check_signals
from unlearn_audit.attacks.formula.leaf_share import LeafShare
from unlearn_audit.attacks.formula.pair_scale import PAIR_SCALE
from unlearn_audit.attacks.formula.score_change import SCORE_CHANGES
from unlearn_audit.attacks.formula.sequence import SEQUENCE
from unlearn_audit.attacks.formula.single_model import SINGLE_MODEL
from unlearn_audit.attacks.formula.statistic import Statistic
from unlearn_audit.attacks.games import Game
from unlearn_audit.attacks.influence.attack import CHANGE_FIELDS, ChangeField, ChangeFieldFitted
from unlearn_audit.attacks.learned.classifier import learned_attacks
from unlearn_audit.attacks.learned.pair_scale_fitted import PairScaleFitted
from unlearn_audit.attacks.learned.population import POPULATION, Population
from unlearn_audit.attacks.per_record.base import PerRecordAttack
from unlearn_audit.attacks.per_record.bavaria import BAVARIA
from unlearn_audit.attacks.per_record.iam import IAM
from unlearn_audit.attacks.per_record.lira import LIRA
from unlearn_audit.attacks.per_record.paired_likelihood import PAIRED_LIKELIHOOD
from unlearn_audit.attacks.per_record.rmia import RMIA
from unlearn_audit.attacks.per_record.ruli import RULI
from unlearn_audit.config import AuditConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations

if TYPE_CHECKING:
    from unlearn_audit.attacks.influence import Field

Entry = Statistic | LeafShare | PairScaleFitted | ChangeField | ChangeFieldFitted | Population | PerRecordAttack

PER_RECORD = (*LIRA, BAVARIA, RMIA, RULI, *IAM, *PAIRED_LIKELIHOOD)
"""Those that learn of each record by itself."""

CATALOGUE: dict[str, Entry] = {
    attack.name: attack
    for attack in (
        *SINGLE_MODEL,
        *SCORE_CHANGES,
        L_DIFF,
        *PAIR_SCALE,
        LeafShare(),
        PairScaleFitted(),
        *CHANGE_FIELDS,
        POPULATION,
        *LABEL_ONLY,
        *SEQUENCE,
        *PER_RECORD,
    )
}
"""Name to attack, in the order in which reports list them."""

FEWEST_REFERENCES = 10
"""Reference records of a pair below which they say too little about its scale."""


@dataclass(frozen=True)
class Offered:
    """What the tables of an audit hold for attacks.

    Attributes
    ----------
    labels
        Whether the label of every record is known.
    references
        The fewest reference records that a pair was asked.
    field
        Whether it is known what deletions change, of records of one dataset.
    records
        Whether the attacker's worlds audit the records under attack in every role.
    probes
        Whether labels were asked near every record.
    versions
        How many versions of each model the attacker sees.
    """

    labels: bool
    references: int
    field: bool = False
    records: bool = False
    probes: bool = False
    versions: int = 2

    @classmethod
    def by(
        cls,
        tables: Sequence[Observations],
        game: Game,
        *,
        field: bool = False,
        records: bool = False,
        sequence: bool = True,
    ) -> Offered:
        """Return what all of some tables hold for a game, and what is said of them."""
        labels, fewest = True, []
        for table in tables:
            played, reference = np.isin(table.roles, (game.positive, game.negative)), table.roles == "reference"
            labels &= bool((table.rows["label"].to_numpy()[played | reference] >= 0).all())
            counts = np.bincount(table.pairs[reference], minlength=int(table.pairs.max(initial=-1)) + 1)
            fewest.append(int(counts[np.unique(table.pairs[played])].min(initial=len(table))))
        probes = all(signal in table.signals for table in tables for signal in PROBED)
        for table in tables if probes else ():
            check_signals(table)
        return cls(
            labels, min(fewest), field, records, probes, min(table.n_versions for table in tables) if sequence else 2
        )

    def lacks(self, attack: Entry) -> str | None:
        """Return what an attack needs and is not there, in words."""
        if "labels" in attack.needs and not self.labels:
            return "the label of every record (column 'label')"
        if "references" in attack.needs and self.references < FEWEST_REFERENCES:
            return (
                f"at least {FEWEST_REFERENCES} reference records in every pair of models, and the fewest here are "
                f"{self.references} (worlds.references, or rows with the role 'reference')"
            )
        if "probes" in attack.needs and not self.probes:
            return "the labels of perturbed copies of every record (worlds.probes, such as 20)"
        if "sequence" in attack.needs and self.versions <= 2:
            return "three versions or more and the view of all (scenario multi-version, views: sequence)"
        if "records" in attack.needs and not self.records:
            return (
                "worlds that audit the same records in every role, at least twice (worlds.layout: per-record with at "
                "least 6 shadow worlds)"
            )
        if "field" in attack.needs and not self.field:
            return (
                "the data and a model whose deletions can be foretold: logistic regression, a network, a tree or a "
                "forest, with both sides of the same data (for any other model ask by name, --attack change-field: it "
                "then takes one more training for each record asked about)"
            )
        return None


@dataclass(frozen=True)
class Attacks:
    """The attacks of one game, and what is to be known of those that are not among them."""

    runs: tuple[Attack, ...]
    notes: tuple[str, ...] = ()


def attacks_of(config: AuditConfig, game: Game, offered: Offered, field: Field | None = None) -> Attacks:
    """Return the attacks that a configuration asks for in a game, with the change field for those that know it.

    Without a list of its own it gets every attack for which the tables hold enough, and a note on the others.

    Raises
    ------
    AuditError
        If an attack that it names cannot run.
    """
    unasked = [name for name, attack in CATALOGUE.items() if attack.by_default]
    asked = unasked if config.attacks is None else config.attacks
    runs: list[Attack] = []
    missing: dict[str, list[str]] = {}
    for name in asked:
        lacking = offered.lacks(CATALOGUE[name])
        if lacking is not None and config.attacks is not None:
            raise AuditError(f"the attack {name} needs {lacking}")
        if lacking is not None:
            missing.setdefault(lacking, []).append(name)
        elif (attack := CATALOGUE[name].for_game(game.name)) is not None:
            runs.append(attack.with_field(field) if isinstance(attack, ChangeField | ChangeFieldFitted) else attack)
    notes = tuple(f"attacks left out, since they need {lacking}: {', '.join(of)}" for lacking, of in missing.items())
    return Attacks((*runs, *learned_attacks(config.features, config.attack_models, config.views)), notes)
