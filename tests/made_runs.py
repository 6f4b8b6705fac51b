"""Run folders that no audit made: two attacks on some worlds, as small as a test takes."""

import json

import numpy as np
import pandas as pd

from made_findings import make_result, make_selected
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.findings.schema import Findings
from unlearn_audit.metrics import auc_variation
from unlearn_audit.report.verdict import verdict

ATTACKS = ("score-ratio", "margin-difference")


def make_rows(seed=0, worlds=12, deleted=8, unseen=16, strength=1.0, noise=0, first=0):
    """Rows of a game; `noise` draws what the models add, and all else depends on the seed alone."""
    shared, own = np.random.default_rng(seed), np.random.default_rng([seed, noise])
    n = deleted + unseen
    roles = np.tile(["deleted"] * deleted + ["unseen"] * unseen, worlds)
    record = np.concatenate([shared.permutation(40 * n)[:n] for _ in range(worlds)])
    frame = pd.DataFrame(
        {
            "world": first + np.repeat(np.arange(worlds), n),
            "request": np.tile(np.arange(n), worlds),
            "record": record,
            "query": 0,
            "role": roles,
            "paper": True,
            "game": "deleted-vs-unseen",
            "defense": "none",
            "adaptive": True,
        }
    )
    hard = shared.normal(size=40 * n)[record] + shared.normal(scale=0.3, size=worlds)[np.repeat(np.arange(worlds), n)]
    for attack in ATTACKS:
        frame[attack] = strength * (roles == "deleted") + hard + 0.5 * own.normal(size=len(frame))
    return frame


def make_run(folder, rows=None, *, config=None, identity=None, game="deleted-vs-unseen", attacks=ATTACKS, **changes):
    """Write a run folder, and return it."""
    rows = make_rows() if rows is None else rows
    rows = rows.assign(game=game).drop(columns=[name for name in ATTACKS if name not in attacks])
    positive = (rows["role"] == "deleted").to_numpy()
    areas = {name: auc_variation(rows[name].to_numpy(), positive, rows["world"].to_numpy()) for name in attacks}
    results = tuple(
        make_result(
            attack=name,
            attack_model=None,
            game=game,
            n_positive=int(positive.sum()),
            n_negative=int((~positive).sum()),
            n_worlds=rows["world"].nunique(),
            shadow_auc=0.8 - 0.1 * place,
            auc=of.value,
            auc_ci=of.interval().interval,
            auc_claim_ci=of.interval(0.97).interval,
            tpr_at_fpr={"0.01": None},
            tpr_at_fpr_ci={"0.01": None},
            realised_fpr={"0.01": None},
        )
        for place, (name, of) in enumerate(areas.items())
    )
    selected = make_selected(results[0])
    usual = {
        "target": {"model": "decision-tree"},
        "unlearning": {"method": "retrain"},
        "seed": 0,
        "worlds": {"target": 12},
    }
    values = {
        "config": {**usual, **(config or {})},
        "dataset": "adult",
        "model": "decision-tree",
        "regime": "fixed",
        "selected": selected,
        "overfitting": None,
        "verdict": verdict(results, selected, "fixed", moved=0.9),
        "moved": 0.9,
        "results": results,
    }
    found = Findings(**(values | changes))
    of = {"config": found.config, "data": {"target": "d" * 64}, **(identity or {})}
    with run_folder(folder, of, lambda _: None):
        write_plain(folder, found, rows)
    return folder


def write_plain(folder, found, rows):
    """Write what a run leaves, without the time that a real report takes."""
    from unlearn_audit.utils.files import atomic_path, write_atomic

    write_atomic(folder / "findings.json", found.to_json())
    write_atomic(folder / "config.json", json.dumps(found.config))
    write_atomic(folder / "report.html", "<!doctype html><title>report</title>")
    with atomic_path(folder / "scores.parquet") as temporary:
        rows.to_parquet(temporary)
