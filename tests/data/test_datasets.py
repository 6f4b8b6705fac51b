"""Every dataset in the registry goes through the same checks, by virtue of being registered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.data import DATASETS, data_folder, encode, first_of_duplicates, load_dataset
from unlearn_audit.data.source import digest
from unlearn_audit.errors import AuditError


@pytest.mark.parametrize("name", DATASETS)
def test_source_tells_all_that_a_person_needs(name: str) -> None:
    source, _ = DATASETS[name]
    assert source.name == name
    assert source.title
    assert source.licence
    assert source.citation
    assert source.classes >= 2
    for file in source.files:
        assert not Path(file.path).is_absolute()
        assert file.url is None or (file.sha256 is not None and file.url.startswith("https://"))
    assert not source.files or source.fetchable or source.how_to_get


@pytest.mark.parametrize("name", DATASETS)
def test_loader_keeps_the_contract(name: str, real_data: Path) -> None:
    source, load = DATASETS[name]
    if source.missing(real_data):
        pytest.skip(f"{name} is not in the data folder")
    table = load(real_data)

    assert table.name == name
    assert len(table.features) == len(table.labels)
    if source.records is not None:
        assert table.features.shape == (source.records, source.features)
    assert table.labels.dtype == np.int64
    assert np.array_equal(np.unique(table.labels), np.arange(len(table.class_names)))
    assert len(table.class_names) == source.classes
    assert isinstance(table.features.index, pd.RangeIndex)
    assert np.dtype(object) not in list(table.features.dtypes)
    assert table.notes
    assert all(note.endswith(".") for note in table.notes)

    X, _ = encode(table, np.arange(0, len(table.labels), 2))
    assert len(X) == len(table.labels)
    assert np.isfinite(X).all()


@pytest.mark.parametrize("name", [name for name, (source, _) in DATASETS.items() if source.files])
def test_missing_files_are_told_with_path_and_way_out(name: str, empty_folder: Path) -> None:
    source, load = DATASETS[name]
    with pytest.raises(AuditError) as told:
        load_dataset(name)
    sentence = str(told.value)
    assert str(empty_folder / source.files[0].path) in sentence
    assert source.how() in sentence
    assert "\n" not in sentence
    with pytest.raises(AuditError):
        load(empty_folder)


@pytest.mark.parametrize("name", DATASETS)
def test_real_files_have_the_digests_of_their_source(name: str, real_data: Path) -> None:
    source, _ = DATASETS[name]
    present = [file for file in source.files if file.sha256 and (real_data / file.path).is_file()]
    if not present:
        pytest.skip(f"{name} has no file with a digest here")
    for file in present:
        assert digest(real_data / file.path, file.digest_of) == file.sha256
        assert file.size in (None, (real_data / file.path).stat().st_size)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(AuditError, match=r"no dataset 'adlut'; known are: digits, .*adult"):
        load_dataset("adlut")


@pytest.mark.parametrize(
    ("name", "repeated"),
    [("adult", 52), ("us-accidents", 1773), ("checkins-nyc", 0), ("checkins-jakarta", 0), ("digits", 0)],
)
def test_known_numbers_of_duplicates(name: str, repeated: int, real_data: Path) -> None:
    kept = first_of_duplicates(load_dataset(name, real_data))
    assert (~kept).sum() == repeated


def test_folder_is_that_of_the_environment_or_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNLEARN_AUDIT_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.setenv("UNLEARN_AUDIT_DATA", "~/sets")
    assert data_folder() == Path.home() / "sets"
    for empty in ("", " "):
        monkeypatch.setenv("UNLEARN_AUDIT_DATA", empty)
        assert data_folder().parts[-2:] == ("unlearn-audit", "data")
    monkeypatch.delenv("UNLEARN_AUDIT_DATA")
    assert data_folder().parts[-2:] == ("unlearn-audit", "data")
