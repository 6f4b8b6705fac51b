"""Mislabelled canaries: wrong labels for all who are audited and nobody else, the same ones whatever is planned."""

import dataclasses

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import AuditConfig, AuditError, Execution, audit, audit_observations, run
from unlearn_audit.audits.identification.ranking import name_deleted
from unlearn_audit.audits.identification.reconstruction import reconstruct_deleted
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import build_config
from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.store.keys import dataset_fingerprint
from unlearn_audit.worlds.canaries import mislabelled

SIZES = {"shadow": 3, "target": 3, "deletions": 6, "unseen": 3, "references": 12, "train_size": 150}
ATTACKS = {"features": ["sorted-diff"], "attack_models": ["logistic-regression"], "attacks": ["margin-original"]}


def config_of(data="digits", model="decision-tree-full", canaries="mislabelled", worlds=None, **changes):
    sizes = {**SIZES, "canaries": canaries, **(worlds or {})}
    return build_config({"target": {"data": data, "model": model}, "worlds": sizes, **ATTACKS, **changes})


def planned(**changes):
    subject = AuditTask.load(config_of(**changes))
    plan = plan_audit(subject)
    arms, notes = plan.arms, plan.notes
    return subject, arms[0].tasks, notes


def audited(plan):
    queries = [query for index in range(plan.n_worlds) for query in plan.world(index).queries]
    return {int(of) for q in queries for of in q.positions[(q.roles == "deleted") | (q.roles == "unseen")]}


@pytest.mark.parametrize("scenario", ["single", "group", "online"])
def test_labels_are_wrong_exactly_for_who_is_audited(scenario):
    subject, tasks, _ = planned(scenario={"name": scenario, "size": 1 if scenario == "single" else 3})
    own, data = subject.records["target"].data, tasks["target"].data
    assert tasks["shadow"].data is data
    everyone = audited(tasks["shadow"].plan) | audited(tasks["target"].plan)
    assert set(np.flatnonzero(data.y != own.y).tolist()) == everyone
    assert not everyone & set(tasks["target"].plan.references.tolist())
    assert np.array_equal(data.true_y, own.y)
    assert own.true_y is None
    retained_alone = set(tasks["target"].plan.world(0).training.tolist()) - everyone
    assert len(retained_alone) > 50


def test_in_per_record_worlds_all_audited_records_are_wrong():
    subject, tasks, _ = planned(worlds={"layout": "per-record"}, games=["deleted-vs-retained"])
    wrong = np.flatnonzero(tasks["target"].data.y != subject.records["target"].data.y)
    assert np.array_equal(wrong, tasks["target"].plan.audited)


def test_a_wrong_label_is_that_of_the_record_whatever_else_is_planned():
    few, more = (planned(worlds={"shadow": n, "target": n})[1]["target"].data for n in (3, 5))
    both = (few.y != few.true_y) & (more.y != more.true_y)
    assert both.sum() == (few.y != few.true_y).sum() < (more.y != more.true_y).sum()
    assert np.array_equal(few.y[both], more.y[both])
    other = planned(seed=1)[1]["target"].data
    again = planned()[1]["target"].data
    assert np.array_equal(few.y, again.y)
    assert not np.array_equal(few.y, other.y)


def test_every_other_class_is_as_likely_in_any_order_and_of_any_type():
    n, names = 9000, np.array(["a", "b", "c", "d"])
    y = names[np.arange(n) % 4]
    data = Dataset("made", np.zeros((n, 1)), y, names, tuple(names), np.arange(n) * 7)
    positions = np.arange(n)
    wrong = mislabelled(data, positions, 0)
    assert np.array_equal(mislabelled(data, positions[::-1], 0).y, wrong.y)
    assert np.array_equal(mislabelled(data, positions[:50], 0).y[:50], wrong.y[:50])
    assert (wrong.y != y).all()
    steps = (np.searchsorted(names, wrong.y) - np.arange(n)) % 4
    counts = np.bincount(steps, minlength=4)[1:]
    assert abs(counts - n / 3).max() < 4 * np.sqrt(n * (1 / 3) * (2 / 3))
    assert np.array_equal(data.y, y)


def test_stored_worlds_have_the_keys_of_before_without_canaries():
    keys = {}
    for canaries in ("none", "mislabelled"):
        task = planned(canaries=canaries)[1]["target"]
        keys[canaries] = task.documents(dataset_fingerprint(task.data))[0]
    assert set(keys["none"]["sizes"]) == {"train_size", "deletions", "unseen", "retained", "references"}
    assert keys["none"]["data"] == dataset_fingerprint(AuditTask.load(config_of()).records["target"].data)
    assert keys["mislabelled"]["data"] != keys["none"]["data"]


def test_each_side_of_a_transfer_has_its_own():
    subject, tasks, notes = planned(
        data="breast-cancer",
        worlds={"train_size": 80},
        shadow={"data": {"name": "breast-cancer", "encoding": "one-hot"}},
    )
    assert tasks["shadow"].data is not tasks["target"].data
    for side, task in tasks.items():
        wrong = set(np.flatnonzero(task.data.y != subject.records[side].data.y).tolist())
        assert wrong == audited(task.plan)
    (said,) = [note for note in notes if "mislabelled canaries" in note]
    shares = []
    for plan in (tasks["shadow"].plan, tasks["target"].plan):
        everyone = sorted(audited(plan))
        shares.append(np.mean([np.isin(plan.world(index).training, everyone).mean() for index in range(3)]))
    assert f"{shares[0]:.2%} on the shadow side, {shares[1]:.2%} on the target side" in said


def test_too_many_wrong_labels_are_said():
    assert not any("changes the model itself" in note for note in planned()[2])
    assert any("changes the model itself" in note for note in planned(worlds={"target": 30})[2])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scenario": "retained"}, "in the game retained-vs-unseen mislabelled canaries would differ"),
        ({"games": ["deleted-vs-unseen", "three-way"]}, "in the game three-way mislabelled canaries would differ"),
        ({"games": ["deleted-vs-unseen", "deleted-vs-retained"]}, "game deleted-vs-retained"),
        ({"until": "auc ± 0.03"}, "until adds target worlds, and with them mislabelled canaries"),
        ({"canaries": "dead"}, "worlds.canaries"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, says):
    with pytest.raises(AuditError, match=says) as caught:
        config_of(**changes)
    assert "\n" not in str(caught.value)


def test_who_looks_for_people_looks_for_their_own_labels():
    subject = AuditTask.load(config_of("breast-cancer", "logistic-regression"))
    with pytest.raises(AuditError, match="name looks for people with their own labels"):
        name_deleted(subject, Execution(), 12)
    with pytest.raises(AuditError, match="reconstruct looks for people with their own labels"):
        reconstruct_deleted(subject, Execution())


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    sizes = {"shadow": 4, "target": 6, "deletions": 8, "train_size": 250}
    return {
        canaries: run(config_of(canaries=canaries, worlds=sizes, defenses=["rounding:2"]), Execution(store=store))
        for canaries in ("none", "mislabelled")
    }


def test_the_original_alone_gives_canaries_away(results):
    aucs = {}
    for canaries, result in results.items():
        (of,) = [
            r for r in result.findings.results if (r.attack, r.rows, r.defense) == ("margin-original", "all", "none")
        ]
        aucs[canaries] = of
    assert aucs["mislabelled"].auc_ci[0] > aucs["none"].auc_ci[1]
    assert aucs["mislabelled"].auc > 0.9


def test_rows_hold_the_wrong_labels_and_test_accuracy_the_right_ones(results):
    y = load_digits().target
    rows = {canaries: result.observations["target"].rows for canaries, result in results.items()}
    wrong = {canaries: of["label"].to_numpy() != y[of["record"]] for canaries, of in rows.items()}
    assert not wrong["none"].any()
    roles = rows["mislabelled"]["role"]
    assert wrong["mislabelled"][np.isin(roles, ("deleted", "unseen"))].all()
    assert not wrong["mislabelled"][roles == "reference"].any()
    # a full tree is right on all that it was trained on, and would be right on next to none of the wrong unseen labels
    spread = {canaries: result.findings.overfitting["target"] for canaries, result in results.items()}
    assert abs(spread["mislabelled"].mean - spread["none"].mean) < 0.2
    released = {canaries: result.findings.released for canaries, result in results.items()}
    assert [of.defense for of in released["mislabelled"]] == ["none", "rounding:2"]
    for plain, of in zip(released["none"], released["mislabelled"], strict=True):
        assert of.n == 2 * (roles == "reference").sum() < plain.n
        assert abs(of.accuracy - plain.accuracy) < 0.25


def test_findings_say_that_it_is_a_worst_case(results, tmp_path):
    plain, found = (results[canaries].findings for canaries in ("none", "mislabelled"))
    assert (plain.canaries, found.canaries) == (None, "mislabelled")
    said = "This is an audit of mislabelled canaries"
    assert said in found.verdict.summary
    assert said in found.verdict.limits[0]
    assert not any(
        "canaries" in text for text in (plain.verdict.summary, *plain.verdict.limits, *plain.routine, *plain.warnings)
    )
    page = results["mislabelled"].save(tmp_path / "out").read_text()
    assert said in page
    assert "audited records have wrong labels: a worst case" in page


def test_files_of_canaries_are_known_as_such(results):
    tables = results["mislabelled"].observations
    config = AuditConfig.model_validate(ATTACKS)
    again = audit_observations(tables["shadow"], tables["target"], config=config).findings
    assert again.canaries == "mislabelled"
    with pytest.raises(AuditError, match="only the target file is of mislabelled canaries"):
        audit_observations(results["none"].observations["shadow"], tables["target"], config=config)
    plain = dataclasses.replace(tables["target"], metadata={"canaries": ["?"]})
    assert plain.canaries is None


def test_arrays_and_text_labels():
    digits = load_digits()
    y = np.array([f"digit {label}" for label in digits.target])
    sizes = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "unseen": 3, "train_size": 150}
    result = audit(DecisionTreeClassifier(), digits.data, y, canaries="mislabelled", **sizes, **ATTACKS)
    rows = result.observations["target"].rows
    truth = np.searchsorted(np.unique(y), y)[rows["record"]]
    assert (rows["label"].to_numpy() != truth)[rows["role"] == "deleted"].all()
