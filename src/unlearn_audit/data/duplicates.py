"""Finding records that appear more than once.

A record that is in the data twice can be a member and unseen at the same time, which makes the ground truth
of an audit wrong, so all but the first of a set of equal records is dropped.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.data.base import Images, Table


def first_of_duplicates(records: Table | Images) -> npt.NDArray[np.bool_]:
    """Return which records to keep: (n,) True where no earlier one has the same features (or pixels) and label.

    Missing values equal each other. Whose they are is not compared: no model can distinguish two people with equal
    records.

    Examples
    --------
    >>> ages = pd.DataFrame({"age": [30, 30, 30]})
    >>> first_of_duplicates(Table("people", ages, np.array([0, 1, 0]), ("no", "yes")))
    array([ True,  True, False])
    """
    if isinstance(records, Images):
        # A column a pixel would be slow: a digest stands for the bytes of each image.
        digests = [sha256(np.ascontiguousarray(image).data).digest() for image in records.flat()]
        features = pd.DataFrame({"digest": pd.Series(digests, dtype=object)})
    else:
        features = records.features
    labels = pd.DataFrame({"label": records.labels}, index=features.index)
    # Numbered columns, so that no name of a feature can clash with that of the label.
    rows = pd.concat([features, labels], axis=1, ignore_index=True)
    return ~rows.duplicated(keep="first").to_numpy()
