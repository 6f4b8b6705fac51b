import json
import re

import pytest

from made_findings import make_result, make_selected
from made_pages import HOSTILE, hostile_findings
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import GroupRisk
from unlearn_audit.report.answers import answers
from unlearn_audit.report.defences import Defended
from unlearn_audit.report.html import render
from unlearn_audit.report.markdown import markdown
from unlearn_audit.report.people import in_people
from unlearn_audit.report.signing import Signing, made_now
from unlearn_audit.report.story import tell
from unlearn_audit.report.verdict import verdict


def point(tpr, ends, accused=0.0099, rate="0.01", **changes):
    rates = {rate: tpr}
    return make_result(tpr_at_fpr=rates, tpr_at_fpr_ci={rate: ends}, realised_fpr={rate: accused}, **changes)


def told(findings, result, **changes):
    selected = make_selected(result)
    words = verdict((result,), selected, "fixed", moved=changes.get("moved", 0.9))
    update = {"results": (result,), "selected": selected, "verdict": words, **changes}
    return tell(findings.model_copy(update=update), "t")


@pytest.mark.parametrize(
    ("tpr", "accused", "rate", "said"),
    [
        (
            0.272,
            0.0099,
            "0.01",
            "of 100 deleted people about 27 are found, while about 1 of 100 others is wrongly flagged",
        ),
        (1.0, 0.0, "0.01", "of 100 deleted people all are found, while none of 100 others are wrongly flagged"),
        (
            0.002,
            0.01,
            "0.01",
            "of 100 deleted people fewer than 1 is found, while about 1 of 100 others is wrongly flagged",
        ),
        (
            0.05,
            0.001,
            "0.001",
            "of 1,000 deleted people about 50 are found, while about 1 of 1,000 others is wrongly flagged",
        ),
        (
            0.4,
            0.05,
            "0.05",
            "of 100 deleted people about 40 are found, while about 5 of 100 others are wrongly flagged",
        ),
    ],
)
def test_risk_in_people_is_the_measured_operating_point(tpr, accused, rate, said):
    assert in_people(point(tpr, (tpr / 2, min(1, 2 * tpr)), accused, rate)).clause == said


@pytest.mark.parametrize("lower", [False, True])
def test_a_defence_counts_where_it_is_shown_to_lower_the_risk(findings, lower):
    best = point(0.3, (0.2, 0.4))
    tried = (Defended("none", best, None, None), Defended("label-only", best, None, None, lower))
    said = answers(findings, best, None, tried, Signing("2026-01-01", "", "0.1.0"), publishable=True)
    assert f"{int(lower)} of 1 measured were shown to lower the risk." in [of.text for of in said]


def test_others_who_stay_are_called_so():
    risk = in_people(point(0.3, (0.2, 0.4), game="deleted-vs-retained"))
    assert "of 100 people who are still in the training data is wrongly flagged" in risk.clause


def test_the_verdict_counts_people_where_the_leading_attack_shows_the_leak(findings):
    story = told(findings, point(0.272, (0.22, 0.33)))
    assert story.verdict.startswith(
        "Publishing the update would reveal who was deleted: of 100 deleted people about 27"
    )
    assert "22 to 33 are found with 95 % confidence" in story.people_words[0]


def test_no_people_are_counted_as_found_where_nothing_is_shown(findings):
    nothing = {"auc": 0.5, "auc_ci": (0.49, 0.51), "auc_claim_ci": (0.488, 0.512), "auc_hint_ci": (0.492, 0.508),
               "auc_simultaneous_ci": (0.48, 0.52), "auc_error": 0.005, "auc_minus_classical": 0.0,
               "auc_minus_classical_ci": (-0.01, 0.01)}  # fmt: skip
    story = told(findings, point(0.012, (0.004, 0.02), **nothing))
    assert "about" not in story.verdict
    assert "not shown to be more than guessing would find" in story.people_words[0]
    assert "with the update the attack is right in about" not in " ".join(story.adds)
    assert story.answers[0].text != "Not as it is: a leak was found."


def test_a_rate_that_was_not_measured_is_said_to_be_unknown(findings):
    story = told(findings, point(None, None, None))
    assert story.people is None
    assert story.people_words[0].startswith("How many people would be found is not known")
    assert "1,000 answers" in story.people_words[0]


def test_an_update_that_changed_nothing_adds_nothing(findings):
    story = told(findings, point(0.27, (0.2, 0.3)), moved=0.0)
    assert story.adds[1] == "The update changed no answer, so it adds nothing."
    assert any("No answer changed" in of for of in story.people_words)


def test_groups_are_named_with_whether_their_intervals_lie_apart(findings):
    def group(name, auc):
        return GroupRisk(by="column", column="sex", group=name, n_positive=40, n_negative=80, auc=auc,
                         auc_ci=(auc - 0.04, auc + 0.04))  # fmt: skip

    apart = tell(findings.model_copy(update={"groups": (group("a", 0.6), group("b", 0.8))}), "t").at_risk[0]
    near = tell(findings.model_copy(update={"groups": (group("a", 0.6), group("b", 0.65))}), "t").at_risk[0]
    assert "best in the group b" in apart
    assert apart.endswith("the intervals do not overlap.")
    assert "no difference is shown" in near


def test_date_and_owner_are_those_of_the_run():
    made = made_now("Ada")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", made["date"])
    assert Signing.of({**made, "unlearn-audit": "0.1.0"}) == Signing(made["date"], "Ada", "0.1.0")
    assert Signing.of({}).date == "not recorded"


def test_hostile_names_are_escaped_in_pages_and_intact_in_json(scores):
    found, renamed = hostile_findings(scores)
    page, text = render(found, renamed), markdown(found)
    for name in ("script", "quotes"):
        assert HOSTILE[name] not in page
        assert HOSTILE[name] not in text
    assert "&lt;script&gt;document.title=&#39;run&#39;&lt;/script&gt;" in page
    assert not re.search(r"(?<!\\)<script", text)
    assert "\u202e" not in page + text
    assert HOSTILE["long"] in page
    heading = page[page.index("<h1>") : page.index("</h1>")]
    assert len(heading) < 400
    again = Findings.model_validate_json(json.dumps(json.loads(found.to_json())))
    assert again.dataset == HOSTILE["long"]
    assert again.config["note right-to-left"] == HOSTILE["right-to-left"]
    assert {r.attack_model for r in again.results} >= {HOSTILE["script"], HOSTILE["quotes"]}


def test_markdown_has_the_order_of_the_page_and_names_nobody(findings, scores, sentinels):
    text, page = markdown(findings), render(findings, scores)
    order = ("What the update adds", "Who is at risk", "What a defence would change",
             "What this run could not have detected", "What to do now", "The figures behind it",
             "What the words mean")  # fmt: skip
    for of, heading in ((text, "\n## {}\n"), (page, ">{}</h2>")):
        places = [of.index(heading.format(title)) for title in order]
        assert places == sorted(places)
    assert "/home" not in text
    assert not any(str(value) in text for value in sentinels.values())


def test_the_auditors_form_has_paths_and_worlds_and_names_no_record(findings, scores, sentinels):
    page = render(findings, scores, auditor=True)
    assert "/home/ada/private/census.csv" in page
    assert "World by world" in page
    assert "/home/ada" not in render(findings, scores)
    assert not any(str(value) in page for value in sentinels.values())
