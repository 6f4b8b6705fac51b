"""Whom an owner's list of ids names."""

import numpy as np
import pytest

from unlearn_audit.audits.membership.listed import listed_records
from unlearn_audit.config import DataConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.worlds.from_arrays import prepare_arrays
from unlearn_audit.worlds.prepare import prepare


def table(tmp_path, persons):
    rng = np.random.default_rng(0)
    lines = [f"{persons(i)},{rng.random():.6f},{i % 3}" for i in range(200)]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["who,size,label", *lines, lines[7]]) + "\n")
    return path


def listed(tmp_path, text, records, name="gone.txt"):
    path = tmp_path / name
    path.write_text(text)
    return listed_records(path, records).tolist()


def test_row_numbers_without_people(tmp_path):
    records = prepare(DataConfig(file=str(table(tmp_path, lambda i: i)), label="label", exclude=("who",)), 0)
    assert listed(tmp_path, "3\n\n 17 \n", records) == [3, 17]
    assert listed(tmp_path, "record\n17\n3\n", records, "gone.csv") == [3, 17]
    with pytest.raises(AuditError, match=r"1 of 2 ids in .* are not in people: 200; list row numbers, counted from 0"):
        listed(tmp_path, "200\n3\n", records)


@pytest.mark.parametrize("name", [lambda i: f"P{i // 4:03d}", lambda i: i // 4 + 100])
def test_people_by_their_ids_with_all_their_rows(tmp_path, name):
    path = str(table(tmp_path, name))
    records = prepare(DataConfig(file=path, label="label", person="who"), 0)
    assert listed(tmp_path, f"{name(20)}\n{name(160)}\n", records) == [20, 21, 22, 23, 160, 161, 162, 163]


def test_a_look_alike_is_named_and_not_taken(tmp_path):
    records = prepare(DataConfig(file=str(table(tmp_path, lambda i: f"P{i // 4:03d}")), label="label", person="who"), 0)
    with pytest.raises(AuditError, match="p005; p005 may be P005; list people"):
        listed(tmp_path, "p005\n", records)


def test_people_of_arrays(tmp_path):
    X, y = np.random.default_rng(0).random((200, 3)), np.arange(200) % 2
    records = prepare_arrays(X, y, [f"u{i // 2}" for i in range(200)], "made", 0)
    assert listed(tmp_path, "u9\n", records) == [18, 19]


def test_ids_themselves_are_refused_since_a_configuration_is_published(tmp_path):
    records = prepare_arrays(np.random.default_rng(0).random((200, 3)), np.arange(200) % 2, None, "made", 0)
    with pytest.raises(AuditError, match="--delete-ids 3,4 is not a file"):
        listed_records(tmp_path.__class__("3,4"), records)
    with pytest.raises(AuditError, match="more than once"):
        listed(tmp_path, "3\n3\n", records)
