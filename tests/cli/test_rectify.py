"""The command ``rectify``."""

import json

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
    assert f"| column told, share | {found['column']:.3f} (" in page
    # the same again finds its worlds in the store, and the null is another run
    assert command("rectify", *SMALL, "--out", tmp_path / "out", "--json").out == done.out
    command("rectify", *SMALL, "--null", "--out", tmp_path / "out").says("holds another run")


def test_in_words(command, tmp_path):
    done = command("rectify", *SMALL, "--null", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "Each value was written anew as it was" in done.out
    assert "0.500 (0.500 to 0.500)" in done.out


def test_it_is_no_scenario_of_run(command):
    command("run", "--dataset=digits", "--scenario=rectify").says("unlearn-audit rectify")
