"""Bad input: one sentence on standard error, exit code 2, no traceback."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

SMALL = ["--shadow-worlds=3", "--target-worlds=3", "--deletions=5", "--attack-model=logistic-regression"]


def people(n=300, **columns):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.normal(50, 10, n), "rich": rng.choice(["no", "yes"], n), **columns})


def posteriors(n=60, classes="ab", role=None, seed=0, **columns):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"role": role or ["deleted", "unseen"] * (n // 2), "world": np.arange(n) // 10})
    for version in ("before", "after"):
        values = rng.dirichlet(np.ones(len(classes)), n)
        for i, name in enumerate(classes):
            frame[f"{version}_{name}"] = values[:, i]
    return frame.assign(**columns)


def table_error(command, text):
    command("run", "--data=people.csv", "--label=rich", *SMALL).says(text)


def test_a_missing_table(command):
    table_error(command, "people.csv")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "people.csv"),
        ("age,rich\n1,é\n".encode("latin-1"), "UTF-8"),
        (b"age,poor\n1,no\n2,yes\n", "rich"),
        (b"age,rich\n" + b"".join(b"%d,no\n" % i for i in range(100)), "class"),
        (b"age,rich\n1,no\n2,yes\n3,no\n", "fewer than the 40"),
    ],
)
def test_a_bad_table(command, content, said):
    with open("people.csv", "wb") as stream:
        stream.write(content)
    table_error(command, said)


def test_fewer_records_than_the_worlds_need(command):
    people(60).to_csv("people.csv", index=False)
    command("run", "--data=people.csv", "--label=rich", "--deletions=20").says("too few for 20 deletions")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--dataset=iris"], "iris"),
        (["--dataset=digits", "--data=people.csv", "--label=rich"], "give one source"),
        (["--data=people.csv"], "needs `label`"),
        (["--label=rich"], "belong to --data"),
        (["--model=gpt-9"], "unknown model 'gpt-9'"),
        (["--model=nowhere.at.all:make"], "cannot be imported"),
        (["--model=mine.py:raises"], "raised RuntimeError: no licence"),
        (
            ["--model=mine.py:no_proba"],
            "which predicts numbers; an audit needs a classifier: if the labels are",
        ),
        (["--model=mine.py:refuses"], "failed to fit"),
        (["--model=mine.py:lies"], "not probabilities"),
        (["--regime=frozen"], "regime"),
        (["--game=chess"], "games"),
        (["--feature=sorted-dif"], "unknown feature 'sorted-dif'; did you mean sorted-diff"),
        (["--attack=pair-scal"], "unknown attack 'pair-scal'; did you mean pair-scale or pair-scale-local"),
        (["--attack-model=tree"], "unknown attack model 'tree'; use one of logistic-regression, decision-tree"),
        (["--attack=Pair_Scale"], "attacks.0: 'Pair_Scale' is not a name; use small letters, digits and hyphens"),
        (["--defense=rounding 2"], "'rounding 2' is not a defence; write it like rounding:2"),
        (["--regime=fixd"], "regime: 'fixd' is unknown, did you mean fixed?"),
        (["--scenario=grup"], "scenario.name: 'grup' is unknown, did you mean group?"),
        (["--layout=per_record"], "worlds.layout: 'per_record' is unknown, did you mean per-record?"),
        (["--reuse=nevr"], "execution.reuse: 'nevr' is unknown, did you mean never?"),
        (["--defense=blurring:2"], "unknown defence 'blurring'"),
        (["--deletions=0"], "worlds.deletions"),
        (["--seed=-1"], "seed"),
        (["--until=auc < 0.03"], "'auc < 0.03' is not a width to stop at; write it like 'auc ± 0.03'"),
        (["--until=accuracy ± 0.03"], "'accuracy ± 0.03' is not a width"),
        (["--until=auc ± 0.5"], "until.auc: Input should be less than 0.5"),
        (["--until=auc ± 0"], "until.auc: Input should be greater than 0"),
        (["--until=auc ± 0.03", "--at-most=19"], "until.at_most: Input should be greater than or equal to 20"),
        (["--at-most=50"], "at_most needs the width to stop at, such as 'auc ± 0.03'"),
        (["--out=mine.py/below"], "cannot be written"),
        (["--out=letters"], "letters is not empty"),
        (["--store=letters"], "is not a store"),
        (["--executor=threads"], "no executor 'threads'; use one of serial, processes, dask"),
        (["--executor=serial", "--scheduler=tcp://node:8786"], "but the executor serial has none"),
        (["none.yaml"], "no configuration file"),
        (["bad.yaml"], "unknown key 'colour'"),
        (["tag.yaml"], "not plain YAML"),
    ],
)
def test_bad_flags_and_files(command, flags, said, tmp_path):
    from pathlib import Path

    Path("mine.py").write_text(
        "from sklearn.svm import LinearSVR as no_proba\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "def raises():\n    raise RuntimeError('no licence')\n"
        "class refuses(DecisionTreeClassifier):\n    def fit(self, X, y):\n        raise MemoryError('too\\nlarge')\n"
        "class lies(DecisionTreeClassifier):\n"
        "    def predict_proba(self, X):\n        return 2 * super().predict_proba(X)\n"
    )
    Path("bad.yaml").write_text("colour: red\n")
    Path("tag.yaml").write_text("seed: !!python/object/apply:os.getcwd []\n")
    Path("letters").mkdir()
    Path("letters/dear.txt").write_text("dear")
    command("run", *flags, *([] if "--deletions=0" in flags else SMALL)).says(said)
    assert [p.name for p in Path("letters").iterdir()] == ["dear.txt"]


NETWORKS = """
from torch import nn

def too_wide(n_features, n_classes):
    return nn.Linear(n_features, n_classes + 1)

def raises(n_features, n_classes):
    raise RuntimeError("no\\nlicence")

def nothing(n_features, n_classes):
    return None

exists = nn.Linear(64, 10)
"""


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model=nets.py:too_wide"], "network too_wide answered 2 records with (2, 11); (2, 10) is needed"),
        (["--model=nets.py:raises"], "the factory of network raises raised RuntimeError: no licence"),
        (["--model=nets.py:nothing"], "made a NoneType, not an nn.Module"),
        (["--model=nets.py:exists"], "a Linear that already exists has weights"),
        (
            ["--model=decision-tree", "--epochs=3"],
            "epochs was requested, but model decision-tree is not a neural network",
        ),
        (["--model=torch-mlp", "--device=cuda:77"], "device 'cuda:77' was requested"),
        (["--model=torch-mlp", "--batch-size=5000"], "a batch of 5,000 records is larger than the training data"),
        (["--model=simple-cnn", "--dataset=breast-cancer"], "records of 30 values are not a square image"),
        (["--model=torch-mlp", "--max-steps=0"], "max_steps"),
    ],
)
def test_networks_that_cannot_be_trained(command, flags, said):
    with open("nets.py", "w") as stream:
        stream.write(NETWORKS)
    command("run", *flags, *SMALL).says(said)


def test_the_same_folder_with_another_configuration(command):
    run = ["run", "--dataset=breast-cancer", "--feature=sorted-diff", *SMALL, "--out=out"]
    assert command(*run).code == 0
    command(*run, "--seed=1").says("out holds another run (config.seed: 0 there, 1 asked)")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (posteriors(before_a=np.nan), "is not a finite number"),
        (posteriors(before_a=-0.2), "outside [0, 1]"),
        (posteriors(before_a=0.9, before_b=0.9), "not 1"),
        (posteriors().drop(columns="after_b"), "every version needs the same"),
        (posteriors().drop(columns="role"), "no column 'role'"),
        (posteriors(role=["deleted"] * 60), "no row with role 'unseen'"),
        (posteriors(classes="abc"), "2 classes and target 3"),
        (posteriors(classes="ac"), "different classes"),
    ],
)
def test_bad_posteriors(command, frame, said):
    posteriors(seed=1).to_csv("shadow.csv", index=False)
    frame.to_csv("target.csv", index=False)
    command("predictions", "--shadow=shadow.csv", "--target=target.csv", "--attack-model=logistic-regression").says(
        said
    )


def test_files_that_could_run_code_are_refused(command):
    posteriors().to_csv("shadow.csv", index=False)
    with open("target.pkl", "wb") as stream:
        pickle.dump(posteriors(), stream)
    command("predictions", "--shadow=shadow.csv", "--target=target.pkl").says("pickles above all")
    np.savez("target.npz", before=np.array([{}]), after=np.zeros(1))
    command("predictions", "--shadow=shadow.csv", "--target=target.npz").says("objects, which can run code")


def test_an_unknown_flag_or_command_is_an_error(environment):
    for arguments in (["run", "--colour=red"], ["paint"]):
        done = subprocess.run(
            [sys.executable, "-m", "unlearn_audit.cli.main", *arguments],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_a_worker_process_tells_the_same_sentence(command):
    with open("mine.py", "w") as stream:
        stream.write(
            "from sklearn.tree import DecisionTreeClassifier\n"
            "class refuses(DecisionTreeClassifier):\n    def fit(self, X, y):\n        raise MemoryError('too large')\n"
        )
    command("run", "--model=mine.py:refuses", *SMALL, "--jobs=2").says("MemoryError: too large")


@pytest.mark.parametrize(
    ("typed", "meant"), [("rn", "run"), ("reprodce", "reproduce"), ("planrelease", "plan-release")]
)
def test_a_typo_in_a_command_gets_a_suggestion(command, typed, meant):
    command(typed).says(f"unknown command '{typed}'; did you mean {meant}")
