"""Columns that identify are dropped, refused or warned of, and columns that only look similar are left alone."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from unlearn_audit import AuditError, audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import DataConfig, build_config
from unlearn_audit.data import DATASETS
from unlearn_audit.data.base import Table
from unlearn_audit.data.datasets import bundled
from unlearn_audit.data.identifiers import find_identifiers
from unlearn_audit.worlds.from_arrays import prepare_arrays
from unlearn_audit.worlds.prepare import prepare

N = 400
RNG = np.random.default_rng(0)
PEOPLE = [f"{'abcdefghij'[i % 10]}.{i // 10}@mail.example" for i in RNG.permutation(N)]
WORDS = ["late", "early", "again", "twice", "broken", "mended", "paid", "free"]

TEXTS = {
    "hash": [hashlib.sha256(str(i).encode()).hexdigest() for i in range(N)],
    "address": PEOPLE,
    "padded": [f"{i:08d}x"[:8] + "-A" for i in RNG.permutation(N)],
    "remark": [" ".join(RNG.choice(WORDS, 5)) for _ in range(N)],
    "day": [f"{1 + i % 28:02d}.{1 + i // 28 % 12:02d}.{1950 + i % 50}, {i % 24} h" for i in RNG.permutation(N)],
    "amount": [f"{i / 7:.2f} EUR" for i in RNG.permutation(N)],
    "seldom": [f"ticket {i}" if i % 10 == 0 else None for i in range(N)],
    "two each": [f"case {i // 2 if i < 20 else i}" for i in range(N)],
}
"""Texts of which nearly all are different, by what they stand for."""

FINE = {
    "job": RNG.choice(["nurse", "baker", "judge"], N),
    "town": [f"town {i}" for i in RNG.integers(0, 150, N)],
    "few": [f"level {i}" if i < 15 else None for i in range(N)],
    "flag": RNG.random(N) < 0.5,
    "income": RNG.permutation(np.arange(N) * 37 + 1200),
    "height": np.sort(RNG.normal(170, 10, N)),
    "paid": RNG.permutation(np.arange(N)),
    "valid": RNG.permutation(np.arange(N)),
    "shop_id": RNG.integers(0, 15, N),
    "IDs": RNG.choice(["passport", "licence"], N),
}
"""Columns that are no ids."""

NUMBERS = {
    "row": np.arange(N),
    "since": -7 * np.arange(N),
    "gaps": np.where(np.arange(N) % 9, np.arange(N), np.nan),
    "user_id": RNG.permutation(N),
    "CustomerID": RNG.permutation(N) + 0.0,
    "patientId": RNG.permutation(N) // 5,
    "uuid": RNG.permutation(N) * 1_000_003,
}
"""Numbers that are ids, or count."""

LABELS = np.where(RNG.random(N) < 0.5, "no", "yes")
AGE = RNG.normal(40, 12, N)


def frame(**columns):
    return pd.DataFrame({"age": AGE, **columns})


def from_file(tmp_path, features, kind="csv", **settings):
    path = tmp_path / f"people.{kind}"
    table = features.assign(rich=LABELS)
    table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path)
    return prepare(DataConfig(file=str(path), label="rich", **settings), 0)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", TEXTS)
def test_text_that_identifies_is_dropped_from_a_file(tmp_path, name, kind):
    records = from_file(tmp_path, frame(**{name: TEXTS[name]}), kind)
    assert records.data.X.shape == (N, 1)
    (said,) = records.data.warnings
    assert said.startswith(f"Dropped, nearly every record holds a different text, as with ids: {name} (")
    assert "give free text with --encoding raw to a model that reads it; to keep a column anyway" in said
    assert said.endswith("name it with --keep")
    # nothing that may be published quotes what stood there
    assert not any(str(value) in said for value in TEXTS[name])


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_text_that_identifies_is_refused_where_a_model_looks_for_its_columns(name, dtype):
    X = frame(**{name: pd.Series(TEXTS[name], dtype=dtype)})
    with pytest.raises(AuditError, match=r"as with ids, in " + name + r" \(.* of X; leave it out, or write keep=\["):
        prepare_arrays(X, LABELS, None, "mine", 0)
    records = prepare_arrays(X, LABELS, None, "mine", 0, keep_columns=[name])
    assert list(records.data.X.columns) == ["age", name]
    assert "is kept as asked" in records.data.warnings[0]
    with pytest.raises(AuditError, match=r"in 1 \(400 distinct of 400 values\)|in 1 \("):
        prepare_arrays(X.to_numpy(dtype=object), LABELS, None, "mine", 0)


@pytest.mark.parametrize("name", FINE)
def test_other_columns_are_left_alone(tmp_path, name):
    X = frame(**{name: FINE[name]})
    in_memory, of_file = prepare_arrays(X, LABELS, None, "mine", 0), from_file(tmp_path, X)
    assert in_memory.data.warnings == of_file.data.warnings == ()
    assert of_file.data.X.shape == (N, 2)
    # numbers among texts are an array of objects
    assert prepare_arrays(X.to_numpy(dtype=object), LABELS, None, "mine", 0).data.warnings == ()


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_that_identify_stay_with_a_warning(tmp_path, name):
    X = frame(**{name: NUMBERS[name]})
    for records in (from_file(tmp_path, X), prepare_arrays(X, LABELS, None, "mine", 0)):
        assert records.data.X.shape == (N, 2)
        (said,) = records.data.warnings
        assert said.startswith(f"{name} (")
        assert "looks like an id and is a feature" in said


def test_ids_of_persons_with_several_rows_count_by_person(tmp_path):
    who = np.repeat(np.arange(N // 8), 8)
    X = frame(address=[PEOPLE[i] for i in who], town=[f"town {i % 12}" for i in who], person=who)
    with_person = from_file(tmp_path, X, person="person")
    assert "address (50 distinct of 50 values)" in with_person.data.warnings[0]
    assert with_person.data.X.shape == (N, 2)
    # without it rows of a person are on both sides, so that the texts are known there
    assert from_file(tmp_path, X.drop(columns="person")).data.warnings == ()
    named = from_file(tmp_path, X.rename(columns={"address": "user_id"}).drop(columns="person"))
    assert "name it as the column of persons if it says whose records these are" in named.data.warnings[0]


def test_columns_can_be_kept_or_excluded(tmp_path):
    X = frame(**TEXTS)
    kept = from_file(tmp_path, X, keep=("hash", "day"))
    assert kept.data.X.shape == (N, 3)
    dropped, *others = kept.data.warnings
    assert all(name in dropped for name in TEXTS if name not in ("hash", "day"))
    assert [said.split()[0] for said in others] == ["hash", "day"]
    assert from_file(tmp_path, X, exclude=tuple(TEXTS)).data.warnings == ()
    for keep in ("nobody", "rich"):
        with pytest.raises(AuditError, match=f"no feature column '{keep}' to keep in people; name one of: age, hash"):
            from_file(tmp_path, X, keep=(keep,))
    with pytest.raises(AuditError, match="X has no column 'nobody' to keep; name one of: age"):
        prepare_arrays(X, LABELS, None, "mine", 0, keep_columns=["nobody"])
    with pytest.raises(AuditError, match="`exclude` and `keep` belong to `file`"):
        build_config({"target": {"data": {"name": "adult", "keep": ["job"]}}})


def test_nothing_left_is_refused(tmp_path):
    X = pd.DataFrame({name: TEXTS[name] for name in ("hash", "address")})
    with pytest.raises(AuditError, match=r"no feature of people is left: .* in hash \(.*\), address \(") as caught:
        from_file(tmp_path, X)
    assert "\n" not in str(caught.value)
    assert from_file(tmp_path, X, keep=("hash",)).data.X.shape == (N, 1)


def test_records_that_differed_by_an_id_alone_are_duplicates(tmp_path):
    X = pd.DataFrame({"age": np.tile(AGE[: N // 2], 2), "hash": TEXTS["hash"]})
    path = tmp_path / "people.csv"
    X.assign(rich=np.tile(LABELS[: N // 2], 2)).to_csv(path, index=False)
    records = prepare(DataConfig(file=str(path), label="rich"), 0, groups=("hash",))
    first = ~X.assign(rich=np.tile(LABELS[: N // 2], 2)).duplicated(["age", "rich"])
    assert records.data.record_ids.tolist() == np.flatnonzero(first).tolist()
    assert records.columns["hash"].tolist() == X.loc[first, "hash"].tolist()


def test_equal_rows_do_not_hide_an_id(tmp_path):
    twice = pd.concat([frame(hash=TEXTS["hash"]).assign(rich=LABELS)] * 2)
    twice.to_csv(tmp_path / "people.csv", index=False)
    records = prepare(DataConfig(file=str(tmp_path / "people.csv"), label="rich"), 0)
    assert "hash (400 distinct of 400 values)" in records.data.warnings[0]


def test_named_datasets_go_the_same_way(monkeypatch):
    table = Table("made", frame(hash=TEXTS["hash"]), (LABELS == "yes").astype(np.int64), ("no", "yes"))
    monkeypatch.setitem(DATASETS, "made", (bundled.DIGITS, lambda folder: table))
    records = prepare(DataConfig(name="made"), 0)
    assert records.data.X.shape == (N, 1)
    assert "hash (400 distinct" in records.data.warnings[0]


@pytest.mark.parametrize("name", ["digits", "breast-cancer", "adult", "checkins-nyc", "us-accidents"])
def test_no_named_dataset_holds_an_id(name, real_data):
    table = DATASETS[name][1](real_data)
    assert list(find_identifiers(table.features, table.persons)) == []


def test_audits_say_so(tmp_path):
    sizes = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 5, "unseen": 3, "references": 10, "train_size": 60}
    X = frame(row=np.arange(N))
    result = audit(
        "decision-tree", X, LABELS, features=["sorted-diff"], attack_models=["logistic-regression"], attacks=[], **sizes
    )
    assert "in-memory: row (400 distinct of 400 values) looks like an id" in result.findings.warnings[0]
    with pytest.raises(AuditError, match="of X; leave it out"):
        audit("decision-tree", frame(hash=TEXTS["hash"]), LABELS, **sizes)
    frame(hash=TEXTS["hash"]).assign(rich=LABELS).to_csv(tmp_path / "people.csv", index=False)
    config = build_config({"target": {"data": {"file": str(tmp_path / "people.csv"), "label": "rich"}}})
    assert "hash" in AuditTask.load(config).records["target"].data.warnings[0]
