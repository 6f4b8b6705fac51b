"""Runs every attack on real data, cell by cell, and writes the tables of docs/attacks.md and docs/attack-table.md.

A cell is a dataset, a model and a regime, at the default budget of an audit. Cells that are in attack_table.json are
not run again; one that was cut off goes on from the store.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from unlearn_audit import AuditConfig, AuditResult, Execution, run
from unlearn_audit.attacks import CATALOGUE
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.result import Result
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.progress import reporter

HERE = Path(__file__).parent
MEASURED = HERE / "attack_table.json"
PAGE = HERE.parent / "docs" / "attacks.md"
WHOLE = HERE.parent / "docs" / "attack-table.md"
BEGIN, END = "<!-- the table: begin -->", "<!-- the table: end -->"

DATASETS = ("adult", "checkins-jakarta", "us-accidents", "digits", "mnist")
MODELS = ("logistic-regression", "decision-tree", "random-forest", "torch-mlp")
REGIMES = ("fixed", "fresh")

OTHER_WORLDS = frozenset({"records", "probes", "sequence"})
"""What attacks may need that the worlds of a default audit do not have."""

NOT_WORSE = 0.01
"""By so much less of AUC an attack may do and still count as not worse."""

LOW = "0.01"
"""The false-positive rate of the table."""

KEPT = (
    "attack",
    "attack_model",
    "view",
    "shadow_auc",
    "auc",
    "auc_ci",
    "auc_minus_classical",
    "auc_minus_classical_ci",
)


def main() -> None:
    options = parse()
    measured = measure(MEASURED, options, cells(options), entry)
    write_atomic(WHOLE, whole_page(measured))
    write_atomic(PAGE, with_table(PAGE.read_text(encoding="utf-8"), summary(measured)))


def measure(
    kept_in: Path,
    options: argparse.Namespace,
    wanted: Iterable[tuple[str, AuditConfig]],
    keep: Callable[[AuditResult, AuditConfig], dict[str, Any]],
) -> dict[str, Any]:
    """Run the cells that are not in a file yet, keep each in it as soon as it is done, and return all that it holds."""
    measured: dict[str, Any] = json.loads(kept_in.read_text(encoding="utf-8")) if kept_in.exists() else {}
    for name, config in wanted:
        if name in measured and not options.again and measured[name].get("date", "") >= options.since:
            continue
        print(name, flush=True)
        began = time.perf_counter()
        with reporter() as shown:
            result = run(config, Execution(jobs=options.jobs, store=options.store, reporter=shown))
        if result.findings.regime != config.regime:
            print(f"{name} ran as {result.findings.regime}: {result.findings.regime_note}")
        took = round(time.perf_counter() - began, 1)
        measured[name] = keep(result, config) | {"seconds": took, "date": date.today().isoformat()}
        write_atomic(kept_in, json.dumps(measured, indent=1) + "\n")
    return measured


def parse(description: str | None = __doc__, datasets: Sequence[str] = DATASETS) -> argparse.Namespace:
    """Return which cells to run, and how."""
    parser = argparse.ArgumentParser(description=description)
    for name, every in (("dataset", datasets), ("model", MODELS), ("regime", REGIMES)):
        parser.add_argument(f"--{name}", choices=every, action="append", help="repeatable; default: all")
    parser.add_argument("--again", action="store_true", help="run cells that were measured before, too")
    parser.add_argument("--since", default="", metavar="DATE", help="run cells too that were measured before this day")
    parser.add_argument("--only-pages", action="store_true", help="run nothing, write what is known")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--store", type=Path, help="folder of finished worlds")
    return parser.parse_args()


def kinds(options: argparse.Namespace, datasets: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield dataset, model and regime of each cell asked for; a model without randomness has one regime."""
    for data in () if options.only_pages else options.dataset or datasets:
        for model in options.model or MODELS:
            for regime in options.regime or REGIMES:
                if model != "logistic-regression" or regime == "fixed":
                    yield data, model, regime


def cells(options: argparse.Namespace) -> Iterator[tuple[str, AuditConfig]]:
    """Yield name and configuration of each cell asked for."""
    # every attack that needs no worlds of their own kind, with the control that runs only when asked for
    attacks = [name for name, attack in CATALOGUE.items() if not attack.needs & OTHER_WORLDS]
    for data, model, regime in kinds(options, DATASETS):
        settings = {"target": {"data": data, "model": model}, "regime": regime, "attacks": attacks}
        yield f"{data}, {model}, {regime}", AuditConfig.model_validate(settings)


def entry(result: AuditResult, config: AuditConfig) -> dict[str, Any]:
    """Return what is kept of one audit: every attack on all rows."""
    found = result.findings
    assert found.paper is not None  # the paper's attacks are among them
    results = [result for result in found.results if result.rows == "all"]
    return {
        "regime": found.regime,
        "selected": [found.selected.attack, found.selected.attack_model],
        "n": [results[0].n_worlds, results[0].n_positive, results[0].n_negative],
        "worlds": config.worlds.model_dump(mode="json"),
        "paper": found.paper.model_dump(mode="json"),
        "results": [kept(result) for result in results],
        "versions": {name: version(name) for name in ("numpy", "scikit-learn", "unlearn-audit")},
        "python": platform.python_version(),
    }


def kept(result: Result) -> dict[str, Any]:
    of = result.model_dump(mode="json", include=set(KEPT))
    return of | {"tpr": result.tpr_at_fpr[LOW], "tpr_ci": result.tpr_at_fpr_ci[LOW]}


def summary(measured: dict[str, Any]) -> list[str]:
    """Return the short table: AUC and TPR at 1 % FPR of the attacks on both models, a row a cell."""
    known = {result["attack"] for of in measured.values() for result in of["results"]}
    shown = [name for name, of in CATALOGUE.items() if of.view == "pair" and of.by_default and name in known]
    lines = [
        "| data, model, regime | the paper's best | "
        + " | ".join(f"`{name}`" for name in shown)
        + " | selected | its AUC − the paper's best |"
    ]
    lines.append("|" + "---|" * (len(shown) + 4))
    for cell, of in sorted(measured.items(), key=lambda item: order(item[0])):
        by_name = {result["attack"]: result for result in of["results"]}
        paper = of["paper"]
        cells = [short(paper), *(short(by_name[name]) if name in by_name else "–" for name in shown)]
        gain = estimate(paper["difference"], paper["difference_ci"], "+.3f")
        lines.append(f"| {cell} | " + " | ".join(cells) + f" | `{of['selected'][0]}` | {gain} |")
    return [*lines, "", beside_the_paper(measured)]


def beside_the_paper(measured: dict[str, Any]) -> str:
    """Say how the attack that an audit leads with compares with the paper's best, over all cells."""
    compared = [of["paper"] for of in measured.values()]
    ratios = [selected(of)["tpr"] / of["paper"]["tpr"] for of in measured.values() if of["paper"]["tpr"]]
    shown = sum(of["difference_ci"][0] > -NOT_WORSE for of in compared)
    better = sum(of["difference_ci"][0] > 0 for of in compared)
    lowest = f"{min(of['difference'] for of in compared):+.3f}".replace("-", "−")
    return (
        f"Over {len(measured)} cells the attack that an audit selects on shadow worlds has a median of "
        f"{median(ratios):.2f} times the true-positive rate at 1 % of the paper's best, chosen in the same way."
        f" By the paired interval of the AUC, taken in {len(compared)} of them, it is better in {better} and not worse "
        f"by more than {NOT_WORSE:g} in {shown}; the lowest difference is {lowest}."
    )


def selected(of: dict[str, Any]) -> dict[str, Any]:
    """Return the result of the attack that a cell's audit led with."""
    return next(r for r in of["results"] if [r["attack"], r["attack_model"]] == of["selected"])


def order(cell: str) -> tuple[int, ...]:
    data, model, regime = cell.split(", ")
    return DATASETS.index(data), MODELS.index(model), REGIMES.index(regime)


def short(result: dict[str, Any]) -> str:
    return f"{result['auc']:.3f} / {result['tpr']:.2f}"


def whole_page(measured: dict[str, Any]) -> str:
    """Return the page with every attack and its intervals."""
    lines = [
        "# Every attack on real data",
        "",
        "Made by `python benchmarks/attack_table.py`; the figures are in `benchmarks/attack_table.json`. Default "
        "budget, seed 0, game `deleted-vs-unseen`, all rows. AUC and true-positive rate at a false-positive rate of "
        "1 %, each with its 95 % interval over target worlds; what the attack adds to the strongest one on the "
        "original alone. In bold: the attack that an audit leads with, chosen on shadow worlds.",
        "",
    ]
    for cell, of in sorted(measured.items(), key=lambda item: order(item[0])):
        worlds, positives, negatives = of["n"]
        lines += [
            f"## {cell}",
            "",
            f"{worlds} target worlds, {positives:,} deleted and {negatives:,} unseen records. {measured_on(of)}",
            "",
        ]
        lines += ["| attack | AUC | − classical | TPR at 1 % FPR |", "|---|---|---|---|"]
        for result in sorted(of["results"], key=lambda r: -r["auc"]):
            name = "/".join(filter(None, (result["attack"], result["attack_model"])))
            name = f"**`{name}`**" if [result["attack"], result["attack_model"]] == of["selected"] else f"`{name}`"
            gain = estimate(result["auc_minus_classical"], result["auc_minus_classical_ci"], "+.3f")
            rate = estimate(result["tpr"], result["tpr_ci"], ".3f")
            lines.append(f"| {name} | {estimate(result['auc'], result['auc_ci'], '.3f')} | {gain} | {rate} |")
        lines.append("")
    return "\n".join(lines)


def measured_on(cell: dict[str, Any]) -> str:
    """Say when a cell was measured; dates are kept since 29 November 2026."""
    return f"Measured on {cell['date']}." if "date" in cell else "Measured before 2026-11-29."


def estimate(value: float | None, interval: list[float] | None, form: str) -> str:
    if value is None:
        return "–"
    ends = "" if interval is None else f" ({interval[0]:{form}} to {interval[1]:{form}})"
    return f"{value:{form}}{ends}".replace("-", "−")


def with_table(page: str, lines: list[str], name: str = PAGE.name, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """Return the page of a name with the lines between its marks."""
    before, begin, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise AuditError(
            f"docs/{name} lacks the marks {marks[0]} and {marks[1]} between which the table stands; add them"
        )
    return "\n".join([before + begin, "", *lines, "", end + after])


if __name__ == "__main__":
    main()
