"""Claims decided on cells whose truth is known."""

import pytest

from unlearn_audit.findings.result import Result, Selected
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import Spread, Verdict
from unlearn_audit.reproduce import EXPERIMENTS, SCALES
from unlearn_audit.reproduce.claims import Measured

WIDTH = 0.02


def result(attack, auc, classical=0.5, width=WIDTH, **changes):
    original = attack.startswith("classical")
    values = {
        "attack": attack,
        "attack_model": "logistic-regression",
        "game": "deleted-vs-unseen",
        "view": "original" if original else "sequence" if attack.endswith("-sequence") else "pair",
        "rows": "all",
        "n_positive": 100,
        "n_negative": 100,
        "n_worlds": 10,
        "interval_unit": "world",
        "shadow_auc": auc,
        "auc": auc,
        "auc_ci": (auc - width, auc + width),
        "auc_claim_ci": (auc - width, auc + width),
        "auc_hint_ci": (auc - width, auc + width),
        "tpr_at_fpr": {},
        "tpr_at_fpr_ci": {},
        "realised_fpr": {},
        "accuracy": 0.5,
        "accuracy_ci": (0.4, 0.6),
    }
    if not original:
        gain = auc - classical
        values |= {
            "baseline": "classical",
            "strongest_classical": "classical/logistic-regression",
            "auc_minus_classical": gain,
            "auc_minus_classical_ci": (gain - width, gain + width),
        }
    return Result(**(values | changes))


def measured(cell, *results, overfitting=0.0):
    spread = Spread(minimum=overfitting, mean=overfitting, maximum=overfitting, n=3)
    findings = Findings(
        config={},
        dataset="made",
        model="made",
        regime="fixed",
        selected=Selected(
            attack="sorted-diff",
            attack_model="logistic-regression",
            game=results[0].game,
            view="pair",
            shadow_auc=0.5,
        ),
        overfitting={"target": spread, "shadow": spread},
        verdict=Verdict(kind="nothing-seen", gate="pass", summary="", limits=()),
        results=results,
    )
    return Measured(cell, findings, 0.0)


NONE = "differs by less than 0.05"


def outcomes(name, auc_of, scale="small", **changes):
    """Decide an experiment whose cells have the AUC that ``auc_of`` gives to their labels."""
    cells = EXPERIMENTS[name].grid(SCALES[scale])
    made = [
        measured(cell, result("sorted-diff", auc_of(cell.labels), **changes), result("classical", 0.5))
        for cell in cells
    ]
    return EXPERIMENTS[name].decide(made)


def test_beating_the_classical_attack_needs_more_than_a_gain():
    assert {d.outcome for d in outcomes("main", lambda labels: 0.8)} == {"holds"}
    assert {d.outcome for d in outcomes("main", lambda labels: 0.5)} == {NONE}
    assert {d.outcome for d in outcomes("main", lambda labels: 0.5, width=0.06)} == {"too little data to say"}
    assert {d.outcome for d in outcomes("main", lambda labels: 0.45)} == {"does not hold"}
    # better than a classical attack that is wrong, but no better than guessing
    below = outcomes("main", lambda labels: 0.51, classical=0.4)
    assert {d.outcome for d in below} == {NONE}


def test_transfer_is_decided_on_cells_that_transfer():
    decisions = outcomes("transfer", lambda labels: 0.8 if labels["shadow"] == labels["target"] else 0.45)
    assert {d.outcome for d in decisions} == {"does not hold"}
    assert len(decisions) == 3


def test_groups_are_compared_with_a_single_record():
    decisions = outcomes("group", lambda labels: 0.9 if labels["size"] == 1 else 0.6)
    assert {d.outcome for d in decisions} == {"holds"}
    assert {d.outcome for d in outcomes("group", lambda labels: 0.6 + 0.005 * labels["size"])} >= {"does not hold"}


def test_replacements_are_compared_with_deletions_of_as_many():
    by_update = outcomes("online", lambda labels: 0.9 if labels["update"] == "delete" else 0.7)
    assert {d.outcome for d in by_update} == {"holds"}
    # the size alone explains it: no effect of the replacement
    by_size = outcomes("online", lambda labels: 0.9 / labels["size"] ** 0.2)
    assert {d.outcome for d in by_size} == {NONE}
    wide = outcomes("online", lambda labels: 0.9 / labels["size"] ** 0.2, width=0.06)
    assert {d.outcome for d in wide} == {"too little data to say"}


def test_sisa_is_compared_with_retraining_of_the_same_model():
    decisions = outcomes("sisa", lambda labels: 0.9 if labels["unlearning"] == "retrain" else 0.7)
    assert {d.outcome for d in decisions} == {"holds"}
    stronger = outcomes("sisa", lambda labels: 0.7 if labels["unlearning"] == "retrain" else 0.9)
    assert {d.outcome for d in stronger if "less" in d.claim} == {"does not hold"}


def test_sweeps_hold_where_the_ends_are_near():
    assert {d.outcome for d in outcomes("hyper-parameters", lambda labels: 0.8)} == {"holds"}
    assert {d.outcome for d in outcomes("hyper-parameters", lambda labels: 0.8, width=0.2)} == {
        "too little data to say"
    }


@pytest.mark.parametrize(
    ("label_only", "outcome"), [(0.5, "holds"), (0.62, "does not hold"), (0.55, "too little data to say")]
)
def test_label_only_is_held_to_guessing_or_the_classical_attack(label_only, outcome):
    experiment = EXPERIMENTS["defences"]
    made = []
    for cell in experiment.grid(SCALES["small"]):
        results = [result("sorted-diff", 0.9), result("classical", 0.5)]
        for text in cell.config.defenses:
            auc = label_only if text == "label-only" else 0.9
            results += [result("sorted-diff", auc, defense=text), result("classical", 0.5, defense=text)]
        made.append(measured(cell, *results))
    decisions = experiment.decide(made)
    assert {d.outcome for d in decisions if "within 0.05" in d.claim} == {outcome}
    lowered = {d.outcome for d in decisions if d.claim == "temperature lowers the leak"}
    assert lowered == {NONE}
    assert {d.outcome for d in decisions if d.claim == "label-only lowers the leak"} == {"holds"}


def test_a_sequence_is_compared_with_the_pair_of_the_same_chain():
    experiment = EXPERIMENTS["multi-version"]
    made = [
        measured(c, result("sorted-diff", 0.6), result("sorted-diff-sequence", 0.8), result("classical", 0.5))
        for c in experiment.grid(SCALES["small"])
    ]
    decisions = experiment.decide(made)
    assert {d.outcome for d in decisions} == {"holds"}
    assert all("updates 1" not in d.where.split(", ")[-1:] for d in decisions)


@pytest.mark.parametrize("view", ["labels", "unlearned", "original"])
def test_the_best_attack_on_both_versions_is_one_that_sees_both_posteriors(view):
    stronger = result("another", 0.99, view=view)
    assert measured(None, result("sorted-diff", 0.7), stronger).best().attack == "sorted-diff"
    assert measured(None, result("sorted-diff", 0.7), stronger).best(("another",)).attack == "another"
