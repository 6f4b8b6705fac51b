"""The audit written the plain way: one process, scikit-learn in loops, one record a query, one attack after another.

It is what a competent person would write on an afternoon, and it computes what `unlearn_audit.run` computes
for a model whose training draws nothing at random (a tree) under retraining. It takes from the package only
what both ways must share to be comparable: the records, the plan of the worlds, the seeds, the definitions of
the models, the folds, and the metrics.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from unlearn_audit.attacks import ATTACK_MODELS, CLASSICAL
from unlearn_audit.attacks.cross_validation import cross_validation_splits
from unlearn_audit.attacks.learned.forest import Forest
from unlearn_audit.config import AuditConfig
from unlearn_audit.metrics import Calibrator, Scored, auc, best_threshold, evaluate
from unlearn_audit.models import resolve_model
from unlearn_audit.observations import Observations
from unlearn_audit.utils.seeds import SIDES, Kind, integer_seed, name_key
from unlearn_audit.worlds import WorldPlan, plan_worlds
from unlearn_audit.worlds.prepare import Records, prepare

GAME = "deleted-vs-unseen"


@dataclass
class Table:
    """What the models of one side answered, one entry a record queried."""

    worlds: list[int] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    paper: list[bool] = field(default_factory=list)
    posteriors: list[Any] = field(default_factory=list)
    overfitting: list[float] = field(default_factory=list)


@dataclass
class PlainAudit:
    """The tables by side, the figures by (feature, attack model, rows), and the seconds by stage."""

    tables: dict[str, Table] = field(default_factory=dict)
    figures: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what the block takes to the seconds of a stage."""
        started = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started


def plain_audit(config: AuditConfig) -> PlainAudit:
    """Run the whole audit in this process, on one thread."""
    audit = PlainAudit()
    with threadpool_limits(limits=1):
        with audit.timed("data"):
            records = prepare(config.target.data, config.seed)
            split, persons = records.split, records.persons
            plans, _ = plan_worlds(
                split, persons, config.worlds, config.scenario, config.seed, records.data.name, ("shadow", "target")
            )
        for side, plan in plans.items():
            audit.tables[side] = observe(audit, config, records, plan)
        attack(audit, config)
    return audit


def observe(audit: PlainAudit, config: AuditConfig, records: Records, plan: WorldPlan) -> Table:
    """Fit every original and every retrained model, and ask both of each pair about one record at a time."""
    X, y = records.data.X, records.data.y
    source = resolve_model(config.target.model)
    table = Table()
    for index in range(plan.n_worlds):
        world = plan.world(index)
        seed = integer_seed(config.seed, Kind.ORIGINAL, SIDES[plan.side], index)
        with audit.timed("fits"):
            original = source.make(seed).fit(X[world.training], y[world.training])
            held_out = plan.pool.unseen
            train_accuracy = original.score(X[world.training], y[world.training])
            table.overfitting.append(train_accuracy - original.score(X[held_out], y[held_out]))
        for (request,), asked in zip(world.chains, world.queries, strict=True):
            with audit.timed("fits"):
                remaining = world.training[~np.isin(world.training, request.deleted)]
                unlearned = source.make(seed).fit(X[remaining], y[remaining])
            with audit.timed("queries"):
                for position, role, paper in zip(asked.positions, asked.roles, asked.paper, strict=True):
                    record = X[position : position + 1]
                    pair = np.zeros((2, len(records.data.class_names)), dtype=np.float32)
                    pair[0, original.classes_] = original.predict_proba(record)[0]
                    pair[1, unlearned.classes_] = unlearned.predict_proba(record)[0]
                    table.worlds.append(index)
                    table.records.append(records.data.record_ids[position])
                    table.roles.append(role)
                    table.paper.append(paper)
                    table.posteriors.append(pair)
    return table


def attack(audit: PlainAudit, config: AuditConfig) -> None:
    """Cross-validate, fit, score and calibrate every attack, then compute its figures alongside the classical ones."""
    sides = {}
    for side, table in audit.tables.items():
        roles = np.array(table.roles)
        asked = (roles == "deleted") | (roles == "unseen")
        posteriors = np.array(table.posteriors)[asked].astype(np.float64)
        sides[side] = posteriors, roles[asked] == "deleted", np.array(table.worlds)[asked], np.array(table.paper)[asked]
    shadow_posteriors, shadow_positive, shadow_worlds, shadow_paper = sides["shadow"]
    target_posteriors, positive, worlds, paper = sides["target"]
    asked = [role in ("deleted", "unseen") for role in audit.tables["shadow"].roles]
    records = np.array(audit.tables["shadow"].records)[asked]
    columns = {"world": shadow_worlds, "record": records, "role": np.where(shadow_positive, "deleted", "unseen")}
    classes = [str(i) for i in range(shadow_posteriors.shape[2])]
    table = Observations.create(columns, shadow_posteriors, classes)
    splits = cross_validation_splits(table, shadow_positive, shadow_paper)

    scores, calibrated, shadow_auc, thresholds = {}, {}, {}, {}
    with audit.timed("attacks"):
        for name in (*config.features, *CLASSICAL):
            for attack_model in config.attack_models:
                seed = integer_seed(config.seed, Kind.ATTACK, name_key(GAME), name_key(f"{name}/{attack_model}"))
                shadow_X, target_X = feature(name, shadow_posteriors), feature(name, target_posteriors)
                out_of_fold = np.empty(len(shadow_positive))
                aucs = []
                for fitted, held in splits:
                    model = fit_attack(attack_model, seed, shadow_X[fitted], shadow_positive[fitted])
                    out_of_fold[held] = model.predict_proba(shadow_X[held])[:, 1]
                    if 0 < shadow_positive[held].sum() < held.sum():
                        aucs.append(auc(out_of_fold[held], shadow_positive[held]))
                model = fit_attack(attack_model, seed, shadow_X[shadow_paper], shadow_positive[shadow_paper])
                key = name, attack_model
                scores[key] = model.predict_proba(target_X)[:, 1]
                calibrated[key] = Calibrator.fit(out_of_fold, shadow_positive).transform(scores[key])
                shadow_auc[key] = float(np.mean(aucs))
                thresholds[key] = best_threshold(out_of_fold, shadow_positive)

    with audit.timed("figures"):
        for name, attack_model in scores:
            key = name, attack_model
            classical = max(((c, attack_model) for c in CLASSICAL), key=lambda c: shadow_auc[c])
            strongest = max((k for k in shadow_auc if k[0] in CLASSICAL), key=lambda c: shadow_auc[c])
            for kind, rows in (("paper", paper), ("all", np.ones(len(paper), dtype=bool))):
                compares = name not in CLASSICAL
                base = Scored(scores[classical][rows], calibrated=calibrated[classical][rows])
                figures = evaluate(
                    Scored(scores[key][rows], calibrated=calibrated[key][rows]),
                    positive[rows],
                    worlds[rows],
                    baseline=base if compares else None,
                    strongest=scores[strongest][rows] if compares else None,
                    threshold=thresholds[key],
                )
                audit.figures[(name, attack_model, kind)] = {"shadow_auc": shadow_auc[key], **vars(figures)}


def fit_attack(attack_model: str, seed: int, X: np.ndarray, positive: np.ndarray) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = ATTACK_MODELS[attack_model](seed)
        return (model.growth.estimator() if isinstance(model, Forest) else model).fit(X, positive)


def feature(name: str, posteriors: np.ndarray) -> np.ndarray:
    """Return what an attack reads of (n, 2, classes) posteriors."""
    original, unlearned = posteriors[:, 0], posteriors[:, 1]
    if name.startswith("sorted"):
        order = np.argsort(original, axis=1, kind="stable")
        original, unlearned = (np.take_along_axis(p, order, axis=1) for p in (original, unlearned))
    if name.endswith("concat"):
        return np.hstack([original, unlearned])
    if name.endswith("diff"):
        return original - unlearned
    if name == "euclidean-distance":
        return np.linalg.norm(original - unlearned, axis=1, keepdims=True)
    return np.sort(original, axis=1) if name == "classical-sorted" else original
