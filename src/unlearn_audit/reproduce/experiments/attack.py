"""How strong the attack on both versions is, and what that depends on."""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_audit.attacks import CLASSICAL
from unlearn_audit.reproduce.claims import Decision, Measured, decide, difference, each_beats_classical, gain, near
from unlearn_audit.reproduce.experiments.base import TREE_AND_LOGISTIC, Experiment
from unlearn_audit.reproduce.grid import PAPER_ATTACK_MODELS, Cell, Scale

DIFFERENCES = ("direct-diff", "sorted-diff", "euclidean-distance")
CONCATENATIONS = ("direct-concat", "sorted-concat")


def _main(scale: Scale) -> list[Cell]:
    models = ("logistic-regression", "decision-tree", "mlp", scale.forest)
    tried = scale.attack_models if scale.name == "smoke" else PAPER_ATTACK_MODELS
    return [
        Cell({"dataset": data, "model": model}, scale.audit(data, model, attack_models=tried))
        for data in scale.datasets
        for model in models
    ]


def _main_claims(cells: Sequence[Measured]) -> list[Decision]:
    return each_beats_classical("two versions give away more than the original alone", cells)


MAIN = Experiment(
    name="main",
    title="Two versions against the original alone",
    claim="the attack on both versions is stronger than classical membership inference on the original",
    values="4 datasets x 4 models, all attacks",
    grid=_main,
    decide=_main_claims,
)


def _plain(scale: Scale, data: str, model: str) -> Cell:
    return Cell({"dataset": data, "model": model}, scale.audit(data, model))


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


FEATURES = Experiment(
    name="features",
    title="Which feature when",
    claim="difference features suit well-generalised models, concatenation overfitted ones",
    values="2 datasets x 3 models, 5 features",
    grid=_features,
    decide=_features_claims,
    by_feature=True,
)


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
        estimate = difference(most.best(tuple(CLASSICAL)), least.best(tuple(CLASSICAL)))
        decisions.append(decide("the classical attack grows with overfitting", where, estimate, above=0.0))
    return decisions


OVERFITTING = Experiment(
    name="overfitting",
    title="Overfitting against leakage",
    claim="the better a model generalises, the more the update adds to the original alone",
    values="2 datasets x 4 models from a small tree to a full one",
    grid=_overfitting,
    decide=_overfitting_claims,
)


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
        cells.append(_swept(scale, data, "deletions per world", count, {"deletions": count}))
    return cells


def _swept(scale: Scale, data: str, what: str, value: int, worlds: dict[str, int]) -> Cell:
    return Cell({"varies": what, "value": value}, scale.audit(data, "decision-tree", worlds=worlds))


def _hyper_parameters_claims(cells: Sequence[Measured]) -> list[Decision]:
    decisions = []
    for what in dict.fromkeys(m.cell.labels["varies"] for m in cells):
        of_kind = [m for m in cells if m.cell.labels["varies"] == what]
        estimate = difference(of_kind[-1].best(), of_kind[0].best())
        claim = f"the attack hardly depends on the number of {what} (AUC within 0.1 from the smallest to the largest)"
        where = f"{of_kind[0].cell.labels['value']} against {of_kind[-1].cell.labels['value']} {what}"
        decisions.append(near(claim, where, [estimate], within=0.1))
    return decisions


HYPER_PARAMETERS = Experiment(
    name="hyper-parameters",
    title="Numbers of shadow worlds, training records and deletions",
    claim="the attack hardly depends on them",
    values="shadow worlds, training records and deletions per world, each varied separately",
    grid=_hyper_parameters,
    decide=_hyper_parameters_claims,
)


def _transfer(scale: Scale) -> list[Cell]:
    cells = []
    for target_data in scale.cities[:1]:
        for shadow_data in dict.fromkeys(scale.cities):
            for shadow_model in TREE_AND_LOGISTIC:
                labels = {"shadow": f"{shadow_data} {shadow_model}", "target": f"{target_data} decision-tree"}
                shadow = {"data": shadow_data, "model": shadow_model}
                cells.append(Cell(labels, scale.audit(target_data, "decision-tree", shadow=shadow)))
    return cells


def _transfer_claims(cells: Sequence[Measured]) -> list[Decision]:
    moved = [m for m in cells if m.cell.labels["shadow"] != m.cell.labels["target"]]
    return each_beats_classical("the attack transfers to shadow worlds of other data or another model", moved)


TRANSFER = Experiment(
    name="transfer",
    title="Shadow worlds of other data or another model",
    claim="the attack works without the target's data distribution and model",
    values="2 shadow datasets x 2 shadow models",
    grid=_transfer,
    decide=_transfer_claims,
)
