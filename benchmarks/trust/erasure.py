"""People who are purged: none may leave a row or an answer, no other may lose a row, and folders verify."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from trust.commands import FAST, run
from trust.tally import Tally
from unlearn_audit.engine.erasure.purge import purge
from unlearn_audit.engine.store.folder import verified
from unlearn_audit.errors import AuditError

PEOPLE = 200
SIZES = (
    "--shadow-worlds=3",
    "--target-worlds=3",
    "--train-size=60",
    "--deletions=4",
    "--unseen=4",
    "--references=6",
    "--attack-model=logistic-regression",
)


def erasure(n: int, seed: int, folder: Path) -> Tally:
    """Audit a table whose rows belong to people, then purge a few of them ``n`` times from the run and its store."""
    tally = Tally("people purged from a run and its store")
    rng = np.random.default_rng(seed)
    owners = [f"person-{number:06d}" for number in rng.permutation(10**6)[:PEOPLE] for _ in range(rng.integers(1, 4))]
    people = folder / "people.csv"
    people.write_text(_table(owners, rng), encoding="utf-8")
    first, store, whole = folder / "first", folder / "store", folder / "whole"
    words = ("--person=name", "--label=y", *SIZES, *FAST, f"--seed={seed}")
    run("run", f"--data={people}", *words, f"--out={first}", store=store)
    store.rename(whole)
    for trial in range(n):
        wanted = {str(name) for name in rng.choice(sorted(set(owners)), size=int(rng.integers(1, 6)), replace=False)}
        at = folder / f"run-{trial}"
        shutil.copytree(first, at)
        shutil.copytree(whole, store)
        tally.tried += 1
        rows = {number for number, owner in enumerate(owners) if owner in wanted}
        tally.failed += [f"seed {seed}, trial {trial}: {fault}" for fault in _faults(at, store, wanted, rows)]
        shutil.rmtree(at)
        shutil.rmtree(store)
    return tally


def _faults(run_folder: Path, store: Path, wanted: set[str], theirs: set[int]) -> list[str]:
    """Purge people, and say what is wrong after it; ``theirs`` are the numbers of their rows."""
    before, answers = _tables(run_folder), _answers(run_folder, theirs)
    try:
        purge([run_folder], store, wanted)
    except AuditError as error:
        return [f"refused: {error}"]
    after = _tables(run_folder)
    faults = []
    for path in [*run_folder.rglob("*"), *store.rglob("*")]:
        content = path.read_bytes() if path.is_file() else b""
        if any(answer in content for answer in answers):
            faults.append(f"{path.name} holds an answer of theirs")
    for name, records in before.items():
        if sorted(after.get(name, [])) != sorted(record for record in records if record not in theirs):
            faults.append(f"{name} holds other rows than all but theirs")
    return faults + [f"verify: {difference.file} {difference.what}" for difference in verified(run_folder)[1]]


def _tables(folder: Path) -> dict[str, list[int]]:
    """Return the column of records of each table of a run."""
    return {path.name: pq.read_table(path)["record"].to_pylist() for path in sorted(folder.rglob("*.parquet"))}


def _answers(folder: Path, theirs: set[int]) -> set[bytes]:
    """Return the answers that they alone got, as bytes."""
    own: set[bytes] = set()
    others: set[bytes] = set()
    for path in sorted((folder / "observations").glob("*.parquet")):
        table = pq.read_table(path)
        flat: npt.NDArray[np.float32] = np.asarray(table["posteriors"].combine_chunks().flatten(), dtype="<f4")
        for record, row in zip(table["record"].to_pylist(), flat.reshape(table.num_rows, -1), strict=True):
            (own if record in theirs else others).add(row.tobytes())
    return own - others


def _table(owners: list[str], rng: np.random.Generator) -> str:
    values = rng.normal(size=(len(owners), 4))
    labels = values.sum(axis=1) + rng.normal(size=len(owners)) > 0
    lines = [
        f"{owner},{','.join(f'{value:.6f}' for value in row)},{'yes' if label else 'no'}"
        for owner, row, label in zip(owners, values, labels, strict=True)
    ]
    return "\n".join(["name,a,b,c,d,y", *lines]) + "\n"
