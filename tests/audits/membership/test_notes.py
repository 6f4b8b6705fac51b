from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats as distributions

from unlearn_audit.audits.membership.notes import MOST_TEXTS, differs, gaps, notes_on, warning_texts
from unlearn_audit.engine import WorldStats
from unlearn_audit.findings.result import Result, Selected
from unlearn_audit.report.settings import publishable


def stats(**warnings):
    return {("none", side): WorldStats((0.0,), texts, 0) for side, texts in warnings.items()}


def test_notes_tell_how_often_training_warned_and_not_of_what(table):
    found = stats(
        target={
            "UserWarning: record of Ada Lovelace, 36": 4,
            "UserWarning: no file /home/ada/people.csv": 2,
            "ConvergenceWarning: stopped after 200": 1,
            "no category at all of Ada: 36": 1,
        },
        shadow={},
    )
    records = {"target": SimpleNamespace(data=SimpleNamespace(name="people", notes=("2 rows were dropped",)))}
    seen = table()
    seen = seen.select(seen.roles != "unseen")
    tables = {"shadow": seen, "target": seen}
    found["dp-sgd:4", "target"] = found["retraining", "shadow"] = WorldStats((0.0,), {"UserWarning: once": 1}, 0)
    notes = notes_on(records, tables, found)
    assert {note.level for note in notes} == {"note"}
    assert [note.text for note in notes] == [
        "people: 2 rows were dropped",
        "target side: training warned once (ConvergenceWarning)",
        "target side: training warned 6 times (UserWarning)",
        "target side: training warned once (Warning)",
        "target side under dp-sgd:4: training warned once (UserWarning)",
        "shadow side, exact retraining: training warned once (UserWarning)",
    ]


def test_a_network_that_learned_nothing_is_told_with_what_to_try(table):
    texts = {f"TrainingWarning: network net learned nothing: 0.1{i}; try": 6 for i in range(2)}
    found = stats(
        shadow={"TrainingWarning: network net learned nothing: 0.10": 1}, target=texts | {"UserWarning: x": 1}
    )
    seen = table()
    seen = seen.select(seen.roles != "unseen")
    said = (
        "learned nothing: an accuracy on the training records no better than a constant guess; try more epochs or "
        "steps, another learning rate, or standardised features"
    )
    assert [(note.level, note.text) for note in notes_on({}, {"shadow": seen, "target": seen}, found)] == [
        ("warning", f"shadow side: 1 training {said}"),
        ("warning", f"target side: 12 trainings {said}"),
        ("note", "target side: training warned once (UserWarning)"),
    ]


def test_whole_classes_that_were_forgotten_are_counted(table):
    texts = {f"WholeClassWarning: a request forgets every training record of {name}": 3 for name in ("no", "yes")}
    seen = table()
    seen = seen.select(seen.roles != "unseen")
    notes = notes_on({}, {"shadow": seen, "target": seen}, stats(shadow={}, target=texts))
    assert [(note.level, note.text) for note in notes] == [
        (
            "note",
            "target side: 6 requests forgot every training record of a class, so none of that class was retained",
        )
    ]


def test_the_texts_are_kept_for_the_owner_the_most_frequent_first():
    texts = {f"UserWarning: record {i}": i for i in range(1, MOST_TEXTS + 6)}
    kept = warning_texts(stats(shadow={}, target=texts))
    assert list(kept) == ["target"]
    assert list(kept["target"].values()) == list(range(MOST_TEXTS + 5, 5, -1))
    assert publishable({"training_warnings": kept}) == []


def result(attack="score-change", **changes):
    values = {
        "attack": attack, "attack_model": None, "game": "deleted-vs-unseen", "view": "pair", "rows": "all",
        "n_positive": 100, "n_negative": 400, "n_worlds": 5, "interval_unit": "world", "shadow_auc": 0.93,
        "shadow_auc_ci": (0.85, 0.97), "shadow_auc_error": 0.02, "shadow_auc_freedom": 4, "auc": 0.53,
        "auc_error": 0.03, "auc_freedom": 4, "auc_ci": (0.45, 0.61), "auc_claim_ci": (0.44, 0.62),
        "auc_hint_ci": (0.47, 0.59), "tpr_at_fpr": {}, "tpr_at_fpr_ci": {}, "realised_fpr": {}, "accuracy": 0.5,
        "accuracy_ci": (0.4, 0.6),
    }  # fmt: skip
    return Result(**(values | changes))


def selected(of):
    return Selected(attack=of.attack, attack_model=None, game=of.game, view=of.view, shadow_auc=of.shadow_auc)


def test_an_attack_that_collapsed_on_the_target_is_a_warning_of_its_own():
    leading = result()
    (note,) = gaps([leading, result("other", auc=0.92)], selected(leading))
    assert note.level == "warning"
    assert (
        "the attack chosen, score-change, reached an AUC of 0.930 on shadow worlds and 0.530 on the target" in note.text
    )
    assert "such as ids" in note.text
    (both,) = gaps([leading, result("other", auc=0.3)], selected(leading))
    assert "errors explain, as are those of other (0.930; 0.300): the shadow side" in both.text


def test_other_attacks_with_a_gap_are_named_together_the_widest_first():
    leading = result("leading", shadow_auc=0.6, auc=0.6)
    others = [result(f"other-{i}", auc=0.6 - 0.05 * i, auc_freedom=30, shadow_auc_freedom=30) for i in range(7)]
    (note,) = gaps([leading, *others], selected(leading))
    assert "of other-6 (0.930; 0.300), other-5" in note.text
    assert "and 2 more:" in note.text
    strangers = [result("other", **of) for of in ({"game": "x-vs-y"}, {"defense": "top-1"}, {"rows": "paper"})]
    assert gaps([leading, *strangers], selected(leading)) == []


@pytest.mark.parametrize(
    "alike",
    [
        {"auc": 0.89}, {"shadow_auc_error": 0.2}, {"auc_error": None}, {"shadow_auc_error": None}, {"shadow_auc": None},
        {"auc": 0.89, "auc_error": 0.0, "shadow_auc_error": 0.0},
    ],
)  # fmt: skip
def test_a_gap_that_errors_explain_or_that_is_small_or_not_known_is_none(alike):
    assert not differs(result(**alike), 0.01)


def test_without_a_difference_a_gap_is_as_rare_as_said():
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(4000):
        errors = 0.1 * np.sqrt(rng.chisquare(4, size=2) / 4)
        aucs = 0.7 + 0.1 * rng.normal(size=2)
        found += differs(result(shadow_auc=aucs[0], auc=aucs[1], shadow_auc_error=errors[0], auc_error=errors[1]), 0.05)
    assert distributions.binomtest(found, 4000, 0.05, alternative="greater").pvalue > 0.01
