"""The table of a comparison: a row for each method, a column for each figure, as a frame and as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from unlearn_audit.audits.methods.findings import Method, MethodsFindings
from unlearn_audit.findings.comparison import BestOnArms, Measured
from unlearn_audit.utils.typing import Interval

_PLAIN = ("method", "status", "why", "exactness", "regime", "reading", "direction", "weights_unchanged")


def frame_of(found: MethodsFindings) -> pd.DataFrame:
    """Return the table: of each figure its value, and its interval in columns that end in ``_low`` and ``_high``."""
    return pd.DataFrame([_row(of) for of in found.methods])


def _row(of: Method) -> dict[str, Any]:
    arms = of.arms
    row: dict[str, Any] = {name: getattr(of, name) for name in _PLAIN}
    row |= _best("leak", None if arms is None else arms.update)
    row |= _best("residual", None if arms is None else arms.residual)
    row["answers_moved"] = None if arms is None else arms.moved
    row["answers_apart_from_retraining"] = None if arms is None else arms.apart
    row |= _measures(() if arms is None else arms.measures)
    cost = of.cost
    row |= {"seconds": None if cost is None else cost.seconds}
    row |= _ends("seconds", None if cost is None else cost.seconds_ci)
    row |= {"seconds_relative": None if cost is None else cost.relative}
    row |= _ends("seconds_relative", None if cost is None else cost.relative_ci)
    row |= {"peak_memory": None if cost is None else cost.peak_memory}
    for klom in () if arms is None else arms.klom:
        row |= {f"klom_{klom.role}_{name}": getattr(klom, name) for name in ("median", "high", "noise", "models")}
    epsilon = None if arms is None else arms.epsilon
    row |= {
        "epsilon_at_least": None if epsilon is None else epsilon.at_least,
        "epsilon_ceiling": None if epsilon is None else epsilon.ceiling,
        "epsilon_certified": None if epsilon is None else epsilon.certified,
        "front_accuracy": "accuracy" in of.fronts if arms else None,
        "front_seconds": "seconds" in of.fronts if arms else None,
        "sentence": of.sentences[0] if of.sentences else None,
    }
    return row


def _best(name: str, best: BestOnArms | None) -> dict[str, Any]:
    """Return the figures of the best attack of one kind under the method, and alongside retraining."""
    own = None if best is None else best.unlearned
    return {
        f"{name}_attack": None if best is None else best.unlearned_attack,
        f"{name}_auc": None if own is None else own.auc,
        **_ends(f"{name}_auc", None if own is None else own.auc_ci),
        f"{name}_tpr_at_1_percent": None if own is None else own.tpr,
        f"{name}_excess": None if best is None else best.excess,
        **_ends(f"{name}_excess", None if best is None else best.excess_ci),
        f"{name}_excess_seen": None if best is None else best.seen,
    }


def _measures(measures: Iterable[Measured]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for of in measures:
        name = of.name.replace(".", "_")
        row[name] = of.mean
        if of.retrained is not None:
            row[f"{name}_difference"] = of.difference
            row |= _ends(f"{name}_difference", of.difference_ci)
    return row


def _ends(name: str, ends: Interval | None) -> dict[str, float | None]:
    low, high = (None, None) if ends is None else ends
    return {f"{name}_low": low, f"{name}_high": high}
