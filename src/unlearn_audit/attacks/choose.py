"""Which attacks an audit runs: what its tables hold against what each attack needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unlearn_audit.attacks.base import Attack, Need
from unlearn_audit.attacks.catalogue import CATALOGUE, REGISTRY
from unlearn_audit.attacks.formula.label_only import PROBED, check_signals
from unlearn_audit.attacks.games import Game
from unlearn_audit.attacks.influence.base import Influence
from unlearn_audit.attacks.learned.classifier import learned_attacks
from unlearn_audit.config import AuditConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations

FEWEST_REFERENCES = 10
"""Reference records of a pair below which they say too little about its scale."""


@dataclass(frozen=True, kw_only=True)
class Available:
    """What the tables of an audit hold for attacks.

    Attributes
    ----------
    labels
        Whether the label of every record is known.
    references
        The fewest reference records that a pair was asked.
    influence
        Whether the influence of each record can be computed, from records of one dataset.
    records
        Whether the attacker's worlds audit the records under attack in every role.
    probes
        Whether labels were asked near every record.
    versions
        How many versions of each model the attacker sees.
    posteriors
        Whether models give probabilities, and not labels alone.
    """

    labels: bool
    references: int
    influence: bool = False
    records: bool = False
    probes: bool = False
    versions: int = 2
    posteriors: bool = True

    @classmethod
    def in_tables(
        cls,
        tables: Sequence[Observations],
        game: Game,
        *,
        records: bool = False,
        sequence: bool = True,
    ) -> Available:
        """Return what all of some tables hold for a game.

        Parameters
        ----------
        tables
            Of either side.
        game
            Of its roles every record needs a label.
        records
            As in the attributes: it cannot be read off a table.
        sequence
            Whether the attacker sees every version, and not the first and the last alone.
        """
        labels, fewest = True, []
        for table in tables:
            played, reference = table.in_roles(game.positive, game.negative), table.in_roles("reference")
            labels &= bool((table.rows["label"].to_numpy()[played | reference] >= 0).all())
            counts = np.bincount(table.pairs[reference], minlength=int(table.pairs.max(initial=-1)) + 1)
            fewest.append(int(counts[np.unique(table.pairs[played])].min(initial=len(table))))
        probes = all(signal in table.signals for table in tables for signal in PROBED)
        for table in tables if probes else ():
            check_signals(table)
        return cls(
            labels=labels,
            references=min(fewest),
            records=records,
            probes=probes,
            versions=min(table.n_versions for table in tables) if sequence else 2,
        )

    def missing_for(self, attack: Attack) -> str | None:
        """Return what an attack needs and is not there, in words; None if nothing is missing."""
        if not self.posteriors and not attack.reads_labels:
            return "probabilities, and the model gives only labels"
        return next((text for need, text in self._missing.items() if need in attack.needs), None)

    def shown(self, attack: Attack) -> Attack:
        """Return an attack as one on versions, where labels are all that these show."""
        return attack.seeing("pair") if not self.posteriors and attack.view == "labels" else attack

    @cached_property
    def _missing(self) -> Mapping[Need, str]:
        """What is not there, in words."""
        missing: dict[Need, str] = {}
        if not self.labels:
            missing["labels"] = "the label of every record (column 'label')"
        if self.references < FEWEST_REFERENCES:
            missing["references"] = (
                f"at least {FEWEST_REFERENCES} reference records in every pair of models; the smallest number here is "
                f"{self.references} (worlds.references, or rows with the role 'reference')"
            )
        if not self.probes:
            missing["probes"] = "the labels of perturbed copies of every record (worlds.probes, such as 20)"
        if self.versions <= 2:
            missing["sequence"] = "three versions or more and the view of all (scenario multi-version, views: sequence)"
        if not self.records:
            missing["records"] = (
                "worlds that audit the same records in every role, at least twice (worlds.layout: per-record with at "
                "least 6 shadow worlds)"
            )
        if not self.influence:
            missing["influence"] = (
                "the data and a model for which the effect of deletions can be computed: logistic regression, a "
                "network, a tree or a forest, with both sides of the same data (for any other model ask by name, "
                "--attack change-field: it then takes one more training for each record queried)"
            )
        return missing


@dataclass(frozen=True)
class Attacks:
    """The attacks of one game, and notes on those that were left out."""

    runs: tuple[Attack, ...]
    notes: tuple[str, ...] = ()


def attacks_of(config: AuditConfig, game: Game, available: Available, influence: Influence | None = None) -> Attacks:
    """Return the attacks that a configuration asks for in a game, with the influence of each record where they need it.

    A configuration that lists no attacks gets every attack for which enough is available, and a note on the others.

    Raises
    ------
    AuditError
        If an attack that it names does not exist or cannot run.
    """
    asked = [REGISTRY.find(name) for name in config.attacks] if config.attacks is not None else _by_default()
    runs: list[Attack] = []
    left_out: dict[str, list[str]] = {}
    for attack in asked:
        missing = available.missing_for(attack)
        if missing is not None and config.attacks is not None:
            raise AuditError(f"the attack {attack.name} needs {missing}")
        if missing is not None:
            left_out.setdefault(missing, []).append(attack.name)
        elif (playing := attack.for_game(game.name)) is not None:
            runs.append(available.shown(playing.with_influence(influence)))
    notes = tuple(f"attacks left out, since they need {need}: {', '.join(names)}" for need, names in left_out.items())
    learned = learned_attacks(config.features, config.attack_models, config.views)
    return Attacks((*runs, *(attack for attack in learned if available.missing_for(attack) is None)), notes)


def _by_default() -> list[Attack]:
    return [attack for attack in CATALOGUE.values() if attack.by_default]
