"""``unlearn-audit gate`` on runs of each command that it reads, and of those that it does not."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from unlearn_audit import Execution, run
from unlearn_audit.config import build_config
from unlearn_audit.errors import AuditError
from unlearn_audit.testing import assert_not_leaking

WORLDS = {"shadow": 3, "target": 4, "train_size": 150, "deletions": 10, "unseen": 12, "references": 12}
FEW = {"attacks": ["l-diff", "margin-original"], "features": ["sorted-diff"], "attack_models": ["logistic-regression"]}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """A small audit of trees that leak."""
    settings = {"target": {"data": "digits", "model": "decision-tree"}, "worlds": WORLDS, **FEW}
    return run(build_config(settings), Execution(store=tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    return result.save(tmp_path_factory.mktemp("runs") / "one").parent


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """Answers of two versions that give 8 of 10 deleted people away."""
    at = tmp_path_factory.mktemp("release")
    rng = np.random.default_rng(0)
    p = rng.uniform(0.2, 0.8, 400)
    moved = np.where(np.arange(400) < 8, p + 0.15, p + rng.normal(0, 0.002, 400))
    for name, of in (("before", p), ("after", moved)):
        pd.DataFrame({"record": np.arange(400), "p_no": 1 - of, "p_yes": of}).to_csv(at / f"{name}.csv", index=False)
    return at


@pytest.mark.parametrize(("attack", "most", "code"), [("own", 1, 0), ("own", 0.5, 1), ("own", None, 3), ("all", 1, 0)])
def test_each_exit_code_on_a_real_run(command, folder, result, attack, most, code):
    claimed = result.findings.leading()
    assert claimed.auc_claim_ci[0] > 0.5
    limit = claimed.auc if most is None else most
    done = command("gate", folder, "--max", f"auc={limit}", *(["--attack", "all"] if attack == "all" else []))
    assert (done.code, len(done.out.splitlines())) == (code, 1), done.err
    assert done.out.startswith({0: "pass: auc of ", 1: "fail: auc of ", 3: "cannot-tell: auc of "}[code])


def test_the_verdict_decides_without_limits(command, folder, result):
    done = command("gate", folder)
    assert (done.code, result.findings.verdict.gate) == (1, "fail")
    assert done.out.startswith(f"fail: the verdict is {result.findings.verdict.kind}: ")
    assert command("gate", folder / "findings.json").out == done.out


def test_one_line_a_limit_and_the_same_as_json_and_junit(command, folder, tmp_path):
    limits = ("--max", "auc=0.5", "--max", "accuracy=1", "--max", "tpr@0.01=0.5")
    done = command("gate", folder, *limits, "--junit", tmp_path / "gate.xml")
    lines = done.out.splitlines()
    assert done.code == 1
    assert [line.partition(":")[0] for line in lines] == ["fail", "pass", "cannot-tell"]
    assert "such target worlds have" in lines[2]
    assert "at most 6.5 % of runs" in done.err
    said = command("gate", folder, *limits, "--json").findings
    assert [f"{of['outcome']}: {of['sentence']}" for of in said["limits"]] == lines
    assert (said["code"], said["outcome"], said["on"]) == (1, "fail", "interval")
    suite = ET.parse(tmp_path / "gate.xml").getroot()[0]
    assert [case.get("name") for case in suite.iter("testcase")] == [
        "auc at most 0.5", "accuracy at most 1", "tpr@0.01 at most 0.5",
    ]  # fmt: skip
    assert [len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error")] == [1, 1]


def test_the_helper_of_tests_does_the_same(folder, result):
    for given in (result, result.findings, folder, str(folder)):
        assert_not_leaking(given, max_auc=1.0, max_tpr={0.01: 1.0})
        with pytest.raises(AssertionError, match=r"^fail: auc of .* above 0\.5$"):
            assert_not_leaking(given, max_auc=0.5)
        with pytest.raises(AssertionError, match=r"^cannot-tell: tpr@0\.01"):
            assert_not_leaking(given, max_auc=1.0, limits={"tpr@0.01": 0.5})
        with pytest.raises(AssertionError, match="the verdict is"):
            assert_not_leaking(given)
    with pytest.raises(AuditError, match="unknown comparison 'points'"):
        assert_not_leaking(result, max_auc=1.0, on="points")
    with pytest.raises(AuditError, match="auc has more than one limit"):
        assert_not_leaking(result, max_auc=1.0, limits={"auc": 0.9})


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (("identified=5",), 1),
        (("identified=9",), 3),
        (("identified=8", "--on=point"), 0),
        (("identified=7", "--on=point"), 1),
        (("tpr@0.05=0.3",), 1),
        (("tpr@0.05=0.99",), 0),
        (("tpr@0.05=0.9",), 3),
    ],
)
def test_a_release(command, released, tmp_path, limits, code):
    files = (released / "before.csv", released / "after.csv")
    out = tmp_path / "release"
    ids = (f"--deleted={','.join(map(str, range(10)))}", f"--reference={','.join(map(str, range(10, 400)))}")
    done = command("release", *files, *ids, "--out", out, "--json")
    assert done.findings["identified"] == 8, done.err
    gated = command("gate", out, "--max", *limits)
    assert gated.code == code, (gated.out, gated.err)
    command("gate", out).says("only audits have a verdict that can decide without a limit")
    command("gate", out, "--max=auc=0.6").says("this release has no measure 'auc'")
    command("gate", out, "--max=identified=0", "--attack=lira").says("--attack lira names something that only")


def test_a_comparison_of_methods(command, tmp_path):
    out = tmp_path / "methods"
    small = ("--shadow-worlds=3", "--target-worlds=4", "--deletions=10", "--unseen=12", "--references=12")
    few = ("--attack=l-diff", "--feature=sorted-diff", "--attack-model=logistic-regression")
    model = ("--dataset=breast-cancer", "--model=logistic-regression", "--method=newton-removal")
    assert command("compare-methods", *model, *small, *few, "--out", out).code == 0
    for limit, code in (("auc=1", 0), ("excess=-0.5", 1)):
        done = command("gate", out, "--max", limit, "--method=newton-removal")
        assert (done.code, command("gate", out, "--max", limit).out) == (code, done.out), done.err
    assert_not_leaking(out, max_auc=1.0, method="newton-removal")
    command("gate", out, "--max=auc=1", "--method=newton").says("or newton-removal?")
    command("gate", out, "--max=tpr@0.001=1").says("a comparison of methods has no measure")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no run of unlearn-audit"),
        ({"unlearn-audit-run.json": "{}", "naming.json": "{}"}, "its run did not end, or it is of another command"),
        ({"findings.json": ""}, "findings.json"),
        ({"findings.json": "null"}, "findings.json"),
        ({"findings.json": "[" * 100_000}, "findings.json"),
        ({"findings.json": '{"schema": "unlearn-audit/release/1"}'}, "its layout is unlearn-audit/release/1"),
        ({"findings.json": '{"schema": "unlearn-audit/release/2"}'}, "Field required"),
        ({"findings.json": '{"schema": {}, "verdict": {"gate": "pass"}}'}, "findings.json"),
        ({"methods.json": '{"schema": "unlearn-audit/methods/1", "config": 3}'}, "methods.json"),
    ],
)
def test_what_cannot_be_gated_is_refused_in_one_sentence(command, tmp_path, files, said):
    at = tmp_path / "there"
    at.mkdir()
    for name, content in files.items():
        (at / name).write_text(content)
    command("gate", at, "--max=auc=0.6").says(said)
    command("gate", at).says(said)


def test_what_is_not_there_or_was_changed_is_no_pass(command, folder, tmp_path):
    command("gate", tmp_path / "nowhere", "--max=auc=0.6").says("cannot read")
    path = folder / "findings.json"
    before = path.read_bytes()
    document = json.loads(before)
    document["verdict"]["gate"] = "pass"
    try:
        path.write_text(json.dumps(document))
        command("gate", folder).says("has changed since the run wrote it")
    finally:
        path.write_bytes(before)
    command("gate", folder, "--max=auc=1", "--junit", tmp_path).says("cannot be written")
