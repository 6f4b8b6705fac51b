import json

import numpy as np
import pandas as pd
import pytest

N = 400
DELETED, REFERENCES = np.arange(5), np.arange(100, 400)


@pytest.fixture
def frames():
    """Both versions' answers on 400 records: records 0 to 2 move a lot, all others hardly."""
    rng = np.random.default_rng(0)
    logit = rng.normal(size=N)
    labels = np.where(rng.random(N) < 0.5, "yes", "no")
    fall = rng.normal(0, 0.02, N)
    fall[:3] += 0.5
    made = []
    for moved in (logit, logit - fall * np.where(labels == "yes", 1, -1)):
        p = 1 / (1 + np.exp(-moved))
        made.append(pd.DataFrame({"record": np.arange(N), "label": labels, "p_no": 1 - p, "p_yes": p}))
    return made


@pytest.fixture
def lists(tmp_path):
    """Options that name the deleted and the references."""
    (tmp_path / "deleted.txt").write_text("\n".join(map(str, DELETED)), encoding="utf-8")
    pd.DataFrame({"record": REFERENCES}).to_csv(tmp_path / "references.csv", index=False)
    return ["--deleted", tmp_path / "deleted.txt", "--reference", tmp_path / "references.csv"]


@pytest.fixture
def release(command, tmp_path, lists):
    """Write two frames and run ``release`` on them."""

    def call(before, after, *more, suffix=".csv", options=lists):
        files = [tmp_path / f"before{suffix}", tmp_path / f"after{suffix}"]
        for frame, path in zip((before, after), files, strict=True):
            write(frame, path)
        return command("release", *files, *options, "--out", tmp_path / "out", *more)

    return call


def write(frame, path):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        arrays = {"record": frame["record"].to_numpy(), "posteriors": frame[["p_no", "p_yes"]].to_numpy()}
        np.savez(
            path, **arrays, label=(frame["label"] == "yes").to_numpy().astype(int), classes=np.array(["no", "yes"])
        )


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".npz"])
def test_who_moved_is_identified_and_the_page_names_nobody(release, frames, tmp_path, suffix):
    before, after = frames
    found = release(before, after.sample(frac=1, random_state=0), "--json", suffix=suffix).findings
    assert (found["identified"], found["persons"], found["reference_persons"]) == (
        3,
        5,
        before["label"][100:].value_counts().min(),
    )
    assert found["summary"].startswith("3 of the 5 deleted people can be identified at 95 %.")
    assert found == json.loads((tmp_path / "out" / "findings.json").read_text(encoding="utf-8"))
    private = pd.read_csv(tmp_path / "out" / "private-persons.csv")
    assert sorted(private.loc[private["identified"], "person"]) == [0, 1, 2]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "3 of the 5 deleted people can be identified at 95 %" in page
    assert "//" not in page.replace("http://www.w3.org", "")


def test_ids_do_not_reach_the_page_or_the_findings(release, frames, tmp_path):
    for frame in frames:
        frame["record"] = [f"person-{i:04d}" for i in frame["record"]]
    ids = ["--deleted", "person-0000,person-0001", "--reference", tmp_path / "ids.csv"]
    frames[0].loc[100:299, ["record"]].to_csv(tmp_path / "ids.csv", index=False)
    done = release(*frames, options=ids)
    assert done.code == 0
    assert "2 of the 2 deleted people can be identified" in done.out
    for path in (tmp_path / "out").iterdir():
        assert ("person-0" in path.read_text(encoding="utf-8")) == path.name.startswith("private"), path


def test_the_gate_and_a_release_in_which_nobody_is_told(release, frames, tmp_path):
    assert release(*frames, "--fail-if-identified").code == 1
    options = ["--deleted", "3,4", "--reference", tmp_path / "references.csv"]
    done = release(*frames, "--fail-if-identified", "--out", tmp_path / "other", options=options)
    assert done.code == 0
    assert "None of the 2 deleted people can be identified at 95 %." in done.out
    assert "does not show that there is nothing" in " ".join(done.out.split())


def test_nothing_that_may_be_published_tells_which_ids_were_deleted(release, frames, tmp_path):
    """Not even a digest, by which whoever tries all ids would find them."""
    documents = {}
    for name, deleted in (("one", "3,4"), ("other", "40,41")):
        options = ["--deleted", deleted, "--reference", tmp_path / "references.csv"]
        assert release(*frames, "--out", tmp_path / name, options=options).code == 0
        found = json.loads((tmp_path / name / "findings.json").read_text(encoding="utf-8"))
        documents[name] = (found["config"], (tmp_path / name / "unlearn-audit-run.json").read_bytes())
    assert documents["one"] == documents["other"]


def test_a_folder_of_other_people_is_refused(release, frames, tmp_path):
    options = ["--deleted", "3,4", "--reference", tmp_path / "references.csv"]
    assert release(*frames, options=options).code == 0
    assert release(*frames, options=options).code == 0
    options[1] = "3,5"
    release(*frames, options=options).says("holds the check of other deleted people; choose another --out")


def test_rows_of_a_subject_are_one_person(release, frames):
    before, after = frames
    before["who"] = [f"p{i // 2}" for i in range(N)]
    found = release(before, after, "--person", "who", "--base-rate", "0.2", "--json").findings
    assert (found["persons"], found["records"], found["reference_persons"]) == (3, 5, 87)
    note, cut = found["notes"]
    assert cut.startswith("1 deleted person has more records than 59 reference persons have, or of classes")
    assert note.startswith("1 deleted person has other records in the file that are not listed as deleted")
    assert {p["base_rate"] for of in found["flagging"] for p in of["precision"]} == {0.2}


def test_labels_may_stand_in_either_file_or_nowhere(release, frames, tmp_path):
    before, after = frames
    both = release(before, after, "--json").findings
    for i, given in enumerate(((before.drop(columns="label"), after), (before, after.drop(columns="label")))):
        assert release(*given, "--json", "--out", tmp_path / f"{i}").findings["p_values"] == both["p_values"]
    bare = release(*(f.drop(columns="label") for f in frames), "--json", "--out", tmp_path / "bare").findings
    assert bare["score"] == "largest-fall"
    assert any("Labels were not known" in limit for limit in bare["limits"])
    assert (bare["compared_by"], bare["labels_known"]) == ([], False)
    assert "it could not be checked whether the references are of the same classes" in bare["summary"]


@pytest.fixture
def one_class_moves(frames):
    """Both versions' answers, in which everybody of the class yes moves a lot, whoever it is, and nobody else."""
    before = frames[0]
    yes = before["label"] == "yes"
    fall = np.where(yes, np.random.default_rng(1).normal(2, 0.5, N), np.random.default_rng(2).normal(0, 0.01, N))
    p = 1 / (1 + np.exp(-(np.log(before["p_yes"] / before["p_no"]) - fall)))
    return (
        before,
        before.assign(p_yes=p, p_no=1 - p),
        before["record"].to_numpy()[yes],
        before["record"].to_numpy()[~yes],
    )


def ids(records):
    return ",".join(map(str, records))


def test_who_moves_as_all_of_its_class_do_is_not_told(release, one_class_moves, tmp_path):
    before, after, yes, no = one_class_moves
    options = ["--deleted", ids(yes[:5]), "--reference", ids([*yes[5:150], *no[:100]])]
    found = release(before, after, "--json", "--fail-if-identified", options=options).findings
    assert (found["identified"], found["compared_by"], found["reference_persons"]) == (0, ["class"], 145)
    assert "those of people of the same class who were never in training" in found["summary"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "counting only those of the same class" in page
    assert "Each person was compared with references whose records are of the same class, at least 145" in page


@pytest.mark.parametrize("there", [0, 40])
def test_a_class_that_references_lack_is_one_sentence(release, one_class_moves, there):
    before, after, yes, no = one_class_moves
    options = ["--deleted", ids(yes[:5]), "--reference", ids([*yes[5 : 5 + there], *no[:120]])]
    release(before, after, options=options).says("too few reference persons of the same class, and others may change")
    said = release(before, after, options=options)
    said.says(f"'yes' has {there} (5 deleted); 99 of each are enough")
    said.says("use --control fdr" if there else "leave these people out of --deleted")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_people_are_compared_within_groups_that_files_name(release, frames, suffix):
    """All of one group move, whatever their class."""
    before, after = frames
    old = np.arange(N) % 2 == 0
    moved = np.where(old, 3.0, 0.0)[:, None] * np.where(before["label"] == "yes", 1, -1)[:, None]
    p = 1 / (1 + np.exp(-(np.log(after["p_yes"] / after["p_no"]).to_numpy()[:, None] - moved)))[:, 0]
    after = after.assign(p_yes=p, p_no=1 - p)
    options = ["--deleted", "6,8", "--reference", ids(range(100, 400))]
    assert release(before, after, "--json", options=options, suffix=suffix).findings["compared_by"] == ["class"]
    grouped = before.assign(group_old=np.where(old, "old", None))
    found = release(grouped, after, "--json", "--out", "by-group", options=options, suffix=suffix).findings
    assert (found["identified"], found["compared_by"]) == (0, ["class", "old"])
    release(before, after, "--group-by", "old", options=options, suffix=suffix).says("no column 'group_old' in")
    lacking = ["--deleted", "6,8", "--reference", ids(range(101, 400, 2))]
    release(grouped, after, options=lacking, suffix=suffix).says(", old=old' has 0 (")


@pytest.mark.filterwarnings("ignore:X has feature names")
def test_models_are_asked_within_groups_of_their_table(command, models):
    table = pd.read_csv("people.csv")
    table.assign(a=table["a"], answer=table["answer"], b=np.where(np.arange(160) < 120, 1, 2)).to_csv(
        "g.csv", index=False
    )
    with open("versions.py", "a", encoding="utf-8") as file:
        file.write("\n")
    options = ["--data", "g.csv", *models[2:], "--group-by", "b", "--json", "--out", "o"]
    found = command("release", "versions.py:before", "versions.py:after", *options).findings
    assert found["compared_by"] == ["class", "b"]
    assert found["reference_persons"] < 47
    options[options.index("b")] = "height"
    command("release", "versions.py:before", "versions.py:after", *options).says("no group column 'height' in g.csv")


def test_classes_in_another_order_are_put_in_order(release, frames, tmp_path):
    before, after = frames
    both = release(before, after, "--json").findings
    turned = after[["p_yes", "p_no", "record", "label"]]
    found = release(before.drop(columns="label"), turned, "--json", "--out", tmp_path / "turned").findings
    assert found["p_values"] == both["p_values"]


MODELS = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

X = np.random.default_rng(0).normal(size=(60, 2))
y = np.where(X[:, 0] > 0, "yes", "no")

def before():
    return LogisticRegression(tol=1e-8).fit(X, y)

def after():
    return LogisticRegression(tol=1e-8).fit(X[1:], y[1:])

def unfitted():
    return LogisticRegression()

def labels_before():
    return LinearSVC().fit(X, y)

def labels_after():
    return LinearSVC().fit(X[30:], y[30:])

def broken():
    raise KeyError("weights")
"""


@pytest.fixture
def models(command, tmp_path):
    """A module of two fitted models, and a table to ask them: its first 60 rows were trained on."""
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(60, 2)), np.random.default_rng(1).normal(size=(100, 2))])
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(answer=np.where(X[:, 0] > 0, "yes", "no"))
    frame.to_csv("people.csv", index=False)
    with open("versions.py", "w", encoding="utf-8") as file:
        file.write(MODELS)
    (tmp_path / "held.txt").write_text("\n".join(map(str, range(60, 160))), encoding="utf-8")
    return ["--data", "people.csv", "--label", "answer", "--deleted", "0", "--reference", tmp_path / "held.txt"]


@pytest.mark.filterwarnings("ignore:X has feature names")
def test_two_fitted_models_are_asked(command, models):
    done = command("release", "versions.py:before", "versions.py:after", *models, "--json", "--out", "o")
    assert (done.findings["persons"], done.findings["reference_persons"]) == (1, 47)
    assert done.findings["config"]["before"] == {"model": "versions.py:before"}


@pytest.mark.filterwarnings("ignore:X has feature names")
def test_models_that_give_labels_alone_are_asked_for_labels(command, models):
    done = command("release", "versions.py:labels_before", "versions.py:labels_after", *models, "--json", "--out", "o")
    assert done.findings["persons"] == 1


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize(
    ("first", "options", "said"),
    [
        ("versions.py:unfitted", [], "returned a LogisticRegression without classes_; a fitted classifier"),
        ("versions.py:broken", [], "raised KeyError: 'weights', at versions.py"),
        ("versions.py:none", [], "the module has no 'none'"),
        ("versions.py:before", ["--label", "b"], "is not among the classes of versions.py:before"),
        ("versions.py:before", ["--record", "id"], "no record column 'id' in people.csv"),
        ("model.pkl", [], "pickles above all, which can run code"),
    ],
)
def test_bad_models(command, models, first, options, said):
    command("release", first, "versions.py:after", *models, *options).says(said)


def test_a_model_needs_records(command, models):
    command("release", "versions.py:before", "versions.py:after", *models[4:]).says("give them with --data and --label")


def changed(frame, **columns):
    return frame.assign(**columns)


BAD = {
    "too few references": (lambda b, a: (b, a), ["--reference", "100,101"], "at least 99 reference persons are needed"),
    "references overlap": (lambda b, a: (b, a), ["--reference", "4,100"], "1 records are both deleted and reference"),
    "other records": (lambda b, a: (b, a.iloc[:-1]), [], "the versions were queried on different records: 1 are in"),
    "more records": (lambda b, a: (b.iloc[1:], a), [], "0 are in"),
    "ids not there": (lambda b, a: (b, a), ["--deleted", "1,9999"], "1 of 2 deleted ids are not in"),
    "ids of persons": (
        lambda b, a: (changed(b, who=[f"p{i}" for i in range(N)]), a),
        ["--person", "who", "--deleted", "p3"],
        "such as p3, which is the id of a person; give the ids of the person's records, as in the column record",
    ),
    "reference not there": (lambda b, a: (b, a), ["--reference", "100,x"], "1 of 2 reference ids are not in"),
    "ids twice": (lambda b, a: (b, a), ["--deleted", "1,2,1"], "1 ids occur more than once, such as 1"),
    "record twice": (lambda b, a: (pd.concat([b, b[:2]]), a), [], "holds 2 record ids more than once, such as 0"),
    "no ids": (lambda b, a: (b, a), ["--deleted", ","], "give at least one record id"),
    "no file of ids": (lambda b, a: (b, a), ["--deleted", "gone.txt"], "no file at gone.txt"),
    "subject missing": (
        lambda b, a: (changed(b, who=["x", None, *["y"] * (N - 2)]), a),
        ["--person", "who"],
        "column 'who' is missing in 1 of 400 rows",
    ),
    "no subject": (lambda b, a: (b, a), ["--person", "who"], "no column 'who' in"),
    "subject on both sides": (
        lambda b, a: (changed(b, who=np.arange(N) % 150), a),
        ["--person", "who"],
        "5 people have deleted and reference records",
    ),
    "identical": (lambda b, a: (b, b), [], "answer all 400 records identically: nothing changed between the versions"),
    "no record": (lambda b, a: (b.drop(columns="record"), a), [], "needs a column record and a column p_<class>"),
    "unknown column": (
        lambda b, a: (b.rename(columns={"label": "lable"}), a),
        [],
        "has the unknown column 'lable'; if it is the label",
    ),
    "not a number": (lambda b, a: (changed(b, p_no="x"), a), [], "column 'p_no' holds something that is not a number"),
    "no probability": (lambda b, a: (changed(b, p_no=b.p_no + 1), a), [], "is outside [0, 1]"),
    "sum": (lambda b, a: (b, changed(a, p_no=a.p_no / 2)), [], "not 1; export whole probabilities"),
    "classes": (lambda b, a: (b, a[["record", "p_yes"]].assign(p_never=a.p_no)), [], "both versions need the same"),
    "label": (lambda b, a: (changed(b, label="maybe"), a), [], "the label 'maybe' is not among the classes no, yes"),
    "partial": (lambda b, a: (changed(b, partial=2), a), [], "column 'partial' holds something other than true"),
    "confidence": (lambda b, a: (b, a), ["--confidence", "95"], "--confidence is 95; a share between 0 and 1"),
    "base rate": (lambda b, a: (b, a), ["--base-rate", "0"], "--base-rate is 0; a share between 0 and 1"),
    "score": (lambda b, a: (b, a), ["--score", "luck"], "no score 'luck'; use one of margin-difference"),
    "control": (lambda b, a: (b, a), ["--control", "none"], "use holm or fdr"),
    "score without labels": (
        lambda b, a: (b.drop(columns="label"), a.drop(columns="label")),
        ["--score", "l-diff"],
        "the score l-diff needs the label of every record",
    ),
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_column_that_nothing_reads_is_left_out_and_named(release, frames, tmp_path, suffix):
    before, after = frames
    release(changed(before, lable=1), after, suffix=suffix)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "columns that are not used were left out: lable" in page


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_bad_input_is_one_sentence(release, frames, name, suffix):
    make, options, said = BAD[name]
    release(*make(*frames), *options, suffix=suffix).says(said)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".npz"])
def test_a_broken_file_is_one_sentence(command, tmp_path, lists, suffix):
    (tmp_path / f"x{suffix}").write_bytes(b"\x00\x01 not this")
    command("release", tmp_path / f"x{suffix}", tmp_path / f"x{suffix}", *lists).says(f"x{suffix}")


WHOLE = {"record": np.arange(3), "posteriors": np.full((3, 2), 0.5)}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"record": np.arange(3)}, "needs the arrays record and posteriors; it has record"),
        ({"record": np.arange(3), "posteriors": np.ones(3)}, "numbers (rows, classes) are needed"),
        ({"record": np.arange(3) / 2, "posteriors": np.full((3, 2), 0.5)}, "one whole number or text for each"),
        ({"record": np.arange(3), "posteriors": np.full((3, 2), 0.5), "label": np.array([0, 1, 2])}, "a class index"),
        ({**WHOLE, "classes": np.array("no")}, "'classes' has shape ()"),
        ({**WHOLE, "classes": np.array([["no", "yes"]])}, "the name of each of 2 classes is needed"),
        ({**WHOLE, "partial": np.array("no")}, "'partial' holds something other than true and false"),
        ({**WHOLE, "partial": np.zeros(0, dtype=bool)}, "'partial' holds something other than true and false"),
    ],
)
def test_bad_arrays(command, tmp_path, lists, arrays, said):
    np.savez(tmp_path / "x.npz", **arrays)
    command("release", tmp_path / "x.npz", tmp_path / "x.npz", *lists).says(said)


def test_flags_that_were_renamed_still_work_and_say_so(release, frames):
    whole = [frame.assign(who=np.arange(N) // 2) for frame in frames]
    new = release(*whole, "--json", "--person", "who")
    old = release(*whole, "--json", "--subject", "who")
    assert old.findings == new.findings
    assert "Note: --subject is deprecated; use --person." in old.err
    assert "deprecated" not in new.err
    gate = release(*whole, "--person", "who", "--fail-if-told")
    assert gate.code == 1
    assert "Note: --fail-if-told is deprecated; use --fail-if-identified." in gate.err


def test_lists_of_ids_may_be_json_lines(release, frames, tmp_path):
    (tmp_path / "ids.jsonl").write_text("\n".join(f'{{"record": {i}}}' for i in REFERENCES), encoding="utf-8")
    options = ["--deleted", "0,3", "--reference", tmp_path / "ids.jsonl"]
    assert release(*frames, "--json", options=options).findings["identified"] == 1


def test_versions_that_were_exchanged_are_noticed(release, frames, tmp_path):
    right = release(*frames, "--json", "--control", "fdr").findings
    assert right["exchanged"] is None
    assert "exchanged" not in right["summary"]
    found = release(*frames[::-1], "--json", "--control", "fdr", "--force").findings
    assert found["exchanged"] <= 0.01
    assert "fit the version after the deletion better than the one before" in found["summary"]
    assert "check that the two versions are not exchanged" in found["summary"]
    plain = [frame.drop(columns="label") for frame in frames[::-1]]
    assert release(*plain, "--json", "--control", "fdr", "--force").findings["exchanged"] is None


def both_versions(frames, names=("before", "after")):
    """Return both versions in one long file: a row a record, version and class."""
    whole = pd.concat([frame.assign(version=name) for frame, name in zip(frames, names, strict=True)])
    return whole.melt(["record", "label", "version"], ["p_no", "p_yes"], "class", "probability").replace(
        {"class": {"p_no": "no", "p_yes": "yes"}}
    )


def test_one_long_file_may_hold_both_versions(command, release, frames, lists, tmp_path):
    expected = release(*frames, "--json").findings
    options = (*lists, "--json", "--force", "--out", tmp_path / "other")
    path = tmp_path / "both.csv"
    both_versions(frames).sample(frac=1, random_state=0).to_csv(path, index=False)
    found = command("release", path, path, *options).findings
    assert found["p_values"] == expected["p_values"]
    both_versions(frames, ("Q1", "Q2")).rename(columns={"version": "stand"}).to_csv(path, index=False)
    named = ("--column", "version=stand")
    found = command("release", path, path, *options, *named, "--before", "Q1", "--after", "Q2").findings
    assert found["p_values"] == expected["p_values"]
    pd.concat([frame.assign(stand=name) for frame, name in zip(frames, ("Q1", "Q2"), strict=True)]).to_csv(
        path, index=False
    )
    found = command("release", path, path, *options, *named, "--before", "Q1", "--after", "Q2").findings
    assert found["p_values"] == expected["p_values"]
    ran = command("release", path, path, *options, *named)
    assert ran.code == 2
    assert "its column 'version' has the values Q1, Q2; say which is which with --before NAME" in ran.err


def test_a_file_that_says_it_is_the_other_version_is_refused(release, frames):
    before, after = (frame.assign(version=name) for frame, name in zip(frames, ("before", "after"), strict=True))
    assert release(before, after).code == 0
    ran = release(after, before, "--force")
    assert ran.code == 2
    assert "says 'after', which is the one after: exchange the two files" in " ".join(ran.err.split())
    numbered = [frame.assign(version=at) for at, frame in enumerate(frames, 1)]
    assert release(*numbered, "--force").code == 0


def test_a_list_of_ids_may_have_the_name_that_an_option_gives(release, frames, tmp_path):
    ids = tmp_path / "gone.csv"
    pd.DataFrame({"customer": DELETED, "since": 2020}).to_csv(ids, index=False)
    options = ["--deleted", ids, "--reference", tmp_path / "references.csv", "--column", "record=customer"]
    named = [frame.rename(columns={"record": "customer"}) for frame in frames]
    assert release(*named, options=options).code == 0
    ran = release(*frames, options=options[:-2])
    assert "has no column 'record'; it has customer, since: give its column of ids the name 'record'" in ran.err
