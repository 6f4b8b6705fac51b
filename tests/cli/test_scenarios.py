import json

import numpy as np
import pytest

from unlearn_audit.observations import read_observations

SMALL = [
    "--dataset=digits", "--shadow-worlds=3", "--target-worlds=3", "--deletions=5", "--unseen=4", "--references=5",
    "--feature=sorted-diff", "--feature=direct-concat", "--attack-model=logistic-regression",
]  # fmt: skip


def run(command, tmp_path, *flags):
    done = command("run", *SMALL, *flags, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    return done.findings, read_observations(tmp_path / "out" / "observations" / "target.parquet")


def test_a_group(command, tmp_path):
    found, table = run(command, tmp_path, "--scenario=group", "--size=6")
    assert {r["n_positive"] for r in found["results"]} == {3 * 5 * 6}
    assert {r["n_negative"] for r in found["results"] if r["rows"] == "paper"} == {3 * 5 * 6}
    assert (table.rows.groupby(["world", "request"])["role"].agg(lambda r: (r == "deleted").sum()) == 6).all()


def test_a_share(command, tmp_path):
    found, _ = run(command, tmp_path, "--scenario=group", "--size=1%")
    assert found["details"]["target"]["scenario"]["size"] == round(0.01 * found["details"]["target"]["train_size"])


def test_online(command, tmp_path):
    found, _ = run(command, tmp_path, "--scenario=online", "--size=3")
    assert found["config"]["scenario"] == {"name": "online", "size": 3, "versions": 1}


def test_a_chain_is_seen_as_a_pair_and_as_a_sequence(command, tmp_path):
    found, table = run(command, tmp_path, "--scenario=multi-version", "--versions=3")
    assert table.n_versions == 4
    assert sorted(table.rows.loc[table.rows["role"] == "deleted", "deleted_at"].unique()) == [1, 2, 3]
    assert {r["view"] for r in found["results"]} == {"pair", "sequence", "labels", "original", "unlearned"}
    assert {r["attack"] for r in found["results"]} >= {"sorted-diff", "sorted-diff-sequence"}


def test_the_versions_of_a_chain_are_nested_deletions(command, tmp_path):
    """The chain's first update equals the single deletion of the same record."""
    _, chain = run(command, tmp_path, "--scenario=multi-version", "--versions=1")
    again = command("run", *SMALL, "--out", tmp_path / "single", "--json")
    assert again.code == 0
    single = read_observations(tmp_path / "single" / "observations" / "target.parquet")
    assert np.array_equal(chain.posteriors, single.posteriors)


def test_those_who_remain(command, tmp_path):
    found, table = run(command, tmp_path, "--scenario=retained")
    assert {r["game"] for r in found["results"]} == {"retained-vs-unseen", "deleted-vs-retained"}
    assert (table.roles == "retained").sum() == 3 * 5 * 5


CLASS = [*SMALL, "--references=3", "--delete-class=0"]


def test_a_whole_class(command, tmp_path):
    done = command("run", *CLASS, "--jobs=2", "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    table = read_observations(tmp_path / "out" / "observations" / "target.parquet")
    assert set(table.rows["label"]) == {0}
    assert set(table.roles) == {"deleted", "unseen", "reference"}
    assert done.findings["config"]["scenario"] == {"name": "class", "size": 1, "versions": 1, "delete_class": "0"}
    assert {r["n_worlds"] for r in done.findings["results"]} == {3}
    again = command("run", *CLASS, "--no-reuse", "--out", tmp_path / "again", "--json")
    assert again.findings["results"] == done.findings["results"]
    assert command("run", *CLASS, "--out", tmp_path / "out", "--json").findings["results"] == done.findings["results"]


@pytest.mark.parametrize("training", ["auto", "plain"])
def test_a_class_that_is_gone_has_probability_0(command, tmp_path, training):
    flags = [*CLASS, "--model=logistic-regression", "--attack=margin-difference"]
    done = command("run", *flags, f"--training={training}", "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    table = read_observations(tmp_path / "out" / "observations" / "target.parquet")
    assert table.posteriors.shape[1:] == (2, 10)
    assert (table.posteriors[:, 1, 0] == 0).all()
    assert (table.posteriors[:, 0].argmax(axis=1) == 0).mean() > 0.8


def test_a_list_of_records(command, tmp_path):
    ids = tmp_path / "gone.txt"
    ids.write_text("3\n50\n700\n1500\n")
    listed = [*SMALL, "--model=decision-tree", f"--delete-ids={ids}", "--references=0"]
    few = command("run", *listed, "--game=deleted-vs-retained", "--out", tmp_path / "few", "--json")
    assert {(r["n_positive"], r["n_negative"]) for r in few.findings["results"]} == {(12, 12)}
    ids.write_text("\n".join(str(i) for i in range(0, 1797, 90)) + "\n")
    done = command("run", *listed, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    table = read_observations(tmp_path / "out" / "observations" / "target.parquet")
    assert set(table.rows.loc[table.roles == "deleted", "record"]) == set(range(0, 1797, 90))
    by_world = table.rows[table.roles == "deleted"].groupby("world")["record"].nunique()
    assert by_world.tolist() == [20, 20, 20]
    ids.write_text("\n".join(str(i) for i in range(1, 1797, 90)) + "\n")
    command("run", *listed, "--out", tmp_path / "out").says("holds another run")


def test_sisa_with_one_shard_is_retraining(command, tmp_path):
    one, first = run(command, tmp_path, "--unlearning=sisa", "--shards=1")
    done = command("run", *SMALL, "--out", tmp_path / "plain", "--json")
    plain = read_observations(tmp_path / "plain" / "observations" / "target.parquet")
    assert np.array_equal(first.posteriors, plain.posteriors)
    assert one["results"] == done.findings["results"]


def test_the_retraining_arm_can_be_left_out(command, tmp_path):
    found, _ = run(command, tmp_path, "--unlearning=sisa", "--shards=2", "--no-retraining-arm")
    assert found["config"]["retraining_arm"] is False
    assert found["retraining"] is None
    done = command("plan", *SMALL, "--unlearning=sisa", "--shards=2", "--retraining-arm", "--json")
    assert [side["arm"] for side in json.loads(done.out)["sides"]] == ["none", "none", "retraining", "retraining"]


def test_defences_have_an_adaptive_and_a_naive_row_and_their_cost(command, tmp_path):
    found, _ = run(command, tmp_path, "--defense=top-k:2", "--defense=label-only", "--defense=rounding:2")
    rows = {(r["defense"], r["adaptive"]) for r in found["results"]}
    texts = {"top-k:2", "label-only", "rounding:2"}
    assert rows == {("none", True)} | {(t, a) for t in texts for a in (True, False)}
    assert {r["defense"] for r in found["released"]} == {"none", *texts}
    plain = next(r for r in found["released"] if r["defense"] == "none")
    label = next(r for r in found["released"] if r["defense"] == "label-only")
    assert label["accuracy"] == plain["accuracy"]
    assert label["brier"] > plain["brier"]
    assert found["selected"]["defense"] == "none"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--scenario=group", "--size=5000"], "too few to delete 5,000"),
        (["--scenario=group", "--size=0"], "deletes no one"),
        (["--scenario=group", "--size=many"], "not a percentage"),
        (["--scenario=multi-version", "--versions=0"], "scenario.versions"),
        (["--size=3"], "use scenario group"),
        (["--delete-class=eleven"], "unknown class 'eleven'"),
        (["--delete-class=0", "--delete-ids=x.txt"], "either --delete-class (a class) or --delete-ids (a file of ids)"),
        (
            ["--scenario=group", "--delete-class=0"],
            "--delete-class belongs to the scenario class, and the scenario is",
        ),
        (["--delete-class=0", "--size=3"], "leave --size 3 out"),
        (["--delete-class=0", "--game=deleted-vs-retained"], "none remain of a deleted class"),
        (["--delete-class=0", "--layout=per-record"], "per-record worlds delete one record at a time"),
        (["--delete-class=0", "--canaries=mislabelled"], "matches records by their labels"),
        (["--delete-ids=3,4"], "is not a file"),
        (["--unlearning=sisa", "--shards=5000"], "5000 shards of 1 slices need"),
        (["--unlearning=magic"], "unlearning"),
        (["--defense=top-k:10"], "hides nothing of 10 classes"),
        (["--defense=magic"], "unknown defence 'magic'"),
        (["--shadow-dataset=breast-cancer"], "2 classes and target data digits 10"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(command, flags, said):
    command("run", *SMALL, *flags).says(said)
