import json

import pytest

from unlearn_audit.cli.commands import load

SMALL = [
    "--dataset=breast-cancer", "--shadow-worlds=3", "--target-worlds=3", "--deletions=5", "--unseen=4",
    "--references=5", "--feature=sorted-diff", "--attack-model=logistic-regression", "--attack=none",
]  # fmt: skip


def test_plan_takes_the_options_of_run():
    run, plan = ({param.name: param.opts for param in load(name).params} for name in ("run", "plan"))
    assert plan == {**run, "adapter": ["--adapter"]}  # of an agent, which run has no part in


def test_one_line_says_what_it_takes(command, tmp_path):
    done = command("plan", *SMALL, "--store", tmp_path / "none", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    (line,) = (line for line in done.out.splitlines() if "disk" in line)
    assert line.startswith("36 trainings, about ")
    assert "on 1 job" in line
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "out").exists()
    assert "requested" in done.out
    assert "all worlds" not in done.out
    # the rows of sides are of one job; so that the table adds up, it says what all of them take together
    two = command("plan", *SMALL, "--jobs=2", "--store", tmp_path / "none").out
    assert "all worlds 2 jobs" in " ".join(two.split())


def test_json_for_scripts(command, tmp_path):
    command("run", *SMALL, "--out", tmp_path / "out")
    found = json.loads(command("plan", *SMALL, "--until=auc ± 0.03", "--at-most=30", "--json").out)
    assert (found["trainings"], found["at_most"]["trainings"]) == (23 * 6, 33 * 6)
    assert found["trainings_stored"] == found["at_most"]["trainings_stored"] == 36
    assert found["seconds"] == pytest.approx(
        found["seconds_start"] + found["seconds_worlds"] + found["seconds_attacks"], abs=0.02
    )
    assert found["bytes"] == found["bytes_store"] + found["bytes_run_folder"]
    assert found["sides"][0]["side"] == "shadow"
    assert found["assumptions"]


def test_what_could_not_be_run_cannot_be_planned(command):
    command("plan", "--dataset=iris").says("iris")
    command("plan", *SMALL, "--deletions=100").says("deletions")


def test_what_is_not_reused_is_not_counted_as_stored(command, tmp_path):
    command("run", *SMALL, "--out", tmp_path / "out")
    stored = [
        json.loads(command("plan", *SMALL, *flags, "--json").out)["trainings_stored"] for flags in ([], ["--no-reuse"])
    ]
    assert stored == [36, 0]


MODELS = """
import numpy as np
from sklearn.tree import DecisionTreeClassifier


class Noisy(DecisionTreeClassifier):
    seed = None

    def fit(self, X, y):
        X = np.asarray(X)
        return super().fit(X + np.random.default_rng(self.seed).normal(size=X.shape), y)


class HardWired(Noisy):
    def fit(self, X, y):
        self.seed = 0
        return super().fit(X, y)


def noisy():
    return Noisy()


def hard_wired():
    return HardWired()
"""


@pytest.mark.parametrize(
    ("model", "asked", "runs"),
    [("noisy", "fixed", "fresh"), ("hard_wired", "fixed", "same-seed"), ("hard_wired", "same-seed", "same-seed")],
)
def test_plan_run_and_name_state_the_regime_that_is_run(command, tmp_path, model, asked, runs):
    (tmp_path / "mine.py").write_text(MODELS)
    flags = [*SMALL, f"--model={tmp_path / 'mine.py'}:{model}", f"--regime={asked}", "--train-size=100"]
    planned = json.loads(command("plan", *flags, "--json").out)
    ran = json.loads(command("run", *flags, "--out", tmp_path / "run", "--json").out)
    assert planned["regime"] == ran["regime"] == runs
    # a tree with a fixed seed of its own for its noise heeds the one for its ties
    assert (planned["regime_note"] is None) == (runs == asked)
    assert planned["regime_note"] == ran["regime_note"]
    assert f"regime {runs}" in " ".join(command("plan", *flags).out.split())
