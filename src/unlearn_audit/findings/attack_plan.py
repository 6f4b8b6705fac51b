"""Which attacks meet which tables: decided once for an audit, and read by all that run, count or time attacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from unlearn_audit.attacks import ATTACK_MODELS, GAMES, PAPER_FEATURES, Attacks, Available, Game, attacks_of
from unlearn_audit.attacks.cross_validation import FEWEST_PER_ROLE, audits_by_record
from unlearn_audit.attacks.left_out import NotRun, left_out
from unlearn_audit.config import AuditConfig, WorldsConfig
from unlearn_audit.defenses import UNDEFENDED, Defense, parse_defense
from unlearn_audit.findings.tables import SideTables, Tables
from unlearn_audit.utils.suggest import check_known
from unlearn_audit.worlds.per_record import fewest_pairs

if TYPE_CHECKING:
    from unlearn_audit.attacks.influence import Influence
    from unlearn_audit.observations import Observations

AvailableByGame = Mapping[str, Available]
"""What is there for attacks, by game."""


@dataclass(frozen=True)
class AttackPlan:
    """The attacks of an audit, and the defences they are tried under.

    Attributes
    ----------
    config
        What is asked; games, views and seed are read from it.
    available
        What is there for attacks in each game of two roles.
    by_game
        The attacks of each of these games, and notes on those left out.
    defenses
        The defences to try besides doing nothing.
    influence
        What deletions change; None until it is computed, and where no attack needs it.
    """

    config: AuditConfig
    available: AvailableByGame
    by_game: Mapping[str, Attacks]
    defenses: tuple[Defense, ...]
    influence: Influence | None = None

    @classmethod
    def of(cls, config: AuditConfig, available: AvailableByGame, n_classes: int | None = None) -> AttackPlan:
        """Look up every name of a configuration, and choose the attacks.

        Parameters
        ----------
        config
            What is asked.
        available
            What is there for attacks in each game.
        n_classes
            Of the models, to check defences against; by default they are not.

        Raises
        ------
        AuditError
            If a name is not known, a defence would hide nothing, or an attack asked for by name cannot run.
        """
        defenses = tuple(parse_defense(text) for text in dict.fromkeys(config.defenses) if text != UNDEFENDED)
        if n_classes is not None:
            for defense in defenses:
                defense.check_classes(n_classes)
        check_known("feature", config.features, PAPER_FEATURES)
        check_known("attack model", config.attack_models, ATTACK_MODELS)
        return cls(config, available, _attacks(config, available, None), defenses)

    @property
    def needs_influence(self) -> bool:
        """Whether an attack computes with what deletions change."""
        return any("influence" in attack.needs for attacks in self.by_game.values() for attack in attacks.runs)

    @property
    def not_run(self) -> tuple[NotRun, ...]:
        """Every registered attack that does not run in the first game, and why."""
        game, attacks = next(iter(self.by_game.items()))
        return tuple(left_out(self.config, game, self.available[game], attacks.runs))

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known of the attacks left out, each note once."""
        return tuple(dict.fromkeys(note for attacks in self.by_game.values() for note in attacks.notes))

    def notes_on_rows(self, shadow: Observations) -> tuple[str, ...]:
        """Say where attack models are fitted on a sample of a shadow table."""
        most = self.config.fit_rows
        if most is None:
            return ()
        fitted = []
        for name, attacks in self.by_game.items():
            rows = GAMES[name].rows(shadow, "the shadow side")
            kinds = {attack.training_rows for attack in attacks.runs if attack.fits_on_a_sample}
            fitted += [int((rows & shadow.paper if kind == "paper" else rows).sum()) for kind in kinds]
        return tuple(
            f"attack models were fitted on {most:,} of {n:,} shadow rows, drawn by world; more rows may make them "
            "stronger, and take longer (--fit-rows)"
            for n in sorted(set(fitted))
            if n > most
        )

    def with_influence(self, influence: Influence | None) -> AttackPlan:
        """Return the plan with what deletions change; without it, attacks that need it are left out.

        Raises
        ------
        AuditError
            If it is not known, and an attack that needs it was asked for by name.
        """
        available = {game: replace(of, influence=influence is not None) for game, of in self.available.items()}
        by_game = _attacks(self.config, available, influence)
        return replace(self, available=available, by_game=by_game, influence=influence)

    def n_fits(self, arms: Sequence[str]) -> int:
        """Return how many attacks are fitted, over all games, defences and arms."""
        of_games = [len(attacks.runs) for attacks in self.by_game.values()]
        trained = {UNDEFENDED, *(defense.training for defense in self.defenses)}
        # the first game is played on every other arm, too
        beside = len(set(arms) - trained)
        return (1 + len(self.defenses)) * sum(of_games) + beside * of_games[0]


def _attacks(config: AuditConfig, available: AvailableByGame, influence: Influence | None) -> dict[str, Attacks]:
    return {name: attacks_of(config, GAMES[name], of_game, influence) for name, of_game in available.items()}


def available_in_worlds(
    config: AuditConfig, sides: Sequence[WorldsConfig], *, influence: bool = False, posteriors: bool = True
) -> AvailableByGame:
    """Return what worlds of our own making, of some sizes on either side, will hold for attacks.

    Every label is known. Each pair is asked all references, and in per-record worlds a record has each role about
    equally often.

    Parameters
    ----------
    config
        What is asked.
    sides
        The sizes of each side's worlds.
    influence
        Whether it will be known what deletions change.
    posteriors
        Whether models give probabilities, and not labels alone.
    """
    versions = 1 + config.scenario.versions if "sequence" in config.views else 2
    references = min(sizes.references for sizes in sides)
    probes = config.worlds.probes > 0

    def in_game(game: Game) -> Available:
        pairs = (fewest_pairs(sizes, role) for sizes in sides for role in (game.positive, game.negative))
        return Available(
            labels=True,
            references=references,
            influence=influence,
            records=min(pairs) >= FEWEST_PER_ROLE,
            probes=probes,
            versions=versions,
            posteriors=posteriors,
        )

    return {name: in_game(GAMES[name]) for name in config.two_way_games}


def available_in_tables(config: AuditConfig, tables: Tables) -> AvailableByGame:
    """Return what some tables hold for attacks; what deletions change is not known of them."""
    every = [table for of_arm in tables.values() for table in of_arm]

    def in_game(game: Game) -> Available:
        records = all(_by_record(of_arm, game) for of_arm in tables.values())
        return Available.in_tables(every, game, records=records, sequence="sequence" in config.views)

    return {name: in_game(GAMES[name]) for name in config.two_way_games}


def _by_record(tables: SideTables, game: Game) -> bool:
    """Return whether a game is played with records that the shadow side knows in both of its roles."""
    known, asked = (table.unanswered.select(table.in_roles(game.positive, game.negative)) for table in tables)
    return audits_by_record(known, asked, known.in_roles(game.positive))
