"""Limits on what a run measured: when they hold, when they do not, and when a run cannot decide."""

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from made_findings import make_result, make_selected
from unlearn_audit.audits.gate import Asked, judge, junit, limits_of
from unlearn_audit.audits.gate.figure import Figure, Repeated
from unlearn_audit.audits.gate.judge import Judgement, Passage
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.kinds import side
from unlearn_audit.findings.precision import MOST_WORLDS
from unlearn_audit.findings.schema import Findings
from unlearn_audit.metrics import Scored, evaluate
from unlearn_audit.metrics.claims import FAMILY
from unlearn_audit.metrics.roc import auc_interval
from unlearn_audit.report.verdict import verdict
from unlearn_audit.testing import assert_not_leaking

CLAIMS_ABOVE = {"leak", "leak-by-update", "leak-original"}


def found(*results):
    """Findings of some results, of which the first is the one to lead with."""
    chosen = make_selected(results[0])
    return Findings(
        config={},
        dataset="made",
        model="tree",
        regime="fixed",
        selected=chosen,
        overfitting=None,
        verdict=verdict(results, chosen, "fixed"),
        results=results,
    )


def passage(findings, *limits, on="interval", **asked):
    return judge(Asked(**asked).of(findings), limits_of(limits), on)


def simulated(seed):
    """Two attacks on ten worlds; the leading one knows nothing, a little, or the wrong way round."""
    rng = np.random.default_rng(seed)
    shift = rng.choice([-0.5, 0.0, 0.2, 0.4])
    positive = np.tile(np.arange(24) < 8, 10)
    worlds = np.repeat(np.arange(10), 24)
    own = rng.normal(size=240) + positive * (shift + 0.2 * rng.normal(size=10)[worlds])
    other = rng.normal(size=240) + positive * rng.choice([0.0, 0.3])
    of_two = 1 - (1 - FAMILY) / 2
    bands = [auc_interval(scores, positive, worlds, confidence=of_two) for scores in (own, other)]
    return [
        make_result(
            attack=name,
            attack_model=None,
            auc_simultaneous_ci=band.interval,
            silent_without_change=False,
            **vars(evaluate(Scored(scores, confidences=np.full(240, 0.5)), positive, worlds)),
        )
        for name, scores, band in zip(("own", "other"), (own, other), bands, strict=True)
    ]


def test_at_one_half_it_fails_exactly_where_the_verdict_claims_a_leak():
    """Of 200 audits, for the leading attack alone and for another one among two."""
    codes = {0: 0, 1: 0, 3: 0}
    for seed in range(200):
        own, other = simulated(seed)
        alone = found(own)
        code = passage(alone, "auc=0.5").code
        assert (code == 1) == (alone.verdict.kind in CLAIMS_ABOVE), seed
        codes[code] += 1
        both = found(own, other)
        assert passage(both, "auc=0.5").code == code
        shows = side(other.auc_simultaneous_ci) == "above"
        assert (passage(both, "auc=0.5", attack="other").code == 1) == shows
        claimed = both.verdict.kind in CLAIMS_ABOVE or shows or code == 1
        assert (passage(both, "auc=0.5", attack="all").code == 1) == claimed
    assert min(codes.values()) >= 5, codes


@pytest.mark.parametrize(
    ("limit", "code"), [("auc=0.839", 0), ("auc=0.8389", 3), ("auc=0.755", 3), ("auc=0.7549", 1), ("auc=0.9", 0)]
)
def test_the_upper_end_may_reach_the_limit_and_the_lower_end_must_exceed_it(limit, code):
    assert passage(found(make_result()), limit).code == code


@pytest.mark.parametrize(("limit", "code"), [("auc=0.8", 0), ("auc=0.799", 1)])
def test_on_point_the_estimate_alone_counts(limit, code):
    assert passage(found(make_result()), limit, on="point").code == code


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (["auc=0.9", "tpr@0.01=0.3"], 0),
        (["auc=0.9", "tpr@0.01=0.2"], 3),
        (["auc=0.8", "tpr@1e-2=0.1"], 1),
        (["auc=0.7", "accuracy=0.9"], 1),
    ],
)
def test_of_several_limits_the_worst_decides(limits, code):
    done = passage(found(make_result()), *limits)
    assert done.code == code
    assert len(done.judgements) == 2
    assert "4 % of runs" in done.notes[-1]


def test_without_a_limit_the_verdict_decides():
    findings = found(make_result())
    for gate, code in (("pass", 0), ("fail", 1), ("cannot-tell", 3)):
        told = findings.model_copy(update={"verdict": findings.verdict.model_copy(update={"gate": gate})})
        assert passage(told).code == code
        with pytest.raises(AuditError, match="only audits have a verdict"):
            passage(told, attack="all")


def test_a_rate_that_was_not_given_says_what_would_do():
    (of,) = passage(found(make_result()), "tpr@0.001=0.5").judgements
    assert of.outcome == "cannot-tell"
    assert "10,000 negatives are needed, which about 13 such target worlds have" in of.sentence


def test_scores_without_an_order_are_no_proof_of_safety():
    """Of 15 records without a single one that stands out, the upper end is that of a binomial share of 0 in 15."""
    degenerate = make_result(
        auc=0.5, auc_ci=(0.5, 0.5), auc_claim_ci=(0.5, 0.5), auc_hint_ci=(0.5, 0.5), n_positive=15, auc_error=0.0
    )
    (of,) = passage(found(degenerate), "auc=0.6").judgements
    assert of.outcome == "cannot-tell"
    assert of.figure.high == pytest.approx(0.5 + (1 - 0.015 ** (1 / 15)) / 2)
    assert passage(found(degenerate), "auc=0.63").code == 0


def test_what_a_limit_on_one_attack_does_not_see_is_a_warning():
    wrong = make_result(auc=0.2, auc_claim_ci=(0.15, 0.25), auc_ci=(0.16, 0.24), auc_simultaneous_ci=(0.14, 0.26))
    other = make_result(attack="lira", attack_model=None)
    done = passage(found(wrong, other), "auc=0.6")
    assert done.code == 0
    flipped, shown = done.cautions
    assert "flipping its answers gives an AUC of 0.800" in flipped
    assert "1 of 1, first of them lira" in shown
    with pytest.warns(UserWarning, match="flipping"):
        assert_not_leaking(found(wrong), max_auc=0.6)


def test_a_defence_has_a_leading_attack_of_its_own():
    weak, strong = (
        make_result(attack=name, defense="rounding:2", shadow_auc=shadow, auc_claim_ci=(0.5, 0.6), auc=auc)
        for name, shadow, auc in (("weak", 0.6, 0.55), ("strong", 0.7, 0.58))
    )
    naive = make_result(attack="naive", defense="rounding:2", adaptive=False, shadow_auc=0.9)
    (of,) = passage(found(make_result(), weak, strong, naive), "auc=0.6", defense="rounding:2").judgements
    assert of.figure.of == "strong/random-forest"
    assert of.outcome == "pass"
    with pytest.raises(AuditError, match=r"unknown defence of this run 'rounding:3'; did you mean rounding:2\?"):
        passage(found(make_result(), weak), "auc=0.6", defense="rounding:3")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (["auc"], "--max auc is not a limit"),
        (["=0.5"], "is not a limit"),
        (["auc=high"], "'high' is not one"),
        (["auc=nan"], "'nan' is not one"),
        (["auc=inf"], "'inf' is not one"),
        (["auc=60 %"], "not as 5 %"),
        (["auc=0.6", "AUC=0.7"], "auc has more than one limit"),
        (["tpr@0.01=0.1", "tpr@1e-2=0.1"], "more than one limit"),
        (["tpr@1=0.1"], "is not between 0 and 1"),
        (["tpr@x=0.1"], "needs a number"),
        (["tpr@0.02=0.1"], "did you mean tpr@0.01"),
        (["tpr=0.1"], "tpr@0.01"),
        (["accurcy=0.1"], "did you mean accuracy"),
        (["identified=0"], "no measure 'identified'"),
        (["excess=0.1"], "no exact retraining"),
        (["epsilon=1"], "no bound on epsilon"),
        (["bits=1"], "has no bits"),
    ],
)
def test_a_request_that_cannot_be_met_is_one_sentence(limits, said):
    with pytest.raises(AuditError) as refused:
        passage(found(make_result()), *limits)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"attack": "lirra"}, "unknown attack of this run 'lirra'"),
        ({"method": "scrub"}, "--method scrub names something that only a comparison of methods has"),
    ],
)
def test_who_is_not_there_cannot_be_asked_about(asked, said):
    with pytest.raises(AuditError, match=said):
        passage(found(make_result(), make_result(attack="lira", attack_model=None)), "auc=0.6", **asked)


def test_for_all_attacks_only_the_auc_has_an_interval():
    with pytest.raises(AuditError, match="only auc has an interval for all attacks at once"):
        passage(found(make_result()), "accuracy=0.9", attack="all")


def figure(value, low, high, worlds=10, **changes):
    return Figure(
        measure="auc",
        of="a",
        value=value,
        low=low,
        high=high,
        confidence=0.95,
        error=0.025,
        repeated=Repeated(count=worlds),
        **changes,
    )


def test_so_many_worlds_decide_in_four_of_five_runs():
    """With known errors of worlds: what is planned holds in simulated runs."""
    rng = np.random.default_rng(0)
    one_run = 0.55 + 0.06 * rng.normal(size=10)
    centred = one_run - one_run.mean() + 0.55
    reach = 2.262 * centred.std(ddof=1) / math.sqrt(10)
    needed = figure(0.55, 0.55 - reach, 0.55 + reach, share=False).more_to_decide(0.58)
    worlds = 0.55 + centred.std(ddof=1) * rng.normal(size=(4000, needed))
    error = worlds.std(axis=1, ddof=1) / math.sqrt(needed)
    decided = worlds.mean(axis=1) + np.abs(_t(needed - 1)) * error < 0.58
    assert 0.78 < decided.mean() < 0.86


def _t(freedom):
    from scipy.special import stdtrit

    return stdtrit(freedom, 0.975)


def test_where_nothing_was_seen_cases_grow_with_the_worlds():
    tail = 0.025
    end = 1 - tail ** (1 / 30)  # of 30 cases without one
    assert figure(0.0, 0.0, end, worlds=3).more_to_decide(0.05) == 8  # 72 cases are needed
    assert figure(1.0, 1 - end, 1.0, worlds=3).more_to_decide(0.95) == 8
    assert figure(0.0, 0.0, end).more_to_decide(0.0) is None


def test_no_number_of_worlds_is_named_where_none_is_known():
    assert figure(0.6, 0.5, 0.7).more_to_decide(0.6) is None
    assert figure(0.6, 0.2, 0.9).more_to_decide(0.601) is None
    assert figure(None, 0.0, 1.0).more_to_decide(0.5) is None
    assert (figure(0.55, 0.45, 0.65).more_to_decide(0.6) or 0) <= MOST_WORLDS


def test_digits_show_on_which_side_of_the_limit_a_figure_lies():
    near = make_result(auc_claim_ci=(0.50001, 0.6), auc=0.55)
    (of,) = passage(found(near), "auc=0.5").judgements
    assert of.outcome == "fail"
    assert "0.50001 to 0.600" in of.sentence


def test_a_junit_file_holds_any_text():
    hostile = 'x\x00\x1b[2J<script>"&' + "y" * 10_000 + "\ud800"
    outcomes = ("pass", "fail", "cannot-tell")
    written = junit(Passage(tuple(Judgement(hostile, of, hostile) for of in outcomes), (hostile,)), hostile)
    (suite,) = ET.fromstring(written)
    assert {k: suite.get(k) for k in ("tests", "failures", "errors")} == {"tests": "3", "failures": "1", "errors": "1"}
    assert [[child.tag for child in case] for case in suite.iter("testcase")] == [
        ["system-out"],
        ["failure"],
        ["error"],
    ]
    assert '<script>"&' in suite.find("testcase").get("name")
