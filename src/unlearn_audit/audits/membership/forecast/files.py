"""What an audit of two tables would take, before it is run: rows, attacks, time, and which attack is slowest."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unlearn_audit.attacks import GAMES, Attack, Game
from unlearn_audit.attacks.base import label
from unlearn_audit.attacks.sample import sample_by_world
from unlearn_audit.audits.membership.forecast.cost import FITS
from unlearn_audit.audits.membership.forecast.pilot import Clock, kind_of_attack, time_attacks
from unlearn_audit.findings.attack_plan import AttackPlan
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import LabelledView, attacker_view
from unlearn_audit.utils.progress import duration
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.utils.typing import Mask

_SCORED = 2000
"""Rows on which scoring is timed."""


@dataclass(frozen=True)
class FilesForecast:
    """What an audit of two tables would take.

    Attributes
    ----------
    shadow_rows, target_rows
        In the tables.
    fit_rows
        On how many rows attack models are fitted at most; None for all.
    attacks
        How many attacks are fitted or scored, over all games and defences.
    seconds
        About how long attacks and their figures take.
    slowest, slowest_seconds
        The attack that takes longest, and how long.
    untimed
        Attacks that could not be timed on a few rows.
    jobs
        Worker processes.
    """

    shadow_rows: int
    target_rows: int
    fit_rows: int | None
    attacks: int
    seconds: float
    slowest: str | None
    slowest_seconds: float
    untimed: tuple[str, ...]
    jobs: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same in words."""
        jobs = "1 job" if self.jobs == 1 else f"{self.jobs} jobs"
        bound = "all" if self.fit_rows is None else f"at most {self.fit_rows:,}"
        lines = [
            f"{self.shadow_rows:,} shadow rows and {self.target_rows:,} target rows, {self.attacks:,} attacks, "
            f"about {duration(self.seconds)} on {jobs}",
            f"attack models are fitted on {bound} of the shadow rows (--fit-rows)",
        ]
        if self.slowest is not None:
            lines.append(f"the slowest attack is {self.slowest}, about {duration(self.slowest_seconds)}")
        if self.untimed:
            lines.append(f"not timed, since a few rows are not enough: {', '.join(self.untimed)}")
        return tuple(lines)


def forecast_files(
    plan: AttackPlan, tables: SideTables, jobs: int = 1, clock: Clock = time.perf_counter
) -> FilesForecast:
    """Time each kind of attack on a part of the tables, and say what all of it takes.

    Parameters
    ----------
    plan
        The attacks.
    tables
        Both sides.
    jobs
        Worker processes.
    clock
        The clock.

    Raises
    ------
    AuditError
        If a role of a game is missing.
    """
    seconds: dict[str, float] = {}
    untimed: dict[str, None] = {}
    for name, attacks in plan.by_game.items():
        timed: dict[str, float | None] = {}
        for attack in attacks.runs:
            kind = f"{kind_of_attack(attack)} {attack.view}"
            if kind not in timed:
                timed[kind] = _seconds(attack, GAMES[name], tables, plan, clock)
            found = timed[kind]
            if found is None:
                untimed[label(attack)] = None
            else:
                seconds[label(attack)] = seconds.get(label(attack), 0.0) + found * (1 + len(plan.defenses))
    shadow, target = tables
    n = plan.n_fits(())
    figures = time_attacks([], {}, len(target), len(target.classes), 0, clock).figures * len(target) * n
    slowest = max(seconds, key=lambda of: seconds[of], default=None)
    return FilesForecast(
        shadow_rows=len(shadow),
        target_rows=len(target),
        fit_rows=plan.config.fit_rows,
        attacks=n,
        seconds=max(sum(seconds.values()) / jobs, max(seconds.values(), default=0.0)) + figures,
        slowest=slowest,
        slowest_seconds=0.0 if slowest is None else seconds[slowest],
        untimed=tuple(untimed),
        jobs=jobs,
    )


def _seconds(attack: Attack, game: Game, tables: SideTables, plan: AttackPlan, clock: Clock) -> float | None:
    """Return how long an attack takes on whole tables; None where it cannot be run on a few rows."""
    shadow, target = tables
    known, asked = game.rows(shadow, "the shadow side"), game.rows(target, "the target side")
    fitted = known & shadow.paper if attack.training_rows == "paper" else known
    most = plan.config.fit_rows if attack.fits_on_a_sample else None
    n_fitted = min(int(fitted.sum()), most or len(shadow))
    part = sample_by_world(fitted, shadow.in_roles(game.positive), shadow, min(n_fitted, most or _SCORED), 0)
    by_record = "records" in attack.needs

    def timed(work: Callable[[], object]) -> float:
        began = clock()
        work()
        return clock() - began

    try:
        with one_thread():
            view = attacker_view(shadow, attack.view, part, with_records=by_record)
            few = _first(target, asked)
            scored = attacker_view(target, attack.view, few, with_records=by_record)
            labelled, ready = LabelledView(view, shadow.in_roles(game.positive)[part]), []
            of_fit = timed(lambda: ready.append(attack.fit(labelled, 0)))
            of_score = timed(lambda: ready[0].score(scored))
    except Exception:  # noqa: BLE001 - an attack may raise anything on rows that are too few
        return None
    rows = int(known.sum()) + int(asked.sum())
    return FITS * of_fit * n_fitted / max(int(part.sum()), 1) + of_score * rows / max(int(few.sum()), 1)


def _first(table: Observations, rows: Mask) -> Mask:
    """Return the first of some rows."""
    chosen = np.zeros(len(table), dtype=bool)
    chosen[np.flatnonzero(rows)[:_SCORED]] = True
    return chosen
