"""``unlearn-audit purge`` at the command line."""

import json

import pytest

from unlearn_audit import read_observations

SMALL = (
    "--dataset=breast-cancer", "--model=decision-tree", "--shadow-worlds=3", "--target-worlds=3", "--deletions=5",
    "--unseen=5", "--references=12", "--train-size=100", "--attack=none", "--feature=sorted-diff",
    "--attack-model=logistic-regression", "--jobs=1",
)  # fmt: skip


@pytest.fixture
def out(command, tmp_path):
    done = command("run", *SMALL, "--out", tmp_path / "out", "--store", tmp_path / "store")
    assert done.code == 0, done.err
    return tmp_path / "out"


def test_it_says_what_was_removed(command, out, tmp_path):
    records = read_observations(out / "observations" / "target.parquet").rows["record"]
    ids = tmp_path / "erased.txt"
    ids.write_text(f"{records[0]}\n{records[7]}\n")
    flags = ("--ids", ids, "--store", tmp_path / "store")
    dry = json.loads(command("purge", out, *flags, "--dry-run", "--json").out)
    assert dry["records"] == 2
    done = command("purge", out, *flags)
    assert done.code == 0, done.err
    said = f"{dry['rows']:,} rows of 2 records in {dry['tables']} tables and {dry['artefacts']} artefacts of the store"
    assert f"{said} removed" in done.out
    assert dry["rows"] > 2
    again = command("purge", out, *flags)
    assert again.code == 0
    assert "None of the 2 records is in these runs" in again.out


def test_bad_input(command, out, tmp_path):
    command("purge", tmp_path, "--ids=1").says("holds no run of unlearn-audit")
    command("purge", out, "--ids=1,1").says("name each record once")
    command("purge", out, "--ids", tmp_path / "absent.txt").says("no file at")
