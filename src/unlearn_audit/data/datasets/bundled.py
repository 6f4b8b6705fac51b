"""Two small datasets that come with scikit-learn: for first steps and quick tests, without a download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from unlearn_audit.data.base import Table
from unlearn_audit.data.source import Source

DIGITS = Source(
    name="digits",
    title="Handwritten digits, 8 x 8 pixels of 0..16 (the test part of UCI's optical digits)",
    licence="CC BY 4.0",
    citation="Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, doi 10.24432/C50P49",
    records=1797,
    features=64,
    classes=10,
)

BREAST_CANCER = Source(
    name="breast-cancer",
    title="Breast cancer Wisconsin (diagnostic): 30 measurements of cell nuclei",
    licence="CC BY 4.0",
    citation="Wolberg, Mangasarian, Street & Street 1993, doi 10.24432/C5DW2B",
    records=569,
    features=30,
    classes=2,
)


def load_digits(folder: Path) -> Table:  # noqa: ARG001 - every loader takes the data folder
    """Return the 1,797 digits: (1797, 64) pixel values 0..16, ten classes ``'0'`` .. ``'9'``."""
    from sklearn import datasets  # here, since it takes a second that `unlearn-audit data list` can save

    bunch = datasets.load_digits()
    return Table(
        name=DIGITS.name,
        features=pd.DataFrame(bunch.data, columns=list(bunch.feature_names)),
        labels=np.asarray(bunch.target, dtype=np.int64),
        class_names=tuple(str(name) for name in bunch.target_names),
        notes=("1,797 images of 8 x 8 pixels from scikit-learn.",),
    )


def load_breast_cancer(folder: Path) -> Table:  # noqa: ARG001 - every loader takes the data folder
    """Return the 569 samples: (569, 30) measurements, classes ``'malignant'`` and ``'benign'``."""
    from sklearn import datasets

    bunch = datasets.load_breast_cancer()
    return Table(
        name=BREAST_CANCER.name,
        features=pd.DataFrame(bunch.data, columns=[str(name) for name in bunch.feature_names]),
        labels=np.asarray(bunch.target, dtype=np.int64),
        class_names=tuple(str(name) for name in bunch.target_names),
        notes=("569 samples from scikit-learn.",),
    )


DATASETS = {"digits": (DIGITS, load_digits), "breast-cancer": (BREAST_CANCER, load_breast_cancer)}
