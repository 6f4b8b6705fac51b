"""The other tables of the report: groups, defences, private training, overfitting, arms, and single worlds."""

from __future__ import annotations

import pandas as pd

from unlearn_audit.attacks.base import score_column
from unlearn_audit.findings.result import Result
from unlearn_audit.findings.schema import Findings
from unlearn_audit.metrics.roc import auc
from unlearn_audit.report.tables import Cell, Line, Table, estimate, plain_table
from unlearn_audit.report.three_arms import ARMS_COLUMNS, arms_rows
from unlearn_audit.report.wording import NOT_GIVEN, number, roles


def groups_table(findings: Findings) -> Table:
    """Return the leading attack group by group, the highest first within each column."""
    columns = list(dict.fromkeys(of.column or of.by for of in findings.groups))
    ordered = sorted(findings.groups, key=lambda of: (columns.index(of.column or of.by), -(of.auc or 0)))
    return Table(
        "The leading attack by group",
        (("Group", False), ("By", False), ("Positives", True), ("Negatives", True), ("AUC", True)),
        tuple(
            Line(
                of.group,
                (
                    Cell(of.column or of.by),
                    Cell(f"{of.n_positive:,}", sort=of.n_positive),
                    Cell(f"{of.n_negative:,}", sort=of.n_negative),
                    estimate(of.auc, of.auc_ci),
                ),
            )
            for of in ordered
        ),
    )


def released_table(findings: Findings) -> Table:
    """Return what each defence costs; without lines where there is none."""
    rows = findings.released if len(findings.released) > 1 else ()
    return plain_table(
        "",
        ("Defence", "Accuracy", "Brier score", "Calibration error"),
        [(r.defense, number(r.accuracy), number(r.brier), number(r.calibration_error)) for r in rows],
    )


def private_table(findings: Findings) -> Table:
    """Return what the defences that train privately spent."""
    return plain_table(
        "",
        ("Defence", "Epsilon", "Delta", "Noise multiplier", "Clipping norm", "Sampling rate", "Steps"),
        [
            (
                r.defense,
                f"{of.epsilon:.3f}",
                f"{of.delta:g}",
                f"{of.noise_multiplier:.3f}",
                f"{of.max_grad_norm:g}",
                f"{of.sample_rate:.4f}",
                f"{of.steps:,}",
            )
            for r in findings.released
            if (of := r.privacy) is not None
        ],
    )


def overfitting_table(findings: Findings) -> Table:
    """Return by how much originals fit their own data better than others."""
    return plain_table(
        "",
        ("Side", "Minimum", "Mean", "Maximum", "Models"),
        [
            (side, *(number(v) for v in (of.minimum, of.mean, of.maximum)), f"{of.n:,}")
            for side, of in (findings.overfitting or {}).items()
        ],
    )


def arms_table(findings: Findings) -> Table:
    """Return every attack on the method's worlds, on the same retrained, and on the same not unlearned."""
    columns = (("Attack", False), ("Attack model", False), ("Sees", False), *((name, True) for name in ARMS_COLUMNS))
    rows = () if findings.arms is None else arms_rows(findings.arms)
    return Table(
        "All attacks on the method's worlds, on the same worlds retrained, and on the same worlds not unlearned",
        columns,
        tuple(
            Line(
                of.attack,
                (
                    Cell(of.attack_model or NOT_GIVEN),
                    Cell(of.view),
                    *(Cell(value, ends, _read(value)) for value, ends in cells),
                ),
            )
            for of, cells in rows
        ),
    )


def _read(text: str) -> float | None:
    try:
        return float(text.replace("−", "-"))
    except ValueError:
        return None


def world_table(leading: Result, scores: pd.DataFrame) -> Table:
    """Return the leading attack world by world, numbered in their order: worlds are not named.

    Parameters
    ----------
    leading
        The leading result.
    scores
        As `unlearn_audit.report.html.render` takes them; without a column world there is no line.
    """
    column = score_column(leading.attack, leading.attack_model)
    columns = (("World", False), ("Positives", True), ("Negatives", True), ("AUC", True))
    if "world" not in scores:
        return Table("", columns, ())
    positive, negative = roles(leading.game)
    wanted = (
        (scores["game"] == leading.game)
        & scores["role"].isin((positive, negative))
        & (scores["defense"] == leading.defense)
        & scores["adaptive"]
        & (scores["paper"] if leading.rows == "paper" else True)
    )
    rows = scores.loc[wanted, ["world", "role", column]]
    lines = []
    for place, (_, of) in enumerate(rows.groupby("world", sort=True), 1):
        is_positive = (of["role"] == positive).to_numpy()
        counts = (int(is_positive.sum()), int((~is_positive).sum()))
        found = auc(of[column].to_numpy(float), is_positive) if all(counts) else None
        lines.append(Line(f"{place}", (*(Cell(f"{n:,}", sort=n) for n in counts), estimate(found))))
    return Table("The leading attack in each world", columns, tuple(lines))
