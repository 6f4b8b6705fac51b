"""One order of the classes for two tables, whose files may name them in different ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unlearn_audit.observations.table import READ_AS, Observations
from unlearn_audit.utils.sources import ROWS_AT_ONCE


def ordered_as(table: Observations, classes: Sequence[str]) -> Observations:
    """Return a table with its classes in another order.

    A table with other classes, or with signals, which could hold a number a class, is returned as it is.

    Parameters
    ----------
    table
        Its posteriors are reordered in place where they can be written.
    classes
        The same names in the order that is wanted.

    Examples
    --------
    >>> pair = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.5, 0.5], [0.3, 0.7]]])
    >>> table = Observations.create({"role": ["deleted", "unseen"], "label": [0, -1]}, pair, ["no", "yes"])
    >>> found = ordered_as(table, ["yes", "no"])
    >>> found.posteriors[0].round(2).tolist(), found.rows["label"].tolist()
    ([[0.10000000149011612, 0.8999999761581421], [0.4000000059604645, 0.6000000238418579]], [1, -1])
    """
    wanted = tuple(classes)
    if wanted == table.classes or sorted(wanted) != sorted(table.classes) or table.signals:
        return table
    places = [table.classes.index(name) for name in wanted]
    posteriors = table.posteriors if table.posteriors.flags.writeable else table.posteriors.copy()
    for start in range(0, len(posteriors), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        posteriors[block] = posteriors[block][:, :, places]
    labels = np.append(np.argsort(places), -1)[table.rows["label"].to_numpy()]
    note = "its classes were put into the order of the shadow file"
    return replace(
        table,
        rows=table.rows.assign(label=labels),
        posteriors=posteriors,
        classes=wanted,
        metadata={**table.metadata, READ_AS: [*table.metadata.get(READ_AS, ()), note]},
    )
