"""Every experiment of the paper on tables: its grid, its figure, and what the paper claims of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unlearn_audit.metrics.intervals import Estimate
from unlearn_audit.reproduce.claims import (
    Decision,
    Measured,
    auc,
    decide,
    difference,
    each_beats_classical,
    gain,
    near,
)
from unlearn_audit.reproduce.grid import Cell, Scale
from unlearn_audit.reproduce.readings import READINGS

DIFFERENCES = ("direct-diff", "sorted-diff", "euclidean-distance")
CLASSICAL = ("classical", "classical-sorted")
CONCATENATIONS = ("direct-concat", "sorted-concat")
MODELS = ("logistic-regression", "decision-tree", "mlp")

Grid = Callable[[Scale], list[Cell]]
Decide = Callable[[Sequence[Measured]], list[Decision]]


@dataclass(frozen=True)
class Experiment:
    """One experiment of the paper.

    Attributes
    ----------
    name
        What `reproduce` calls it.
    title
        One line.
    claim
        What the paper says, in one line.
    values
        What the grid varies, in one line.
    grid
        The cells at a scale.
    decide
        The claims, decided on what the cells gave.
    by_feature
        Whether the table has a row a feature, or the selected attack alone.
    """

    name: str
    title: str
    claim: str
    values: str
    grid: Grid
    decide: Decide
    by_feature: bool = False

    @property
    def reading(self) -> str:
        """Why the outcome can differ from the paper's, where it does."""
        return READINGS[self.name]


ALL_ATTACK_MODELS = ("logistic-regression", "decision-tree", "random-forest", "mlp")


def _main(scale: Scale) -> list[Cell]:
    models = (*MODELS, scale.forest)
    tried = scale.attack_models if scale.name == "smoke" else ALL_ATTACK_MODELS
    return [
        Cell({"dataset": data, "model": model}, scale.audit(data, model, attack_models=tried))
        for data in scale.datasets
        for model in models
    ]


def _plain(scale: Scale, data: str, model: str) -> Cell:
    return Cell({"dataset": data, "model": model}, scale.audit(data, model))


def _main_claims(cells: Sequence[Measured]) -> list[Decision]:
    return each_beats_classical("two versions give away more than the original alone", cells)


def _features(scale: Scale) -> list[Cell]:
    models = ("logistic-regression", "decision-tree", "decision-tree-full")
    return [_plain(scale, data, model) for data in scale.datasets[:2] for model in models]


def _features_claims(cells: Sequence[Measured]) -> list[Decision]:
    claims = {
        False: "difference features beat concatenation for a well-generalised model",
        True: "concatenation beats difference features for an overfitted model",
    }
    decisions = []
    for m in cells:
        overfitted = m.cell.labels["model"] == "decision-tree-full"
        first, second = (CONCATENATIONS, DIFFERENCES) if overfitted else (DIFFERENCES, CONCATENATIONS)
        estimate = difference(m.best(first), m.best(second))
        decisions.append(decide(claims[overfitted], m.cell.name, estimate, above=0.0))
    return decisions


def _overfitting(scale: Scale) -> list[Cell]:
    models = ("decision-tree", "decision-tree-full", "random-forest-100", "logistic-regression")
    return [_plain(scale, data, model) for data in scale.datasets[:2] for model in models]


def _overfitting_claims(cells: Sequence[Measured]) -> list[Decision]:
    decisions = []
    for data in dict.fromkeys(m.cell.labels["dataset"] for m in cells):
        of_data = [m for m in cells if m.cell.labels["dataset"] == data]
        levels = {id(m): m.findings.overfitting["target"].mean for m in of_data if m.findings.overfitting}
        least, most = min(of_data, key=lambda m: levels[id(m)]), max(of_data, key=lambda m: levels[id(m)])
        where = f"dataset {data}: {least.cell.labels['model']} against {most.cell.labels['model']}"
        estimate = difference(least.best(), most.best(), gain)
        claim = "the better a model generalises, the more two versions add to the original alone"
        decisions.append(decide(claim, where, estimate, above=0.0))
        estimate = difference(most.best(CLASSICAL), least.best(CLASSICAL))
        decisions.append(decide("the classical attack grows with overfitting", where, estimate, above=0.0))
    return decisions


def _hyper_parameters(scale: Scale) -> list[Cell]:
    data = scale.datasets[0]
    cells = []
    steps = {"smoke": (3, 4), "small": (2, 4, 6, 10), "paper": (5, 10, 20, 40)}[scale.name]
    for count in steps:
        cells.append(_swept(scale, data, "shadow worlds", count, {"shadow": count}))
    for share in (0.25, 0.5, 1.0, 2.0):
        size = max(40, int(scale.train_size * share))
        cells.append(_swept(scale, data, "training records", size, {"train_size": size}))
    for count in (max(4, scale.deletions // 2), scale.deletions, scale.deletions * 2):
        cells.append(_swept(scale, data, "deletions a world", count, {"deletions": count}))
    return cells


def _swept(scale: Scale, data: str, what: str, value: int, worlds: dict[str, int]) -> Cell:
    return Cell({"varies": what, "value": value}, scale.audit(data, "decision-tree", worlds=worlds))


def _hyper_parameters_claims(cells: Sequence[Measured]) -> list[Decision]:
    decisions = []
    for what in dict.fromkeys(m.cell.labels["varies"] for m in cells):
        of_kind = [m for m in cells if m.cell.labels["varies"] == what]
        estimate = difference(of_kind[-1].best(), of_kind[0].best())
        claim = f"the attack hardly depends on the number of {what} (AUC within 0.1 from the least to the most)"
        where = f"{of_kind[0].cell.labels['value']} against {of_kind[-1].cell.labels['value']} {what}"
        decisions.append(near(claim, where, [estimate], within=0.1))
    return decisions


def _transfer(scale: Scale) -> list[Cell]:
    cells = []
    models = ("decision-tree", "logistic-regression")
    for target_data in scale.cities[:1]:
        for shadow_data in dict.fromkeys(scale.cities):
            for shadow_model in models:
                labels = {"shadow": f"{shadow_data} {shadow_model}", "target": f"{target_data} decision-tree"}
                shadow = {"data": shadow_data, "model": shadow_model}
                cells.append(Cell(labels, scale.audit(target_data, "decision-tree", shadow=shadow)))
    return cells


def _transfer_claims(cells: Sequence[Measured]) -> list[Decision]:
    moved = [m for m in cells if m.cell.labels["shadow"] != m.cell.labels["target"]]
    return each_beats_classical("the attack transfers to shadow worlds of other data or another model", moved)


def _sisa(scale: Scale) -> list[Cell]:
    cells = []
    for model in ("decision-tree", "logistic-regression"):
        cells.append(_sisa_cell(scale, model, "retrain", "retrain"))
        for shards in (2, 10):
            cells.append(_sisa_cell(scale, model, f"SISA {shards}", {"method": "sisa", "shards": shards}))
    return cells


def _sisa_cell(scale: Scale, model: str, label: str, unlearning: str | dict[str, str | int]) -> Cell:
    labels = {"model": model, "unlearning": label}
    return Cell(labels, scale.audit(scale.datasets[0], model, unlearning=unlearning))


def _sisa_claims(cells: Sequence[Measured]) -> list[Decision]:
    plain = {m.cell.labels["model"]: m for m in cells if m.cell.labels["unlearning"] == "retrain"}
    decisions = []
    for m in cells:
        if m.cell.labels["unlearning"] != "retrain":
            estimate = difference(m.best(), plain[m.cell.labels["model"]].best())
            decisions.append(decide("SISA gives away less than retraining", m.cell.name, estimate, below=0.0))
            decisions.append(decide("SISA still gives deleted records away", m.cell.name, auc(m.best()), above=0.5))
    return decisions


def _retained(scale: Scale) -> list[Cell]:
    return [
        Cell({"dataset": data, "model": model}, scale.audit(data, model, scenario="retained"))
        for data in scale.datasets[:2]
        for model in ("decision-tree", "logistic-regression")
    ]


def _retained_claims(cells: Sequence[Measured]) -> list[Decision]:
    decisions = []
    for m in cells:
        added = gain(m.best(game="retained-vs-unseen"))
        decisions.append(decide("deleting others adds risk for those who remain", m.cell.name, added, above=0.0))
        told = auc(m.best(game="deleted-vs-retained"))
        decisions.append(decide("the deleted are told from those who remain", m.cell.name, told, above=0.5))
    return decisions


def _group(scale: Scale) -> list[Cell]:
    sizes = {"smoke": (1, 3), "small": (1, 2, 5, 10, 50), "paper": (1, 2, 5, 10, 50, 100)}[scale.name]
    return [
        Cell(
            {"model": model, "size": size},
            scale.audit(scale.datasets[0], model, scenario="single" if size == 1 else {"name": "group", "size": size}),
        )
        for model in ("decision-tree", "logistic-regression")
        for size in sizes
    ]


def _group_claims(cells: Sequence[Measured]) -> list[Decision]:
    decisions = []
    for model in dict.fromkeys(m.cell.labels["model"] for m in cells):
        single, *groups = [m for m in cells if m.cell.labels["model"] == model]
        for m in groups:
            estimate = difference(m.best(), single.best())
            claim = "a group is given away less than a single record"
            decisions.append(decide(claim, m.cell.name, estimate, below=0.0))
    return decisions


def _online(scale: Scale) -> list[Cell]:
    sizes = (1, 2) if scale.name == "smoke" else (1, 2, 5, 10)
    cells = []
    for model in ("decision-tree", "logistic-regression"):
        for size in sizes:
            alone = {"name": "group", "size": size} if size > 1 else "single"
            for update, scenario in (("delete", alone), ("replace", {"name": "online", "size": size})):
                config = scale.audit(scale.datasets[0], model, scenario=scenario)
                cells.append(Cell({"model": model, "size": size, "update": update}, config))
    return cells


def _online_claims(cells: Sequence[Measured]) -> list[Decision]:
    claim = "a replacement is given away less than a deletion of as many records alone"
    alone = {(m.cell.labels["model"], m.cell.labels["size"]): m for m in cells if m.cell.labels["update"] == "delete"}
    decisions = []
    for m in cells:
        if m.cell.labels["update"] == "replace":
            estimate = difference(m.best(), alone[m.cell.labels["model"], m.cell.labels["size"]].best())
            decisions.append(decide(claim, m.cell.name, estimate, below=0.0))
    return decisions


def _multi_version(scale: Scale) -> list[Cell]:
    lengths = (2,) if scale.name == "smoke" else (2, 5, 10)
    cells = []
    for model in ("decision-tree", "logistic-regression"):
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
            claim = "every version tells more than the first and the last"
            decisions.append(decide(claim, m.cell.name, estimate, above=0.0))
    return decisions


DEFENSES = (
    "top-k:1",
    "top-k:2",
    "top-k:3",
    "label-only",
    "temperature:10",
    "temperature:10+rounding:4",
    "rounding:3",
    "rounding:2",
)


def _defenses(scale: Scale) -> list[Cell]:
    # two classes leave top-k nothing to choose: the dataset with the most classes, and the first where it works
    cells = []
    for data in scale.datasets[:2]:
        few = data in ("adult", "us-accidents", "breast-cancer")
        tried = tuple(d for d in DEFENSES if not (few and d.startswith("top-k:") and d != "top-k:1"))
        for model in ("decision-tree", "logistic-regression"):
            cells.append(Cell({"dataset": data, "model": model}, scale.audit(data, model, defenses=tried)))
    return cells


def _defenses_claims(cells: Sequence[Measured]) -> list[Decision]:
    decisions = []
    for m in cells:
        plain = m.best()
        for text in m.cell.config.defenses:
            found = m.best(defense=text)
            where = f"{m.cell.name}, {text}"
            if text.startswith("top-k"):
                claim = "top-k does not help: still better than the classical attack"
                decisions.append(decide(claim, where, gain(found), above=0.0))
            else:
                estimate = difference(found, plain)
                decisions.append(decide(f"{_spoken(text)} lowers the leak", where, estimate, below=0.0))
            if text == "label-only":
                claim = "label-only leaves an AUC within 0.05 of guessing or of the classical attack"
                above = auc(found)
                guessing = Estimate(above.value - 0.5, above.low - 0.5, above.high - 0.5)
                decisions.append(near(claim, where, [guessing, gain(found)], within=0.05))
    return decisions


def _spoken(defense: str) -> str:
    """Return the kinds of a defence in words, without their parameters."""
    return " then ".join(part.partition(":")[0] for part in defense.split("+"))


EXPERIMENTS = {
    e.name: e
    for e in (
        Experiment(
            "main",
            "Two versions against the original alone",
            "the attack on both versions is stronger than classical membership inference on the original",
            "4 datasets x 4 models, all attacks",
            _main,
            _main_claims,
        ),
        Experiment(
            "features",
            "Which feature when",
            "difference features suit well-generalised models, concatenation overfitted ones",
            "2 datasets x 3 models, 5 features",
            _features,
            _features_claims,
            by_feature=True,
        ),
        Experiment(
            "overfitting",
            "Overfitting against leakage",
            "the better a model generalises, the more the update adds to the original alone",
            "2 datasets x 4 models from a small tree to a full one",
            _overfitting,
            _overfitting_claims,
        ),
        Experiment(
            "hyper-parameters",
            "Numbers of shadow worlds, training records and deletions",
            "the attack hardly depends on them",
            "shadow worlds, training records and deletions a world, each swept alone",
            _hyper_parameters,
            _hyper_parameters_claims,
        ),
        Experiment(
            "transfer",
            "Shadow worlds of other data or another model",
            "the attack works without the target's data distribution and model",
            "2 shadow datasets x 2 shadow models",
            _transfer,
            _transfer_claims,
        ),
        Experiment(
            "sisa",
            "SISA against retraining",
            "SISA gives away less than retraining, but still leaks",
            "2 models x retraining, 2 and 10 shards",
            _sisa,
            _sisa_claims,
        ),
        Experiment(
            "retained",
            "Those who remain",
            "the deletion of others adds risk for retained records",
            "2 datasets x 2 models, retained against unseen and deleted against retained",
            _retained,
            _retained_claims,
        ),
        Experiment(
            "group",
            "Deleting groups",
            "the more records are deleted at once, the weaker the attack",
            "2 models x groups of 1 to 50 (100 at paper scale)",
            _group,
            _group_claims,
        ),
        Experiment(
            "online",
            "Online learning",
            "adding records with the deletion weakens the attack",
            "2 models x 1 to 10 records, deleted alone or replaced",
            _online,
            _online_claims,
        ),
        Experiment(
            "multi-version",
            "Chains of updates",
            "deletions are given away over several versions too",
            "2 models x chains of 1 to 10 updates, first and last version or every one",
            _multi_version,
            _multi_version_claims,
        ),
        Experiment(
            "defences",
            "Defences on outputs",
            "label-only and temperature scaling mitigate the attack, top-k does not",
            "2 datasets x 2 models x top-k, label-only, temperature, rounding; the attacker adapting or not",
            _defenses,
            _defenses_claims,
        ),
    )
}
"""Name to experiment, in the order of the paper."""
