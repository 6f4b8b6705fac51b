"""Reads findings of former layouts: what can be derived is filled in, and the rest is stated as not known.

The layout ``findings/1`` had no claiming intervals, no kind of the verdict and notes without a level. Its interval for
all attacks at once was of 95 %, where it is of 98 % now, so that it is dropped.
"""

from __future__ import annotations

from typing import Any

from unlearn_audit.findings.kinds import Evidence, decide
from unlearn_audit.findings.result import Result, Selected, is_selected, on_most_rows

FIRST = "unlearn-audit/findings/1"

UNKNOWN = (0.0, 1.0)
"""An interval of which nothing is known; it claims nothing."""

_NOTE = (
    f"These findings were written in the layout {FIRST}, which lacks the intervals that now decide whether a leak is "
    "claimed. Its figures are unchanged; the verdict is cannot-tell until the audit is run again."
)


def upgraded(document: dict[str, Any], schema: str) -> dict[str, Any]:
    """Return the content of a ``findings.json`` in the present layout.

    Parameters
    ----------
    document
        Of the first layout, or of the present one, in which ``identified`` was once called ``told``.
    schema
        The present layout.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it has none of the layouts.
    """
    if document.get("schema") not in (FIRST, schema):
        raise ValueError(f"its layout is {document.get('schema')}")
    risk = document.get("record_risk")
    if risk is not None and "told" in risk:
        document = {**document, "record_risk": {("identified" if key == "told" else key): risk[key] for key in risk}}
    return _from_first(document, schema) if document["schema"] == FIRST else document


def _from_first(document: dict[str, Any], schema: str) -> dict[str, Any]:
    results = [_result(of) for of in document["results"]]
    notes = [
        {"level": "warning", "text": _NOTE},
        *({"level": "note", "text": text} for text in document.get("notes", ())),
    ]
    verdict = {**document["verdict"], **_kind(results, Selected.model_validate(document["selected"]))}
    return {**document, "schema": schema, "results": results, "notes": notes, "verdict": verdict}


def _result(result: dict[str, Any]) -> dict[str, Any]:
    # an interval of 90 % lies inside that of 95 %
    return {**result, "auc_claim_ci": UNKNOWN, "auc_hint_ci": result["auc_ci"], "auc_simultaneous_ci": None}


def _kind(results: list[dict[str, Any]], selected: Selected) -> dict[str, str]:
    """Return the kind and the gate that the figures allow: a hint, or too few worlds to tell."""
    known = [Result.model_validate(of) for of in results]
    chosen = [of for of in known if is_selected(of, selected)]
    leading = on_most_rows(chosen)[0]
    decision = decide(Evidence.of(leading, known, None, None))
    return {"kind": decision.kind, "gate": decision.gate}
