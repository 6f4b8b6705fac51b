"""Check-ins at venues: the kind of place, from how often people checked in at each hour of the week.

Two layouts are read. The public one has one row a venue with ``root_category`` and the counts ``h000`` ..
``h167`` among its columns. The one of the Insta files has ``locid``, then 168 counts, then the category.
"""

from __future__ import annotations

import io
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from unlearn_audit.data.base import Table
from unlearn_audit.data.columns import label_codes
from unlearn_audit.data.source import Source, SourceFile
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.limits import unzipped

HOURS = tuple(f"h{hour:03d}" for hour in range(168))
"""Names of the features: hours of the week."""

_MOST_BYTES = 2**28
"""More than any of the files unpacks to."""

_PUBLIC_LAYOUT = (
    "take the check-ins of {city} from https://github.com/eXascaleInfolab/LBSN2Vec, count them per venue and "
    "hour of the week, and write a CSV with the columns root_category and h000 .. h167 to {path} in the data "
    "folder"
)
_INSTA_LAYOUT = (
    "it is not public: ask the authors of 'When Machine Unlearning Jeopardizes Privacy' (CCS 2021) and put "
    "their CSV (locid, 168 counts, category last) at {path} in the data folder"
)


def _lbsn(name: str, city: str, path: str, records: int, sha256: str) -> Source:
    return Source(
        name=name,
        title=f"Check-ins in {city}: 168 hour-of-week counts a venue, root category",
        licence="research use",
        citation="Yang, Qu, Yang & Cudré-Mauroux, The Web Conference 2019 (LBSN2Vec)",
        records=records,
        features=168,
        classes=9,
        files=(SourceFile(path, sha256=sha256, digest_of="content"),),
        how_to_get=_PUBLIC_LAYOUT.format(city=city, path=path),
    )


def _insta(name: str, city: str, path: str) -> Source:
    return Source(
        name=name,
        title=f"Instagram check-ins in {city}: 168 hour-of-week counts a venue, category",
        licence="not public",
        citation="Chen, Zhang, Wang, Backes, Humbert & Zhang, CCS 2021, doi 10.1145/3460120.3484756",
        records=None,
        features=168,
        classes=9,
        files=(SourceFile(path),),
        how_to_get=_INSTA_LAYOUT.format(path=path),
    )


NYC = _lbsn(
    "checkins-nyc",
    "New York",
    "checkins/NYC_venue_hour_of_week.csv.gz",
    records=3_618,
    sha256="ad333385d22e35aeddde890903d875bbbd444bae60ca8bc13d923c189076d36e",
)
JAKARTA = _lbsn(
    "checkins-jakarta",
    "Jakarta",
    "checkins/Jakarta_venue_hour_of_week.csv.gz",
    records=8_257,
    sha256="9d558cc7a1c0d742a48671cec83ce3150c6a3855ba54311ea2c5817c0b5641e4",
)
INSTA_NY = _insta("insta-ny", "New York", "insta/ny_withCatId.csv")
INSTA_LA = _insta("insta-la", "Los Angeles", "insta/la_withCatId.csv")


def load(source: Source, folder: Path) -> Table:
    """Return the venues of one city: (n, 168) counts of check-ins, and their categories.

    Rows without a category are left out, so row numbers count the rows that remain. Ids and the finer
    category are no features.

    Raises
    ------
    AuditError
        If the file is missing or has neither layout.
    """
    source.require(folder)
    path = folder / source.files[0].path
    try:
        rows = pd.read_csv(io.BytesIO(unzipped(path, _MOST_BYTES)) if path.suffix == ".gz" else path)
    except AuditError:
        raise
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise AuditError(f"cannot read {path} ({str(error).splitlines()[0]}); {source.how()}") from error
    counts, category = _counts_and_category(rows, path)
    kept = category.notna().to_numpy()
    labels, classes = label_codes(category[kept])
    left_out = len(rows) - int(kept.sum())
    return Table(
        name=source.name,
        features=counts[kept].reset_index(drop=True),
        labels=labels,
        class_names=classes,
        notes=(f"{len(rows):,} venues, {left_out:,} of them left out because they have no category.",),
    )


def _counts_and_category(rows: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, pd.Series]:
    columns = list(rows.columns)
    if "root_category" in columns and set(HOURS) <= set(columns):
        counts, category = rows[list(HOURS)], rows["root_category"]
    elif columns[0] == "locid" and len(columns) == len(HOURS) + 2:
        counts, category = rows.iloc[:, 1:-1].set_axis(list(HOURS), axis=1), rows.iloc[:, -1]
    else:
        raise AuditError(
            f"{path} has {len(columns)} columns and starts with {columns[0]!r}; wanted root_category and "
            "h000 .. h167, or locid, 168 counts and the category"
        )
    if not all(pd.api.types.is_numeric_dtype(dtype) for dtype in counts.dtypes) or counts.isna().any(axis=None):
        raise AuditError(f"{path} holds a count that is missing or no number; get the file again")
    if np.isinf(counts.to_numpy(dtype=np.float64)).any():
        raise AuditError(f"{path} holds an infinite count; get the file again")
    return counts, category


DATASETS = {source.name: (source, partial(load, source)) for source in (NYC, JAKARTA, INSTA_NY, INSTA_LA)}
