"""Runs an experiment: plan, audits, table, and what became of each claim."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.run import run_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.findings.attack_plan import AttackPlan, available_in_worlds
from unlearn_audit.findings.result import Result
from unlearn_audit.findings.schema import Findings
from unlearn_audit.reproduce.claims import Decision, Measured
from unlearn_audit.reproduce.experiments import Experiment
from unlearn_audit.reproduce.grid import Scale
from unlearn_audit.unlearning import train
from unlearn_audit.worlds.plan import n_trainings

SECONDS_PER_ATTACK = {"logistic-regression": 0.1, "decision-tree": 0.05, "random-forest": 3.0, "mlp": 0.7}
"""Rough cost of one attack of each attack model, cross-validation included, on one core."""

USUAL_SECONDS = 1.0
"""The same of an attack model that is not listed."""


@dataclass(frozen=True)
class ExperimentCost:
    """What an experiment will cost.

    Attributes
    ----------
    cells
        How many audits.
    trainings
        How many models.
    seconds
        A rough estimate, from one timed training of each kind.
    """

    cells: int
    trainings: int
    seconds: float


@dataclass(frozen=True)
class Reproduction:
    """An experiment and what it gave.

    Attributes
    ----------
    experiment, scale
        What was run.
    cells
        Every audit.
    decisions
        What became of each claim.
    """

    experiment: Experiment
    scale: Scale
    cells: tuple[Measured, ...]
    decisions: tuple[Decision, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row a cell, game, view and defence: the attack chosen on shadow worlds, alongside the classical one."""
        rows = [row for measured in self.cells for row in _rows(measured, self.experiment.by_feature)]
        return pd.DataFrame(rows)


def estimate_cost(experiment: Experiment, scale: Scale, jobs: int) -> ExperimentCost:
    """Count an experiment's trainings and estimate its time from one timed training of each kind."""
    grid = experiment.grid(scale)
    seconds, trainings = 0.0, 0
    timed: dict[Any, float] = {}
    for cell in grid:
        worlds, config = cell.config.worlds, cell.config
        count = n_trainings(worlds.shadow + worlds.target, worlds, config.scenario)
        kind = (config.target, worlds.train_size)
        if kind not in timed:
            timed[kind] = _time_one(config, worlds.train_size)
        trainings += count
        attacks = sum(SECONDS_PER_ATTACK.get(m, USUAL_SECONDS) for m in config.attack_models)
        attacks /= len(config.attack_models)
        seconds += (
            count * timed[kind] + AttackPlan.of(config, available_in_worlds(config, [worlds])).n_fits([]) * attacks
        )
    return ExperimentCost(len(grid), trainings, seconds / jobs)


def reproduce(experiment: Experiment, scale: Scale, execution: Execution, say: Callable[[str], None]) -> Reproduction:
    """Run every cell of an experiment and decide its claims.

    Parameters
    ----------
    experiment, scale
        What to run.
    execution
        Worker processes, store and progress. Cells share the store, so nothing is trained twice.
    say
        Called with a line before each cell.
    """
    measured = []
    grid = experiment.grid(scale)
    for number, cell in enumerate(grid, start=1):
        say(f"{number} of {len(grid)}: {cell.name}")
        started = time.perf_counter()
        findings = run_audit(AuditTask.load(cell.config), execution).findings
        measured.append(Measured(cell, findings, time.perf_counter() - started))
    return Reproduction(experiment, scale, tuple(measured), tuple(experiment.decide(measured)))


def _time_one(config: Any, train_size: int) -> float:
    """Train one model as a pilot and return its seconds."""
    task = AuditTask.load(config)
    records, source = task.records["target"], task.models["target"]
    pool = records.split.target.train
    started = time.perf_counter()
    train(source, records.data, pool[: min(train_size, len(pool) // 2)], seed=0)
    return time.perf_counter() - started


def _rows(measured: Measured, by_feature: bool) -> list[dict[str, Any]]:
    """Return the table's rows of one cell: of the attack chosen on shadow worlds, or of the best of each feature."""
    findings = measured.findings
    games = dict.fromkeys(r.game for r in findings.results)
    views = dict.fromkeys(r.view for r in findings.results if r.sees_versions)
    features = dict.fromkeys(r.attack for r in findings.results if r.sees_versions)
    shown = [(None, (name,)) for name in features] if by_feature else [(view, None) for view in views]
    released = {r.defense: r for r in findings.released}
    rows = []
    for game in games:
        for defense, adaptive in dict.fromkeys((r.defense, r.adaptive) for r in findings.results):
            for view, names in shown:
                result = measured.best(names, game=game, view=view, defense=defense, adaptive=adaptive)
                classical = next(r for r in findings.results if r.is_baseline_of(result))
                rows.append({**measured.cell.labels, **_figures(result, classical, findings)})
                cost = released.get(defense)
                if cost is not None and len(released) > 1:
                    rows[-1] |= {
                        "accuracy of the posteriors": round(cost.accuracy, 4),
                        "Brier score": round(cost.brier, 4),
                        "calibration error": round(cost.calibration_error, 4),
                    }
                rows[-1] |= {
                    "trainings": sum(side["trainings"] for side in findings.details.values()),
                    "seconds": round(measured.seconds, 1),
                }
    return rows


def _figures(result: Result, classical: Result, findings: Findings) -> dict[str, Any]:
    def ends(pair: tuple[float, float] | None) -> tuple[float | None, float | None]:
        return (None, None) if pair is None else (round(pair[0], 4), round(pair[1], 4))

    low, high = ends(result.auc_ci)
    gain_low, gain_high = ends(result.auc_minus_classical_ci)
    classical_low, classical_high = ends(classical.auc_ci)
    return {
        "game": result.game,
        "view": result.view,
        "defence": result.defense,
        "adaptive": result.adaptive,
        "attack": f"{result.attack}/{result.attack_model}",
        "AUC": round(result.auc, 4),
        "AUC low": low,
        "AUC high": high,
        "classical AUC": round(classical.auc, 4),
        "classical low": classical_low,
        "classical high": classical_high,
        "AUC minus classical": _rounded(result.auc_minus_classical),
        "minus low": gain_low,
        "minus high": gain_high,
        "DegCount": _rounded(result.deg_count),
        "DegRate": _rounded(result.deg_rate),
        "bits": _rounded(result.bits),
        "TPR at 1% FPR": _rounded(result.tpr_at_fpr.get("0.01")),
        "overfitting": _rounded(findings.overfitting["target"].mean if findings.overfitting else None),
        "regime": findings.regime,
        "train size": findings.details["target"]["train_size"],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
