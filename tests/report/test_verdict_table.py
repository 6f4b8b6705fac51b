"""Verdicts against docs/verdicts.md: its table of decisions is read, and its words are evaluated here anew."""

import io
import math
import random
import re
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console
from scipy.special import expit, logit, stdtrit

from unlearn_audit.findings.sections import RecordRisk
from unlearn_audit.report.terminal import print_summary
from unlearn_audit.report.verdict import verdict

PAGE = Path(__file__).parents[2] / "docs" / "verdicts.md"
N_RANDOM = 2_000


def table_of_decisions():
    """The rows of the table as dicts of words by column."""
    marked = re.search(
        r"<!-- decision: begin -->(.*)<!-- decision: end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    lines = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in marked[1].strip().splitlines()
    ]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


ROWS = table_of_decisions()
CONDITIONS = ("moved", "retraining", "headline", "reads", "difference", "change", "others", "signs", "precision")


def words_that_hold(results, leading, moved, record_risk, retrained):
    """By column, the words of the page that hold of some figures."""
    same = [r for r in results if (r.game, r.rows, r.defense, r.adaptive) == (leading.game, leading.rows, "none", True)]
    others = [r for r in same if (r.attack, r.attack_model) != (leading.attack, leading.attack_model)]
    held = {column: {"any"} for column in CONDITIONS}

    def excluding(ends):
        return "above" if ends[0] > 0.5 else "below" if ends[1] < 0.5 else None

    if moved == 0:
        held["moved"].add("nothing")
    held["retraining"].add(retrained)
    held["headline"].add(excluding(leading.auc_claim_ci))
    held["reads"].add("original" if leading.view == "original" else "more")
    gains = leading.auc_minus_classical_ci is not None and leading.auc_minus_classical_ci[0] > 0
    if gains:
        held["difference"].add("above 0")
    above = [r for r in others if excluding(r.auc_simultaneous_ci) == "above"]
    held["others"] |= {excluding(r.auc_simultaneous_ci) for r in others}
    if any(r.view != "original" for r in above):
        held["others"].add("more above")
    originals = [r.auc_simultaneous_ci[1] for r in same if r.view == "original"]
    of_change = [r for r in above if r.silent_without_change]
    if originals and any(r.auc_simultaneous_ci[0] > max(originals) for r in of_change):
        held["others"].add("by the update")
    if of_change or (leading.silent_without_change and "above" in held["headline"]):
        held["change"].add("shown")
    told = record_risk is not None and record_risk.identified > 0
    if leading.auc_hint_ci[0] > 0.5 or gains or (leading.epsilon or 0) > 0 or told:
        held["signs"].add("some")
    least = smallest_auc_seen(leading)
    if least is None or least > 0.95:
        held["precision"].add("blind")
    return held


def smallest_auc_seen(result):
    """A* of the page."""
    A, se, freedom = result.auc, result.auc_error, result.auc_freedom
    if not se or freedom is None or A in (0, 1):
        return None
    least = expit((stdtrit(freedom, 0.985) + stdtrit(freedom, 0.8)) * se / (A * (1 - A)))
    return None if least >= 1 or least <= max(A, 1 - A) else least


def row_that_decides(held):
    """The first row of the table whose cells all hold; ``a or b`` holds where one of them does."""
    return next(i for i, row in enumerate(ROWS) if all(held[c] & set(row[c].split(" or ")) for c in CONDITIONS))


def random_audit(rng, result_of):
    """Figures of a small audit, with intervals that fit to one error as those of the metrics do."""
    worlds = rng.choice([1, 2, 3, 5, 10, 30])
    by_world = worlds > 1
    freedom = worlds - 1 if by_world else 19
    size = rng.choice([0.1, 0.3, 1.0])
    results = []
    for place in range(rng.choice([1, 2, 3, 6])):
        view = rng.choice(["pair", "pair", "pair", "original", "unlearned"])
        auc = 1.0 if rng.random() < 0.05 else float(expit(rng.gauss(0, 1) * size))
        error = rng.choice([None, 0.0]) if rng.random() < 0.05 else 0.25 * size * math.exp(rng.gauss(0, 1))
        gain = rng.gauss(0, 0.1) * size
        reach = abs(rng.gauss(0, 0.15)) * size
        compared = rng.random() < (0.2 if view == "original" else 0.9)
        results.append(
            result_of(
                attack=f"attack-{place}",
                attack_model=None,
                view=view,
                silent_without_change=view == "pair" and rng.random() < 0.6,
                n_worlds=worlds,
                interval_unit="world" if by_world else "record",
                auc=auc,
                auc_error=error,
                auc_freedom=None if error is None else freedom,
                auc_ci=ends(auc, error, freedom, 0.95),
                auc_claim_ci=ends(auc, error, freedom, 0.97),
                auc_hint_ci=ends(auc, error, freedom, 0.90),
                auc_simultaneous_ci=ends(auc, error, freedom, 0.99),
                epsilon=None if rng.random() < 0.3 else max(0.0, rng.gauss(-0.3, 0.2)),
                epsilon_ceiling=3.0,
                strongest_classical="attack-0" if compared else None,
                auc_minus_classical=gain if compared else None,
                auc_minus_classical_ci=(gain - reach, gain + reach) if compared else None,
            )
        )
    told = rng.choice([None, None, 0, 0, 0, 2])
    risk = None if told is None else RecordRisk(records=50, identified=told, level=0.05, control="by", worlds_needed=9)
    return results, rng.choice(results), rng.choice([None, 0.0, 0.01, 0.4, 1.0, 1.0]), risk


def ends(auc, error, freedom, confidence):
    if error is None:
        return (0.0, 1.0)
    if auc == 1:
        return (((1 - confidence) / 2) ** (1 / (freedom + 1)), 1.0)
    half = stdtrit(freedom, (1 + confidence) / 2) * error / (auc * (1 - auc))
    return (float(expit(logit(auc) - half)), float(expit(logit(auc) + half)))


def check(audit, findings, selected_of):
    """Compare the verdict on an audit with the page; return which row of the table decided."""
    results, leading, moved, risk, retrained = audit
    place = row_that_decides(words_that_hold(*audit))
    row = ROWS[place]
    said = verdict(results, selected_of(leading), "fixed", moved=moved, record_risk=risk, retrained=retrained)
    assert (said.kind, said.gate) == (row["kind"], row["gate"])
    assert said.summary.startswith(row["first sentence"].format(positive="deleted") + " ")
    contradictions(said, leading)
    whole = findings.model_copy(
        update={
            "results": tuple(results),
            "selected": selected_of(leading),
            "verdict": said,
            "moved": moved,
            "record_risk": risk,
        }
    )
    stream = io.StringIO()
    print_summary(Console(file=stream, width=200, color_system=None), whole)
    printed = " ".join(stream.getvalue().split())
    assert said.summary in printed
    assert f"Verdict: {row['kind']}; gate: {row['gate']}." in printed
    return place


def contradictions(said, leading):
    """No sentence says otherwise than the kind does."""
    text = " ".join([said.summary, *said.limits])
    claims = said.gate == "fail" and "is still there" not in said.summary
    if not claims:
        assert "shows it" not in text
        assert "flipping them" not in text
        assert "this is what the update adds" not in text
    if said.kind in ("nothing-seen", "too-few-worlds"):
        assert not re.search(r"a sign|Signs of a leak", text)
        assert leading.auc_claim_ci[0] <= 0.5 <= leading.auc_claim_ci[1]
        assert not (leading.epsilon or 0) > 0
    if said.kind == "nothing-seen":
        least = float(re.search(r"An AUC of ([\d.]+) or more would have been detected", said.summary)[1])
        assert max(leading.auc, 1 - leading.auc) - 5e-4 <= least <= 0.9505
    if said.kind in ("hint", "too-few-worlds"):
        count = re.search(r"(?:about|more than) ([\d,]+) such target worlds", said.summary)[1]
        assert int(count.replace(",", "")) > leading.n_worlds
    else:
        assert "such target worlds" not in text
    if said.kind == "unchanged":
        assert "what the update adds" not in text
    if said.kind == "leak-by-update":
        assert "not shown to be the cause" not in text
        assert "it is not shown that the update adds anything" not in text


def test_the_table_ends_with_a_row_that_always_applies():
    assert {ROWS[-1][column] for column in CONDITIONS} == {"any"}
    assert {row["gate"] for row in ROWS if row["kind"].startswith("leak") or row["kind"] == "reversed"} == {"fail"}


def test_random_findings_get_the_verdict_of_the_table(findings, result_of, selected_of):
    rng, beside = random.Random(22), random.Random(23)
    audits = (
        (*random_audit(rng, result_of), beside.choice([None, None, "changes", "unknown"])) for _ in range(N_RANDOM)
    )
    rows = Counter(check(audit, findings, selected_of) for audit in audits)
    assert min(rows[place] for place in range(len(ROWS))) >= 5, rows


@pytest.mark.parametrize("place", range(len(ROWS)), ids=[f"{i + 1}-{row['kind']}" for i, row in enumerate(ROWS)])
def test_every_row_of_the_table_decides(place, findings, result_of, selected_of):
    """An audit in which that row holds and none above: each cell is given its word, all else says nothing."""
    audit = audit_for(ROWS[place], result_of)
    assert check(audit, findings, selected_of) == place


def audit_for(row, result_of):
    dull = {
        "auc": 0.5, "auc_ci": (0.46, 0.54), "auc_claim_ci": (0.45, 0.55), "auc_hint_ci": (0.47, 0.53),
        "auc_simultaneous_ci": (0.44, 0.56), "auc_error": 0.018, "epsilon": None, "silent_without_change": False,
        "auc_minus_classical": 0.0, "auc_minus_classical_ci": (-0.05, 0.05), "strongest_classical": "classical",
        "attack_model": None,
    }  # fmt: skip
    above = {"auc": 0.8, "auc_ci": (0.71, 0.87), "auc_claim_ci": (0.7, 0.88), "auc_hint_ci": (0.72, 0.86)}
    below = {"auc": 0.2, "auc_ci": (0.13, 0.29), "auc_claim_ci": (0.12, 0.3), "auc_hint_ci": (0.14, 0.28)}
    headline = dict(dull, attack="leading")
    first = row["headline"].split(" or ")[0]
    headline |= {"above": above, "below": below, "any": {}}[first]
    headline |= {"original": {"view": "original"}, "more": {}, "any": {}}[row["reads"]]
    if row["difference"] == "above 0":
        headline |= {"auc_minus_classical": 0.3, "auc_minus_classical_ci": (0.2, 0.4)}
    headline["silent_without_change"] = row["change"] == "shown"
    if row["signs"] == "some":
        headline["auc_hint_ci"] = (0.501, 0.57)
    if row["precision"] == "blind":
        headline |= {"auc_error": 0.3, "auc_claim_ci": (0.01, 0.99)}
    other = {
        "any": {},
        "above": {"view": "original", "auc": 0.8, "auc_simultaneous_ci": (0.7, 0.9)},
        "below": {"auc": 0.2, "auc_simultaneous_ci": (0.1, 0.3)},
        "more above": {"auc": 0.8, "auc_simultaneous_ci": (0.7, 0.9)},
        "by the update": {"auc": 0.8, "auc_simultaneous_ci": (0.7, 0.9), "silent_without_change": True},
    }[row["others"].split(" or ")[0]]
    classical = result_of(**dull | {"attack": "classical", "view": "original"})
    results = [result_of(**headline), result_of(**dict(dull, attack="another") | other), classical]
    retrained = None if row["retraining"] == "any" else row["retraining"]
    return results, results[0], 0.0 if row["moved"] == "nothing" else 1.0, None, retrained
