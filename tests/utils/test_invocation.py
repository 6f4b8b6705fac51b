"""A command line is recorded without the ids of anybody."""

import json
import re

from unlearn_audit.cli.commands import COMMANDS, load
from unlearn_audit.utils.invocation import OF_IDS, invocation, invoked, without_ids
from unlearn_audit.utils.manifest import MANIFEST


def test_ids_are_left_out_and_files_stay(tmp_path):
    path = tmp_path / "deleted.txt"
    path.write_text("1")
    for option in OF_IDS:
        assert without_ids([option, "17,ada@example.org", "x"]) == [option, "(ids)", "x"]
        assert without_ids([f"{option}=17=8"]) == [f"{option}=(ids)"]
        assert without_ids([option, str(path)]) == [option, str(path)]


def test_every_option_that_takes_ids_is_known():
    """Whatever option of whatever command says in its help that it takes ids, or a file of them."""
    found = {}
    for name in COMMANDS:
        for of in load(name).params:
            if of.opts[0].startswith("--"):
                found[of.opts[0]] = f"{found.get(of.opts[0])} {getattr(of, 'help', '')}"
    taking = {name for name, text in found.items() if re.search(r"ids joined by|or ids\b|likewise", text)}
    assert taking == set(OF_IDS), found


def test_it_is_known_while_the_command_runs():
    assert invocation() is None
    with invoked(["run", "--data", "a b.csv", "--ids", "3"]):
        assert invocation() == "unlearn-audit run --data 'a b.csv' --ids '(ids)'"
    assert invocation() is None


def test_a_manifest_says_when_and_by_which_command_the_folder_was_made(command, tmp_path):
    for name, p in (("before", 0.5), ("after", 0.25)):
        rows = "".join(f"{i},{p},{1 - p}\n" for i in range(60))
        (tmp_path / f"{name}.csv").write_text(f"record,p_no,p_yes\n{rows}")
    out = tmp_path / "out"
    given = (tmp_path / "before.csv", tmp_path / "after.csv", "--reference", ",".join(map(str, range(5, 60))))
    assert command("release", *given, "--deleted=3,4", "--out", out).code == 0
    manifest = json.loads((out / MANIFEST).read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", manifest["finished"])
    assert "--deleted=(ids)" in manifest["command"]
    assert "--reference '(ids)'" in manifest["command"]
    assert "3,4" not in manifest["command"]
