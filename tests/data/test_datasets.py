"""Every dataset in the registry goes through the same checks, by virtue of being registered."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.data import DATASETS, Images, Table, data_folder, encode, first_of_duplicates, load_dataset
from unlearn_audit.data.source import digest
from unlearn_audit.errors import AuditError

# Read once: no test changes what a loader returned.
loaded = functools.cache(load_dataset)


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
    for file in (*source.files, *([source.archive] if source.archive else [])):
        assert file.url is None or (file.sha256 is not None and file.url.startswith("https://"))
    if source.archive is not None:
        assert "/" not in source.archive.path
        assert all(file.url is None and (file.sha256 or file.size) for file in source.files)
    assert not source.files or source.fetchable or source.how_to_get


@pytest.mark.parametrize("name", DATASETS)
def test_loader_keeps_the_contract(name: str, real_data: Path) -> None:
    source, _ = DATASETS[name]
    if not source.usable(real_data):
        pytest.skip(f"{name} is not in the data folder")
    records = loaded(name, real_data)

    assert records.name == name
    assert records.labels.dtype == np.int64
    assert np.array_equal(np.unique(records.labels), np.arange(len(records.class_names)))
    assert len(records.class_names) == source.classes
    assert records.notes
    assert all(note.endswith(".") for note in records.notes)
    X = table_to_numbers(records) if isinstance(records, Table) else images_to_numbers(records)
    assert len(X) == len(records.labels)
    if source.records is not None:
        whole = all(file.size in (None, (real_data / file.path).stat().st_size) for file in _present(name, real_data))
        whole = whole and not source.missing(real_data)
        assert len(X) == source.records if whole else len(X) < source.records


def table_to_numbers(table: Table) -> np.ndarray:
    source, _ = DATASETS[table.name]
    assert table.features.shape == (len(table.labels), source.features)
    assert isinstance(table.features.index, pd.RangeIndex)
    assert np.dtype(object) not in list(table.features.dtypes)
    X, _ = encode(table, np.arange(0, len(table.labels), 2))
    assert np.isfinite(X).all()
    return X


def images_to_numbers(images: Images) -> np.ndarray:
    source, _ = DATASETS[images.name]
    assert images.pixels.dtype == np.uint8
    assert images.pixels.ndim == 4
    X = images.flat()
    assert X.shape == (len(images.labels), source.features)
    assert X.min() == 0
    assert X.max() == 255
    return X


def _present(name: str, folder: Path) -> list:
    return [file for file in DATASETS[name][0].files if (folder / file.path).is_file()]


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
    present = [file for file in _present(name, real_data) if file.sha256]
    # Where a part will do, a file that is cut short is no other file.
    present = [f for f in present if not source.partial or f.size == (real_data / f.path).stat().st_size]
    if not present:
        pytest.skip(f"{name} has no file with a digest here")
    for file in present:
        assert digest(real_data / file.path, file.digest_of) == file.sha256
        assert file.size in (None, (real_data / file.path).stat().st_size)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(AuditError, match=r"unknown dataset 'adlut'; did you mean adult"):
        load_dataset("adlut")


@pytest.mark.parametrize(
    ("name", "repeated"),
    [
        ("adult", 52),
        ("us-accidents", 1773),
        ("checkins-nyc", 0),
        ("checkins-jakarta", 0),
        ("digits", 0),
        ("mnist", 0),
    ],
)
def test_known_numbers_of_duplicates(name: str, repeated: int, real_data: Path) -> None:
    kept = first_of_duplicates(loaded(name, real_data))
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
