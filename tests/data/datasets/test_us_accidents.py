from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.data.datasets import us_accidents
from unlearn_audit.errors import AuditError

_DECEMBER = "us-accidents/us_accidents_dec20_10001_rows.csv"


def _release(rows: int = 4) -> pd.DataFrame:
    """A full release in small: all columns of March 2023."""
    numbers = dict.fromkeys(us_accidents.NUMBERS, 1.5)
    places = dict.fromkeys(us_accidents.PLACES_OF_INTEREST, False)
    light = dict.fromkeys(["Sunrise_Sunset", "Civil_Twilight", "Nautical_Twilight"], "Day")
    frame = pd.DataFrame(
        [
            {
                "ID": "A-1",
                "Severity": 1,
                "Start_Time": "2016-02-08 00:37:08",
                "End_Time": "2016-02-08 06:37:08",
                "Description": "free, text",
                "City": "Dublin",
                "State": "OH",
                "Timezone": "US/Eastern",
                "Weather_Condition": "Light Rain",
                "Wind_Direction": "Calm",
                "Astronomical_Twilight": "Night",
                **numbers,
                **places,
                **light,
            }
        ]
        * rows
    )
    frame["Severity"] = [1 + row % 4 for row in range(rows)]
    return frame


def _write(folder: Path, frame: pd.DataFrame, name: str = "US_Accidents_March23.csv") -> None:
    (folder / "us-accidents").mkdir(exist_ok=True)
    frame.to_csv(folder / "us-accidents" / name, index=False)


def test_full_release_in_small(tmp_path: Path) -> None:
    frame = _release()
    frame.loc[1, "Start_Time"] = "2016-02-07 23:00:00.000000000"  # a Sunday, with nanoseconds
    frame.loc[2, ["Wind_Chill(F)", "Timezone"]] = [np.nan, None]
    frame.loc[3, "Crossing"] = True
    _write(tmp_path, frame)
    table = us_accidents.load(tmp_path)

    assert table.features.shape == (4, 35)
    assert table.labels.tolist() == [0, 0, 1, 1]
    assert table.features["Hour"].tolist() == [0, 23, 0, 0]
    assert table.features["DayOfWeek"].tolist() == [2, 1, 2, 2]
    assert table.features["Month"].tolist() == [2, 2, 2, 2]
    assert table.features["Duration_min"].tolist() == pytest.approx([360, 457 + 8 / 60, 360, 360])
    assert table.features["Crossing"].tolist() == [False, False, False, True]
    assert isinstance(table.features["State"].dtype, pd.CategoricalDtype)
    assert len(table.features["State"].dtype.categories) == 49
    assert isinstance(table.features["Weather_Condition"].dtype, pd.StringDtype)
    assert "Wind_Chill_F: 1 missing." in table.notes
    assert "Timezone: 1 missing." in table.notes
    assert any("ID, Description, City" in note for note in table.notes)


def test_the_december_rows(real_data: Path, tmp_path: Path) -> None:
    if not (real_data / _DECEMBER).is_file():
        pytest.skip("the December 2020 rows are not in the data folder")
    (tmp_path / "us-accidents").mkdir()
    shutil.copy(real_data / _DECEMBER, tmp_path / _DECEMBER)
    table = us_accidents.load(tmp_path)
    assert table.features.shape == (10_001, 35)
    assert np.bincount(table.labels).tolist() == [72 + 7_106, 2_528 + 295]
    assert table.features["Wind_Chill_F"].isna().sum() == 4_488


def test_both_layouts_name_and_measure_features_alike(real_data: Path, tmp_path: Path) -> None:
    if not (real_data / us_accidents.SOURCE.files[0].path).is_file():
        pytest.skip("the Parquet file is not in the data folder")
    parquet = us_accidents.load(real_data).features
    _write(tmp_path, _release())
    csv = us_accidents.load(tmp_path).features
    assert set(parquet.columns) <= set(csv.columns)
    assert (parquet["Amenity"].dtype, csv["Amenity"].dtype) == (np.bool_, np.bool_)
    assert parquet["DayOfWeek"].agg(["min", "max"]).tolist() == [1, 7]
    # Fewest accidents are on Sundays (1) and Saturdays (7): the week is counted as in the CSV.
    assert set(parquet["DayOfWeek"].value_counts().index[-2:]) == {1, 7}


def test_parquet_wins_over_csv(real_data: Path) -> None:
    if us_accidents.SOURCE.missing(real_data) or not (real_data / _DECEMBER).is_file():
        pytest.skip("only one of both files is in the data folder")
    assert us_accidents.load(real_data).notes[0] == "386,716 rows of us_accidents_386716.zstd.parquet."


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("Severity", 5, "Severity outside 1..4"),
        ("State", "Ohio", "column State of US_Accidents_March23.csv holds 'Ohio'"),
        ("Crossing", "maybe", "cannot read"),
        ("Start_Time", "yesterday", "cannot read"),
        ("Temperature(F)", "warm", "cannot read"),
    ],
)
def test_damaged_csv_is_refused(tmp_path: Path, column: str, value: object, told: str) -> None:
    frame = _release().astype({column: object})
    frame.loc[2, column] = value
    _write(tmp_path, frame)
    with pytest.raises(AuditError, match=told):
        us_accidents.load(tmp_path)


def test_lacking_columns_are_named(tmp_path: Path) -> None:
    _write(tmp_path, _release().drop(columns=["Start_Time", "Humidity(%)"]))
    with pytest.raises(AuditError, match=r"lacks the columns Start_Time, Humidity\(%\)"):
        us_accidents.load(tmp_path)


def test_two_csv_files_are_one_too_many(tmp_path: Path) -> None:
    _write(tmp_path, _release())
    _write(tmp_path, _release(), "other.csv")
    with pytest.raises(AuditError, match="holds 2 CSV files"):
        us_accidents.load(tmp_path)


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / us_accidents.SOURCE.files[0].path
    path.parent.mkdir()
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(AuditError, match="cannot read"):
        us_accidents.load(tmp_path)
