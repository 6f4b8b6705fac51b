"""Purging records: every table, the store, and a search of every byte afterwards."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from unlearn_audit import AuditConfig, Execution, read_observations, run
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.engine import Store
from unlearn_audit.engine.erasure.purge import purge
from unlearn_audit.engine.store.folder import PURGED, run_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.piece import read_packed
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.spreadsheet import to_csv

SIZES = {"shadow": 3, "target": 3, "deletions": 5, "unseen": 5, "references": 12, "train_size": 100}
CONFIG = AuditConfig.model_validate(
    {
        "target": {"data": "breast-cancer", "model": "logistic-regression"},
        "worlds": SIZES,
        "features": ["sorted-diff"],
        "attack_models": ["logistic-regression"],
    }
)


@pytest.fixture
def audited(tmp_path):
    """A run folder and its store, as the command line leaves them."""
    subject = AuditTask.load(CONFIG)
    store, out = tmp_path / "store", tmp_path / "out"
    with run_folder(out, subject.identity):
        run(CONFIG, Execution(store=store)).write(out)
    (out / "private-names.csv").write_text("world,record,rank\n0,007,1\n1,8,2\n")
    return out, Store(store), subject.records["target"].data


def searched(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_byte_of_the_purged_is_left_and_the_others_are(audited):
    out, store, data = audited
    before = read_observations(out / "observations" / "target.parquet")
    who = before.rows["record"].to_numpy()[before.roles == "deleted"][[0, 4, 8]]
    rows = np.isin(before.rows["record"].to_numpy(), who)
    answers = {row.astype("<f4").tobytes() for row in before.posteriors[rows]}
    kept = {row.astype("<f4").tobytes() for row in before.posteriors[~rows]}
    assert len(answers - kept) > 2
    scores = pd.read_parquet(out / "scores.parquet")
    done = purge([out], store, {str(record) for record in who})
    assert done.rows > rows.sum()
    assert done.artefacts >= 1
    after = read_observations(out / "observations" / "target.parquet")
    assert after.rows.equals(before.select(~rows).rows)
    assert np.array_equal(after.posteriors, before.posteriors[~rows])
    others = scores[~scores["record"].isin(who)].reset_index(drop=True)
    assert pd.read_parquet(out / "scores.parquet").equals(others)
    features = [data.X[data.record_ids == record].tobytes() for record in who]
    for folder in (out, store.folder):
        for path, content in searched(folder).items():
            held = [content]
            if path.suffix in (".parquet", ".arrow"):
                table = pq.read_table(path) if path.suffix == ".parquet" else read_packed(content, whole=True)
                assert not np.isin(table["record"].to_numpy(), who).any()
                if "posteriors" in table.column_names:
                    held.append(np.asarray(table["posteriors"].combine_chunks().flatten()).tobytes())
            assert not any(secret in of for of in held for secret in [*(answers - kept), *features])
    assert json.loads((out / PURGED).read_text())["rows"] == done.rows


def test_a_second_time_there_is_nothing_to_do(audited):
    out, store, _ = audited
    who = {str(read_observations(out / "observations" / "shadow.parquet").rows["record"][0])}
    assert purge([out], store, who).rows > 0
    before = searched(out)
    again = purge([out], store, who)
    assert (again.rows, again.artefacts) == (0, 0)
    assert searched(out) == before


def test_a_dry_run_counts_and_changes_nothing(audited):
    out, store, _ = audited
    who = {str(read_observations(out / "observations" / "shadow.parquet").rows["record"][0])}
    before = searched(out) | searched(store.folder)
    dry = purge([out], store, who, dry_run=True)
    assert searched(out) | searched(store.folder) == before
    done = purge([out], store, who)
    assert (dry.rows, dry.tables, dry.artefacts) == (done.rows, done.tables, done.artefacts)


def test_ids_are_texts_and_of_one_dataset(audited):
    out, store, _ = audited
    with pytest.raises(AuditError, match="unknown dataset of these runs 'another'; use one of breast-cancer"):
        purge([out], store, {"7"}, "another")
    assert "007" in (out / "private-names.csv").read_text()
    purge([out], None, {"007"})
    assert (out / "private-names.csv").read_text() == "world,record,rank\n1,8,2\n"
    purge([out], None, {"8"}, "breast-cancer")
    assert not (out / "private-names.csv").exists()


def test_what_is_left_elsewhere_is_named(audited):
    out, store, _ = audited
    (out / "notes.txt").write_text("asked about person-4711 on Monday")
    with pytest.raises(AuditError, match=r"may remain: .*notes\.txt names one of them"):
        purge([out], store, {"person-4711"})
    (out / "notes.txt").unlink()
    table = read_observations(out / "observations" / "target.parquet")
    record, secret = table.rows["record"][0], table.posteriors[0].astype("<f4").tobytes()
    assert (table.posteriors == table.posteriors[0]).all(axis=(1, 2)).sum() == 1
    (out / "copy.bin").write_bytes(b"..." + secret)
    with pytest.raises(AuditError, match=r"copy\.bin holds answers that only they received"):
        purge([out], store, {str(record)})


def test_an_id_inside_another_number_is_no_trace(audited):
    out, store, _ = audited
    (out / "notes.txt").write_text("the AUC was 0.4711472, seen 24711472 times")
    purge([out], store, {"4711472"})


def test_nobody_found_nothing_removed(audited):
    out, store, _ = audited
    store.put({"stage": "x"}, {"margins": np.arange(3.0)}, {}, {"dataset": "breast-cancer"})
    done = purge([out], store, {"99999999"})
    assert (done.rows, done.artefacts) == (0, 0)
    assert store.get_arrays({"stage": "x"}) is not None


def test_only_runs_that_nobody_uses(audited, tmp_path):
    out, store, _ = audited
    with pytest.raises(AuditError, match=r"holds no run of unlearn-audit"):
        purge([tmp_path], store, {"1"})
    with run_folder(out, AuditTask.load(CONFIG).identity), pytest.raises(AuditError, match="is in use"):
        purge([out], store, {"1"})


def test_arrays_of_the_dataset_go_too(audited):
    out, store, _ = audited
    store.put({"stage": "x"}, {"margins": np.arange(3.0)}, {}, {"dataset": "breast-cancer"})
    store.put({"stage": "y"}, {"margins": np.arange(3.0)}, {}, {"dataset": "adult"})
    purge([out], store, {str(read_observations(out / "observations" / "shadow.parquet").rows["record"][0])})
    assert store.get_arrays({"stage": "x"}) is None
    assert store.get_arrays({"stage": "y"}) is not None


def test_an_id_that_a_spreadsheet_would_run_is_found_in_tables_for_people(tmp_path):
    with run_folder(tmp_path / "run", {}) as run_of:
        table = run_of / "private-persons.csv"
        write_atomic(table, to_csv({"person": ["=1+1", "-5", "Ada; L."], "score": [-0.5, -0.25, 1.0]}))
    assert purge([tmp_path / "run"], None, {"=1+1", "-5"}).rows == 2
    assert table.read_text() == 'person,score\n"Ada; L.",1.0\n'
