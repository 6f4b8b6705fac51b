import json

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.observations import read_observations, write_observations

RUN = [
    "--dataset=breast-cancer", "--shadow-worlds=3", "--target-worlds=3", "--deletions=5", "--unseen=4",
    "--references=5", "--attack-model=logistic-regression", "--attack-model=decision-tree",
]  # fmt: skip


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".npz"])
def test_files_give_the_findings_of_the_run(command, tmp_path, suffix):
    run = command("run", *RUN, "--out", tmp_path / "run", "--json").findings
    files = []
    for side in ("shadow", "target"):
        table = read_observations(tmp_path / "run" / "observations" / f"{side}.parquet")
        files.append(f"--{side}={tmp_path / side}{suffix}")
        write_observations(table, tmp_path / f"{side}{suffix}")
    again = command("predictions", *files, *RUN[-2:], "--out", tmp_path / "again", "--json").findings
    assert again["results"] == run["results"]
    assert again["selected"] == run["selected"]
    assert again["dataset"] == run["dataset"]
    if suffix != ".csv":
        for key in ("model", "regime", "overfitting"):
            assert again[key] == run[key]
    else:
        assert again["model"] == again["regime"] == "unknown"
    assert (tmp_path / "again" / "report.html").exists()


def minimal(path, seed, n=200, worlds=None):
    rng = np.random.default_rng(seed)
    deleted = np.arange(n) % 2 == 0
    before = rng.uniform(0.2, 0.8, n)
    after = np.clip(before - 0.1 * deleted + rng.normal(0, 0.05, n), 0, 1)
    frame = pd.DataFrame({"role": np.where(deleted, "deleted", "unseen")})
    for name, values in (("before", before), ("after", after)):
        frame[f"{name}_yes"], frame[f"{name}_no"] = values, 1 - values
    if worlds:
        frame["world"] = np.arange(n) // (n // worlds)
    frame.to_csv(path, index=False)


def test_the_minimal_form_without_worlds_has_intervals_by_record(command, tmp_path):
    for seed, side in enumerate(("shadow", "target")):
        minimal(tmp_path / f"{side}.csv", seed)
    files = [f"--{side}={tmp_path / side}.csv" for side in ("shadow", "target")]
    found = command("predictions", *files, "--attack-model=logistic-regression", "--json").findings
    assert {r["interval_unit"] for r in found["results"]} == {"record"}
    assert {r["rows"] for r in found["results"]} == {"all"}
    best = max(r["auc"] for r in found["results"])
    assert best > 0.8
    assert "record" in " ".join(found["verdict"]["limits"])


def test_a_column_of_the_file_groups_risk(command, tmp_path):
    for seed, side in enumerate(("shadow", "target")):
        minimal(tmp_path / f"{side}.csv", seed)
    frame = pd.read_csv(tmp_path / "target.csv")
    frame.assign(group_town=np.where(np.arange(len(frame)) // 2 % 2, "north", "south")).to_csv(
        tmp_path / "target.csv", index=False
    )
    files = [f"--{side}={tmp_path / side}.csv" for side in ("shadow", "target")]
    found = command("predictions", *files, "--attack-model=logistic-regression", "--group-by=town", "--json").findings
    assert [(of["column"], of["group"], of["n_positive"]) for of in found["groups"]] == [
        ("town", "north", 50), ("town", "south", 50)
    ]  # fmt: skip
    refused = command("predictions", *files, "--group-by=sex")
    assert refused.code == 2
    assert "no column 'group_sex' to group by; it has group_town" in " ".join(refused.err.split())


def test_one_real_pair_is_scored_with_worlds_of_our_own(command, tmp_path):
    assert command("run", *RUN, "--out", tmp_path / "run").code == 0
    table = read_observations(tmp_path / "run" / "observations" / "target.parquet")
    write_observations(table.select(table.worlds == 1), tmp_path / "release.parquet")
    shadow = tmp_path / "run" / "observations" / "shadow.parquet"
    found = command("predictions", "--shadow", shadow, "--target", tmp_path / "release.parquet", *RUN[-2:], "--json")
    assert {r["n_worlds"] for r in found.findings["results"]} == {1}
    assert {r["interval_unit"] for r in found.findings["results"]} == {"record"}


def test_worlds_in_a_file_give_intervals_by_world(command, tmp_path):
    for seed, side in enumerate(("shadow", "target")):
        minimal(tmp_path / f"{side}.csv", seed, worlds=5)
    files = [f"--{side}={tmp_path / side}.csv" for side in ("shadow", "target")]
    done = command("predictions", *files, "--attack-model=logistic-regression", "--out", tmp_path / "out")
    assert done.code == 0
    found = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert {r["interval_unit"] for r in found["results"]} == {"world"}


def test_plan_says_what_it_would_take_and_writes_nothing(command, tmp_path):
    for seed, side in enumerate(("shadow", "target")):
        minimal(tmp_path / f"{side}.csv", seed)
    files = [f"--{side}={tmp_path / side}.csv" for side in ("shadow", "target")]
    quick = ["--attack-model=decision-tree", "--feature=direct-diff", "--out", tmp_path / "out", "--plan"]
    said = command("predictions", *files, *quick)
    assert (said.code, said.out.splitlines()[0].split(", about")[0]) == (
        0,
        "200 shadow rows and 200 target rows, 3 attacks",
    )
    assert "the slowest attack is " in said.out
    found = command("predictions", *files, *quick, "--json", "--fit-rows=150").findings
    assert (found["fit_rows"], found["attacks"], found["jobs"]) == (150, 3, 1)
    assert not (tmp_path / "out").exists()


def test_without_attack_models_formulas_alone_are_run(command, tmp_path):
    for seed, side in enumerate(("shadow", "target")):
        minimal(tmp_path / f"{side}.csv", seed)
        frame = pd.read_csv(tmp_path / f"{side}.csv").assign(label="yes")
        frame.to_csv(tmp_path / f"{side}.csv", index=False)
    files = [f"--{side}={tmp_path / side}.csv" for side in ("shadow", "target")]
    out = ["--out", tmp_path / "out", "--json"]
    found = command("predictions", *files, "--attack-model=none", "--attack=score-difference", *out).findings
    assert {(of["attack"], of["attack_model"]) for of in found["results"]} == {("score-difference", None)}
    said = command("predictions", *files, "--attack-model=none", "--attack-model=mlp")
    said.says("name classifiers, or only none")


def test_classes_in_another_order_give_the_same_findings(command, tmp_path):
    for seed, side in enumerate(("shadow", "target")):
        frame = pd.DataFrame({"role": ["deleted", "unseen"] * 30, "label": ["no", "yes", "maybe"] * 20})
        rng = np.random.default_rng(seed)
        for version in ("before", "after"):
            p = rng.dirichlet([1, 1, 1], 60)
            for at, name in enumerate(("no", "yes", "maybe")):
                frame[f"{version}_{name}"] = p[:, at]
        frame.to_csv(tmp_path / f"{side}.csv", index=False)
        frame[frame.columns[::-1]].to_csv(tmp_path / f"turned-{side}.csv", index=False)
    found = [
        command(
            *("predictions", "--shadow", tmp_path / "shadow.csv", "--target", tmp_path / f"{name}.csv"),
            *("--attack-model", "none", "--out", tmp_path / name, "--json"),
        ).findings
        for name in ("target", "turned-target")
    ]
    assert found[0]["results"] == found[1]["results"]
    assert any("put into the order of the shadow file" in note["text"] for note in found[1]["notes"])
