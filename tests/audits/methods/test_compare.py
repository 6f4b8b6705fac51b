"""Methods compared on the same worlds: each gets the figures of an audit of its own, and all share the rest."""

import io
import json
import re
import textwrap
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.datasets import load_breast_cancer
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import AuditConfig, AuditError, Execution, compare_methods, run
from unlearn_audit.audits.membership.forecast import measure
from unlearn_audit.audits.membership.forecast.cost import forecast_of
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.methods.costs import cost_of
from unlearn_audit.audits.methods.findings import MethodsFindings
from unlearn_audit.audits.methods.forecast import forecast_methods
from unlearn_audit.audits.methods.fronts import on_front
from unlearn_audit.audits.methods.json_schema import methods_schema
from unlearn_audit.audits.methods.page import print_methods, render_methods
from unlearn_audit.audits.methods.plan import methods_asked, plan_methods
from unlearn_audit.audits.methods.plots import turned_interval
from unlearn_audit.audits.methods.run import compare
from unlearn_audit.audits.methods.sentences import skipped_words
from unlearn_audit.models.cart.check import is_installed
from unlearn_audit.utils.progress import Silent

ROOT = Path(__file__).parents[3]
SMALL = {
    "attacks": ["margin-difference", "margin-unlearned", "margin-original"],
    "features": ["sorted-diff"],
    "attack_models": ["logistic-regression"],
}
WORLDS = {"shadow": 4, "target": 5, "deletions": 10, "unseen": 12, "references": 5}

OWN = """
    def refit(model, forget, retain, *, rng, recipe=None):
        return model.fit(retain.X, retain.y)


    def lazy(model, forget, retain, *, rng, recipe=None):
        return model


    def fragile(model, forget, retain, *, rng, recipe=None):
        if forget.X[0, 0] < 10:
            raise ZeroDivisionError("nothing to divide by")
        return model.fit(retain.X, retain.y)
    """


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "mine.py"
    path.write_text(textwrap.dedent(OWN))
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Execution(store=tmp_path_factory.mktemp("store"))


class Said(Silent):
    """Keeps what it is asked to say."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def task(**changes):
    target = {"data": "breast-cancer", "model": "decision-tree"}
    return AuditTask.load(AuditConfig.model_validate({**SMALL, "target": target, "worlds": WORLDS, **changes}))


def compared_with(texts, execution, **changes):
    return compare(task(**changes), methods_asked(texts), execution)


@pytest.fixture(scope="module")
def compared(own, store):
    texts = ["sisa:shards=3", f"{own}:refit", f"{own}:lazy", "sisa:shards=3", "retrain", "none"]
    return compared_with(texts, store)


def test_it_says_whose_originals_are_trained_again_for_a_further_method(compared, store):
    said = Said()
    compared_with(["sisa:shards=3"], Execution(store=store.store, reporter=said))
    assert any(line.startswith("originals of decision-tree are not kept in the store") for line in said.lines)


def test_references_stand_first_and_each_method_once(compared):
    found = compared.findings
    assert [(of.method, of.status) for of in found.methods] == [
        ("retrain", "reference"),
        ("none", "reference"),
        ("sisa:shards=3", "compared"),
        ("mine.py:refit", "compared"),
        ("mine.py:lazy", "compared"),
    ]
    assert [of.reading for of in found.methods] == ["as-retraining", "unchanged", "same", "as-retraining", "unchanged"]
    assert [of.weights_unchanged for of in found.methods] == [False, True, False, False, True]


def test_each_method_gets_the_figures_of_an_audit_of_its_own(compared, store):
    """The same worlds, out of the same store, give the same comparison, measures included."""
    config = task(unlearning={"method": "sisa", "shards": 3}).config
    alone = run(config, store).findings
    assert alone.execution["worlds_reused"] == 3 * (4 + 5)
    row = next(of for of in compared.findings.methods if of.method == "sisa:shards=3")
    same = {"method"}
    assert row.arms.model_dump(exclude=same) == alone.arms.model_dump(exclude=same)


def test_a_further_method_trains_nothing_again_but_its_own(compared, store):
    again = compared_with(["sisa:shards=3", "sisa:shards=2"], store)
    assert again.findings.execution["worlds_reused"] == 3 * (4 + 5)
    before, after = (of.findings.methods[2].arms for of in (compared, again))
    assert before == after


def test_jobs_change_nothing_but_times(own, compared, tmp_path):
    texts = ["sisa:shards=3", f"{own}:refit", f"{own}:lazy"]
    parallel = compared_with(texts, Execution(jobs=2, store=tmp_path))
    rows = [
        [of.model_dump(exclude={"cost", "fronts"}) for of in found.findings.methods] for found in (compared, parallel)
    ]
    assert rows[0] == rows[1]


def test_a_method_that_fails_is_a_row_that_says_why_and_the_others_go_on(own, compared, store):
    said = Said()
    found = compared_with([f"{own}:fragile", "sisa:shards=3"], replace(store, reporter=said)).findings
    (line,) = (line for line in said.lines if line.endswith("; the other methods continue"))
    assert line.startswith("mine.py:fragile failed: ")
    failed, fine = found.methods[2:]
    assert (failed.method, failed.status, failed.arms) == ("mine.py:fragile", "failed", None)
    assert "ZeroDivisionError: nothing to divide by" in failed.why
    assert fine.arms == compared.findings.methods[2].arms
    assert "mine.py:fragile failed; the table says why." in found.summary
    assert "ZeroDivisionError: nothing to divide by" in render_methods(found)


def test_a_method_that_cannot_unlearn_here_is_refused_by_name_and_skipped_else():
    asked = methods_asked(["scrub"])
    with pytest.raises(AuditError, match="--method scrub: "):
        plan_methods(task(), asked)
    plan = plan_methods(task(), methods_asked(None))
    assert set(plan.methods) >= {"sisa"}
    assert "scrub" in plan.skipped
    assert not {"retrain", "none"} & (plan.methods.keys() | plan.skipped.keys())
    assert [arm.name for arm in plan.audit.arms] == ["none", "retraining", *plan.methods]


def test_a_skipped_method_is_a_row(store):
    found = compare(
        task(), (*methods_asked(["sisa:shards=3"]), *(of for of in methods_asked(None) if of.text == "ssd")), store
    )
    skipped = found.findings.methods[-1]
    assert (skipped.method, skipped.status) == ("ssd", "skipped")
    assert skipped.why
    assert found.to_frame()["method"].tolist() == ["retrain", "none", "sisa:shards=3", "ssd"]
    # for people it is a sentence
    page, shown = render_methods(found.findings), io.StringIO()
    print_methods(Console(file=shown, width=200), found.findings)
    said = "ssd is skipped: it needs a neural network; decision-tree is a DecisionTreeClassifier."
    for text in (page, shown.getvalue()):
        assert said in text
        assert text.count("ssd") == 1


def test_methods_that_are_skipped_for_the_same_reason_share_a_sentence():
    plan = plan_methods(task(), methods_asked(None))
    sentences = skipped_words(plan.skipped)
    (networks,) = (of for of in sentences if "each needs a neural network; " in of)
    assert networks.startswith(f"{len(plan.skipped) - 3} methods are skipped (noisy-fine-tuning, ppu, ")
    assert "is skipped: a DecisionTreeClassifier has no closed form" in sentences[0]
    assert len(sentences) == 4
    assert all(method in " ".join(sentences) for method in plan.skipped)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"unlearning": "sisa"}, "takes its methods from --method"),
        ({"until": "auc ± 0.1"}, "give --target-worlds, and no --until"),
        ({"defenses": ["label-only"]}, "try defences on one of them with run"),
        ({"attacks": "none", "attack_models": "none"}, "an audit needs an attack on both versions"),
    ],
)
def test_what_a_comparison_has_not_is_refused(changes, said):
    with pytest.raises(AuditError, match=said):
        plan_methods(task(**changes), methods_asked(["sisa"]))


@pytest.mark.parametrize("text", ["no-such-method", "sisa:shards=x", "sisa:pieces=3", "nothing.py:gone"])
def test_a_text_that_names_no_method_is_refused(text):
    with pytest.raises(AuditError):
        methods_asked([text])


def test_two_files_of_one_name_are_told_apart_by_their_folders(own, tmp_path):
    (tmp_path / "mine.py").write_text(own.read_text())
    texts = [of.text for of in methods_asked([f"{own}:lazy", f"{own}:refit", f"{tmp_path / 'mine.py'}:lazy"])]
    assert texts == [f"{own}:lazy", "mine.py:refit", f"{tmp_path / 'mine.py'}:lazy"]


def test_the_table_is_what_the_findings_hold(compared, tmp_path):
    frame = compared.to_frame()
    page = compared.save(tmp_path / "out")
    written = pd.read_csv(tmp_path / "out" / "methods.csv")
    assert written["method"].tolist() == frame["method"].tolist()
    assert np.allclose(written["leak_auc"], frame["leak_auc"])
    found = MethodsFindings.model_validate_json((tmp_path / "out" / "methods.json").read_text())
    # what an interval's ends are is the same number again
    assert found.model_dump_json() == compared.findings.model_dump_json()
    row, sisa = frame.iloc[2], found.methods[2]
    assert row["leak_auc"] == sisa.arms.update.unlearned.auc
    assert row["accuracy_test_difference"] == sisa.arms.measured("accuracy.test").difference
    assert row["seconds_relative"] == pytest.approx(sisa.cost.relative)
    assert frame["seconds"].gt(0).all()
    assert page.name == "index.html"
    again = compared.save(tmp_path / "out")
    assert again == page


def test_the_page_is_whole_by_itself_and_says_what_matters_first(compared):
    page = render_methods(compared.findings)
    assert not re.search(r"<script[^>]|src=|@import|url\(https?:|https?://(?!www\.w3\.org)", page)
    assert page.index("3 methods were compared with exact retraining") < page.index("<table")
    assert "mine.py:lazy changed no answer: nothing was forgotten" in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    for row in compared.findings.methods:
        assert row.method in page
    assert page.count("<svg") >= 3


def test_names_are_escaped(compared):
    first, *others = compared.findings.methods
    evil = compared.findings.model_copy(
        update={"methods": (first.model_copy(update={"method": "<script>alert(1)</script>"}), *others)}
    )
    assert "<script>alert" not in render_methods(evil)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in render_methods(evil)


def test_a_plan_states_every_arm_and_trains_nothing(store, own):
    found = forecast_methods(task(), methods_asked(["sisa:shards=3", f"{own}:lazy"]), store)
    arms = list(dict.fromkeys(side.arm for side in found.cost.sides))
    assert arms == ["none", "retraining", "sisa:shards=3", "mine.py:lazy"]
    # the originals of a tree are trained once for all but SISA, whose shards are its own
    trainings = {side.arm: side.trainings for side in found.cost.sides if side.side == "target"}
    # where retraining compiles its trees, a method of other people's has originals of scikit-learn's own
    originals = 5 if is_installed() else 0
    assert trainings == {"none": 5, "retraining": 50, "sisa:shards=3": 5 + 50, "mine.py:lazy": originals + 50}
    assert found.cost.seconds > 0


@pytest.mark.parametrize("text", ["sisa:shards=3", "none"])
def test_a_method_that_would_fail_is_a_note_of_the_plan_unless_it_is_a_reference(text):
    plan = plan_methods(task(), methods_asked(["sisa:shards=3", "sisa:shards=2"])).audit
    failing = plan.arm(text).tasks["shadow"].unlearner

    def pilot(side):
        if side.unlearner == failing:
            raise AuditError("a batch is larger than the data")
        return measure(side)

    def found():
        return forecast_of(plan, Execution(), pilot, start=lambda: None, spared=["sisa:shards=3", "sisa:shards=2"])

    if text == "none":
        with pytest.raises(AuditError, match="a batch is larger"):
            found()
    else:
        forecast = found()
        assert {side.arm for side in forecast.cost.sides} == {"none", "retraining", "sisa:shards=2"}
        assert forecast.notes[-1] == "sisa:shards=3 would fail: a batch is larger than the data"


def test_per_record_worlds_have_klom_and_two_more_kinds_of_difficulty(own, store):
    sizes = {
        "layout": "per-record",
        "shadow": 12,
        "target": 12,
        "deletions": 4,
        "unseen": 2,
        "train_size": 60,
        "references": 5,
    }
    found = compared_with(
        [f"{own}:refit"],
        store,
        target={"data": "breast-cancer", "model": "logistic-regression"},
        worlds=sizes,
        attacks=["u-lira", "ruli", "margin-unlearned", "margin-difference"],
    ).findings
    refit, nothing = found.methods[2], found.methods[1]
    assert {"u-lira", "ruli"} <= {of.attack for of in refit.arms.attacks}
    assert {of.role for of in refit.arms.klom} == {"deleted", "retained", "unseen"}
    assert {of.models for of in refit.arms.klom} == {8}
    assert max(of.high for of in refit.arms.klom) < nothing.arms.klom[0].high
    assert nothing.arms.klom[0].mean > 0
    assert {of.by for of in refit.difficulty} == {"margin-retrained", "memorisation", "vulnerability"}


def test_noisy_steps_are_drawn_beside_leak_and_losses_order_records(tmp_path):
    pytest.importorskip("torch")
    target = {"data": "breast-cancer", "model": "torch-mlp", "network": {"epochs": 40, "batch_size": 32}}
    worlds = {**WORLDS, "shadow": 3, "train_size": 60, "deletions": 4, "unseen": 4, "references": 3}
    noisy = "noisy-fine-tuning:start=10,noise=0.001,recovery_epochs=0,steps="
    execution = Execution(store=tmp_path)
    found = compared_with([f"{noisy}1", f"{noisy}3"], execution, target=target, worlds=worlds).findings
    assert [of.noisy_steps for of in found.methods] == [None, None, 1, 3]
    assert all("per-instance-loss" in {of.by for of in row.trends} for row in found.compared)
    page = render_methods(found)
    assert "Leak against the number of noisy steps" in page
    assert "the rank correlation of leak with that number is the one with the loss" in page
    assert "The per-instance loss comes from the training of the attacked original" in page
    one = found.model_copy(update={"methods": found.methods[:3]})
    assert "Leak against the number of noisy steps" not in render_methods(one)
    assert "difficulty." not in found.to_json()


def test_from_python_with_functions_of_ones_own():
    X, y = load_breast_cancer(return_X_y=True)

    def keep(model, forget, retain):
        return model

    found = compare_methods(
        DecisionTreeClassifier(max_leaf_nodes=10), X, y, [keep, "sisa:shards=2"], worlds=WORLDS, **SMALL
    )
    assert found.findings.methods[2].reading == "unchanged"
    assert found.findings.methods[3].method == "sisa:shards=2"
    with pytest.raises(AuditError, match="takes no unlearning: `methods` names the methods to compare"):
        compare_methods(DecisionTreeClassifier(), X, y, ["sisa"], unlearning="sisa")
    with pytest.raises(AuditError, match=r"worlds.shadow"):
        compare_methods(DecisionTreeClassifier(), X, y, ["sisa"], worlds={"shadow": 0})


def test_a_time_has_no_negative_end():
    times = pd.DataFrame({"world": [0, 1, 2], "request": 0, "name": "seconds", "value": [0.1, 0.1, 4.0]})
    found = cost_of(times, times, reused=False)
    low, high = found.seconds_ci
    assert 0 < low < found.seconds < high


def test_a_terminal_breaks_no_name(compared):
    shown = io.StringIO()
    print_methods(Console(file=shown, width=70), compared.findings)
    table = shown.getvalue().partition("─")[2].partition("Intervals of 95 %")[0]
    assert all(of.method in table for of in compared.findings.tried)


def test_a_front_is_of_those_to_which_nothing_else_is_preferable():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, (2, 40))
    expected = [not any((a <= x) & (b <= y) & ((a < x) | (b < y))) for x, y in zip(a, b, strict=True)]
    assert on_front(a, b).tolist() == expected


def test_an_interval_around_one_half_reaches_down_to_no_leak():
    assert turned_interval((0.45, 0.6)) == pytest.approx((0.0, 0.1))
    assert turned_interval((0.1, 0.3)) == pytest.approx((0.2, 0.4))


def test_the_documented_schema_is_that_of_the_models(compared):
    documented = json.loads((ROOT / "docs" / "methods.schema.json").read_bytes())
    assert documented == methods_schema(), (
        "run python -m unlearn_audit.audits.methods.json_schema > docs/methods.schema.json"
    )
    jsonschema.validate(json.loads(compared.findings.to_json()), documented)
