"""What the user passes on to ``fit`` besides records and labels: constants, and values of records such as weights."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from sklearn.pipeline import Pipeline

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.suggest import advice

_OF_RECORDS = frozenset({"self", "X", "y"})


def name_in_fit(estimator: Any, name: str) -> str:
    """Return the name by which ``fit`` takes a parameter: a pipeline takes those of its last step as ``step__name``.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> name_in_fit(make_pipeline(StandardScaler(), DecisionTreeClassifier()), "sample_weight")
    'decisiontreeclassifier__sample_weight'
    """
    if "__" in name:
        return name
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        return f"{step}__{name_in_fit(last, name)}"
    inner = _searched(estimator)
    if inner is not None and name not in inspect.signature(type(estimator).fit).parameters:
        return name_in_fit(inner, name)
    return name


def _searched(estimator: Any) -> Any:
    """Return the estimator whose parameters are searched, to whose ``fit`` a search passes on; None of no search."""
    is_search = type(estimator).__module__.startswith("sklearn.model_selection.")
    return getattr(estimator, "estimator", None) if is_search else None


def given_to_fit(estimator: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of an estimator's ``fit`` for values by the names of its last step's parameters."""
    return {name_in_fit(estimator, name): value for name, value in values.items()}


def check_taken(estimator: Any, names: Iterable[str], model: str) -> None:
    """Raise an `AuditError` if ``fit`` takes no parameter of a name.

    Parameters
    ----------
    estimator
        Unfitted.
    names
        Of parameters, as the user wrote them.
    model
        What the model is called in messages.
    """
    for name in names:
        part, own = _holder(estimator, name_in_fit(estimator, name))
        known = None if part is None else _parameters(part)
        if known is None or (own in known and own not in _OF_RECORDS):
            continue
        of = "" if part is estimator else f" of its {type(part).__name__}"
        takes = sorted(known - _OF_RECORDS)
        raise AuditError(
            f"the fit{of} of model {model} takes no parameter {own!r}; "
            + (advice(own, takes) if takes else "it takes nothing besides records and labels, so leave it out")
        )


def _holder(estimator: Any, name: str) -> tuple[Any, str]:
    """Return the part whose ``fit`` takes a parameter, and its name there; None where that cannot be told."""
    while "__" in name:
        step, _, name = name.partition("__")
        searched = _searched(estimator)
        inner = estimator if searched is None else searched
        if not isinstance(inner, Pipeline):
            return None, name
        estimator = dict(inner.steps).get(step)
        if estimator is None:
            raise AuditError(
                f"{step}__{name} is for a step {step!r}, and the pipeline has {', '.join(dict(inner.steps))}; name one "
                "of these, or leave the step out to mean the last"
            )
    return estimator, name


def _parameters(part: Any) -> set[str] | None:
    """Return the names of the parameters of ``fit``; None where it takes any."""
    try:
        asked = inspect.signature(part.fit).parameters.values()
    except (TypeError, ValueError):
        return None
    return None if any(of.kind is of.VAR_KEYWORD for of in asked) else {of.name for of in asked}
