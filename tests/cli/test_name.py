"""The command ``name``: figures for all, names for the owner."""

import json

import pandas as pd

SMALL = [
    "--dataset=breast-cancer", "--model=logistic-regression", "--train-size=150", "--shadow-worlds=3",
    "--target-worlds=3", "--deletions=5", "--unseen=2", "--references=20", "--queries=20",
]  # fmt: skip


def test_figures_and_private_names(command, tmp_path):
    done = command("name", *SMALL, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found == json.loads((tmp_path / "out" / "naming.json").read_text())
    assert (found["deletions"], found["queries"]) == (15, 20)
    names = pd.read_csv(tmp_path / "out" / "private-names.csv")
    assert (names["rank"] == 1).mean() == found["first"]
    assert "record" not in found
    assert (found["regime"], found["regime_note"]) == ("fixed", None)


def test_a_summary_for_people(command, tmp_path):
    done = command("name", *SMALL, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "15 deletions, a register of " in done.out
    assert "found first" in done.out
    assert "Regime fixed." in done.out
    assert "Ranking registers" in done.err


def test_another_number_of_queries_is_another_run(command, tmp_path):
    command("name", *SMALL, "--out", tmp_path / "out")
    command("name", *SMALL[:-1], "--queries=10", "--out", tmp_path / "out").says("choose another")


def test_a_model_of_any_kind_says_how_many_trainings_it_takes(command, tmp_path):
    flags = [flag for flag in SMALL if not flag.startswith("--model")]
    done = command("name", *flags, "--model=sklearn.naive_bayes:GaussianNB", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "Training the attacker's own models for each record (1,045)" in done.err
    assert command("name", *SMALL[:-1], "--queries=50").code == 2
