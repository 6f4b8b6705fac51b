"""Cases that time whole audits and their attack stage against `plain_audit`, and an audit that is run again."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from measure import Case, Sides
from plain_audit import PlainAudit, Table, attack, plain_audit
from plain_worlds import plain_worlds
from unlearn_audit import AuditConfig, AuditResult, Execution, run
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.findings.assess import Assessment, assess
from unlearn_audit.findings.attack_plan import AttackPlan, available_in_tables
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.observations import Observations
from unlearn_audit.utils.threads import one_thread
from worlds import fit_own, target_task

SMALL: dict[str, Any] = {
    "worlds": {"shadow": 5, "target": 3, "train_size": 200, "deletions": 4, "unseen": 4, "references": 5},
    "attack_models": ["logistic-regression", "decision-tree"],
}

NEAR = 0.02
"""By how much figures may differ where the posteriors do so in the sixth digit, and trees cut between them."""


def configured(small: bool, **settings: Any) -> AuditConfig:
    """Return the default audit of logistic regression on Adult with the paper's attacks, or a small one."""
    target = {"data": "digits" if small else "adult", "model": "logistic-regression"}
    return AuditConfig.model_validate({"target": target, "attacks": [], **(SMALL if small else {}), **settings})


def figures_agree(results: Any, plain: PlainAudit, tolerance: float) -> None:
    """Raise unless every attack has the same AUC, accuracy and intervals in both."""
    for result in results:
        theirs = plain.figures[result.attack, result.attack_model, result.rows]
        for name in ("auc", "accuracy", "auc_ci", "shadow_auc"):
            if not np.allclose(theirs[name], getattr(result, name), rtol=0, atol=tolerance):
                raise AssertionError(f"{name} of {result.attack}: {theirs[name]} and {getattr(result, name)}")


def workers(small: bool) -> int:
    """Return how many processes work: at a small size nothing is timed, and starting them would take the longest."""
    return 1 if small else 2


def attack_stage(small: bool) -> Sides:
    config, jobs = configured(small), workers(small)
    with tempfile.TemporaryDirectory() as folder:
        tables = run(config, Execution(jobs=jobs, store=Path(folder))).observations

    def plain() -> PlainAudit:
        audit = PlainAudit({side: as_lists(table) for side, table in tables.items()})
        with one_thread():
            attack(audit, config)
        return audit

    def ours() -> Assessment:
        arms = {UNDEFENDED: SideTables(**tables)}
        return assess(arms, AttackPlan.of(config, available_in_tables(config, arms)), jobs)

    return Sides(
        plain, ours, lambda a, b: figures_agree(b.results, a, 1e-6), note="28 attacks, logistic regression on Adult"
    )


def as_lists(table: Observations) -> Table:
    """Return a table as the plain way holds it."""
    return Table(
        worlds=table.worlds.tolist(),
        records=table.rows["record"].tolist(),
        roles=[str(role) for role in table.roles],
        paper=table.paper.tolist(),
        posteriors=list(table.posteriors),
    )


def whole_audit(small: bool) -> Sides:
    config = configured(small)

    def ours() -> AuditResult:
        with tempfile.TemporaryDirectory() as folder:
            return run(config, Execution(jobs=2, store=Path(folder)))

    def agree(plain: PlainAudit, found: AuditResult) -> None:
        for side, table in found.observations.items():
            apart = float(np.abs(np.array(plain.tables[side].posteriors) - table.posteriors).max())
            if apart > 1e-5:
                raise AssertionError(f"posteriors of the {side} side differ by {apart:.2e}")
        figures_agree([r for r in found.findings.results if r.attack_model == "logistic-regression"], plain, NEAR)

    note = "from records to findings: 420 models, 28 attacks; the plain way queries one record at a time"
    return Sides(lambda: plain_audit(config), ours, agree, note=note)


def second_run(small: bool) -> Sides:
    """Time an audit of a random forest with one more attack, its worlds in the store, against doing all again."""
    settings = {"attack_models": ["logistic-regression"]}
    if not small:
        settings |= {"target": {"data": "adult", "model": "random-forest"}}
    config = configured(small, **settings)
    more = config.model_copy(update={"attacks": ("margin-difference",)})
    task = target_task(str(config.target.data.name), config.target.model, 1, 2, sizes={
        "train_size": config.worlds.train_size})  # fmt: skip
    keeper = tempfile.TemporaryDirectory()
    jobs = workers(small)
    first = run(config, Execution(jobs=jobs, store=Path(keeper.name)))
    trainings = sum(config.worlds.model_dump()[side] for side in ("shadow", "target")) * (1 + config.worlds.deletions)

    def plain() -> int:
        plain_worlds(task, fit_own(task))
        return trainings

    def ours() -> AuditResult:
        found = run(more, Execution(jobs=jobs, store=Path(keeper.name)))
        assert keeper.name
        return found

    def agree(_: int, found: AuditResult) -> None:
        worlds = config.worlds.shadow + config.worlds.target
        if found.findings.execution["worlds_reused"] != worlds:
            raise AssertionError("the second run trained worlds again")
        before = {(r.attack, r.attack_model, r.rows): r.auc for r in first.findings.results}
        after = {(r.attack, r.attack_model, r.rows): r.auc for r in found.findings.results}
        if not before.items() <= after.items() or len(after) == len(before):
            raise AssertionError("the second run is not the first one with one more attack")

    return Sides(
        plain,
        ours,
        agree,
        trainings / 3,
        f"random forest on Adult, {trainings} models; the plain way trains and asks 3 and its time is multiplied",
    )


def until(small: bool = False) -> dict[str, Any]:
    """Run the audit of logistic regression on Adult that stops at ± 0.03; return what it took."""
    config = configured(small, until="auc ± 0.03")
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        found = run(config, Execution(jobs=2, store=Path(folder))).findings
    assert found.stopping is not None
    worlds = config.worlds.shadow + found.stopping.worlds
    return {
        "models": worlds * (1 + config.worlds.deletions),
        "models_of_the_paper": 2 * 20 * 101,
        "target_worlds": found.stopping.worlds,
        "half_width": found.stopping.looks[-1].half_width,
        "auc": found.leading().auc,
        "auc_ci": found.leading().auc_ci,
        "seconds": round(time.perf_counter() - began, 1),
    }


CASES = (
    Case("attack-stage", "attack stage, 5 × 4 + 2 × 4 attacks with all intervals, 2 cores", 1.8, attack_stage),
    Case("whole-audit", "whole Adult audit with logistic regression, 2 cores", 3, whole_audit),
    Case("second-run", "second run with one more attack", 20, second_run),
)
