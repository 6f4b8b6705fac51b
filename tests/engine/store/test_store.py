import json
import os
import threading
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from unlearn_audit.engine.store.keys import dataset_fingerprint, digest
from unlearn_audit.engine.store.store import Store, default_store_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.piece import Packed
from unlearn_audit.worlds.from_arrays import prepare_arrays

DOCUMENT = {"stage": "observations/1", "world": 3}


def test_what_is_put_is_got(piece, tmp_path):
    store, made = Store(tmp_path / "s"), piece()
    assert store.get(DOCUMENT) is None
    store.put(DOCUMENT, Packed.of(made), {"overfitting": 0.25})
    found, stats = store.get(DOCUMENT)
    assert np.array_equal(found.posteriors, made.posteriors)
    assert stats == {"overfitting": 0.25}
    assert not store.has({**DOCUMENT, "world": 4})


def test_work_without_its_finished_mark_or_with_other_bytes_is_not_there(piece, tmp_path):
    store = Store(tmp_path / "s")
    store.put(DOCUMENT, Packed.of(piece()), {})
    key = digest(DOCUMENT)
    payload, mark = (tmp_path / "s" / key[:2] / f"{key}{suffix}" for suffix in (".arrow", ".json"))
    whole = payload.read_bytes()
    payload.write_bytes(whole[:-5])
    assert not store.has(DOCUMENT)
    payload.write_bytes(whole)
    assert store.has(DOCUMENT)
    mark.unlink()
    assert store.get(DOCUMENT) is None


def test_the_mark_says_what_made_it(piece, tmp_path):
    store = Store(tmp_path / "s")
    store.put(DOCUMENT, Packed.of(piece()), {})
    key = digest(DOCUMENT)
    assert json.loads((tmp_path / "s" / key[:2] / f"{key}.json").read_text())["document"] == DOCUMENT


def test_two_writers_of_the_same_work_do_not_harm_each_other(piece, tmp_path):
    store, made = Store(tmp_path / "s"), piece()
    threads = [threading.Thread(target=store.put, args=(DOCUMENT, Packed.of(made), {})) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.has(DOCUMENT)
    assert not list((tmp_path / "s").rglob("*.part"))


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(AuditError, match="is not a store"):
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


def files_of(store, document=DOCUMENT):
    key = digest(document)
    return tuple(store.folder / key[:2] / f"{key}{suffix}" for suffix in (".arrow", ".json"))


@pytest.mark.parametrize(
    "note", [b"", b'{"document": {}, "sta', b"\xff\xfe", b"[]", b"null", b"{}", b'{"sha256": 3, "stats": {}}']
)
def test_work_with_an_unreadable_note_is_not_there(piece, tmp_path, note):
    store, made = Store(tmp_path / "s"), piece()
    store.put(DOCUMENT, Packed.of(made), {})
    files_of(store)[1].write_bytes(note)
    assert store.get(DOCUMENT) is None
    assert not store.has(DOCUMENT)
    store.put(DOCUMENT, Packed.of(made), {})
    assert store.has(DOCUMENT)


def test_work_whose_note_lacks_a_key_is_not_there(piece, tmp_path):
    store = Store(tmp_path / "s")
    for missing in ("stats", "sha256"):
        store.put(DOCUMENT, Packed.of(piece()), {})
        note = files_of(store)[1]
        note.write_text(json.dumps({k: v for k, v in json.loads(note.read_text()).items() if k != missing}))
        assert store.get(DOCUMENT) is None
        assert not store.has(DOCUMENT)


def test_observations_that_cannot_be_read_are_not_there(piece, tmp_path):
    store = Store(tmp_path / "s")
    store.put(DOCUMENT, Packed.of(piece()), {})
    payload, note = files_of(store)
    payload.write_bytes(b"no arrow")
    content = json.loads(note.read_text()) | {"sha256": sha256(b"no arrow").hexdigest()}
    note.write_text(json.dumps(content))
    assert store.get(DOCUMENT) is None
    assert not store.has(DOCUMENT)


def test_a_store_that_another_process_is_just_making_is_a_store(tmp_path):
    (tmp_path / ".unlearn-audit-store.json.x1.part").touch()
    assert Store(tmp_path).get(DOCUMENT) is None


def test_a_store_that_appears_while_one_looks_is_a_store(tmp_path, monkeypatch):
    listed = Path.iterdir

    def meanwhile(folder):
        monkeypatch.undo()
        Store(folder)
        (folder / "ab").mkdir()
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", meanwhile)
    assert Store(tmp_path).folder == tmp_path


def test_a_store_that_cannot_be_written_is_told(piece, tmp_path):
    store = Store(tmp_path / "s")
    (tmp_path / "s" / digest(DOCUMENT)[:2]).touch()
    with pytest.raises(AuditError, match="cannot be written"):
        store.put(DOCUMENT, Packed.of(piece()), {})


def test_arrays_are_kept_as_tables_are(piece, tmp_path):
    store = Store(tmp_path / "s")
    document = {"stage": "attacks/1", "attack": "sorted-diff"}
    arrays = {"scores": np.linspace(0, 1, 5), "names": np.array(["a", "é"]), "none": np.empty((0, 3), dtype="f4")}
    store.put(document, arrays, {"auc": 0.5}, {"model": "mlp"})
    found, stats = store.get_arrays(document)
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[k], v) and found[k].dtype == v.dtype for k, v in arrays.items())
    assert stats == {"auc": 0.5}
    # a table is looked for under its own name
    assert store.get(document) is None
    payload = files_of(store, document)[1].with_suffix(".npz")
    first = payload.read_bytes()
    store.put(document, arrays, {"auc": 0.5})
    assert payload.read_bytes() == first
    payload.write_bytes(first[:-1])
    assert store.get_arrays(document) is None
    with pytest.raises(TypeError, match="names holds Python objects"):
        store.put(document, {"names": np.array(["a", None])}, {})


def test_arrays_that_would_need_a_pickle_are_not_read(tmp_path):
    store = Store(tmp_path / "s")
    store.put(DOCUMENT, {"a": np.ones(3)}, {})
    payload, mark = files_of(store)[1].with_suffix(".npz"), files_of(store)[1]
    np.savez(payload, a=np.array([{}], dtype=object))
    mark.write_text(json.dumps({"sha256": sha256(payload.read_bytes()).hexdigest(), "stats": {}}))
    assert store.get_arrays(DOCUMENT) is None


def test_marks_say_what_is_there_and_when_it_was_used(piece, tmp_path):
    store = Store(tmp_path / "s")
    store.put(DOCUMENT, Packed.of(piece()), {}, {"dataset": "made", "model": "mlp"})
    payload, mark = files_of(store)
    os.utime(mark, (1000, 1000))
    (found,) = store.stored()
    assert (found.key, found.document, found.about) == (mark.stem, DOCUMENT, {"dataset": "made", "model": "mlp"})
    assert found.n_bytes == payload.stat().st_size + mark.stat().st_size
    assert found.used == 1000
    store.get(DOCUMENT)
    (found,) = store.stored()
    assert found.used > 1000
    mark.write_text("{")
    (found,) = store.stored()
    assert found.document == {}


def test_a_store_is_opened_without_making_one(tmp_path):
    assert Store.existing(tmp_path / "s") is None
    assert not (tmp_path / "s").exists()
    Store(tmp_path / "s")
    assert Store.existing(tmp_path / "s").folder == tmp_path / "s"
    with pytest.raises(AuditError, match="is not a store of unlearn-audit"):
        Store.existing(tmp_path)


def changed(mark, **parts):
    mark.write_text(json.dumps({**json.loads(mark.read_text()), **parts}))


@pytest.mark.parametrize("part", ["stats", "about", "document"])
def test_nothing_in_a_mark_can_be_changed(piece, tmp_path, part):
    store = Store(tmp_path / "s")
    store.put(DOCUMENT, Packed.of(piece()), {"overfitting": 0.1}, {"dataset": "made"})
    mark = files_of(store)[1]
    note = json.loads(mark.read_text())
    changed(mark, **{part: {**note[part], "overfitting": 0.9}})
    assert store.get(DOCUMENT) is None
    assert store.state(mark.stem) == "damaged"
    mark.write_text(json.dumps(note))
    assert store.get(DOCUMENT)[1] == {"overfitting": 0.1}
    assert store.state(mark.stem) == "whole"
    changed(mark, **{part: {f"{name}_": value for name, value in note[part].items()}})
    assert store.get(DOCUMENT) is None


def test_another_worlds_artefact_is_not_taken_for_this_one(piece, tmp_path):
    store, other = Store(tmp_path / "s"), {**DOCUMENT, "world": 4}
    store.put(DOCUMENT, Packed.of(piece(seed=0)), {})
    store.put(other, Packed.of(piece(seed=1, world=4)), {})
    (payload, mark), (its_payload, its_mark) = files_of(store), files_of(store, other)
    whole, note = payload.read_bytes(), mark.read_bytes()
    payload.write_bytes(its_payload.read_bytes())
    assert store.get(DOCUMENT) is None
    mark.write_bytes(its_mark.read_bytes())
    assert store.get(DOCUMENT) is None
    payload.write_bytes(whole)
    assert store.get(DOCUMENT) is None
    mark.write_bytes(note)
    assert store.get(DOCUMENT) is not None


def test_a_mark_of_an_earlier_version_is_told_from_a_damaged_one(piece, tmp_path):
    store = Store(tmp_path / "s")
    assert store.state(digest(DOCUMENT)) == "absent"
    store.put(DOCUMENT, Packed.of(piece()), {})
    mark = files_of(store)[1]
    note = json.loads(mark.read_text())
    del note["digest"]
    mark.write_text(json.dumps(note))
    assert store.get(DOCUMENT) is None
    assert store.state(mark.stem) == "former"
    mark.unlink()
    assert store.state(mark.stem) == "absent"
    mark.mkdir()
    assert store.state(mark.stem) == "damaged"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is damaged"),
        (b"{", "is damaged"),
        (b"[]", "is damaged"),
        (b"{}", "is damaged"),
        (b"\xff\xfe", "is damaged"),
        (b'{"layout": 2}', "has the layout 2 and this version reads 1"),
        (b'{"layout": "1"}', "has the layout '1'"),
        (b'{"layout": true}', "has the layout True"),
    ],
)
def test_a_store_of_another_layout_is_refused(tmp_path, content, said):
    marker = Store(tmp_path / "s").folder / "unlearn-audit-store.json"
    marker.write_bytes(content)
    for opened in (Store, Store.existing):
        with pytest.raises(AuditError, match=said):
            opened(tmp_path / "s")
    assert marker.read_bytes() == content
