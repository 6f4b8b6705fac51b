"""A realistic audit: 7 features x 4 attack models on 12 worlds, with scores that have ties where such attacks do."""

import math
import zlib

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, stdtrit
from scipy.stats import rankdata

from unlearn_audit.findings.notes import Note
from unlearn_audit.findings.result import Result, Selected
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import Spread
from unlearn_audit.report.verdict import verdict

STRENGTH = {
    "direct-diff": 1.25,
    "sorted-diff": 1.45,
    "direct-concat": 0.35,
    "sorted-concat": 0.5,
    "euclidean-distance": 1.2,
    "classical": 0.0,
    "classical-sorted": 0.12,
}
STEPS = {"logistic-regression": None, "decision-tree": 12, "random-forest": 100, "mlp": None}
RATES = ("0.01", "0.001")
WORLDS, REQUESTS, UNSEEN = 12, 40, 20
SENTINELS = {"world": 770_110_000_001, "request": 880_220_000_001, "record": 990_330_000_001}


def make_result(**changes):
    """One plain result of a pair attack; tests change what they are about."""
    values = {
        "attack": "sorted-diff",
        "attack_model": "random-forest",
        "game": "deleted-vs-unseen",
        "view": "pair",
        "rows": "all",
        "n_positive": 480,
        "n_negative": 9600,
        "n_worlds": 12,
        "interval_unit": "world",
        "shadow_auc": 0.8,
        "auc": 0.8,
        "auc_ci": (0.76, 0.835),
        "auc_claim_ci": (0.755, 0.839),
        "auc_hint_ci": (0.767, 0.83),
        "auc_simultaneous_ci": (0.74, 0.849),
        "auc_error": 0.017,
        "auc_freedom": 11.0,
        "silent_without_change": True,
        "tpr_at_fpr": {"0.01": 0.2, "0.001": None},
        "tpr_at_fpr_ci": {"0.01": (0.15, 0.25), "0.001": None},
        "realised_fpr": {"0.01": 0.0099, "0.001": None},
        "accuracy": 0.73,
        "accuracy_ci": (0.7, 0.76),
        "baseline": "classical-sorted",
        "strongest_classical": "classical-sorted/random-forest",
        "auc_minus_classical": 0.28,
        "auc_minus_classical_ci": (0.24, 0.32),
    }
    return Result(**(values | changes))


def make_selected(result):
    return Selected(
        attack=result.attack,
        attack_model=result.attack_model,
        game=result.game,
        view=result.view,
        shadow_auc=result.shadow_auc or 0.5,
        defense=result.defense,
    )


def make_scores():
    """Scores of a target side; ids are sentinels that no page may show."""
    rng = np.random.default_rng(7)
    roles = ["deleted"] + ["unseen"] * UNSEEN + ["retained"] * 3
    rows = WORLDS * REQUESTS * len(roles)
    world = np.repeat(np.arange(WORLDS), REQUESTS * len(roles))
    scores = pd.DataFrame(
        {
            "game": "deleted-vs-unseen",
            "defense": "none",
            "adaptive": True,
            "world": SENTINELS["world"] + world,
            "request": SENTINELS["request"] + np.tile(np.repeat(np.arange(REQUESTS), len(roles)), WORLDS),
            "record": SENTINELS["record"] + np.arange(rows),
            "query": 0,
            "role": np.tile(roles, WORLDS * REQUESTS),
            "paper": np.tile([True, True] + [False] * (len(roles) - 2), WORLDS * REQUESTS),
        }
    )
    deleted = (scores["role"] == "deleted").to_numpy()
    shared = rng.normal(size=rows) + rng.normal(scale=0.12, size=WORLDS)[world] * deleted
    for attack, strength in STRENGTH.items():
        for model, steps in STEPS.items():
            noise = np.random.default_rng(zlib.crc32(f"{attack}/{model}".encode())).normal(size=rows)
            score = expit(strength * deleted * (1 + 0.3 * (noise > 1)) + 0.8 * shared + 0.6 * noise - 0.5)
            scores[f"{attack}/{model}"] = score if steps is None else np.round(score * steps) / steps
    return scores


def area(score, positive):
    """AUC with ties as one half."""
    n = positive.sum()
    return (rankdata(score)[positive].sum() - n * (n + 1) / 2) / (n * (~positive).sum())


def estimate(values, whole, *, logit=False, confidence=0.95):
    """A value of all worlds and an interval from its spread between worlds."""
    error = spread_of(values) * stdtrit(len(values) - 1, (1 + confidence) / 2)
    if logit:
        middle, error = math.log(whole / (1 - whole)), error / (whole * (1 - whole))
        return float(whole), (float(expit(middle - error)), float(expit(middle + error)))
    return float(whole), (float(whole - error), float(whole + error))


def spread_of(values):
    """Standard error of a mean over worlds."""
    return np.std(values, ddof=1) / math.sqrt(len(values))


def rate_at(score, positive, most):
    """Highest true-positive rate with a false-positive rate of at most ``most``, and that rate."""
    for threshold in np.unique(score):
        accused = (score[~positive] >= threshold).mean()
        if accused <= most:
            return float((score[positive] >= threshold).mean()), float(accused)
    return 0.0, 0.0


def measure(scores, attack, model, rows):
    table = scores[scores["role"] != "retained"]
    table = table[table["paper"]] if rows == "paper" else table
    positive = (table["role"] == "deleted").to_numpy()
    score, base = table[f"{attack}/{model}"].to_numpy(), table[f"classical-sorted/{model}"].to_numpy()
    groups = list(table.groupby("world").indices.values())
    auc = [area(score[g], positive[g]) for g in groups]
    difference = [a - area(base[g], positive[g]) for a, g in zip(auc, groups, strict=True)]
    middle = np.median(score)
    right = (((score > middle) & positive) / positive.sum() + ((score <= middle) & ~positive) / (~positive).sum()) / 2
    values = {"attack": attack, "attack_model": model, "game": "deleted-vs-unseen", "rows": rows}
    values["view"] = "original" if attack.startswith("classical") else "pair"
    values |= {"n_positive": int(positive.sum()), "n_negative": int((~positive).sum()), "n_worlds": WORLDS}
    values["interval_unit"] = "world"
    values["auc"], values["auc_ci"] = estimate(auc, area(score, positive), logit=True)
    for name, confidence in {"auc_claim_ci": 0.97, "auc_hint_ci": 0.9, "auc_simultaneous_ci": 0.995}.items():
        values[name] = estimate(auc, values["auc"], logit=True, confidence=confidence)[1]
    values |= {"auc_error": float(spread_of(auc)), "auc_freedom": WORLDS - 1}
    values["silent_without_change"] = "diff" in attack or "distance" in attack
    values["shadow_auc"] = values["auc"] + 0.004
    values["accuracy"], values["accuracy_ci"] = estimate([right[g].sum() * WORLDS for g in groups], right.sum())
    for name in ("tpr_at_fpr", "tpr_at_fpr_ci", "realised_fpr"):
        values[name] = dict.fromkeys(RATES)
    for rate in RATES:
        if values["n_negative"] * float(rate) >= 10:
            found, values["realised_fpr"][rate] = rate_at(score, positive, float(rate))
            values["tpr_at_fpr"][rate], values["tpr_at_fpr_ci"][rate] = found, (0.8 * found, 1.2 * found)
    if values["view"] == "pair":
        gain, ends = estimate(difference, values["auc"] - area(base, positive))
        values |= {"baseline": "classical-sorted", "strongest_classical": f"classical-sorted/{model}"}
        values |= {"auc_minus_classical": gain, "auc_minus_classical_ci": ends}
        change = np.where(positive, score - base, base - score)
        for name, value in {
            "deg_count": (change > 0).mean(),
            "deg_rate": change.mean(),
            "deg_count_ties_half": (change > 0).mean() + (change == 0).mean() / 2,
            "deg_count_calibrated": 0.5 + gain / 2,
            "deg_rate_calibrated": gain / 3,
            "bits": gain / 2,
        }.items():
            values |= {name: float(value), f"{name}_ci": (float(value) - 0.02, float(value) + 0.02)}
    return Result(**values)


@pytest.fixture(scope="session")
def scores():
    return make_scores()


@pytest.fixture(scope="session")
def findings(scores):
    return make_findings(scores)


def make_findings(scores):
    results = tuple(
        measure(scores, attack, model, rows) for rows in ("all", "paper") for attack in STRENGTH for model in STEPS
    )
    selected = make_selected(max((r for r in results if r.rows == "all"), key=lambda r: r.shadow_auc))
    words = verdict(results, selected, "fixed", moved=0.9)
    return Findings(
        config={
            "target": {"data": {"file": "/home/ada/private/census.csv", "label": "income"}, "model": "decision-tree"},
            "unlearning": "retrain",
            "regime": "fixed",
            "worlds": {"shadow": 12, "target": 12, "train_size": 2000, "deletions": 40, "unseen": 20},
            "attack_models": list(STEPS),
            "deleted_ids": [SENTINELS["record"], SENTINELS["record"] + 1],
            "seed": 20240101,
        },
        dataset="adult",
        model="decision-tree",
        regime="fixed",
        details={"records": 48790, "features": 14, "classes": 2, "world_sizes": {str(SENTINELS["world"]): 2000}},
        selected=selected,
        overfitting={
            "shadow": Spread(minimum=0.004, mean=0.0112, maximum=0.021, n=12),
            "target": Spread(minimum=-0.001, mean=0.0098, maximum=0.019, n=12),
        },
        verdict=words,
        moved=0.9,
        notes=(
            Note(text="52 exact duplicates were dropped from adult before the split."),
            Note(level="warning", text="Shadow side: 3 trainings learned nothing."),
            Note(text="Unseen records were drawn to match the classes of the deleted ones."),
        ),
        results=results,
        execution={
            "jobs": 2,
            "folder": "/home/ada/runs/first",
            "seconds": 184.2,
            "versions": {"unlearn-audit": "0.1.0", "numpy": "2.3.1", "scikit-learn": "1.7.2"},
        },
    )


@pytest.fixture(scope="session")
def result_of():
    return make_result


@pytest.fixture(scope="session")
def selected_of():
    return make_selected


@pytest.fixture
def sentinels():
    return SENTINELS
