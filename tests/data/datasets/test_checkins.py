from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.data.datasets import checkins
from unlearn_audit.errors import AuditError


def _counts(rows: int) -> pd.DataFrame:
    numbers = np.arange(rows * 168).reshape(rows, 168) % 7
    return pd.DataFrame(numbers, columns=list(checkins.HOURS))


def _write(folder: Path, source: checkins.Source, frame: pd.DataFrame) -> Path:
    path = folder / source.files[0].path
    path.parent.mkdir(exist_ok=True)
    frame.to_csv(path, index=False)
    return path


def _public(categories: list[str | None]) -> pd.DataFrame:
    frame = _counts(len(categories))
    frame.insert(0, "venue_index", range(100, 100 + len(categories)))
    frame.insert(1, "root_category", categories)
    return frame


def _insta(categories: list[int]) -> pd.DataFrame:
    frame = _counts(len(categories)).set_axis([str(hour) for hour in range(168)], axis=1)
    frame.insert(0, "locid", range(100, 100 + len(categories)))
    frame["catid"] = categories
    return frame


def test_public_layout_leaves_out_rows_without_category(tmp_path: Path) -> None:
    _write(tmp_path, checkins.NYC, _public(["Food", None, "College", "Food"]))
    table = checkins.load(checkins.NYC, tmp_path)
    assert table.class_names == ("College", "Food")
    assert table.labels.tolist() == [1, 0, 1]
    assert np.array_equal(table.features.to_numpy(), _counts(4).to_numpy()[[0, 2, 3]])
    assert table.notes == ("4 venues, 1 of them left out because they have no category.",)


def test_insta_layout_gives_the_same_features(tmp_path: Path) -> None:
    _write(tmp_path, checkins.INSTA_NY, _insta([10, 9, 10]))
    table = checkins.load(checkins.INSTA_NY, tmp_path)
    assert table.name == "insta-ny"
    assert table.class_names == ("9", "10")
    assert table.labels.tolist() == [1, 0, 1]
    assert list(table.features.columns) == list(checkins.HOURS)
    assert np.array_equal(table.features.to_numpy(), _counts(3).to_numpy())


@pytest.mark.parametrize(("source", "venues"), [(checkins.NYC, 3_618), (checkins.JAKARTA, 8_257)])
def test_real_venues(source: checkins.Source, venues: int, real_data: Path) -> None:
    table = checkins.load(source, real_data)
    assert table.features.shape == (venues, 168)
    assert len(table.class_names) == 9
    assert table.features.to_numpy().min() == 0


def test_neither_layout_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, checkins.INSTA_LA, _insta([1, 2]).drop(columns="5"))
    with pytest.raises(AuditError, match="has 169 columns and starts with 'locid'"):
        checkins.load(checkins.INSTA_LA, tmp_path)


@pytest.mark.parametrize("bad", ["many", np.inf, np.nan])
def test_bad_count_is_refused(tmp_path: Path, bad: object) -> None:
    frame = _insta([1, 2]).astype({"7": object})
    frame.loc[1, "7"] = bad
    _write(tmp_path, checkins.INSTA_LA, frame)
    with pytest.raises(AuditError, match="count"):
        checkins.load(checkins.INSTA_LA, tmp_path)


_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


@pytest.mark.parametrize("content", [b"", b"this is no gzip", _HEAD, _HEAD + b"\xff" * 50])
def test_damaged_gzip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / checkins.NYC.files[0].path
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(AuditError, match="cannot read"):
        checkins.load(checkins.NYC, tmp_path)


def test_truncated_gzip_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, checkins.NYC, _public(["Food", "College"] * 50))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(AuditError, match="cannot read"):
        checkins.load(checkins.NYC, tmp_path)
