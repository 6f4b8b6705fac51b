"""From two tables of observations to findings: attacks, their scores, and every figure with its interval.

This is all that happens right of the table, for observations of our own making and for files alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.attacks import CLASSICAL, GAMES, Game, learned_attacks
from unlearn_audit.attacks.base import label
from unlearn_audit.attacks.stage import AttackScores, run_attacks
from unlearn_audit.config import AuditConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import evaluate
from unlearn_audit.observations import Observations
from unlearn_audit.report.findings import Result, Selected

_IDENTITY = ["world", "request", "record", "query", "role", "paper"]

Rows = Literal["paper", "all"]


@dataclass(frozen=True)
class Assessment:
    """What the attacks found.

    Attributes
    ----------
    results
        Every figure: game by game, attack by attack, on the paper's rows and on all.
    selected
        The attack to lead with, chosen by cross-validation over shadow worlds in the first game.
    scores
        One row a target record and game, one column an attack.
    """

    results: tuple[Result, ...]
    selected: Selected
    scores: pd.DataFrame


def n_attacks(config: AuditConfig) -> int:
    """Return how many attacks an audit runs, over all its games."""
    return len(config.games) * len(learned_attacks(config.features, config.attack_models))


def assess(
    shadow: Observations, target: Observations, config: AuditConfig, jobs: int, progress: Callable[[], None]
) -> Assessment:
    """Run the configured attacks and measure them.

    Parameters
    ----------
    shadow, target
        The attacker's table and the table under attack.
    config
        Games, features, attack models and seed are read from it.
    jobs
        Worker processes; results do not depend on it.
    progress
        Called when an attack is done.

    Raises
    ------
    AuditError
        If the tables do not fit together, or lack a role that a game needs.
    """
    check_agreement(shadow, target)
    attacks = learned_attacks(config.features, config.attack_models)
    results: list[Result] = []
    selected: list[Selected] = []
    scores = []
    for name in config.games:
        game = GAMES[name]
        outcomes = run_attacks(attacks, game, shadow, target, config.seed, jobs, progress)
        of_game = target.select(game.rows(target, "the target side"))
        results += _measure(game, outcomes, of_game)
        selected.append(_select(game, outcomes))
        columns = {label(o.attack): o.scores for o in outcomes}
        identity = of_game.rows[_IDENTITY]
        scores.append(pd.concat([identity, pd.DataFrame(columns)], axis=1).assign(game=name))
    return Assessment(tuple(results), selected[0], pd.concat(scores, ignore_index=True))


def check_agreement(shadow: Observations, target: Observations) -> None:
    """Raise unless an attack fitted on one table can read the other."""
    if shadow.classes != target.classes and len(shadow.classes) == len(target.classes):
        if set(shadow.classes) == set(target.classes):
            raise AuditError(
                f"shadow and target list their classes in different orders ({_few(shadow.classes)}; "
                f"{_few(target.classes)}); write both in the same order"
            )
        raise AuditError(
            f"shadow and target have different classes ({_few(shadow.classes)}; {_few(target.classes)}); "
            "an attack learned on one cannot read the other"
        )
    if len(shadow.classes) != len(target.classes):
        raise AuditError(
            f"shadow has {len(shadow.classes)} classes and target {len(target.classes)}; "
            "an attack learned on one cannot read the other"
        )
    if shadow.n_versions != target.n_versions:
        raise AuditError(
            f"shadow has {shadow.n_versions} versions of the model and target {target.n_versions}; both need the same"
        )


def _measure(game: Game, outcomes: Sequence[AttackScores], target: Observations) -> list[Result]:
    """Return the figures of every attack of one game, each beside its classical baseline."""
    positive = target.roles == game.positive
    paper = target.paper
    kinds: dict[Rows, npt.NDArray[np.bool_]] = {"all": np.ones(len(target), dtype=bool)}
    if not paper.all():
        kinds = {"paper": paper, **kinds}
    results = []
    for outcome in outcomes:
        base = None if outcome.attack.name in CLASSICAL else _baseline(outcomes, outcome.attack.attack_model)
        for kind, rows in kinds.items():
            compared: dict[str, Any] = {}
            if base is not None:
                compared = {
                    "baseline_scores": base.scores[rows],
                    "baseline_calibrated": base.calibrated[rows],
                }
            figures = evaluate(
                outcome.scores[rows],
                positive[rows],
                target.worlds[rows],
                calibrated=outcome.calibrated[rows],
                **compared,
            )
            results.append(
                Result(
                    attack=outcome.attack.name,
                    attack_model=outcome.attack.attack_model,
                    game=game.name,
                    view=outcome.attack.view,
                    rows=kind,
                    shadow_auc=outcome.shadow_auc,
                    baseline=None if base is None else base.attack.name,
                    **figures,
                )
            )
    return results


def _baseline(outcomes: Sequence[AttackScores], attack_model: str | None) -> AttackScores:
    """Return the classical attack of the same attack model that did better on shadow worlds."""
    classical = [o for o in outcomes if o.attack.name in CLASSICAL and o.attack.attack_model == attack_model]
    return max(classical, key=lambda o: o.shadow_auc)


def _select(game: Game, outcomes: Sequence[AttackScores]) -> Selected:
    """Return the two-model attack that did best on shadow worlds; the first of equals."""
    best = max((o for o in outcomes if o.attack.view == "pair"), key=lambda o: o.shadow_auc)
    return Selected(
        attack=best.attack.name,
        attack_model=best.attack.attack_model,
        game=game.name,
        view=best.attack.view,
        shadow_auc=best.shadow_auc,
    )


def _few(names: tuple[str, ...], most: int = 6) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
