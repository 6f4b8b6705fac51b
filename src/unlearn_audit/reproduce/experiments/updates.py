"""Other updates than one retraining on one record fewer, and what an update means for those who remain."""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_audit.reproduce.claims import Decision, Measured, auc, decide, difference, each_beats_classical, gain
from unlearn_audit.reproduce.experiments.base import TREE_AND_LOGISTIC, Experiment
from unlearn_audit.reproduce.grid import Cell, Scale


def _sisa(scale: Scale) -> list[Cell]:
    cells = []
    for model in TREE_AND_LOGISTIC:
        cells.append(_sisa_cell(scale, model, "retrain", "retrain"))
        for shards in (2, 10):
            cells.append(_sisa_cell(scale, model, f"SISA {shards}", {"method": "sisa", "shards": shards}))
    return cells


def _sisa_cell(scale: Scale, model: str, label: str, unlearning: str | dict[str, str | int]) -> Cell:
    labels = {"model": model, "unlearning": label}
    # retraining is a cell of its own, with the attack that is best on it
    return Cell(labels, scale.audit(scale.datasets[0], model, unlearning=unlearning, retraining_arm=False))


def _sisa_claims(cells: Sequence[Measured]) -> list[Decision]:
    plain = {m.cell.labels["model"]: m for m in cells if m.cell.labels["unlearning"] == "retrain"}
    decisions = []
    for m in cells:
        if m.cell.labels["unlearning"] != "retrain":
            estimate = difference(m.best(), plain[m.cell.labels["model"]].best())
            decisions.append(decide("SISA gives away less than retraining", m.cell.name, estimate, below=0.0))
            decisions.append(decide("SISA still gives deleted records away", m.cell.name, auc(m.best()), above=0.5))
    return decisions


SISA = Experiment(
    name="sisa",
    title="SISA against retraining",
    claim="SISA gives away less than retraining, but still leaks",
    values="2 models x retraining, 2 and 10 shards",
    grid=_sisa,
    decide=_sisa_claims,
)


def _retained(scale: Scale) -> list[Cell]:
    return [
        Cell({"dataset": data, "model": model}, scale.audit(data, model, scenario="retained"))
        for data in scale.datasets[:2]
        for model in TREE_AND_LOGISTIC
    ]


def _retained_claims(cells: Sequence[Measured]) -> list[Decision]:
    decisions = []
    for m in cells:
        added = gain(m.best(game="retained-vs-unseen"))
        decisions.append(decide("deleting others adds risk for those who remain", m.cell.name, added, above=0.0))
        distinguished = auc(m.best(game="deleted-vs-retained"))
        decisions.append(decide("the deleted differ from the retained", m.cell.name, distinguished, above=0.5))
    return decisions


RETAINED = Experiment(
    name="retained",
    title="Those who remain",
    claim="the deletion of others adds risk for retained records",
    values="2 datasets x 2 models, retained against unseen and deleted against retained",
    grid=_retained,
    decide=_retained_claims,
)


MOST_FIT_ROWS = 20_000
"""Rows of groups on which attacks are fitted: five times as many as of single deletions at the paper's scale."""


def _group(scale: Scale) -> list[Cell]:
    sizes = {"smoke": (1, 3), "small": (1, 2, 5, 10, 50), "paper": (1, 2, 5, 10, 50, 100)}[scale.name]
    cells = []
    for model in TREE_AND_LOGISTIC:
        cells.append(Cell({"model": model, "size": 1}, scale.audit(scale.datasets[0], model)))
        for size in sizes[1:]:
            scenario = {"name": "group", "size": size}
            config = scale.audit(scale.datasets[0], model, scenario=scenario, fit_rows=MOST_FIT_ROWS)
            cells.append(Cell({"model": model, "size": size}, config))
    return cells


def _group_claims(cells: Sequence[Measured]) -> list[Decision]:
    decisions = []
    for model in dict.fromkeys(m.cell.labels["model"] for m in cells):
        single, *groups = [m for m in cells if m.cell.labels["model"] == model]
        for m in groups:
            estimate = difference(m.best(), single.best())
            claim = "a group is given away less than a single record"
            decisions.append(decide(claim, m.cell.name, estimate, below=0.0))
    return decisions


GROUP = Experiment(
    name="group",
    title="Deleting groups",
    claim="the more records are deleted at once, the weaker the attack",
    values="2 models x groups of 1 to 50 (100 at paper scale)",
    grid=_group,
    decide=_group_claims,
)


def _online(scale: Scale) -> list[Cell]:
    sizes = (1, 2) if scale.name == "smoke" else (1, 2, 5, 10)
    cells = []
    for model in TREE_AND_LOGISTIC:
        for size in sizes:
            alone = {"name": "group", "size": size} if size > 1 else "single"
            for update, scenario in (("delete", alone), ("replace", {"name": "online", "size": size})):
                config = scale.audit(scale.datasets[0], model, scenario=scenario)
                cells.append(Cell({"model": model, "size": size, "update": update}, config))
    return cells


def _online_claims(cells: Sequence[Measured]) -> list[Decision]:
    claim = "a replacement is given away less than a deletion alone of the same number of records"
    alone = {(m.cell.labels["model"], m.cell.labels["size"]): m for m in cells if m.cell.labels["update"] == "delete"}
    decisions = []
    for m in cells:
        if m.cell.labels["update"] == "replace":
            estimate = difference(m.best(), alone[m.cell.labels["model"], m.cell.labels["size"]].best())
            decisions.append(decide(claim, m.cell.name, estimate, below=0.0))
    return decisions


ONLINE = Experiment(
    name="online",
    title="Online learning",
    claim="adding records with the deletion weakens the attack",
    values="2 models x 1 to 10 records, deleted or replaced",
    grid=_online,
    decide=_online_claims,
)


def _multi_version(scale: Scale) -> list[Cell]:
    lengths = (2,) if scale.name == "smoke" else (2, 5, 10)
    cells = []
    for model in TREE_AND_LOGISTIC:
        cells.append(Cell({"model": model, "updates": 1}, scale.audit(scale.datasets[0], model)))
        for versions in lengths:
            chains = max(5, scale.deletions // versions)
            config = scale.audit(
                scale.datasets[0],
                model,
                scenario={"name": "multi-version", "versions": versions},
                worlds={"deletions": chains},
            )
            cells.append(Cell({"model": model, "updates": versions}, config))
    return cells


def _multi_version_claims(cells: Sequence[Measured]) -> list[Decision]:
    chains = [m for m in cells if m.cell.labels["updates"] != 1]
    decisions = each_beats_classical("deletions in a chain of updates are given away", chains)
    for m in cells:
        if m.cell.labels["updates"] != 1:
            estimate = difference(m.best(view="sequence"), m.best(view="pair"))
            claim = "all versions together tell more than the first and the last"
            decisions.append(decide(claim, m.cell.name, estimate, above=0.0))
    return decisions


MULTI_VERSION = Experiment(
    name="multi-version",
    title="Chains of updates",
    claim="deletions are also given away over several versions",
    values="2 models x chains of 1 to 10 updates, first and last version or every one",
    grid=_multi_version,
    decide=_multi_version_claims,
)
