import json

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def people(tmp_path):
    """A table of 300 people with 2 rows each, an id column, and a file that names the last 200 rows' people."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(300), 2)
    X = rng.normal(size=(600, 4))
    frame = pd.DataFrame(X, columns=list("abcd")).assign(
        who=[f"w{i}" for i in person],
        id=[f"row{i}" for i in range(600)],
        answer=np.where(X[:, 0] + rng.logistic(size=600) > 0, "yes", "no"),
    )
    frame.to_csv(tmp_path / "people.csv", index=False)
    frame.loc[400:, ["id"]].rename(columns={"id": "record"}).to_csv(tmp_path / "held.csv", index=False)
    return tmp_path / "people.csv"


@pytest.fixture
def options(people, tmp_path):
    return [
        "--data", people, "--label", "answer", "--record", "id", "--person", "who", "--model", "logistic-regression",
        "--reference", tmp_path / "held.csv",
    ]  # fmt: skip


def test_a_plan_leaves_a_page_that_names_nobody(command, options, tmp_path):
    few = ["--batch", "1", "--batch", "2", "--decimals", "1", "--releases", "90", "--checks", "30"]
    done = command("plan-release", *options, *few, "--target", "identified:1", "--out", tmp_path / "plan", "--json")
    assert done.code == 0, done.err
    found = done.findings
    assert found == json.loads((tmp_path / "plan" / "plan.json").read_text(encoding="utf-8"))
    assert [(of["batch"], of["decimals"]) for of in found["policies"]].count((1, None)) == 1
    assert found["chosen"]["batch"] == 1  # at most one of one is identified, whatever is released
    assert found["kept"] == 1.0
    page = (tmp_path / "plan" / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "Least costly: 1 person per release" in page
    for path in (tmp_path / "plan").iterdir():
        assert "row4" not in path.read_text(encoding="utf-8")


def test_a_plan_for_a_terminal(command, options, tmp_path):
    few = ["--batch", "1", "--decimals", "0", "--releases", "75", "--checks", "10"]
    done = command("plan-release", *options, *few, "--target", "rank:2", "--out", tmp_path / "plan")
    assert done.code == 0, done.err
    assert "mean rank from" in done.out


@pytest.mark.parametrize("model", ["random-forest", "torch-mlp"])
def test_forests_and_networks_by_name(command, tmp_path, model):
    few = ["--dataset", "breast-cancer", "--train-size", "200", "--batch", "1", "--decimals", "1", "--regime", "fixed"]
    sizes = ["--releases", "75", "--checks", "5", "--target", "rank:1"]
    done = command("plan-release", *few, *sizes, "--model", model, "--out", tmp_path / "plan", "--json")
    assert done.code == 0, done.err
    found = done.findings
    assert {(of["regime"], of["batch"]) for of in found["policies"]} == {("fixed", 1)}
    assert 0.85 < found["accuracy_before"] < 1
    assert not any("ran as" in note for note in found["notes"])
    assert done.err.splitlines()[0] == "Trial releases (75)"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--target", "zero"], "no target 'zero'; use identified"),
        (["--releases", "20"], "needs at least"),
        (["--batch", "60"], "60 people at once need at least"),
        (["--regime", "slow"], "--regime is 'slow'; use one of fixed"),
        (["--encoding", "x"], "--encoding is 'x'"),
        (["--batch", "0"], "--batch must be whole numbers from 1 on"),
        (["--train-size", "999"], "--train-size is 999; there are 1 to 200 people"),
        (["--reference", "row1,rowx"], "1 of 2 reference ids are not in the data, such as rowx"),
        (["--reference", "row1"], "1 people have reference and training records, such as w0"),
        (["--record", "zz"], "no record column 'zz'"),
        (["--dataset", "digits"], "either --data or --dataset"),
        (["--score", "luck"], "no score 'luck'"),
    ],
)
def test_bad_plans(command, options, more, said):
    done = command("plan-release", *options, *more)
    done.err = "\n".join(line for line in done.err.splitlines() if not line.startswith("Trial"))
    done.says(said)


def test_ids_that_repeat(command, people, options):
    frame = pd.read_csv(people)
    frame.loc[0, "id"] = "row1"
    frame.to_csv(people, index=False)
    command("plan-release", *options).says("holds 1 record ids more than once, such as row1")


@pytest.fixture
def rehearsal(options, command):
    def call(*more):
        done = command("release", "--rehearse", *options, *more)
        done.err = "\n".join(line for line in done.err.splitlines() if not line.startswith("Rehearsing"))
        return done

    return call


def test_a_rehearsal_names_stand_ins_in_its_private_table_alone(rehearsal, tmp_path):
    done = rehearsal("--deleted", "row0,row1,row6", "--repetitions", "5", "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    found = done.findings
    assert (found["rehearsal"], found["persons"], found["records"], len(found["repetitions"])) == (True, 2, 4, 5)
    assert found["summary"].startswith("On average ")
    private = pd.read_csv(tmp_path / "out" / "private-persons.csv")
    assert len(private) == 10
    assert private["person"].is_unique
    assert not private["person"].isin(["w0", "w3"]).any()
    assert "Stand-ins were deleted" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


PICKS = """
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


def make():
    columns = ColumnTransformer([("job", OneHotEncoder(handle_unknown="ignore"), ["job"]), ("n", "passthrough", ["a"])])
    return make_pipeline(columns, LogisticRegression())
"""


@pytest.mark.parametrize("what", ["release", "plan-release"])
def test_a_model_that_picks_columns_by_name_gets_them_as_they_are(command, rehearsal, people, options, tmp_path, what):
    frame = pd.read_csv(people)
    frame["job"], frame["code"] = np.where(frame["b"] > 0, "cook", "smith"), frame["id"].str.upper()
    frame.to_csv(people, index=False)
    (tmp_path / "picks.py").write_text(PICKS)
    asked = ["--model", f"{tmp_path / 'picks.py'}:make", "--encoding", "raw", "--out", tmp_path / "out", "--json"]

    def call(*more):
        if what == "release":
            return rehearsal(*asked, "--deleted", "row0,row1", "--repetitions", "2", *more)
        few = ["--batch", "1", "--decimals", "1", "--regime", "fixed", "--releases", "90", "--checks", "5"]
        return command(what, *options, *asked, *few, *more)

    call().says("with ids, in code (")
    done = call("--exclude", "code")
    assert done.code == 0, done.err


def test_texts_can_be_rehearsed(rehearsal, people, tmp_path):
    frame = pd.read_csv(people)
    words = np.where(frame["a"] > 0, "good and warm", "cold and bad")
    frame.assign(said=words + " in row " + frame.index.astype(str)).to_csv(people, index=False)
    (tmp_path / "reads.py").write_text(
        "from sklearn.feature_extraction.text import CountVectorizer\n"
        "from sklearn.naive_bayes import MultinomialNB\nfrom sklearn.pipeline import make_pipeline\n\n\n"
        "def make():\n    return make_pipeline(CountVectorizer(), MultinomialNB())\n"
    )
    asked = ["--model", f"{tmp_path / 'reads.py'}:make", "--encoding", "text", "--exclude", "a", "--exclude", "b"]
    more = ["--exclude", "c", "--exclude", "d", "--deleted", "row0", "--repetitions", "2", "--out", tmp_path / "out"]
    done = rehearsal(*asked, *more, "--json")
    assert done.code == 0, done.err


def test_columns_are_left_out_of_a_rehearsal_alone(command):
    command("release", "b.csv", "a.csv", "--deleted", "1", "--reference", "2", "--exclude", "x").says("add --rehearse")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["before.csv", "after.csv", "--deleted", "row0"], "leave BEFORE and AFTER out"),
        (["--deleted", "row0,row400"], "1 records are both deleted and reference, such as row400"),
        (["--deleted", "w3"], "1 of 1 deleted ids are not in the data, such as w3, which is the id of a person; give"),
        (["--deleted", "nobody"], "1 of 1 deleted ids are not in the data, such as nobody"),
        (["--deleted", "row0", "--regime", "x"], "--regime is 'x'"),
        (["--deleted", ",".join(f"row{i}" for i in range(0, 60, 2))], "at least 599 reference persons are needed"),
        (["--deleted", ",".join(f"row{i}" for i in range(0, 240, 2))], "120 persons are to be deleted and 80 others"),
    ],
)
def test_bad_rehearsals(rehearsal, more, said):
    rehearsal(*more).says(said)


def test_a_release_needs_both_versions_or_a_rehearsal(command):
    command("release", "--deleted", "1", "--reference", "2").says("or --rehearse, before the deletion")
    command("release", "--rehearse", "--deleted", "1", "--reference", "2").says("needs --data, --label and --model")
