"""Where a model has about as many parameters as records: how well the change field tells and names the deleted.

Measures the AUC of `change-field` on made-up tables of 400 binary columns and on real ones, at the default budget of an
audit, and how often `name` finds the deleted in a register, over 1,000 deletions. Writes change_field.json and a table
of docs/naming.md. What is in change_field.json is not measured again; worlds come from the store.

    python benchmarks/change_field.py            # about 15 minutes on one core
    python benchmarks/change_field.py --small    # a smaller audit of one made-up table: shows that it runs, no more
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from attack_table import estimate, with_table
from unlearn_audit import AuditConfig, Execution
from unlearn_audit.audits.identification.ranking import name_deleted
from unlearn_audit.audits.membership.run import run_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.models import resolve_model
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.progress import reporter
from unlearn_audit.worlds.from_arrays import prepare_arrays

HERE = Path(__file__).parent
MEASURED = HERE / "change_field.json"
PAGE = HERE.parent / "docs" / "naming.md"
MARKS = ("<!-- wide tables: begin -->", "<!-- wide tables: end -->")

RECORDS, COLUMNS, CLASSES = 4000, 400, 6
SPREAD = 0.5
"""Standard deviation, over classes, of the logit of a column's share of ones; models are right in about 95 %."""

SEEDS = range(5)
DATASETS = ("digits", "checkins-nyc")
TO_NAME = {"target": 50, "deletions": 20}
"""Worlds and deletions of each that are looked for in a register: 1,000 deletions."""

SMALL_WORLDS = {"shadow": 2, "target": 3, "deletions": 20}

MODEL = "logistic-regression"
ATTACKS = {"attacks": ["change-field"], "features": ["sorted-diff"], "attack_models": ["logistic-regression"]}
"""`change-field` and as few of the paper's as an audit may have; they change nothing about it."""

Measured = dict[str, dict[str, Any]]
"""By dataset and what was measured, its figures."""


def binary_table(
    seed: int, records: int = RECORDS, columns: int = COLUMNS, classes: int = CLASSES
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Make a table of zeros and ones.

    Every column has a share of ones of its own in each class; given the class, columns are independent.

    Parameters
    ----------
    seed
        Of all that is drawn.
    records, columns, classes
        How many of each.

    Returns
    -------
    (records, columns) zeros and ones, and (records,) classes.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=records)
    logits = rng.normal(-1.5, 1, size=columns) + rng.normal(scale=SPREAD, size=(classes, columns))
    X = rng.random((records, columns)) < 1 / (1 + np.exp(-logits[y]))
    return X.astype(np.float64), y


def made_up(seed: int, worlds: Mapping[str, int] | None = None) -> AuditTask:
    """Return the audit of a made-up table."""
    name = f"made-up, seed {seed}"
    side = {"data": name, "model": MODEL}
    config = AuditConfig.model_validate({"target": side, "worlds": worlds or {}, **ATTACKS})
    records, source = prepare_arrays(*binary_table(seed), None, name, 0), resolve_model(MODEL)
    return AuditTask(config, {"target": records, "shadow": records}, {"target": source, "shadow": source})


def auc_of(subject: AuditTask, execution: Execution) -> dict[str, Any]:
    """Return the AUC of `change-field` on all rows."""
    found = run_audit(subject, execution).findings.results
    return next(r for r in found if r.rows == "all").model_dump(mode="json", include={"n_positive", "auc", "auc_ci"})


def audited(data: str, worlds: Mapping[str, int] | None = None) -> AuditTask:
    """Return the audit of a dataset."""
    side = {"data": data, "model": MODEL}
    return AuditTask.load(AuditConfig.model_validate({"target": side, "worlds": worlds or {}, **ATTACKS}))


def measurements() -> dict[str, Callable[[Execution], dict[str, Any]]]:
    """Return what is measured, by name."""
    tables = {f"made-up, seed {seed}": lambda e, seed=seed: auc_of(made_up(seed), e) for seed in SEEDS}
    aucs = {data: lambda e, data=data: auc_of(audited(data), e) for data in DATASETS}
    names = {
        f"{data}, name": lambda e, data=data: name_deleted(audited(data, TO_NAME), e)[0].document() for data in DATASETS
    }
    return tables | aucs | names


def main() -> None:
    options = parse()
    if options.small:
        with reporter() as shown:
            print(auc_of(made_up(0, SMALL_WORLDS), Execution(store=options.store, reporter=shown)))
        return
    measured = measure(options)
    write_atomic(PAGE, with_table(PAGE.read_text(encoding="utf-8"), table(measured), PAGE.name, MARKS))
    print(f"written to {MEASURED} and {PAGE}")


def measure(options: argparse.Namespace) -> Measured:
    """Return all figures; each is kept as soon as it is known."""
    known: Measured = {}
    if MEASURED.exists() and not options.again:
        known = json.loads(MEASURED.read_text(encoding="utf-8"))
    for name, of in measurements().items():
        if name not in known:
            print(name, flush=True)
            with reporter() as shown:
                known[name] = of(Execution(jobs=options.jobs, store=options.store, reporter=shown))
            write_atomic(MEASURED, json.dumps(known, indent=1) + "\n")
    return known


def table(measured: Measured) -> list[str]:
    """Return the lines of the table."""
    headings = ("records", "`change-field`, AUC", "register", "first", "first ten", "median rank", "set size")
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    made = [measured[f"made-up, seed {seed}"]["auc"] for seed in SEEDS]
    words = f"made up, {COLUMNS} binary columns, {CLASSES} classes, {len(made)} tables"
    lines.append(f"| {words} | {np.mean(made):.3f} ({min(made):.3f} to {max(made):.3f} over tables) |" + " – |" * 5)
    for data in DATASETS:
        of, named = measured[data], measured[f"{data}, name"]
        cells = [data, estimate(of["auc"], of["auc_ci"], ".3f"), f"{named['register']:,}"]
        cells += [percent(named, "first"), percent(named, "first_ten")]
        cells += [f"{named[key]:,.0f}" for key in ("median_rank", "set_size")]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def percent(of: Mapping[str, Any], key: str) -> str:
    low, high = of[f"{key}_ci"]
    return f"{100 * of[key]:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="store_true", help="measure again what is in the JSON file")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes; figures do not depend on it")
    parser.add_argument("--store", type=Path, help="where worlds are kept (default: the user's cache)")
    parser.add_argument("--small", action="store_true", help="a smaller audit of one made-up table; nothing is written")
    return parser.parse_args()


if __name__ == "__main__":
    main()
