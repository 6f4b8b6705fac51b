"""What a forecast holds: what each side and the whole take, and what so many rows can show."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SideCost:
    """What one side of one arm takes; seconds and bytes are of the worlds that are not in the store."""

    arm: str
    side: str
    worlds: int
    worlds_stored: int
    trainings: int
    trainings_stored: int
    rows: int
    seconds_per_world: float
    seconds: float
    bytes: int


@dataclass(frozen=True)
class Cost:
    """What an audit of a given number of worlds takes.

    Attributes
    ----------
    sides
        By arm and side.
    jobs
        Worker processes it is meant for.
    seconds_start, seconds_worlds, seconds_attacks, seconds_influence
        Until workers are running; of training and querying; of attacks and figures; of the trainings below.
    memory_per_worker, memory_parent
        Bytes; None where the system does not tell.
    bytes_store, bytes_run_folder
        What is added to the store, and tables and scores in the run folder.
    trainings_influence
        At most so many models the attacker trains to compute influences, one for each record; 0 where one is enough.
    """

    sides: tuple[SideCost, ...]
    jobs: int
    seconds_start: float
    seconds_worlds: float
    seconds_attacks: float
    memory_per_worker: int | None
    memory_parent: int | None
    bytes_store: int
    bytes_run_folder: int
    trainings_influence: int = 0
    seconds_influence: float = 0.0

    @property
    def trainings(self) -> int:
        """How many models there will be, counting every update as one."""
        return sum(side.trainings for side in self.sides) + self.trainings_influence

    @property
    def trainings_stored(self) -> int:
        """How many of them are in the store."""
        return sum(side.trainings_stored for side in self.sides)

    @property
    def seconds(self) -> float:
        """All of the time."""
        return self.seconds_start + self.seconds_worlds + self.seconds_attacks + self.seconds_influence

    @property
    def bytes(self) -> int:
        """All that is written."""
        return self.bytes_store + self.bytes_run_folder


@dataclass(frozen=True)
class Forecast:
    """What an audit would take.

    Attributes
    ----------
    cost
        Of the audit; of its first look, where it adds worlds until an interval is narrow.
    at_most
        Of as many worlds as it may add; None where the number of worlds is fixed.
    assumptions
        What the estimates rest on, in sentences.
    notes
        What was adjusted in the sizes asked for.
    shows
        What so many rows can show, in sentences.
    regime, regime_note
        What the target side will really run, and what is to be known of it.
    """

    cost: Cost
    at_most: Cost | None
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]
    shows: tuple[str, ...]
    regime: str
    regime_note: str | None
