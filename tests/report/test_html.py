import re
from html.parser import HTMLParser

import pytest

from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import DefenseCost
from unlearn_audit.report.html import render

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Tags in order, text, and whether every tag is closed by its own end."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def page(findings, scores):
    return render(findings, scores)


def test_the_page_is_well_formed_and_has_every_section(page):
    parsed = Page(page)
    for heading in (
        "What the update adds",
        "Who is at risk",
        "What a defence would change",
        "What this run could not have detected",
        "What to do now",
        "The figures behind it",
        "What was tested",
        "The leading attack among the others",
        "Findings",
        "What the words mean",
        "Overfitting of the original models",
        "Notes",
        "Settings and versions",
    ):
        assert heading in parsed.text
    assert parsed.tags.count("svg") == 2 + 2 + 2 + 28
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_page_says_what_was_asked_and_the_whole_verdict(page, findings):
    text = Page(page).text
    headline, _, rest = findings.verdict.summary.partition(". ")
    for expected in (headline, rest, *findings.verdict.limits, *(note.text for note in findings.notes)):
        assert expected in text
    for expected in ("adult", "decision-tree", "retrain", "fixed", "deleted-vs-unseen", "480 deleted, 9,600 unseen"):
        assert expected in text


def test_warnings_stand_on_top_and_routine_notes_are_folded(findings, scores):
    text = render(findings.model_copy(update={"regime_note": "it ran as same-seed"}), scores)
    verdict = text.index('<section class="verdict')
    assert text.index("Regime: it ran as same-seed") < text.index("3 trainings learned nothing") < verdict
    folded = text[text.index('id="notes"') :]
    assert folded.index("<details>") < folded.index("52 exact duplicates") < folded.index("</details>")
    assert "learned nothing" not in folded
    assert "Warnings" not in Page(render(findings.model_copy(update={"notes": ()}), scores)).text


def test_every_result_has_a_line(page, findings):
    parsed = Page(page)
    pair = [r for r in findings.results if r.view == "pair"]
    lines = sum(name == "scope" and value == "row" for name, value in parsed.attributes)
    assert lines == 2 * len(findings.results) + len(pair) + len(findings.overfitting)
    assert "0.000 to 0.000" not in parsed.text


def test_the_key_figures_are_those_of_the_leading_attack(page, findings):
    figures = page[page.index('class="figures"') : page.index("Leading attack:")]
    leading = findings.leading()
    assert f"<strong>{leading.auc:.3f}</strong>" in figures
    assert f"<strong>{leading.tpr_at_fpr['0.01']:.3f}</strong>" in figures
    assert "not printed: fewer than 10 false positives expected" in figures


def test_what_users_write_is_data(findings, scores):
    attack = "<script>alert(1)</script>"
    data = findings.model_dump(by_alias=True)
    data["dataset"] = data["model"] = data["regime_note"] = attack
    data["config"]["target"]["model"] = attack
    data["notes"] = [{"level": level, "text": attack} for level in ("warning", "note")]
    data["verdict"]["limits"] = [attack]
    data["details"]["</dl>" + attack] = attack
    page = render(Findings.model_validate(data), scores)
    assert attack not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert Page(page).tags.count("script") == 1


def test_the_page_names_nobody(page, findings, scores, sentinels):
    assert str(sentinels["record"]) in findings.to_json()
    for column in ("world", "request", "record"):
        assert not any(str(value) in page for value in scores[column].unique())
    for text in ("/home", "ada", "private", "770110", "880220", "990330", "770,110"):
        assert text not in page


def test_the_page_asks_for_nothing_outside_itself(page):
    addresses = [value for name, value in Page(page).attributes if name in {"src", "href", "action", "xlink:href"}]
    assert all(value.startswith("#") for value in addresses)
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.search(r"@import|url\((?!#)", page)
    assert "default-src 'none'" in page


def test_the_page_never_vouches_and_is_meant_for_own_releases(page):
    text = Page(page).text
    assert not re.search(r"\bsafe", text, re.IGNORECASE)
    assert "meant for your own releases" in text


def test_the_page_suits_dark_screens_phones_and_paper(page):
    for expected in ("prefers-color-scheme: dark", "@media print", 'name="viewport"', "max-width: 560px"):
        assert expected in page


def test_equal_findings_give_equal_pages_of_modest_size(page, findings, scores):
    assert render(findings, scores) == page
    assert len(page.encode()) < 400_000


def test_findings_of_files_need_no_overfitting_notes_or_settings(findings, scores):
    bare = findings.model_copy(
        update={
            "overfitting": None,
            "notes": (),
            "config": {},
            "details": {},
            "execution": {},
            "regime": "unknown",
            "regime_note": "The files do not say.",
        }
    )
    text = Page(render(bare, scores)).text
    assert "Overfitting" not in text
    assert "not stated" in text
    assert "The files do not say." in text


def test_other_games_and_defences_get_columns_of_their_own(findings, scores):
    others = tuple(
        r.model_copy(update={"game": "deleted-vs-retained", "defense": "top-1"})
        for r in findings.results
        if r.view == "pair"
    )
    text = Page(render(findings.model_copy(update={"results": findings.results + others}), scores)).text
    assert "Attack Attack model Game Defence Attacker AUC" in text
    assert "deleted-vs-retained top-1 adapts" in text


def test_unlearning_may_be_configured_with_options(findings, scores):
    changed = findings.model_copy(update={"config": {"unlearning": {"method": "sisa", "shards": 5}}})
    assert "Unlearning sisa" in Page(render(changed, scores)).text


def test_an_attack_on_the_original_alone_can_lead(findings, scores):
    classical = max((r for r in findings.results if r.view == "original" and r.rows == "all"), key=lambda r: r.auc)
    selected = findings.selected.model_copy(
        update={"attack": classical.attack, "attack_model": classical.attack_model, "view": "original"}
    )
    text = Page(render(findings.model_copy(update={"selected": selected}), scores)).text
    assert "AUC beyond the original alone" not in text


def test_defences_stand_with_what_they_cost_and_whether_the_attacker_adapts(findings, scores):
    defended = tuple(
        r.model_copy(update={"defense": "top-k:1", "adaptive": adaptive})
        for r in findings.results
        for adaptive in (True, False)
    )
    cost = {"accuracy": 0.8, "brier": 0.3, "calibration_error": 0.05, "n": 10}
    released = tuple(DefenseCost(defense=name, **cost) for name in ("none", "top-k:1"))
    told = findings.model_copy(update={"results": (*findings.results, *defended), "released": released})
    text = Page(render(told, scores)).text
    assert "What the defences cost" in text
    assert "top-k:1 0.800 0.300 0.050" in text
    assert "does not adapt" in text
    assert "What the defences cost" not in Page(render(findings, scores)).text


def test_every_text_of_a_page_is_isolated_and_escaped(findings, scores):
    name = "<b>\u05d0\u202e"
    page = render(findings.model_copy(update={"dataset": name}), scores)
    assert "&lt;b&gt;\u2068\u05d0\u2069\\u202e" in page
    assert "\u202e" not in page
