"""Models that are no classifiers of one label: what they are, and what could be audited in their place."""

from __future__ import annotations

from typing import Any

from sklearn.utils import get_tags

from unlearn_audit.errors import AuditError

_INSTEAD = {
    "regressor": "predicts numbers; an audit needs a classifier: if the labels are classes, use one, such as "
    "HistGradientBoostingClassifier; if they are numbers, bin them, as with pandas.qcut(y, 4), and audit a classifier "
    "of the bins",
    "ranker": "ranks records within groups; an audit needs a classifier: audit one of the relevance labels, trained on "
    "the same features",
    "clusterer": "groups records without labels; an audit needs a classifier: audit one that is trained to predict the "
    "clusters, with these as y",
    "outlier_detector": "looks for outliers without labels; an audit needs a classifier: audit one that is trained on "
    "records marked as outliers or not",
    "density_estimator": "estimates a density without labels; an audit needs a classifier: audit one of the labels, "
    "such as GaussianNB",
    "transformer": "changes records and predicts nothing; an audit needs a classifier: put it before one, as in "
    "make_pipeline({name}(), LogisticRegression())",
    "multi_output": "predicts several targets at once; audit one label at a time: a classifier of a single label, once "
    "for each column of y",
}
"""What a kind does, and what to do instead."""


def refuse_other_kinds(estimator: Any, name: str) -> None:
    """Raise an `AuditError` if a model is known to be no classifier of one label.

    Parameters
    ----------
    estimator
        Unfitted; a pipeline or a search is what its last step or its estimator is.
    name
        What the model is called in messages.
    """
    kind = kind_of(estimator)
    if kind in _INSTEAD:
        own = type(estimator).__name__
        raise AuditError(f"model {name} is a {own}, which {_INSTEAD[kind].format(name=own)}")


def kind_of(estimator: Any) -> str | None:
    """Return what kind of model this is: ``classifier`` or a key of what is refused; None if it does not tell.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> kind_of(make_pipeline(Ridge()))
    'regressor'
    """
    if type(estimator).__name__.endswith("Ranker"):
        return "ranker"
    try:
        tags = get_tags(estimator)
        kind, one_label = tags.estimator_type, tags.target_tags.single_output
    except Exception:  # noqa: BLE001 - classes of other people's tell in any way, or not at all
        kind, one_label = getattr(estimator, "_estimator_type", None), True
    if not one_label:
        return "multi_output"
    answers = any(hasattr(estimator, method) for method in ("predict", "predict_proba"))
    if kind is None and not answers and hasattr(estimator, "transform"):
        return "transformer"
    return None if kind is None else str(kind)
