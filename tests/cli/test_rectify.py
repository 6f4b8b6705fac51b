"""The command ``rectify``."""

import json

import pytest

from unlearn_audit.audits.rectification.page import verdict
from unlearn_audit.audits.rectification.run import Rectification
from unlearn_audit.metrics import Estimate

SMALL = [
    "--dataset=breast-cancer", "--model=logistic-regression", "--train-size=100", "--shadow-worlds=3",
    "--target-worlds=3", "--deletions=7", "--references=10", "--columns=5",
]  # fmt: skip


def test_figures_as_json_and_as_a_page(command, tmp_path):
    done = command("rectify", *SMALL, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert (found["corrections"], found["columns"], found["null"]) == (21, 5, False)
    assert found["column_ci"][0] <= found["column"] <= found["column_ci"][1]
    assert found == json.loads((tmp_path / "out" / "rectification.json").read_text())
    page = (tmp_path / "out" / "rectification.md").read_text()
    assert f"| column found, share | {found['column']:.3f} (" in page
    # the same again finds its worlds in the store, and the null is another run
    assert command("rectify", *SMALL, "--out", tmp_path / "out", "--json").out == done.out
    command("rectify", *SMALL, "--null", "--out", tmp_path / "out").says("holds another run")


def test_in_words(command, tmp_path):
    done = command("rectify", *SMALL, "--null", "--train-size=5000", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "Each value was rewritten unchanged" in done.out
    assert "0.500 (0.500 to 0.500)" in done.out
    page = (tmp_path / "out" / "rectification.md").read_text()
    for words in (" ".join(done.out.split()), page):
        assert "does not show that there is nothing" not in words
        assert "21 records rewritten unchanged; the attacker knows" in words
        assert "5 columns, none of which it has" in words
        assert "At 100.0% of the records rewritten no answer moved" in words
    found = json.loads((tmp_path / "out" / "rectification.json").read_text())
    assert found["notes"]
    assert all(" ".join(note.split()) in " ".join(done.out.split()) for note in found["notes"])


def test_the_terminal_says_how_often_nothing_moved(command, tmp_path):
    done = command("rectify", *SMALL, "--out", tmp_path / "out")
    assert "% of the corrections no answer moved, at the old value nor at the new one." in " ".join(done.out.split())


@pytest.mark.parametrize(("low", "said"), [(0.0, "no figure is above guessing"), (0.6, "This is chance, or shows")])
def test_the_null_has_words_of_its_own(low, said):
    figure = Estimate(0.7, low, 1.0)
    found = Rectification(True, 10, 10, 5, figure, figure, figure, 1.0)
    assert said in verdict(found)


@pytest.mark.parametrize(
    ("option", "file"),
    [
        ("--game=deleted-vs-unseen", "games: [deleted-vs-retained]"),
        ("--attack=margin-difference", "attacks: [margin-difference]"),
        ("--group-by=class", "groups: [mean radius]"),
        ("--view=pair", "features: [sorted-diff]"),
        ("--scenario=single", "scenario: retained"),
        ("--size=1", "scenario: {name: group, size: 2}"),
        ("--until=auc ± 0.1", "until: auc ± 0.1"),
        ("--delete-class=malignant", "scenario: {name: class, delete_class: malignant}"),
        ("--versions=1", "scenario: {name: multi-version, versions: 2}"),
        ("--probes=2", "worlds: {probes: 2}"),
        ("--no-retraining-arm", "retraining_arm: false"),
    ],
)
def test_what_would_do_nothing_is_refused(command, tmp_path, option, file):
    out = tmp_path / "out"
    command("rectify", *SMALL, option, "--out", out).says(option.partition("=")[0].replace("--no-", "--"))
    (tmp_path / "asked.yaml").write_text(file)
    done = command("rectify", tmp_path / "asked.yaml", *SMALL, "--out", out)
    assert done.code == 2, done.out
    assert "Error: rectify " in done.err
    assert not out.exists()
    assert option.partition("=")[0] not in command("rectify", "--help-all").out


def test_after_a_refusal_the_folder_is_free(command, tmp_path):
    command("rectify", *SMALL, "--references=3", "--out", tmp_path / "out").says("10 are needed")
    command("rectify", *SMALL, "--columns=1", "--out", tmp_path / "out").says("leaves nothing to choose between")
    assert not (tmp_path / "out").exists()


def test_it_is_no_scenario_of_run(command):
    command("run", "--dataset=digits", "--scenario=rectify").says("unlearn-audit rectify")
