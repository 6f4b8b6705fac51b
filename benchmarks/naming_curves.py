"""What hides the deleted in a register: rounding, groups, training records, queries and fresh randomness, as curves.

Measures under each condition how often those deleted from Adult are found, and writes naming_curves.json, the figure
docs/naming/curves.svg and the table of docs/naming.md. Conditions that are in naming_curves.json are not measured
again; worlds come from the store.

    python benchmarks/naming_curves.py            # about 15 minutes on one core
    python benchmarks/naming_curves.py --small    # seconds, on the breast cancer data: shows that it runs, no more
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attack_table import with_table
from unlearn_audit import AuditConfig, Execution
from unlearn_audit.audits.identification.ranking import Found, name_deleted, observe_defended, rank
from unlearn_audit.audits.membership.execution import WorldMaker
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.metrics import Estimate, share
from unlearn_audit.report.svg import CLASSICAL, LEADING, MUTED, UNSEEN, drawing, new_panels, to_svg
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.progress import reporter
from unlearn_audit.utils.threads import one_thread

HERE = Path(__file__).parent
MEASURED = HERE / "naming_curves.json"
PAGE = HERE.parent / "docs" / "naming.md"
FIGURE = HERE.parent / "docs" / "naming" / "curves.svg"

Measured = dict[str, dict[str, Any]]
"""By the name of a condition, its figures."""


@dataclass(frozen=True)
class Condition:
    """How versions are made and released, and how often they are asked; the rest is the default of an audit.

    Attributes
    ----------
    data, model, regime, train_size
        Of the models under attack.
    people
        Deleted by one update.
    decimals
        Of the answers of both versions; None: as they are.
    queries
        Reference records asked of both versions.
    """

    data: str = "adult"
    model: str = "logistic-regression"
    regime: str = "fixed"
    train_size: int = 2000
    people: int = 1
    decimals: int | None = None
    queries: int = 60

    def subject(self, worlds: Mapping[str, int]) -> AuditTask:
        """Return what is audited, with worlds of these sizes."""
        config = {
            "target": {"data": self.data, "model": self.model},
            "regime": self.regime,
            "scenario": {"name": "group", "size": self.people} if self.people > 1 else "single",
            "worlds": {**worlds, "train_size": self.train_size},
            "defenses": [] if self.decimals is None else [f"rounding:{self.decimals}"],
        }
        return AuditTask.load(AuditConfig.model_validate(config))


NOTHING = "–"
"""The condition that all others differ from."""

MODELS = {"linear net": "torch-logistic-regression", "network": "torch-mlp", "forest": "random-forest-100"}
"""Those that draw random numbers: one layer and several, trained by gradient steps, and trees."""

CONDITIONS = {
    NOTHING: Condition(),
    **{f"{n} decimals": Condition(decimals=n) for n in (5, 4, 3, 2)},
    "1 decimal": Condition(decimals=1),
    **{f"{n:,} training records": Condition(train_size=n) for n in (500, 1000, 4000, 8000)},
    **{f"8,000 training records, {n} decimals": Condition(train_size=8000, decimals=n) for n in (5, 4, 3, 2)},
    "8,000 training records, 1 decimal": Condition(train_size=8000, decimals=1),
    **{f"{n} people at once": Condition(people=n) for n in (2, 3, 5, 10, 20)},
    **{f"{n} queries": Condition(queries=n) for n in (5, 10, 15, 20, 40)},
    **{
        f"{words}, {regime}": Condition(model=model, regime=regime)
        for words, model in MODELS.items()
        for regime in ("fixed", "fresh")
    },
    "US accidents": Condition(data="us-accidents"),
    "Jakarta check-ins, 9 classes": Condition(data="checkins-jakarta"),
}

_SMALL = {"data": "breast-cancer", "train_size": 150, "queries": 20}
SMALL_CONDITIONS = {
    NOTHING: Condition(**_SMALL),
    "1 decimal": Condition(**_SMALL, decimals=1),
    "2 people at once": Condition(**_SMALL, people=2),
}

WORLDS = {"shadow": 10, "target": 10, "deletions": 20}
SMALL_WORLDS = {"shadow": 3, "target": 3, "deletions": 8, "unseen": 2, "references": 20}

SHOWN = (("first", "found first", LEADING, "o"), ("first_ten", "among the first ten", UNSEEN, "s"),
         ("first_percent", "in the first 1 %", CLASSICAL, "^"))  # fmt: skip
"""The curves: figure, words, colour and shape."""


@dataclass(frozen=True)
class Panel:
    """One picture of the figure.

    Attributes
    ----------
    words
        What stands below the axis.
    points
        What stands at each point, and the name of its condition.
    joined
        Whether points that follow each other are joined.
    """

    words: str
    points: Mapping[str, str]
    joined: bool = True


PANELS = (
    Panel(
        "decimals, 2,000 training records",
        {"all": NOTHING, **{str(n): f"{n} decimals" for n in (5, 4, 3, 2)}, "1": "1 decimal"},
    ),
    Panel(
        "decimals, 8,000 training records",
        {
            "all": "8,000 training records",
            **{str(n): f"8,000 training records, {n} decimals" for n in (5, 4, 3, 2)},
            "1": "8,000 training records, 1 decimal",
        },
    ),
    Panel(
        "training records, all decimals",
        {
            f"{n:,}": NOTHING if n == Condition.train_size else f"{n:,} training records"
            for n in (500, 1000, 2000, 4000, 8000)
        },
    ),
    Panel("people deleted at once", {"1": NOTHING, **{str(n): f"{n} people at once" for n in (2, 3, 5, 10, 20)}}),
    Panel("reference records asked", {**{str(n): f"{n} queries" for n in (5, 10, 15, 20, 40)}, "60": NOTHING}),
    Panel(
        "randomness of both versions",
        {f"{words.split()[0]}\n{regime}": f"{words}, {regime}" for words in MODELS for regime in ("fixed", "fresh")},
        joined=False,
    ),
)

SMALL_PANELS = (
    Panel("decimals", {"all": NOTHING, "1": "1 decimal"}),
    Panel("people deleted at once", {"1": NOTHING, "2": "2 people at once"}),
)


def main() -> None:
    options = parse()
    if options.small:
        measured = measure(SMALL_CONDITIONS, SMALL_WORLDS, options, options.out / MEASURED.name)
        write_atomic(options.out / FIGURE.name, curves(measured, SMALL_PANELS))
        print("\n".join(table(measured)))
        return
    measured = measure(CONDITIONS, WORLDS, options, MEASURED)
    write_atomic(FIGURE, curves(measured, PANELS))
    write_atomic(PAGE, with_table(PAGE.read_text(encoding="utf-8"), table(measured), PAGE.name))
    print(f"written to {MEASURED}, {FIGURE} and {PAGE}")


def measure(
    conditions: Mapping[str, Condition], worlds: Mapping[str, int], options: argparse.Namespace, file: Path
) -> Measured:
    """Return the figures of every condition, in their order; each is kept in ``file`` as soon as it is known."""
    known: Measured = json.loads(file.read_text(encoding="utf-8")) if file.exists() and not options.again else {}
    for name, condition in conditions.items():
        if name not in known:
            print(name, flush=True)
            with reporter() as shown:
                execution = Execution(jobs=options.jobs, store=options.store, reporter=shown)
                known[name] = figures(condition, worlds, execution)
        done = {name: known[name] for name in conditions if name in known}
        write_atomic(file, json.dumps(done, indent=1, ensure_ascii=False) + "\n")
    return {name: known[name] for name in conditions}


def figures(condition: Condition, worlds: Mapping[str, int], execution: Execution) -> dict[str, Any]:
    """Return how often the deleted are found; for several people at once without the sets that hold one."""
    subject = condition.subject(worlds)
    if condition.people == 1:
        return name_deleted(subject, execution, condition.queries)[0].document()
    found = rank_together(subject, execution, condition.queries)
    register = found.scores.shape[1]
    shares = {"first": found.ranks == 1, "first_ten": found.ranks <= 10, "first_percent": found.ranks <= register / 100}
    estimates = {name: share(holds, found.worlds) for name, holds in shares.items()}
    return {
        "register": register,
        "queries": condition.queries,
        "deletions": len(found.ranks),
        **{name: of.value for name, of in estimates.items()},
        **{f"{name}_ci": list(of.interval) for name, of in estimates.items()},
        "median_rank": float(np.median(found.ranks)),
    }


def rank_together(subject: AuditTask, execution: Execution, queries: int) -> Found:
    """Return the place of each of those who were deleted together among all who were not."""
    sides = plan_audit(subject).undefended.tasks
    shadow, target = sides["shadow"], sides["target"]
    table = observe_defended([target], WorldMaker.of(subject.config, execution), None)["target"]
    with one_thread():
        return rank(target, table, shadow.plan.candidates, target.plan.sizes.train_size, queries)


def curves(measured: Measured, panels: Sequence[Panel]) -> str:
    """Draw the share of the deleted who are found against what hides them, with intervals."""
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    with drawing("naming"):
        figure, grid = new_panels(3.6 * columns, 0.5 + 2.8 * rows, rows, columns)
        figure.patch.set_alpha(1)
        for axes, panel in zip(grid, panels, strict=True):
            names = list(panel.points.values())
            at = np.arange(len(names))
            for shift, (key, label, colour, marker) in zip((-0.1, 0.0, 0.1), SHOWN, strict=True):
                y = np.array([measured[name][key] for name in names])
                ends = np.array([measured[name][f"{key}_ci"] for name in names])
                if panel.joined:
                    axes.plot(at + shift, y, color=colour, linewidth=0.9, linestyle=(0, (1, 2)))
                axes.vlines(at + shift, ends[:, 0], ends[:, 1], color=colour, linewidth=1.2)
                axes.plot(at + shift, y, marker, color=colour, markersize=4.5, label=label)
            axes.axhline(0.01, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), label="1 %, by chance")
            axes.set_xticks(at, list(panel.points), fontsize=8.5 if panel.joined else 7)
            axes.set_xlim(-0.4, len(names) - 0.6)
            axes.set_ylim(-0.02, 1.02)
            axes.set_yticks(np.linspace(0, 1, 6), [f"{tick} %" for tick in range(0, 101, 20)])
            axes.set_xlabel(panel.words)
            axes.grid(visible=False, axis="x")
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
        return to_svg(figure, "naming", "Share of the deleted who are found", description(measured, panels))


def description(measured: Measured, panels: Sequence[Panel]) -> str:
    """Return the points of the figure in words."""
    said = []
    for panel in panels:
        of_points = "; ".join(
            f"{x.replace(chr(10), ', ')}: {', '.join(percent(measured[name][key]) for key, *_ in SHOWN)}"
            for x, name in panel.points.items()
        )
        said.append(f"{panel.words} ({', '.join(label for _, label, *_ in SHOWN)}): {of_points}")
    return ". ".join(said)


def table(measured: Measured) -> list[str]:
    """Return the lines of the table."""
    headings = ("condition", "register", "first", "first ten", "first 1 %", "median rank", "set size", "sets held")
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for name, of in measured.items():
        cells = [name, f"{of['register']:,}", *(estimate(of, key) for key, *_ in SHOWN), f"{of['median_rank']:,.0f}"]
        alone = "set_size" in of
        cells += [f"{of['set_size']:,.0f}", estimate(of, "set_coverage")] if alone else [NOTHING, NOTHING]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def estimate(of: Mapping[str, Any], key: str) -> str:
    low, high = Estimate(of[key], *of[f"{key}_ci"]).interval
    return f"{percent(of[key])} ({100 * low:.1f} to {100 * high:.1f})"


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="store_true", help="measure again what is in the JSON file")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes; figures do not depend on it")
    parser.add_argument("--store", type=Path, help="where worlds are kept (default: the user's cache)")
    parser.add_argument("--small", action="store_true", help="three conditions of seconds, written to --out alone")
    parser.add_argument("--out", type=Path, help="folder for the files of --small")
    options = parser.parse_args()
    if options.small and options.out is None:
        parser.error("--small needs --out, a folder for its files")
    return options


if __name__ == "__main__":
    main()
