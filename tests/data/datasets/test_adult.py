from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.data.datasets import adult
from unlearn_audit.data.duplicates import first_of_duplicates
from unlearn_audit.errors import AuditError

_TRAIN = (
    "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, Male, 2174, 0, 40,"
    " United-States, <=50K\n"
    "54, ?, 180211, Some-college, 10, Married-civ-spouse, ?, Husband, Asian-Pac-Islander, Male, 0, 0, 60,"
    " South, >50K\n\n"
)
_TEST = (
    "|1x3 Cross validator\n"
    "25, Private, 226802, 11th, 7, Never-married, Machine-op-inspct, Own-child, Black, Male, 0, 0, 40,"
    " United-States, <=50K.\n\n"
)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "adult").mkdir()
    (tmp_path / "adult/adult.data").write_text(_TRAIN)
    (tmp_path / "adult/adult.test").write_text(_TEST)
    (tmp_path / "adult/adult.names").write_text("")
    return tmp_path


def test_small_files_in_the_published_layout(small: Path) -> None:
    table = adult.load(small)
    assert table.class_names == ("<=50K", ">50K")
    assert table.labels.tolist() == [0, 1, 0]
    assert table.features["age"].tolist() == [39, 54, 25]
    assert table.features["education"].astype("str").tolist() == ["Bachelors", "Some-college", "11th"]
    assert table.features["workclass"].isna().tolist() == [False, True, False]
    assert table.notes == (
        "3 rows: 2 of adult.data, then 1 of adult.test.",
        "workclass: 1 missing.",
        "occupation: 1 missing.",
    )


def test_categories_are_those_published(real_data: Path) -> None:
    lines = (real_data / "adult/adult.names").read_text().splitlines()
    published: dict[str, tuple[str, ...] | None] = {}
    for line in lines[lines.index(">50K, <=50K.") + 1 :]:
        if line.strip():
            name, _, values = line.rstrip(".").partition(": ")
            published[name] = None if values == "continuous" else tuple(values.split(", "))
    assert list(published) == list(adult.FEATURES)
    assert published == adult.FEATURES
    features = adult.load(real_data).features
    for name, listed in published.items():
        dtype = features[name].dtype
        if listed is None:
            assert dtype == np.int64
        else:
            assert isinstance(dtype, pd.CategoricalDtype)
            assert tuple(dtype.categories) == listed


def test_counts_of_the_published_files(real_data: Path) -> None:
    table = adult.load(real_data)
    assert np.bincount(table.labels).tolist() == [37_155, 11_687]
    assert first_of_duplicates(table).sum() == 48_790
    assert table.features.isna().sum().loc[lambda counts: counts > 0].to_dict() == {
        "workclass": 2_799,
        "occupation": 2_809,
        "native-country": 857,
    }
    # The first row of adult.test follows the last of adult.data.
    assert table.features.loc[32_561, "fnlwgt"] == 226_802


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("State-gov", "Stategov", "column workclass of adult holds 'Stategov'"),
        ("<=50K\n", "50K\n", "labels"),
        ("39,", "old,", "not the published file"),
        ("2174, ", "", "not the published file"),
    ],
)
def test_damaged_file_is_refused(small: Path, old: str, new: str, told: str) -> None:
    (small / "adult/adult.data").write_text(_TRAIN.replace(old, new))
    with pytest.raises(AuditError, match=told):
        adult.load(small)


def test_file_that_is_not_text_is_refused(small: Path) -> None:
    (small / "adult/adult.data").write_bytes(bytes(range(128, 256)) * 10)
    with pytest.raises(AuditError, match="not the published file"):
        adult.load(small)
