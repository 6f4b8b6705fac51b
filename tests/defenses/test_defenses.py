import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unlearn_audit.config import AuditConfig
from unlearn_audit.defenses import DEFENSES, parse_defense, release_utility
from unlearn_audit.defenses.outputs import label_only, rounding, temperature, top_k
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.attack_plan import AttackPlan

TEXTS = [
    "none",
    "top-k:1",
    "top-k:2",
    "label-only",
    "temperature:10",
    "rounding:2",
    "temperature:5+rounding:3",
    "dp-sgd:4",
]
posteriors = hnp.arrays(np.float64, (4, 3), elements=st.floats(-20, 20)).map(
    lambda z: (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)).astype(np.float32)
)


@given(posteriors, st.integers(1, 2))
def test_top_k_keeps_the_k_largest_and_nothing_else(p, k):
    kept = top_k(p, k)
    assert ((kept > 0).sum(axis=1) <= k).all()
    assert np.array_equal(np.sort(kept, axis=1)[:, -k:], np.sort(p, axis=1)[:, -k:])
    assert ((kept == p) | (kept == 0)).all()


@given(posteriors)
def test_labels_stay_the_most_probable_class(p):
    assert np.array_equal(label_only(p).argmax(axis=1), p.argmax(axis=1))
    assert set(np.unique(label_only(p))) == {0, 1}


@given(posteriors, st.floats(0.5, 20))
def test_temperature_is_a_scaled_softmax_and_has_an_inverse(p, t):
    warm = temperature(p, t)
    logits = np.log(np.maximum(p.astype(float), 1e-12)) / t
    assert np.allclose(warm, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), atol=1e-6)
    safe = p.min(axis=1) > 1e-3
    assert np.allclose(temperature(warm, 1 / t)[safe], p[safe], atol=1e-4)


@given(posteriors, st.integers(0, 6))
def test_rounding_moves_nothing_by_more_than_half_a_unit(p, decimals):
    moved = rounding(p, decimals)
    assert np.abs(moved - p).max() <= 0.5 * 10.0**-decimals + 1e-6
    assert np.allclose(moved * 10.0**decimals, np.round(moved * 10.0**decimals), atol=10.0**decimals * 1e-6)


@pytest.mark.parametrize("text", TEXTS)
def test_every_defence_keeps_rows_roles_and_the_callers_table(table, text):
    made = table()
    before = made.posteriors.copy()
    defended = parse_defense(text).apply(made)
    assert np.array_equal(made.posteriors, before)
    assert defended.rows.equals(made.rows)
    assert defended.posteriors.shape == made.posteriors.shape
    assert defended.posteriors.dtype == np.float32
    assert np.isfinite(defended.posteriors).all()
    again = parse_defense(text).apply(made)
    assert np.array_equal(again.posteriors, defended.posteriors)


def test_steps_are_applied_in_turn(table):
    made = table()
    both = parse_defense("temperature:5+rounding:3").apply(made)
    assert np.array_equal(both.posteriors, rounding(temperature(made.posteriors, 5), 3))
    assert both.partial
    assert not parse_defense("temperature:5").apply(made).partial


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("magic", "unknown defence 'magic'"),
        ("dp-sgd", "needs a number after its name"),
        ("dp-sgd:0", "out of range; give 0.01 to 1000"),
        ("rounding:2+dp-sgd:4", "changes the training; write it first"),
        ("top-k", "needs a whole number"),
        ("top-k:0", "give a finite number of at least 1"),
        ("top-k:1.5", "needs a whole number"),
        ("label-only:3", "takes no parameter"),
        ("temperature:0", "give a finite number of at least 1e-06"),
        ("temperature:nan", "give a finite number of at least 1e-06"),
        ("temperature:inf", "'temperature:inf' is out of range; give a finite number of at least 1e-06"),
        ("temperature:hot", "needs a number"),
        ("rounding:-1", "give 0 to 12"),
        ("rounding:13", "give 0 to 12"),
        ("rounding:400", "give 0 to 12"),
        ("mag\nic", "unknown defence"),
        ("label-only:a\nb", "takes no parameter"),
        ("top-k:a\nb", "needs a whole number"),
        ("rounding:2+", "unknown defence ''"),
    ],
)
def test_bad_texts_are_told_in_one_sentence(text, said):
    with pytest.raises(AuditError) as caught:
        parse_defense(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("k", [3, 4])
def test_top_k_must_hide_something(table, k):
    with pytest.raises(AuditError, match="hides nothing of 3 classes; use top-k below 3"):
        parse_defense(f"top-k:{k}").apply(table(classes=3))


def test_every_kind_is_parsed_somewhere():
    assert {part.partition(":")[0] for text in TEXTS for part in text.split("+")} == {"none", *DEFENSES}


def test_utility_by_hand(table):
    made = table(worlds=1, pairs=1, unseen=2, classes=2)
    answers = np.zeros_like(made.posteriors)
    answers[...] = [0.75, 0.25]
    rows = made.rows.assign(label=0)
    rows.loc[rows["role"] == "reference", "label"] = 1
    utility = release_utility(dataclasses.replace(made, rows=rows, posteriors=answers))
    assert utility.n == 2 * 4
    assert utility.accuracy == 0.5
    assert utility.brier == pytest.approx((2 * 0.25**2 + 2 * 0.75**2) / 2)
    assert utility.calibration_error == pytest.approx(0.25)
    assert release_utility(dataclasses.replace(made, rows=made.rows.assign(label=-1))) is None


def test_defences_that_keep_the_order_cost_no_accuracy_and_rounding_to_nothing_does(table):
    made = table(worlds=6)
    rows = made.rows.assign(label=made.posteriors[:, 0].argmax(axis=1))
    made = dataclasses.replace(made, rows=rows)
    plain = release_utility(made)
    for text in ("top-k:1", "label-only", "temperature:10"):
        assert release_utility(parse_defense(text).apply(made)).accuracy == plain.accuracy
    assert release_utility(parse_defense("rounding:0").apply(made)).accuracy < plain.accuracy
    assert release_utility(parse_defense("temperature:100").apply(made)).brier > plain.brier


@pytest.mark.parametrize("text", ["temperature:1e-6", "temperature:1e300", "rounding:0", "rounding:12"])
def test_the_ends_of_a_range_are_allowed(table, text):
    assert np.isfinite(parse_defense(text).apply(table()).posteriors).all()


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["none", "top-k:3"], "top-k:3 hides nothing of 3 classes; use top-k below 3"),
        (["top-k:1", "rounding:2+top-k:9"], "hides nothing of 3 classes"),
        (["top-k:1", "magic"], "unknown defence 'magic'"),
    ],
)
def test_defences_can_be_checked_before_there_is_a_table(texts, said):
    with pytest.raises(AuditError, match=said):
        AttackPlan.of(AuditConfig(defenses=texts), {}, n_classes=3)
    AttackPlan.of(AuditConfig(defenses=TEXTS), {}, n_classes=3)
