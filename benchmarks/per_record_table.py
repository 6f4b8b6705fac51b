"""Runs the attacks that learn of each record by itself on real data and writes their table into docs/attacks.md.

A cell is a dataset, a model and a regime in per-record worlds: 64 shadow worlds for logistic regression and 24 for what
takes longer to train. Cells that are in per_record_table.json are not run again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attack_table import estimate, kept, kinds, measure, order, parse, with_table
from unlearn_audit import AuditConfig, AuditResult
from unlearn_audit.attacks import CATALOGUE
from unlearn_audit.metrics import challenge_epsilon, forgetting_score
from unlearn_audit.observations import Observations, concatenate
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.probabilities import margin

HERE = Path(__file__).parent
MEASURED = HERE / "per_record_table.json"
PAGE = HERE.parent / "docs" / "attacks.md"
MARKS = ("<!-- per-record: begin -->", "<!-- per-record: end -->")
VERDICTS = ("<!-- verdicts: begin -->", "<!-- verdicts: end -->")

DATASETS = ("adult", "checkins-jakarta", "us-accidents", "digits")

SHADOW = {"logistic-regression": 64}
USUAL_SHADOW = 24

DELETIONS = {"random-forest": 10, "torch-mlp": 10}
"""Fewer than the usual 20 where a training takes long."""

GAMES = ("deleted-vs-unseen", "deleted-vs-retained")

FEWEST_MODELS = 5
"""Models of either kind from which on a record is judged by the NeurIPS 2023 score."""

BESIDE = ("margin-difference", "pair-scale", "pair-scale-fitted", "population-unlearned")
"""Attacks that know nothing of single records, to compare with."""


def main() -> None:
    options = parse(__doc__, DATASETS)
    measured = measure(MEASURED, options, cells(options), entry)
    page = with_table(PAGE.read_text(encoding="utf-8"), table(measured), marks=MARKS)
    write_atomic(PAGE, with_table(page, verdicts(measured), marks=VERDICTS))


def cells(options: argparse.Namespace) -> Iterator[tuple[str, AuditConfig]]:
    """Yield name and configuration of each cell asked for."""
    attacks = [name for name, attack in CATALOGUE.items() if "records" in attack.needs or name in BESIDE]
    for data, model, regime in kinds(options, DATASETS):
        worlds = {"layout": "per-record", "shadow": SHADOW.get(model, USUAL_SHADOW)}
        if model in DELETIONS:
            worlds["deletions"] = DELETIONS[model]
        settings = {
            "target": {"data": data, "model": model},
            "regime": regime,
            "worlds": worlds,
            "attacks": attacks,
            "features": ["sorted-diff"],
            "attack_models": ["random-forest"],
            "games": GAMES,
        }
        yield f"{data}, {model}, {regime}", AuditConfig.model_validate(settings)


def entry(result: AuditResult, config: AuditConfig) -> dict[str, Any]:
    """Return what is kept of one audit: every attack of both games on all rows, and the NeurIPS 2023 scores."""
    results = [of for of in result.findings.results if of.rows == "all"]
    return {
        "regime": result.findings.regime,
        "n": [results[0].n_worlds, results[0].n_positive, results[0].n_negative],
        "worlds": config.worlds.model_dump(mode="json"),
        "results": [kept(of) | {"game": of.game} for of in results],
        "challenge": challenge_scores(result.observations),
    }


def challenge_scores(tables: Mapping[str, Observations]) -> dict[str, float]:
    """Return the NeurIPS 2023 forgetting score over all worlds: models that unlearned a record, and that never saw it.

    Beside it that of the same models before they unlearned it, and that of equal populations: the same values in an
    order drawn by chance.
    """
    whole = concatenate([tables["shadow"], tables["target"]])
    labels, records = whole.rows["label"].to_numpy(), whole.rows["record"].to_numpy()
    phi = margin(whole.posteriors[:, [0, -1]], labels)
    paper = whole.paper
    rng = np.random.default_rng(0)
    epsilons: dict[str, list[float]] = {"deleted": [], "kept": [], "even": []}
    for record in np.unique(records[whole.roles == "deleted"]):
        own = (records == record) & paper
        gone, never = (own & (whole.roles == role) for role in ("deleted", "unseen"))
        if gone.sum() < FEWEST_MODELS or never.sum() < FEWEST_MODELS:
            continue
        drawn = rng.permutation(np.concatenate([phi[gone, 1], phi[never, 1]]))
        epsilons["deleted"].append(challenge_epsilon(phi[gone, 1], phi[never, 1]))
        epsilons["kept"].append(challenge_epsilon(phi[gone, 0], phi[never, 1]))
        epsilons["even"].append(challenge_epsilon(drawn[: gone.sum()], drawn[gone.sum() :]))
    return {name: forgetting_score(np.array(of)) for name, of in epsilons.items()} | {"records": len(epsilons["even"])}


def verdicts(measured: dict[str, Any]) -> list[str]:
    """Return the table of what scores of unlearning say of the same deletions, compared with what both versions say."""
    listed = ("population-unlearned", "u-lira", "ruli")
    lines = [
        "| data, model, regime | "
        + " | ".join(f"`{of}`" for of in listed)
        + " | NeurIPS 2023 score (equal populations; nothing deleted) | best on both versions |",
        "|" + "---|" * (len(listed) + 3),
    ]
    for cell, of in sorted(measured.items(), key=lambda item: order(item[0])):
        known = {name(r): r for r in of["results"] if r["game"] == GAMES[0]}
        best = max((r for r in known.values() if r["view"] == "pair"), key=lambda r: r["shadow_auc"])
        score = of["challenge"]
        row = [f"{known[n]['auc']:.3f}" for n in listed]
        row.append(f"{score['deleted']:.2f} ({score['even']:.2f}; {score['kept']:.2f})")
        row.append(f"{shown(best)}, `{name(best)}`")
        lines.append(f"| {cell} | " + " | ".join(row) + " |")
    return lines


def table(measured: dict[str, Any]) -> list[str]:
    """Return the tables of both games: AUC and TPR at 1 % FPR, a column a cell, a row an attack."""
    lines = []
    for game in GAMES:
        names = list(dict.fromkeys(name(r) for of in measured.values() for r in of["results"] if r["game"] == game))
        lines += [f"Game `{game}`, AUC (interval over worlds and records) / TPR at 1 % FPR:", ""]
        lines += ["| data, model, regime (shadow worlds) | " + " | ".join(f"`{of}`" for of in names) + " |"]
        lines += ["|" + "---|" * (len(names) + 1)]
        for cell, of in sorted(measured.items(), key=lambda item: order(item[0])):
            known = {name(r): r for r in of["results"] if r["game"] == game}
            row = [shown(known[n]) if n in known else "–" for n in names]
            lines.append(f"| {cell} ({of['worlds']['shadow']}) | " + " | ".join(row) + " |")
        lines.append("")
    return lines[:-1]


def name(result: dict[str, Any]) -> str:
    return "/".join(filter(None, (result["attack"], result["attack_model"])))


def shown(result: dict[str, Any]) -> str:
    """Return the AUC with its interval, and the true-positive rate where there are negatives enough to speak of it."""
    rate = "" if result["tpr"] is None else f" / {result['tpr']:.2f}"
    return estimate(result["auc"], result["auc_ci"], ".3f") + rate


if __name__ == "__main__":
    main()
