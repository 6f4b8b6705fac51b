"""US Accidents: whether a road accident holds up traffic badly (severity 3 or 4) or little (1 or 2).

Two layouts are read. ``us_accidents_386716.zstd.parquet``, a 5 % sample of the March 2023 release with 20
columns, wins where it is there. Otherwise the one CSV in the same folder is read, which must be a full
release or rows of one (December 2020 to March 2023), with all columns. Both give features of the same names;
the CSV gives more of them.

Left out as features are ids, free text and places finer than the state (the coordinates tell the place).
In the Parquet file 1,772 rows equal an earlier one in everything but their id; since severities are merged,
one more row cannot be distinguished from another.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from unlearn_audit.data.base import Table
from unlearn_audit.data.columns import missing_notes, public_category
from unlearn_audit.data.source import Source, SourceFile
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import shortened

_FOLDER = "us-accidents"

SOURCE = Source(
    name="us-accidents",
    title="US Accidents 2016-2023: severity {1, 2} against {3, 4}",
    licence="CC BY-NC-SA 4.0",
    citation="Moosavi, Samavatian, Parthasarathy & Ramnath 2019, A Countrywide Traffic Accident Dataset, "
    "arXiv 1906.05409",
    records=386_716,
    features=17,
    classes=2,
    files=(
        SourceFile(
            path=f"{_FOLDER}/us_accidents_386716.zstd.parquet",
            sha256="9bc5d00c0ba2bfa916c77728e3f9442425f1c766db0ac8ed9daea2e246577967",
            size=8_533_284,
        ),
    ),
    instead=f"{_FOLDER}/*.csv",
    how_to_get="its publisher asks for an account: see https://smoosavi.org/datasets/us_accidents, then put "
    f"the CSV of a full release (such as US_Accidents_March23.csv) into {_FOLDER}/ in the data folder",
)

CLASSES = ("severity 1-2", "severity 3-4")

# The dataset covers the 48 contiguous states and the District of Columbia, in four time zones.
_STATES = (
    "AL", "AR", "AZ", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "IA", "ID", "IL", "IN", "KS", "KY", "LA",
    "MA", "MD", "ME", "MI", "MN", "MO", "MS", "MT", "NC", "ND", "NE", "NH", "NJ", "NM", "NV", "NY", "OH",
    "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VA", "VT", "WA", "WI", "WV", "WY",
)  # fmt: skip
_LIGHT = ("Day", "Night")
_CLOSED_LISTS = {
    "State": _STATES,
    "Timezone": ("US/Eastern", "US/Central", "US/Mountain", "US/Pacific"),
    "Sunrise_Sunset": _LIGHT,
    "Civil_Twilight": _LIGHT,
    "Nautical_Twilight": _LIGHT,
    "Astronomical_Twilight": _LIGHT,
}
# Written by weather stations, with no closed list.
_TEXTS = ("Wind_Direction", "Weather_Condition")

NUMBERS = {  # name in the CSV -> name of the feature, as the Parquet file has it
    "Start_Lat": "Start_Lat",
    "Start_Lng": "Start_Lng",
    "Distance(mi)": "Distance_mi",
    "Temperature(F)": "Temperature_F",
    "Wind_Chill(F)": "Wind_Chill_F",
    "Humidity(%)": "Humidity_Percent",
    "Pressure(in)": "Pressure_in",
    "Visibility(mi)": "Visibility_mi",
    "Wind_Speed(mph)": "Wind_Speed_mph",
    "Precipitation(in)": "Precipitation_in",
}
PLACES_OF_INTEREST = (
    "Amenity", "Bump", "Crossing", "Give_Way", "Junction", "No_Exit", "Railway", "Roundabout", "Station",
    "Stop", "Traffic_Calming", "Traffic_Signal", "Turning_Loop",
)  # fmt: skip
_TIMES = ("Start_Time", "End_Time")

_PARQUET_FEATURES = (
    "Start_Lat", "Start_Lng", "Distance_mi", "State", "Temperature_F", "Humidity_Percent", "Visibility_mi",
    "Wind_Speed_mph", "Weather_Condition", "Amenity", "Crossing", "Junction", "Traffic_Signal",
    "Sunrise_Sunset", "Hour", "DayOfWeek", "Month",
)  # fmt: skip


def load(folder: Path) -> Table:
    """Return the accidents of the file that is there: (n, 17) features from Parquet, (n, 35) from a CSV.

    Hour is 0..23, DayOfWeek 1..7 from Sunday, Month 1..12, all of the start; Duration_min, from a CSV
    only, is in minutes.

    Raises
    ------
    AuditError
        If no file or more than one CSV is there, a column is missing, or a value is none of its owner's.
    """
    SOURCE.require(folder)
    path = _path(folder)
    severity, features, left_out = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    if not severity.isin([1, 2, 3, 4]).all():
        raise AuditError(f"{path} holds a Severity outside 1..4; get the published file again")
    for name, listed in _CLOSED_LISTS.items():
        if name in features:
            features[name] = public_category(features[name], listed, path.name)
    return Table(
        name=SOURCE.name,
        features=features,
        labels=(severity.to_numpy() >= 3).astype(np.int64),
        class_names=CLASSES,
        notes=(
            f"{len(features):,} rows of {path.name}.",
            f"Ids, free text and places finer than the state are not features: {shortened(left_out, 30)}.",
            *missing_notes(features),
        ),
    )


def _path(folder: Path) -> Path:
    parquet = folder / SOURCE.files[0].path
    if parquet.is_file():
        return parquet
    files = sorted(folder.glob(f"{_FOLDER}/*.csv"))
    if len(files) > 1:
        raise AuditError(
            f"{folder / _FOLDER} holds {len(files)} CSV files ({shortened([f.name for f in files], 3)}); "
            "leave there only the one to read"
        )
    return files[0]


def _read_parquet(path: Path) -> tuple[pd.Series, pd.DataFrame, list[str]]:
    try:
        rows = pd.read_parquet(path, columns=["Severity", *_PARQUET_FEATURES])
    except (ValueError, OSError) as error:
        raise AuditError(f"cannot read {path} ({str(error).splitlines()[0]}); {SOURCE.how()}") from error
    features = rows[list(_PARQUET_FEATURES)].copy()
    for name in PLACES_OF_INTEREST:
        if name in features:
            features[name] = features[name] == 1
    return rows["Severity"], features, ["ID", "City"]


def _read_csv(path: Path) -> tuple[pd.Series, pd.DataFrame, list[str]]:
    wanted = ["Severity", *_TIMES, *NUMBERS, *_CLOSED_LISTS, *_TEXTS, *PLACES_OF_INTEREST]
    try:
        columns = list(pd.read_csv(path, nrows=0).columns)
        absent = [name for name in wanted if name not in columns]
        if absent:
            raise AuditError(f"{path} lacks the columns {shortened(absent)}; wanted a full release of US Accidents")
        rows = pd.read_csv(
            path,
            usecols=wanted,
            dtype={
                "Severity": "int64",
                **dict.fromkeys(NUMBERS, "float64"),
                **dict.fromkeys([*_TIMES, *_CLOSED_LISTS, *_TEXTS], "str"),
                **dict.fromkeys(PLACES_OF_INTEREST, "bool"),
            },
        )
        # Later releases add nine zeros of nanoseconds to some times.
        start, end = (pd.to_datetime(rows[name], format="ISO8601") for name in _TIMES)
    except AuditError:
        raise
    except (ValueError, OSError) as error:
        raise AuditError(f"cannot read {path} ({str(error).splitlines()[0]}); {SOURCE.how()}") from error
    features = pd.DataFrame(
        {feature: rows[name] for name, feature in NUMBERS.items()}
        | {name: rows[name] for name in (*_CLOSED_LISTS, *_TEXTS, *PLACES_OF_INTEREST)}
        | {
            "Hour": start.dt.hour,
            "DayOfWeek": (start.dt.day_of_week + 1) % 7 + 1,  # pandas counts 0..6 from Monday
            "Month": start.dt.month,
            "Duration_min": (end - start).dt.total_seconds() / 60,
        }
    )
    return rows["Severity"], features, [name for name in columns if name not in wanted]


DATASETS = {"us-accidents": (SOURCE, load)}
