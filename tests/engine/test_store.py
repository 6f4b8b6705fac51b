import json
import os
import threading

import numpy as np
import pytest

from unlearn_audit.engine.keys import dataset_fingerprint, digest
from unlearn_audit.engine.store import Store, default_store_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.worlds.prepare import prepare_arrays

DOCUMENT = {"stage": "observations/1", "world": 3}


def test_what_is_put_is_got(table, tmp_path):
    store, made = Store(tmp_path / "s"), table()
    assert store.get(DOCUMENT) is None
    store.put(DOCUMENT, made, {"overfitting": 0.25})
    found, stats = store.get(DOCUMENT)
    assert np.array_equal(found.posteriors, made.posteriors)
    assert stats == {"overfitting": 0.25}
    assert not store.has({**DOCUMENT, "world": 4})


def test_work_without_its_finished_mark_or_with_other_bytes_is_not_there(table, tmp_path):
    store = Store(tmp_path / "s")
    store.put(DOCUMENT, table(), {})
    key = digest(DOCUMENT)
    payload, mark = (tmp_path / "s" / key[:2] / f"{key}{suffix}" for suffix in (".parquet", ".json"))
    whole = payload.read_bytes()
    payload.write_bytes(whole[:-5])
    assert not store.has(DOCUMENT)
    payload.write_bytes(whole)
    assert store.has(DOCUMENT)
    mark.unlink()
    assert store.get(DOCUMENT) is None


def test_the_mark_says_what_made_it(table, tmp_path):
    store = Store(tmp_path / "s")
    store.put(DOCUMENT, table(), {})
    key = digest(DOCUMENT)
    assert json.loads((tmp_path / "s" / key[:2] / f"{key}.json").read_text())["document"] == DOCUMENT


def test_two_writers_of_the_same_work_do_not_harm_each_other(table, tmp_path):
    store, made = Store(tmp_path / "s"), table()
    threads = [threading.Thread(target=store.put, args=(DOCUMENT, made, {})) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.has(DOCUMENT)
    assert not list((tmp_path / "s").rglob("*.part"))


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(AuditError, match="is no store"):
        Store(tmp_path)
    with pytest.raises(AuditError, match="cannot be written"):
        Store(tmp_path / "letter.txt" / "below")


def test_the_default_folder_can_be_set(monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARN_AUDIT_STORE", str(tmp_path))
    assert default_store_folder() == tmp_path
    monkeypatch.delenv("UNLEARN_AUDIT_STORE")
    assert default_store_folder().parts[-2:] == ("unlearn-audit", "store")
    assert os.fspath(default_store_folder())


def test_fingerprints_follow_the_content():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 3)), rng.integers(0, 2, 80)
    one, two = (dataset_fingerprint(prepare_arrays(X, y, None, "d", 0).data) for _ in range(2))
    assert one == two
    changed = X.copy()
    changed[7, 1] += 1e-9
    prints = {
        dataset_fingerprint(prepare_arrays(changed, y, None, "d", 0).data),
        dataset_fingerprint(prepare_arrays(X, 1 - y, None, "d", 0).data),
        dataset_fingerprint(prepare_arrays(X, y, None, "e", 0).data),
        dataset_fingerprint(prepare_arrays(X.astype("f4"), y, None, "d", 0).data),
    }
    assert len(prints | {one}) == 5
