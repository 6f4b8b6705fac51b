import numpy as np
import pandas as pd
import pytest

from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.intervals import Estimate
from unlearn_audit.reproduce import EXPERIMENTS, SCALES, estimate_cost, reproduce
from unlearn_audit.reproduce.claims import decide, tally
from unlearn_audit.reproduce.output import write_reproduction

OUTCOMES = {"holds", "does not hold", "differs by less than 0.05", "too little data to say"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_runs_at_smoke_scale(name, store, tmp_path):
    done = reproduce(EXPERIMENTS[name], SCALES["smoke"], Execution(store=store), lambda line: None)
    page = write_reproduction(tmp_path, done)
    assert {p.name for p in tmp_path.iterdir()} == {
        "table.csv", "claims.csv", "figure.svg", "figure.png", "summary.md", "report.html",
    }  # fmt: skip
    table, claims = pd.read_csv(tmp_path / "table.csv"), pd.read_csv(tmp_path / "claims.csv")
    assert len(table) >= len(done.cells)
    assert table["AUC"].between(0, 1).all()
    assert (table["AUC low"] <= table["AUC"]).all()
    assert (table["AUC"] <= table["AUC high"]).all()
    assert set(claims["outcome"]) <= OUTCOMES
    assert len(claims) >= 1
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert EXPERIMENTS[name].title in page.read_text()


@pytest.mark.parametrize("scale", SCALES)
def test_every_grid_is_valid_and_its_cells_differ(scale):
    for experiment in EXPERIMENTS.values():
        cells = experiment.grid(SCALES[scale])
        names = [cell.name for cell in cells]
        assert len(set(names)) == len(names)
        assert all(list(cell.labels) == list(cells[0].labels) for cell in cells)


def test_the_papers_scale_is_the_papers():
    cell = EXPERIMENTS["main"].grid(SCALES["paper"])[0]
    worlds = cell.config.worlds
    assert (worlds.shadow, worlds.target, worlds.deletions, worlds.train_size) == (20, 20, 100, 5000)


def test_a_plan_counts_trainings():
    cost = estimate_cost(EXPERIMENTS["multi-version"], SCALES["smoke"], jobs=1)
    assert cost.cells == 4
    assert cost.trainings == 2 * (6 * (1 + 5) + 6 * (1 + 5 * 2))
    assert cost.seconds > 0


@pytest.mark.parametrize(
    ("low", "high", "bounds", "outcome"),
    [
        (0.1, 0.2, {"above": 0.0}, "holds"),
        (-0.2, -0.1, {"above": 0.0}, "does not hold"),
        (-0.1, 0.1, {"above": 0.0}, "too little data to say"),
        (-0.2, -0.1, {"below": 0.0}, "holds"),
        (0.1, 0.2, {"below": 0.0}, "does not hold"),
        (-0.1, 0.1, {"below": 0.0}, "too little data to say"),
        (-0.04, 0.03, {"above": 0.0}, "differs by less than 0.05"),
        (-0.04, 0.03, {"below": 0.0}, "differs by less than 0.05"),
        (0.46, 0.53, {"above": 0.5}, "differs by less than 0.05"),
        (-0.05, 0.03, {"above": 0.0}, "too little data to say"),
        (-0.01, 0.06, {"below": 0.0}, "too little data to say"),
        (0.01, 0.02, {"above": 0.0}, "holds"),
    ],
)
def test_claims_are_decided_by_intervals(low, high, bounds, outcome):
    assert decide("c", "w", Estimate((low + high) / 2, low, high), **bounds).outcome == outcome


def test_a_null_claim_rarely_holds():
    rng = np.random.default_rng(0)
    estimates = rng.normal(0, 1, 2000)
    decisions = [decide("c", "w", Estimate(e, e - 1.96, e + 1.96), above=0.0) for e in estimates]
    assert np.mean([d.outcome == "holds" for d in decisions]) < 0.04
    assert "holds in" in tally(decisions)


def test_an_audit_error_in_a_cell_is_passed_on(monkeypatch):
    experiment = EXPERIMENTS["main"]
    broken = SCALES["smoke"].audit("nowhere", "decision-tree")
    from dataclasses import replace

    from unlearn_audit.reproduce import Cell

    with pytest.raises(AuditError, match="nowhere"):
        reproduce(
            replace(experiment, grid=lambda scale: [Cell({"a": 1}, broken)]),
            SCALES["smoke"],
            Execution(),
            lambda line: None,
        )
