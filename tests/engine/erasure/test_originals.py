"""Stored originals know whose records they were trained on, and go with them."""

import json

import numpy as np
import pytest

from unlearn_audit import AuditConfig, Execution, run
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.engine import Store
from unlearn_audit.engine.erasure.content import Content
from unlearn_audit.engine.erasure.purge import purge
from unlearn_audit.engine.erasure.scan import Scan, Wanted
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.utils.tensors import bytes_of_tensors, read_tensors

pytest.importorskip("safetensors")

CONFIG = AuditConfig.model_validate(
    {
        "target": {"data": "breast-cancer", "model": "sklearn.naive_bayes:GaussianNB"},
        "unlearning": {"method": "sisa", "shards": 2},
        "worlds": {"shadow": 3, "target": 3, "deletions": 5, "unseen": 5, "references": 12, "train_size": 60},
        "features": ["sorted-diff"],
        "attack_models": ["logistic-regression"],
        "attacks": [],
    }
)


@pytest.fixture
def audited(tmp_path):
    store, out = tmp_path / "store", tmp_path / "out"
    with run_folder(out, AuditTask.load(CONFIG).identity, store=store):
        run(CONFIG, Execution(store=store)).write(out)
    return out, Store(store)


def originals(store):
    return {path: read_tensors(path.read_bytes())["record"] for path in store.folder.glob("??/*.safetensors")}


def test_those_trained_on_a_purged_record_are_removed_and_the_others_stay(audited):
    out, store = audited
    before = originals(store)
    assert len(before) == 6
    assert all(len(ids) == 60 for ids in before.values())
    rows = np.concatenate(list(before.values()))
    record = next(int(of) for of in rows if 0 < sum(of in ids for ids in before.values()) < len(before))
    purge([out], store, {str(record)}, dry_run=True)
    assert originals(store).keys() == before.keys()
    done = purge([out], store, {str(record)})
    after = originals(store)
    assert after.keys() == {path for path, ids in before.items() if record not in ids}
    assert 0 < len(after) < len(before)
    assert done.artefacts >= len(before) - len(after)
    assert not done.left
    for path in store.folder.glob("??/*.json"):
        if json.loads(path.read_text())["document"]["stage"].startswith("original/"):
            assert path.with_suffix(".safetensors") in after


def test_a_damaged_original_does_not_say_whose_it_is_and_goes(audited):
    out, store = audited
    path, *others = originals(store)
    path.write_bytes(path.read_bytes()[:-8])
    asked = {str(int(originals_of(others)[0][0]))}
    purge([out], store, asked)
    assert not path.exists()
    assert not path.with_suffix(".json").exists()


def originals_of(paths):
    return [read_tensors(path.read_bytes())["record"] for path in paths]


@pytest.mark.parametrize("name", ["record", "person"])
def test_a_file_of_tensors_is_looked_into_whatever_it_is_called(tmp_path, name):
    content = bytes_of_tensors({name: np.array([3, 17, 4]), "weights": np.ones((2, 3), dtype=np.float32)})
    (table,) = Content.of(content).of_rows
    assert table[name].to_pylist() == [3, 17, 4]
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    wanted = [Wanted(frozenset({who}), {None: frozenset({who})}) for who in ("17", "18")]
    assert [Scan(of).problem(path, None, written_by_us=False) for of in wanted] == ["holds rows about them", None]


def test_a_file_cut_short_is_opaque():
    content = bytes_of_tensors({"record": np.array([3, 17, 4])})
    assert Content.of(content[:-3]).opaque is not None
