"""Erasures that once said nothing was left and left something: each case of ids, stores, files and leftovers."""

import bz2
import fcntl
import gzip
import json
import lzma
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.engine import Store
from unlearn_audit.engine.erasure.purge import purge
from unlearn_audit.engine.store.folder import PURGED, run_folder, verified
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import write_observations
from unlearn_audit.observations.piece import Packed
from unlearn_audit.utils.files import write_atomic
from unlearn_audit.utils.ids import Mentions, normal

DOCUMENT = {"stage": "observations/1", "side": "target", "world": 3}
RECORD = "3"


def identity(dataset="made", **more):
    return {"config": {"target": {"data": {"name": dataset, "file": None, "person": None, **more}}, "shadow": None}}


MADE = identity()


@pytest.fixture
def store(tmp_path, piece):
    store = Store(tmp_path / "store")
    made = piece()
    made = replace(made, columns={**made.columns, "record": np.arange(len(made))})
    store.put(DOCUMENT, Packed.of(made), {}, {"dataset": "made", "model": "mlp"})
    store.put({**DOCUMENT, "world": 4}, {"draws": np.arange(3)}, {}, {"dataset": "made", "model": "mlp"})
    return store


@pytest.fixture
def run(tmp_path, table, store):
    """Make a run folder with observations, scores and a private table."""

    def make(name="out", identity=MADE, seed=0):
        out = tmp_path / name
        made = table(seed=seed, worlds=1)
        made.rows["record"] = np.arange(len(made))
        with run_folder(out, identity, store=store.folder if "config" in identity else None):
            write_observations(made, out / "observations" / "target.parquet")
            for path in (out / "scores.parquet", out / "private-names.csv"):
                frame = made.rows[["world", "record"]].assign(score=0.5)
                write_atomic(
                    path, frame.to_csv(index=False) if path.suffix == ".csv" else frame.to_parquet(index=False)
                )
            write_atomic(out / "findings.json", json.dumps({"dataset": "made", "auc": 0.3}))
        return out

    return make


def records_in(path):
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str)
    return set(frame["record"].astype(str))


def erased(out, *records):
    tables = [*out.rglob("*.parquet"), *out.glob("*.csv")]
    return len(tables) == 3 and all(not set(records) & records_in(path) for path in tables)


@pytest.mark.parametrize("given", ["\ufeff3", "3\u200b", "\u200e 3 \u2060", "\u00ad3"])
def test_what_nobody_sees_is_no_part_of_an_id(run, given):
    out = run()
    done = purge([out], None, {given})
    assert done.missing == []
    assert erased(out, RECORD)


def test_unseen_characters_in_a_table_do_not_hide_a_row(run):
    out = run()
    (out / "private-names.csv").write_text("record,rank\n\ufeffAda\u200b,1\n'=Bob,2\nEve,3\n", encoding="utf-8")
    purge([out], None, {"Ada", "=Bob"})
    assert (out / "private-names.csv").read_text() == "record,rank\nEve,3\n"


@pytest.mark.parametrize("given", ["03", "3.0", "003", "３"])
def test_an_id_in_another_form_is_not_guessed_and_not_passed_over(run, given):
    out = run()
    before = (out / "scores.parquet").read_bytes()
    with pytest.raises(AuditError, match=rf"nothing is stored under {given} \(3 is there\); nothing was removed"):
        purge([out], None, {given, "4"})
    assert (out / "scores.parquet").read_bytes() == before
    assert purge([out], None, {given, "3"}).missing == [given]


def test_answers_are_looked_for_only_where_rows_tell_them(run):
    assert purge([run()], None, {RECORD}).answers > 0
    assert purge([run("other")], None, {"999"}).answers == 0


def test_ids_of_which_nothing_is_found_are_named(run):
    assert purge([run()], None, {RECORD, "999", "person-77"}).missing == ["999", "person-77"]


def test_letters_are_the_same_however_they_are_written(run):
    out = run()
    for text in ("Jos\u00e9 Ruiz", "Jose\u0301 Ruiz", "Jos&eacute; Ruiz", '{"who": "Jos\\u00e9 Ruiz"}'):
        (out / "notes.txt").write_text(text, encoding="utf-8")
        for given in ("Jos\u00e9 Ruiz", "Jose\u0301 Ruiz"):
            with pytest.raises(AuditError, match=r"notes\.txt names one of them"):
                purge([out], None, {given})


def test_a_copy_with_numbers_as_decimals_is_named(run):
    out = run()
    (out / "copy.csv.bak").write_text("record,score\n3.0,0.5\n4.0,0.5\n")
    with pytest.raises(AuditError, match=r"copy\.csv\.bak holds rows about them"):
        purge([out], None, {RECORD})
    assert purge([out], None, {"9"}).rows == 3


def test_artefacts_of_other_data_by_the_same_name_go_or_are_counted(run, store, piece):
    out = run(identity={**MADE, "data": {"target": "now", "shadow": "now"}})
    for world, data in enumerate(("now", "before")):
        made = piece(world=world)
        made = replace(made, columns={**made.columns, "record": np.arange(100, 100 + len(made))})
        document = {**DOCUMENT, "world": world, "data": data}
        store.put(document, Packed.of(made), {}, {"dataset": "made", "model": "mlp"})
    assert purge([out], None, {"999"}).other_data == 1
    done = purge([out], None, {RECORD})
    assert (done.artefacts, done.other_data) == (3, 0)
    assert store.get({**DOCUMENT, "world": 0, "data": "now"}) is not None
    assert store.get({**DOCUMENT, "world": 1, "data": "before"}) is None


def test_forms_of_numbers():
    assert [normal(text) for text in ("0", "00", "-07.00", "1.50", "1e3")] == ["0", "0", "-7", "1.50", "1e3"]
    assert not Mentions(["17"]).any_in("0.17, 17.5, 317, 17a, a17, 1.17")
    assert Mentions(["17"]).any_in("of 17.")
    assert Mentions(["-"]).any_in("a-b")


def test_the_store_that_the_run_used_is_searched(run, store, tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_AUDIT_STORE", str(tmp_path / "another"))
    out = run()
    done = purge([out], None, {RECORD})
    assert (done.artefacts, done.stores) == (2, [store.folder])
    assert store.get(DOCUMENT) is None


def test_a_store_that_cannot_be_reached_stops_it_and_a_second_attempt_works(run, store):
    out, moved = run(), store.folder.with_name("moved")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    store.folder.rename(moved)
    with pytest.raises(AuditError, match=r"store .* cannot be reached; nothing was removed"):
        purge([out], None, {RECORD})
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert purge([out], moved, {RECORD}, dry_run=True).artefacts == 2
    moved.rename(store.folder)
    done = purge([out], None, {RECORD})
    assert (done.artefacts, done.tables) == (2, 3)
    with pytest.raises(AuditError, match="there is no store at"):
        purge([out], moved, {RECORD})


def test_a_store_that_is_gone_is_said_to_be(run, store):
    out = run()
    shutil.rmtree(store.folder)
    done = purge([out], None, {RECORD}, without_store=True)
    assert (done.tables, done.stores) == (3, [])


def test_a_store_is_found_from_any_folder(run, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with run_folder(out := run(), MADE, store=Path("store")):
        pass
    (out / "findings.json").write_text(json.dumps({"dataset": "made", "execution": {"store": "store"}}))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert purge([out], None, {RECORD}).artefacts == 2


def test_a_store_that_findings_of_an_earlier_version_name_is_searched(run, store):
    out = run()
    marker = out / "unlearn-audit-run.json"
    marker.write_text(json.dumps({key: of for key, of in json.loads(marker.read_text()).items() if key != "stores"}))
    (out / "findings.json").write_text(json.dumps({"dataset": "made", "execution": {"store": str(store.folder)}}))
    assert purge([out], None, {RECORD}).stores == [store.folder]


def test_a_run_that_does_not_say_its_store_needs_it_said(run, store):
    out = run()
    marker = out / "unlearn-audit-run.json"
    marker.write_text(json.dumps({key: of for key, of in json.loads(marker.read_text()).items() if key != "stores"}))
    with pytest.raises(AuditError, match="does not say which store it used"):
        purge([out], None, {RECORD})
    assert purge([out], store.folder, {RECORD}).artefacts == 2


def test_what_fails_midway_can_be_tried_again(run, store, monkeypatch):
    out = run()
    unlink = Store.remove
    monkeypatch.setattr(
        Store, "remove", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied", "x"))
    )
    with pytest.raises(AuditError, match=r"x cannot be read or written \(Permission denied\), so traces may remain"):
        purge([out], None, {RECORD})
    monkeypatch.setattr(Store, "remove", unlink)
    assert purge([out], None, {RECORD}).artefacts == 2
    assert erased(out, RECORD)


@pytest.mark.parametrize("operation", range(0, 24, 2))
def test_killed_at_any_moment_it_is_ended_by_the_next_attempt(run, store, monkeypatch, operation):
    out, left = run(), [operation]

    def killing(method):
        def call(*arguments, **options):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return method(*arguments, **options)

        return call

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        for name in ("unlink", "replace"):
            patched.setattr(Path, name, killing(getattr(Path, name)))
        purge([out], None, {RECORD})
    purge([out], None, {RECORD})
    assert erased(out, RECORD)
    assert store.get(DOCUMENT) is None
    assert verified(out)[1] == []


def test_files_half_written_are_removed(run, store):
    out = run()
    parts = [out / ".scores.parquet.x1.part", out / "observations" / ".target.parquet.x2.part"]
    key = digest(DOCUMENT)
    parts += [store.path(key, MARK := ".arrow").with_name(f".{key}{MARK}.x3.part")]
    for part in parts:
        part.write_bytes(b"half")
    dry = purge([out], None, {"999"}, dry_run=True)
    assert (dry.leftovers, dry.left) == (3, {})
    assert purge([out], None, {"999"}).leftovers == 3
    assert not any(part.exists() for part in parts)
    assert verified(out)[1] == []


def test_temporary_data_of_killed_runs_are_removed_and_those_of_living_ones_are_not(run, store):
    out, place = run(), store.folder / "tmp"
    for name in ("12-dead", "13-alive"):
        (place / name / "deep").mkdir(parents=True)
        (place / name / "deep" / "shared").write_bytes(b"records")
        (place / f"{name}.lock").touch()
    (place / "stray.npy").write_bytes(b"records")
    with (place / "13-alive.lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AuditError, match=r"13-alive.* is in use by a running audit; wait for it and purge again"):
            purge([out], None, {RECORD})
        assert not erased(out, RECORD)
    assert purge([out], None, {RECORD}).leftovers == 5
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("name", ["scores.parquet", "observations/target.parquet"])
def test_a_table_that_cannot_be_read_is_named(run, name):
    out = run()
    content = (out / name).read_bytes()
    (out / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(AuditError, match=rf"may remain: \S*{name} cannot be read \("):
        purge([out], None, {RECORD})
    with pytest.raises(AuditError, match="cannot be read"):
        purge([out], None, {"999"})


def test_a_private_table_that_is_no_text_is_named(run):
    out = run()
    (out / "private-names.csv").write_bytes(b"record,rank\n\xff\xfe3,1\n")
    with pytest.raises(AuditError, match=r"private-names\.csv is neither a table nor text"):
        purge([out], None, {RECORD})


def test_artefacts_that_nobody_can_read_go(run, store):
    payload = store.path(digest(DOCUMENT), ".arrow")
    payload.write_bytes(payload.read_bytes()[:-9])
    assert purge([run()], None, {RECORD}).artefacts == 2
    assert not payload.exists()


def test_a_payload_without_its_mark_is_found(run, store):
    store.path(digest(DOCUMENT), ".json").unlink()
    assert purge([run()], None, {RECORD}).artefacts == 2
    assert not store.path(digest(DOCUMENT), ".arrow").exists()


def test_rows_of_other_datasets_stay(run):
    mine, other = run(), run("other", identity("adult"))
    with pytest.raises(AuditError, match=r"unknown dataset of these runs 'mde'; did you mean made\?"):
        purge([mine, other], None, {RECORD}, "mde")
    before = (other / "private-names.csv").read_bytes(), (other / "scores.parquet").read_bytes()
    purge([mine, other], None, {RECORD}, "made")
    assert ((other / "private-names.csv").read_bytes(), (other / "scores.parquet").read_bytes()) == before
    assert erased(mine, RECORD)
    with pytest.raises(AuditError, match="unknown dataset of these runs 'made'; use one of adult"):
        purge([other], None, {RECORD}, "made")


COPIES = {
    "scores.parquet.bak": lambda content: content,
    "SCORES.PARQUET": lambda content: content,
    "old": lambda content: content,
    "scores.parquet.gz": gzip.compress,
    "scores.bz2": bz2.compress,
    "scores.xz": lzma.compress,
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_of_a_table_are_named(run, name):
    out = run()
    (out / name).write_bytes(COPIES[name]((out / "scores.parquet").read_bytes()))
    assert str(out / name) in purge([out], None, {RECORD}, dry_run=True).left
    with pytest.raises(AuditError, match=rf"may remain: \S*{name} holds rows about them; check it"):
        purge([out], None, {RECORD})
    (out / name).unlink()
    assert purge([out], None, {RECORD}).rows == 0


@pytest.mark.parametrize(
    "name", ["copy.csv.gz", "private-names.CSV", "names.tsv", "names.jsonl", "names.txt", "wide.txt"]
)
def test_copies_of_a_private_table_are_named(run, name):
    out = run()
    frame = pd.read_csv(out / "private-names.csv")
    text = {
        "names.tsv": frame.to_csv(index=False, sep="\t"),
        "names.jsonl": frame.to_json(orient="records", lines=True),
        "names.txt": "asked for 3 on Monday",
    }.get(name, frame.to_csv(index=False, sep=";"))
    content = text.encode("utf-16" if name == "wide.txt" else "utf-8")
    (out / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(AuditError, match=rf"{name} (holds rows about them|names one of them)"):
        purge([out], None, {RECORD})


@pytest.mark.parametrize("compressed", [np.savez, np.savez_compressed])
def test_arrays_are_looked_into(run, compressed):
    out = run()
    compressed(out / "copy.npz", record=np.arange(10), score=np.ones(10))
    np.save(out / "ids.npy", np.array(["Ada", "3"]))
    pd.DataFrame({"id": [3, 5]}).to_parquet(out / "mine.parquet")
    left = purge([out], None, {RECORD}, dry_run=True).left
    assert {os.path.basename(path): why for path, why in left.items()} == {
        "copy.npz": "holds rows about them", "ids.npy": "may hold one of them", "mine.parquet": "may hold one of them"
    }  # fmt: skip
    assert purge([out], None, {"999"}).rows == 0


@pytest.mark.parametrize(
    "content", [b"\x80\x04\x95pickle\x00", b"\x89PNG\r\n\x1a\n\x00", b"PK\x03\x04broken", b"\x1f\x8bbroken"]
)
def test_what_cannot_be_looked_into_is_named(run, content):
    out = run()
    (out / "mine.bin").write_bytes(content)
    with pytest.raises(AuditError, match=r"mine\.bin (is neither a table nor text|cannot be read)"):
        purge([out], None, {RECORD})


def test_no_pickle_is_ever_loaded(run):
    out = run()
    np.save(out / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(AuditError, match=r"objects\.npy cannot be read"):
        purge([out], None, {RECORD})


def test_links_are_named_and_never_followed(run, tmp_path):
    out = run()
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("private-names.csv", "scores.parquet"):
        (outside / name).write_bytes((out / name).read_bytes())
    (out / "scores.parquet").unlink()
    (out / "scores.parquet").symlink_to(outside / "scores.parquet")
    (out / "more").symlink_to(outside)
    before = {path: path.read_bytes() for path in outside.iterdir()}
    with pytest.raises(AuditError) as caught:
        purge([out], None, {RECORD})
    for name in ("more", "scores.parquet"):
        assert f"{out / name} is not a plain file and was not followed" in str(caught.value)
    assert {path: path.read_bytes() for path in outside.iterdir()} == before
    assert (out / "scores.parquet").is_symlink()


def test_a_folder_that_cannot_be_read_stops_it(run, monkeypatch):
    out = run()
    listed = os.scandir

    def refuse(path):
        if str(path).endswith("observations"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(AuditError, match=r"observations cannot be read or written \(Permission denied\)"):
        purge([out], None, {RECORD})


def test_the_manifest_is_rewritten_and_what_differed_before_still_does(run):
    out = run()
    purge([out], None, {RECORD})
    manifest, found = verified(out)
    assert found == []
    assert PURGED in manifest.files
    said = []
    with run_folder(out, MADE, said.append):
        pass
    assert said == [f"records were purged from {out}; this run writes rows of all records that are in the data now"]
    (out / "findings.json").write_text("{}")
    scores = pd.read_parquet(out / "scores.parquet")
    scores.assign(score=0.9).to_parquet(out / "scores.parquet", index=False)
    purge([out], None, {"4"})
    assert [(each.file, each.what) for each in verified(out)[1]] == [
        ("findings.json", "changed"), ("scores.parquet", "changed")
    ]  # fmt: skip


@pytest.mark.parametrize("manifest", [None, "{}"])
def test_a_folder_without_a_manifest_is_purged_too(run, manifest):
    out = run()
    (out / "unlearn-audit-manifest.json").unlink()
    if manifest is not None:
        (out / "unlearn-audit-manifest.json").write_text(manifest)
    purge([out], None, {RECORD})
    assert erased(out, RECORD)
    with pytest.raises(AuditError, match="is damaged" if manifest else "has no digests recorded"):
        verified(out)


def test_a_store_inside_the_run_folder_is_a_store(run, store):
    out = run()
    inside = Store(out / "store")
    store.path(digest(DOCUMENT), ".arrow").parent.rename(inside.folder / digest(DOCUMENT)[:2])
    done = purge([out], inside.folder, {RECORD})
    assert done.artefacts == 2
    assert verified(out)[1] == []


def test_a_run_folder_inside_the_store_is_a_run(run, store):
    out = run("store/out")
    (out / "notes.txt").write_text("kept for later")
    assert purge([out], None, {RECORD}).rows == 3
    assert erased(out, RECORD)


def test_scores_are_removed_though_their_rows_were_before(run, store):
    out = run()
    scores = {"stage": "scores/1", "seed": 0}
    store.put(scores, {"scores_0": np.arange(4.0)}, {}, {"dataset": "made", "model": "mlp"})
    purge([out], None, {RECORD}, without_store=True)
    store.remove(digest(DOCUMENT))  # as pruning does
    purge([out], None, {RECORD})
    assert store.get_arrays(scores) is None


def test_runs_that_know_people_and_runs_that_know_records(run):
    records, people = run(), run("release", {"base_rates": [0.5], "person": "who"})
    (people / "private-names.csv").unlink()
    (people / "private-persons.csv").write_text("person,score\nAda,0.5\n3,0.1\n")
    shutil.rmtree(people / "observations")
    (people / "scores.parquet").unlink()
    with pytest.raises(AuditError, match=r"may be of records or of people: .*out knows records and .*release people"):
        purge([records, people], None, {"3"})
    with pytest.raises(AuditError, match="release names people but not records; give ids of people with --by person"):
        purge([records, people], None, {"3"}, by="record")
    with pytest.raises(AuditError, match="out knows records but not people; give ids of records with --by record"):
        purge([records, people], None, {"3"}, by="person")
    done = purge([people], None, {"Ada"})
    assert (done.by, done.rows, done.stores) == ("person", 1, [])
    assert (people / "private-persons.csv").read_text() == "person,score\n3,0.1\n"


def test_people_of_whom_no_table_tells_the_rows(run):
    out = run(identity=identity(persons=None))
    document = {"dataset": "made", "details": {"target": {"dataset": "made", "persons": 7}}}
    (out / "findings.json").write_text(json.dumps(document))
    with pytest.raises(AuditError, match="neither the run nor a file that it names says whose"):
        purge([out], None, {RECORD})
    assert purge([out], None, {RECORD}, by="record").tables == 3
    with pytest.raises(AuditError, match="names no one"):
        purge([out], None, {"\ufeff"})


def test_a_run_whose_marker_or_findings_cannot_be_read_is_refused(run):
    out = run()
    for name in ("findings.json", "unlearn-audit-run.json"):
        content = (out / name).read_bytes()
        for damaged in (b"", b"{", b"[]"):
            (out / name).write_bytes(damaged)
            with pytest.raises(AuditError, match=rf"{name} (cannot be read|is broken)"):
                purge([out], None, {RECORD})
        (out / name).write_bytes(content)
