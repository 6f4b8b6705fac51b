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


def test_what_was_searched_and_what_was_not_found_is_said(command, out, tmp_path):
    record = str(read_observations(out / "observations" / "target.parquet").rows["record"][0])
    ids, receipt = tmp_path / "erased.txt", tmp_path / "erased.json"
    ids.write_text(f"\ufeff{record}\n99999\u200b\n", encoding="utf-8")
    dry = command("purge", out, "--ids", ids, "--dry-run", "--receipt", receipt, "--key", tmp_path / "key")
    assert dry.code == 0
    assert not receipt.exists()
    done = command("purge", out, "--ids", ids, "--receipt", receipt, "--key", tmp_path / "key")
    assert done.code == 0, done.err
    assert "Nothing was found for 1: 99999" in done.out
    assert f"files of these runs and of the store {tmp_path / 'store'} were searched: no table has a row" in done.out
    made = json.loads(receipt.read_text())
    assert (len(made["erased"]), len(made["not_found"])) == (1, 1)
    assert record not in made["erased"]
    assert command("verify", out).code == 0
    command("purge", out, "--ids", ids, "--receipt", receipt, "--key", tmp_path / "key").says("is there already")
    command("purge", out, "--ids", ids, "--receipt", tmp_path / "r").says("a receipt needs a key")
    command("purge", out, "--ids", ids, "--receipt", out / "r", "--key", tmp_path / "key").says("which is searched")
    command("purge", out, "--ids=1", "--no-store", "--store", tmp_path / "store").says("give only one of them")
    other = str(read_observations(out / "observations" / "target.parquet").rows["record"][0])
    said = f"--ids: nothing is stored under 0{other} ({other} is there)"
    command("purge", out, "--ids", f"0{other}", "--no-store").says(said)
    nobody = command("purge", out, "--ids=99999", "--no-store").out
    assert "an answer" not in nobody
    assert "None of the 1 records is in these runs; no store was searched\nNothing was found for 1: 99999" in nobody


def test_what_is_left_is_exit_code_2_and_no_claim(command, out, tmp_path):
    record = str(read_observations(out / "observations" / "target.parquet").rows["record"][0])
    (out / "scores.parquet.bak").write_bytes((out / "scores.parquet").read_bytes())
    dry = command("purge", out, "--ids", record, "--dry-run", "--json")
    assert dry.code == 2
    assert list(json.loads(dry.out)["left"]) == [str(out / "scores.parquet.bak")]
    done = command("purge", out, "--ids", record, "--receipt", tmp_path / "r", "--key", tmp_path / "k")
    assert (done.code, done.out) == (2, "")
    assert "may remain" in done.err
    assert "scores.parquet.bak holds rows about them" in done.err
    assert not (tmp_path / "r").exists()
    (tmp_path / "store").rename(tmp_path / "moved")
    command("purge", out, "--ids", record).says("cannot be reached; nothing was removed")


def test_bad_input(command, out, tmp_path):
    command("purge", tmp_path, "--ids=1").says("holds no run of unlearn-audit")
    command("purge", out, "--ids=1,1").says("name each record once")
    command("purge", out, "--ids", tmp_path / "absent.txt").says("no file at")
