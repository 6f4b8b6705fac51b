import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import jsonschema
import numpy as np
import pandas as pd
import pytest

from unlearn_audit.findings.json_schema import findings_schema
from unlearn_audit.observations import read_observations

SMALL = [
    "--dataset=breast-cancer", "--shadow-worlds=3", "--target-worlds=3", "--deletions=5", "--unseen=4",
    "--references=5", "--feature=sorted-diff", "--attack-model=logistic-regression", "--attack-model=decision-tree",
]  # fmt: skip


def without_execution(findings):
    return {key: value for key, value in findings.items() if key != "execution"}


def test_a_run_leaves_a_whole_folder(command, tmp_path):
    done = command("run", *SMALL, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "Report:" in done.out
    assert str(tmp_path / "out" / "report.html") in done.out.replace("\n", "")
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert {"config.json", "observations", "scores.parquet", "findings.json", "report.html"} <= names
    findings = json.loads((tmp_path / "out" / "findings.json").read_text())
    jsonschema.validate(findings, findings_schema())
    assert findings["dataset"] == "breast-cancer"
    assert findings["model"] == "decision-tree"
    assert findings["regime"] == "fixed"
    assert set(findings["overfitting"]) == {"shadow", "target"}
    assert findings["config"]["worlds"]["deletions"] == 5
    assert findings["execution"]["unlearn-audit"] == version("unlearn-audit")
    table = read_observations(tmp_path / "out" / "observations" / "target.parquet")
    assert len(table) == 3 * 5 * (1 + 5 + 1 + 5)
    scores = pd.read_parquet(tmp_path / "out" / "scores.parquet")
    assert {"game", "world", "request", "record", "role", "paper", "sorted-diff/decision-tree"} <= set(scores.columns)


def test_json_prints_the_findings_alone(command, tmp_path):
    done = command("run", *SMALL, "--out", tmp_path / "out", "--json")
    assert done.findings == json.loads((tmp_path / "out" / "findings.json").read_text())


@pytest.mark.usefixtures("two_threads")
def test_the_number_of_workers_changes_nothing(command, tmp_path):
    runs = []
    for jobs in (1, 2):
        store, out = tmp_path / f"store{jobs}", tmp_path / f"out{jobs}"
        runs.append(command("run", *SMALL, "--store", store, "--out", out, "--jobs", jobs, "--json").findings)
    assert runs[0]["execution"]["jobs"] != runs[1]["execution"]["jobs"]
    assert without_execution(runs[0]) == without_execution(runs[1])


def test_the_executor_changes_nothing_and_is_named(command, tmp_path):
    runs = {}
    for name in ("serial", "dask"):
        flags = ["--executor", name, "--jobs=2", "--store", tmp_path / name, "--out", tmp_path / f"out-{name}"]
        done = command("run", *SMALL, *flags, "--json")
        runs[name] = done.findings
        assert set(done.err.splitlines()) == {"Training and querying worlds (6)", "Fitting attacks (13)"}
    assert {name: found["execution"]["executor"] for name, found in runs.items()} == {
        "serial": "serial",
        "dask": "dask",
    }
    assert without_execution(runs["serial"]) == without_execution(runs["dask"])


def test_another_seed_is_another_audit(command, tmp_path):
    one, two = (command("run", *SMALL, "--out", tmp_path / str(s), "--seed", s, "--json").findings for s in (0, 1))
    assert one["results"] != two["results"]


def test_the_same_command_again_trains_nothing_and_says_the_same(command, tmp_path):
    first = command("run", *SMALL, "--out", tmp_path / "out", "--json").findings
    again = command("run", *SMALL, "--out", tmp_path / "out", "--json").findings
    assert (first["execution"]["worlds_reused"], again["execution"]["worlds_reused"]) == (0, 6)
    assert without_execution(first) == without_execution(again)


def test_a_run_without_reuse_trains_all_of_it_and_says_the_same(command, tmp_path):
    path = tmp_path / "audit.yaml"
    path.write_text("reuse: always\n")
    first = command("run", *SMALL, "--out", tmp_path / "out", "--json").findings
    again = command("run", *SMALL, "--no-reuse", "--out", tmp_path / "out", "--json").findings
    written = command("run", path, *SMALL, "--no-reuse", "--explain", "--out", tmp_path / "out", "--json")
    assert again["execution"]["worlds_reused"] == written.findings["execution"]["worlds_reused"] == 0
    assert "target side: worlds 0 to 2 are computed anew: reuse is set to never" in written.err
    assert without_execution(first) == without_execution(again) == without_execution(written.findings)


def test_a_model_that_reads_what_no_key_holds_is_told_on_the_terminal(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reads_environment.py").write_text(
        "import os\nfrom sklearn.tree import DecisionTreeClassifier\n"
        "def make():\n    return DecisionTreeClassifier(max_depth=int(os.environ.get('DEPTH', 3)))\n"
    )
    for _ in range(2):
        done = command("run", *SMALL, "--model=reads_environment.py:make", "--out", tmp_path / "out")
        assert done.code == 0, done.err
        said = "can't tell whether model reads_environment.py:make changed: make in reads_environment uses os.environ"
        assert said in done.err
        findings = json.loads((tmp_path / "out" / "findings.json").read_text())
        assert any(note["level"] == "warning" and note["text"].startswith(said) for note in findings["notes"])
        assert findings["execution"]["worlds_reused"] == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_run_resumes_with_the_same_result(command, tmp_path, environment, jobs):
    whole = command(
        "run", *SMALL, "--model=random-forest-100", "--store", tmp_path / "whole", "--out", tmp_path / "a", "--json"
    )
    arguments = ["run", *SMALL, "--model=random-forest-100", "--out", str(tmp_path / "b"), "--jobs", jobs, "--json"]
    running = [sys.executable, "-m", "unlearn_audit.cli.main", *arguments]
    victim = subprocess.Popen(
        running, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    store = tmp_path / "store"
    deadline = time.monotonic() + 120
    while len(list(store.glob("*/*.json"))) < 2:
        assert victim.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()
    assert not (tmp_path / "b" / "findings.json").exists()
    finished = len(list(store.glob("*/*.json")))
    assert finished < 6
    second = subprocess.run(running, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(second.stdout)
    assert found["execution"]["worlds_reused"] >= finished
    assert without_execution(found) == without_execution(whole.findings)


def test_a_configuration_file_and_flags(command, tmp_path):
    path = tmp_path / "audit.yaml"
    path.write_text(
        "target: {data: breast-cancer, model: decision-tree-full}\n"
        "worlds: {shadow: 3, target: 3, deletions: 5, unseen: 2, references: 5}\n"
        "attacks: []\nfeatures: [direct-diff]\nattack_models: [logistic-regression]\nregime: fresh\n"
    )
    found = command("run", path, "--deletions=6", "--out", tmp_path / "out", "--json").findings
    assert found["model"] == "decision-tree-full"
    assert found["regime"] == "fresh"
    assert found["config"]["worlds"]["deletions"] == 6
    assert {r["attack"] for r in found["results"]} == {"direct-diff", "classical", "classical-sorted"}


def test_a_users_table_and_factory(command, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"age": rng.integers(18, 90, 500), "job": rng.choice(["a", "b"], 500), "who": np.arange(500) // 2}
    )
    frame["rich"] = np.where(frame["age"] + rng.normal(0, 10, 500) > 50, "yes", "no")
    frame.to_csv("people.csv", index=False)
    with open("mine.py", "w") as stream:
        stream.write("from sklearn.naive_bayes import GaussianNB\ndef make():\n    return GaussianNB()\n")
    own = ["--data=people.csv", "--label=rich", "--person=who", "--model=mine:make", "--encoding=one-hot"]
    found = command("run", *own, *SMALL[1:], "--out", tmp_path / "out", "--json").findings
    assert found["model"] == "mine:make"
    assert found["details"]["target"]["features"] == 3
    table = read_observations(tmp_path / "out" / "observations" / "target.parquet")
    deleted = table.rows[table.rows["role"] == "deleted"].groupby(["world", "request"])["record"].agg(list)
    assert all(len({r // 2 for r in records}) == 1 for records in deleted)
    assert any(len(records) == 2 for records in deleted)


def test_the_former_name_of_the_column_of_persons_is_noted(command, tmp_path):
    pd.DataFrame({"age": range(60), "rich": ["yes", "no"] * 30, "who": range(60)}).to_csv("people.csv", index=False)
    (tmp_path / "audit.yaml").write_text("target: {data: {file: people.csv, label: rich, unit: nobody}}\n")
    own, removed = ["--data=people.csv", "--label=rich"], "It will be removed in version 1.0."
    for name, given, note in (
        ("run", [*own, "--unit=nobody"], "Note: --unit is deprecated; use --person."),
        ("plan", [*own, "--unit=nobody"], "Note: --unit is deprecated; use --person."),
        ("plan", [tmp_path / "audit.yaml"], "Note: unit is deprecated; use person."),
        ("run", [*own, "--person=nobody"], ""),
    ):
        refused = command(name, *given)
        assert "no person column 'nobody'" in refused.err
        assert [line for line in refused.err.splitlines() if line.startswith("Note")] == (
            [f"{note} {removed}"] if note else []
        )


def test_risk_by_columns(command, tmp_path):
    flags = [flag for name in ("mean radius", "mean texture") for flag in ("--group-by", name)]
    found = command("run", *SMALL, *flags, "--out", tmp_path / "out", "--json").findings
    jsonschema.validate(found, findings_schema())
    assert list(dict.fromkeys(of["column"] for of in found["groups"])) == [None, "mean radius", "mean texture"]
    refused = command("run", *SMALL, "--group-by", "sex")
    assert refused.code == 2
    assert "no column 'sex' to group by in breast-cancer; name one of: mean radius, mean texture," in " ".join(
        refused.err.split()
    )


def test_another_shadow_model(command, tmp_path):
    found = command("run", *SMALL, "--shadow-model=logistic-regression", "--out", tmp_path / "out", "--json").findings
    assert found["details"]["shadow"]["model"] == "logistic-regression"
    assert found["details"]["target"]["model"] == "decision-tree"


def test_a_model_that_cannot_do_fixed_says_so(command, tmp_path):
    found = command("run", *SMALL, "--model=mlp", "--out", tmp_path / "out", "--json").findings
    assert found["regime"] == "same-seed"
    assert "ran as same-seed" in found["regime_note"]


def test_the_default_folder_tells_configurations_apart(command):
    for seed in (0, 1):
        assert command("run", *SMALL, "--seed", seed).code == 0
    from pathlib import Path

    assert len(list(Path("runs").glob("breast-cancer-decision-tree-*"))) == 2


def test_images_run_as_tables_do(command, tmp_path, real_data):
    small = [flag for flag in SMALL if not flag.startswith("--dataset")]
    done = command("run", "--dataset=mnist", "--train-size=100", *small, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert done.findings["dataset"] == "mnist"
    assert done.findings["details"]["target"]["features"] == 784
    assert done.findings["details"]["target"]["records"] == 70_000
    assert any("as bytes 0 to 255" in note["text"] for note in done.findings["notes"])


def test_images_have_no_encoding(command, tmp_path, real_data):
    done = command("run", "--dataset=mnist", "--encoding=one-hot", "--out", tmp_path / "out")
    done.says("mnist holds images, which have no categories; leave the encoding 'one-hot' out")


def test_the_label_na_is_a_text_where_it_is_said_so(command):
    rng = np.random.default_rng(0)
    country = np.where(np.arange(300) % 2, "NA", "DE")
    pd.DataFrame({"age": rng.normal(size=300), "country": country}).to_csv("people.csv", index=False)
    asked = ("run", "--data=people.csv", "--label=country", "--shadow-worlds=2", "--target-worlds=2", "--deletions=5")
    asked += ("--train-size=50", "--attack=none", "--feature=sorted-diff", "--attack-model=decision-tree")
    command(*asked).says("since 'NA' is read as missing; if it is meant as a text, name the texts")
    done = command(*asked, "--na-values=?", "--na-values=", "--stratify", "--json")
    assert done.code == 0, done.err
    assert done.findings["config"]["target"]["data"]["na_values"] == ["?", ""]
    assert done.findings["config"]["worlds"]["stratify"] is True
