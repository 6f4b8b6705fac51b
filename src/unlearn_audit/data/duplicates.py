"""Finding records that appear more than once.

A record that is in the data twice can be a member and unseen at the same time, which makes the ground truth
of an audit wrong, so all but the first of a set of equal records is dropped.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.data.base import Table


def first_of_duplicates(table: Table) -> npt.NDArray[np.bool_]:
    """Return which rows to keep: (n,) True where no earlier row has the same features and label.

    Missing values equal each other. Units are not compared: two people with equal records cannot be told
    apart by any model.

    Examples
    --------
    >>> ages = pd.DataFrame({"age": [30, 30, 30]})
    >>> first_of_duplicates(Table("people", ages, np.array([0, 1, 0]), ("no", "yes")))
    array([ True,  True, False])
    """
    labels = pd.DataFrame({"label": table.labels}, index=table.features.index)
    # Numbered columns, so that no name of a feature can clash with that of the label.
    records = pd.concat([table.features, labels], axis=1, ignore_index=True)
    return ~records.duplicated(keep="first").to_numpy()
