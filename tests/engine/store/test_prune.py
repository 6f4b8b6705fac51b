import os
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearn_audit.engine.store.keys import digest
from unlearn_audit.engine.store.prune import chosen, parse_age, parse_size, prune
from unlearn_audit.engine.store.store import Store, Stored
from unlearn_audit.errors import AuditError
from unlearn_audit.observations.piece import Packed

DAY = 24 * 3600.0


def document(i):
    return {"stage": "observations/1", "world": i}


def mark_of(store, i):
    key = digest(document(i))
    return store.folder / key[:2] / f"{key}.json"


@pytest.fixture
def store(piece, tmp_path):
    """Four artefacts, used 0, 10, 20 and 30 days ago."""
    store = Store(tmp_path / "s")
    for i in range(4):
        store.put(document(i), Packed.of(piece(seed=i)), {})
        used = time.time() - 10 * i * DAY
        os.utime(mark_of(store, i), (used, used))
    return store


def left(store):
    return [i for i in range(4) if mark_of(store, i).exists()]


def test_what_was_not_used_for_long_goes(store):
    assert prune(store, older_than=15 * DAY, dry_run=True).artefacts == 2
    assert left(store) == [0, 1, 2, 3]
    done = prune(store, older_than=15 * DAY)
    assert (done.artefacts, done.kept, done.leftovers) == (2, 2, 0)
    assert left(store) == [0, 1]
    assert not list(store.folder.glob(f"??/{digest(document(3))}*"))
    assert store.get(document(0)) is not None


def test_reading_an_artefact_keeps_it(store):
    store.get(document(3))
    prune(store, older_than=15 * DAY)
    assert left(store) == [0, 1, 3]


def test_the_least_used_go_until_the_rest_fits(store):
    sizes = {a.key: a.n_bytes for a in store.stored()}
    newest = sizes[digest(document(0))] + sizes[digest(document(1))]
    prune(store, max_bytes=newest)
    assert left(store) == [0, 1]
    prune(store, max_bytes=0)
    assert left(store) == []


def test_all_is_all_artefacts_and_nothing_else(store):
    others = [store.folder / "notes.txt", store.folder / "ab" / "thesis.json", store.folder / ("f" * 64 + ".json")]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("years of work")
    assert prune(store, everything=True).artefacts == 4
    assert left(store) == []
    assert all(path.read_text() == "years of work" for path in others)
    assert Store.existing(store.folder) is not None


def test_files_of_killed_processes_go_once_they_are_old(store):
    key = digest(document(3))
    half = store.folder / key[:2] / f".{key}.arrow.x1.part"
    half.touch()
    mark_of(store, 3).unlink()
    assert prune(store, older_than=100 * DAY).leftovers == 0
    for path in (half, mark_of(store, 3).with_suffix(".arrow")):
        os.utime(path, (1000, 1000))
    assert prune(store, older_than=100 * DAY).leftovers == 2
    assert not half.exists()
    assert left(store) == [0, 1, 2]


def test_pruning_beside_writers_and_readers_harms_nobody(store, piece):
    stop, failed = threading.Event(), []

    def use(i):
        made = piece(seed=i)
        try:
            while not stop.is_set():
                found = store.get(document(i))
                assert found is None or (found[0].posteriors == made.posteriors).all()
                store.put(document(i), Packed.of(made), {})
        except Exception as error:  # noqa: BLE001 - of any kind, and shown below
            failed.append(error)

    threads = [threading.Thread(target=use, args=(i,)) for i in (0, 0, 1)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        prune(store, everything=True)
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    for i in (0, 1):
        store.put(document(i), Packed.of(piece(seed=i)), {})
        assert store.has(document(i))


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50)), max_size=12),
    st.none() | st.floats(0, 100),
    st.none() | st.integers(0, 300),
)
def test_no_more_goes_than_has_to(artefacts, older_than, max_bytes):
    stored = [Stored(str(i), {}, {}, size, 100 - age) for i, (age, size) in enumerate(artefacts)]
    gone = chosen(stored, 100.0, older_than=older_than, max_bytes=max_bytes)
    kept = [a for a in stored if a not in gone]
    if older_than is not None:
        assert all(100.0 - a.used <= older_than for a in kept)
    if max_bytes is not None:
        assert sum(a.n_bytes for a in kept) <= max_bytes
    assert all(g.used <= k.used for g in gone for k in kept)
    if gone:
        last = gone[-1]
        too_old = older_than is not None and 100.0 - last.used > older_than
        too_much = max_bytes is not None and sum(a.n_bytes for a in [*kept, last]) > max_bytes
        assert too_old or too_much


@pytest.mark.parametrize("text", ["", "30", "d", "-3d", "30 days", "1m"])
def test_bad_ages(text):
    with pytest.raises(AuditError, match="is not an age; write hours, days or weeks"):
        parse_age(text)


@pytest.mark.parametrize("text", ["", "5", "GB", "-1GB", "5 gigabytes", "1e9B"])
def test_bad_sizes(text):
    with pytest.raises(AuditError, match="is not a size; write it as"):
        parse_size(text)


def test_a_size_beyond_all_disks_is_one():
    assert parse_size("9" * 400 + "GB") > 10**18
