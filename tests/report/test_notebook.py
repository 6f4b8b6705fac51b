"""What a notebook shows of a result: short, escaped, and without a word of any record; frames and figures of it."""

import re
from html.parser import HTMLParser
from operator import methodcaller

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from made_findings import SENTINELS, make_result, make_selected
from unlearn_audit import AuditResult, MethodsResult, Observations
from unlearn_audit.attacks.conformance import made_table
from unlearn_audit.audits.methods.findings import Method, MethodsFindings
from unlearn_audit.audits.release import ReleaseFindings, ReleaseResult
from unlearn_audit.audits.release.findings import FlaggingFinding, Precision
from unlearn_audit.findings.frame import frame_of
from unlearn_audit.findings.notes import Note
from unlearn_audit.report.notebook import Card

MOST_BYTES = 30_000
html = methodcaller("_repr_html_")
SCRIPT = "<script>alert('x')</script>"
HOSTILE = {
    "script": SCRIPT + '" onload="y',
    "long": "<&\"'" * 2500,
    "right-to-left": "\u202egnp.\u202c \u05d0\u05d1" * 900,
    "terminal": "\x1b[2J\x1b]0;title\x07",
    "template": "{{ 7 * 7 }}{% raw %}",
}


class Shown(HTMLParser):
    """The texts of a page, its tags, and their attributes."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.tags, self.attributes = [], set(), set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def result(findings, scores):
    return AuditResult(findings, scores, {"target": made_table(), "shadow": made_table()}, {"config": {}})


def of_methods(text="decision-tree"):
    rows = (Method(method=text, status="failed", why=text),) * 25
    return MethodsFindings(
        config={}, dataset=text, model=text, game="deleted-vs-unseen", details={}, summary=text, methods=rows,
        notes=(Note(level="warning", text=text),) * 25, limits=(text,), execution={},
    )  # fmt: skip


def of_release(text="margin-difference"):
    right = Precision(base_rate=0.01, right=0.5, right_ci=(0.25, 0.75))
    rule = FlaggingFinding(
        rate=0.01, found=1, found_share=0.5, found_share_ci=(0.01, 0.99), wrong_share=0.01, wrong_share_ci=(0, 0.02),
        precision=(right, right.model_copy(update={"base_rate": 0.1})),
    )  # fmt: skip
    return ReleaseFindings(
        config={}, persons=2, records=3, reference_persons=100, references_needed=40, compared_by=(text,),
        labels_known=True, score=text, combine="sum", confidence=0.95, control="holm", identified=1,
        identified_unadjusted={}, smallest_p_value=0.01, p_values=(0.01, 0.5), changed=1.0, flagging=(rule,),
        summary=f"1 of 2 deleted people can be identified. {text}", limits=(text,), notes=(text,),
    )  # fmt: skip


def every_kind(findings, scores, text):
    leading = findings.leading().model_copy(update={"attack": text, "attack_model": text})
    hostile = findings.model_copy(
        update={
            "dataset": text, "model": text, "regime_note": text, "results": (leading,) * 30,
            "selected": make_selected(leading), "notes": (Note(level="warning", text=text),) * 30,
            "verdict": findings.verdict.model_copy(update={"summary": f"{text}. {text}"}),
        }
    )  # fmt: skip
    yield AuditResult(hostile, scores, {}, {})
    yield MethodsResult(of_methods(text), {})
    yield ReleaseResult(of_release(text), [])


@pytest.mark.parametrize("kind", HOSTILE)
def test_whatever_a_text_holds_is_shown_and_does_nothing(findings, scores, kind):
    for shown in every_kind(findings, scores, HOSTILE[kind]):
        page = html(shown)
        assert len(page.encode()) < MOST_BYTES
        read = Shown(page)
        assert read.tags <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"}
        assert read.attributes <= {"style", "scope"}
        assert not re.search("[\x00-\x08\x1b\u202a-\u202e]", page)
        if kind == "script":
            assert any(SCRIPT in text for text in read.texts)
        line = repr(shown)
        assert len(line) < 500
        assert line.isprintable()


def test_a_result_is_shown_in_short_with_its_verdict(result):
    page = html(result)
    texts = " ".join(Shown(page).texts)
    headline = result.findings.verdict.summary.partition(". ")[0]
    assert headline in texts
    assert f"gate: {result.findings.verdict.gate}" in texts
    assert result.findings.selected.attack in texts
    assert page.count("<tr>") <= 11
    for sentinel in SENTINELS.values():
        assert str(sentinel)[:9] not in page
    assert "/home/ada" not in page
    assert re.fullmatch(r"AuditResult\(.*, .*: [a-z-]+; \S+ AUC 0\.\d+ \[0\.\d+, 0\.\d+\]; 56 results\)", repr(result))
    assert len(repr(result.findings)) < 200
    assert len(str(result.findings)) < 200


def test_no_public_result_prints_its_arrays(result):
    for shown in (result, result.findings, of_methods(), of_release(), MethodsResult(of_methods(), {}),
                  ReleaseResult(of_release(), []), made_table()):  # fmt: skip
        assert len(repr(shown)) < 400
    assert repr(made_table()).startswith("Observations(")
    assert isinstance(made_table(), Observations)


def test_a_frame_has_every_figure_of_every_attack(result):
    frame = result.to_frame()
    results = result.findings.results
    assert len(frame) == len(results) == 56
    assert frame["attack"].tolist() == [of.attack for of in results]
    assert frame["auc_low"].tolist() == [of.auc_ci[0] for of in results]
    assert frame["tpr_at_0.01"].iloc[0] == results[0].tpr_at_fpr["0.01"]
    assert frame["tpr_at_0.01_high"].iloc[0] == results[0].tpr_at_fpr_ci["0.01"][1]
    assert frame["realised_fpr_at_0.01"].iloc[0] == results[0].realised_fpr["0.01"]
    assert frame.loc[frame["leading"], "attack"].unique().tolist() == [result.findings.selected.attack]
    classical = frame[frame["view"] == "original"]
    assert classical["bits"].isna().all()
    assert not any(isinstance(cell, tuple | dict | list) for column in frame for cell in frame[column])


def test_figures_are_numbers_even_where_none_is_given(findings):
    one = make_result(bits=None, bits_ci=None, epsilon=None, tpr_at_fpr={"0.01": None}, tpr_at_fpr_ci={"0.01": None},
                      realised_fpr={"0.01": None}, attack_model=None)  # fmt: skip
    frame = frame_of(findings.model_copy(update={"results": (one,), "selected": make_selected(one)}))
    for name in ("bits", "bits_low", "epsilon", "tpr_at_0.01", "tpr_at_0.01_low", "auc", "shadow_auc"):
        assert frame[name].dtype == np.float64
    assert pd.isna(frame["bits"].iloc[0])


def test_a_release_is_a_frame_that_names_nobody():
    frame = ReleaseResult(of_release(), []).to_frame()
    assert frame[["rate", "base_rate", "right_low"]].to_numpy().tolist() == [[0.01, 0.01, 0.25], [0.01, 0.1, 0.25]]


def test_plots_are_figures_with_the_curves_of_the_report(result):
    for figure in (result.plot.roc(), result.plot.scores()):
        assert isinstance(figure, Figure)
        assert figure.axes[0].get_lines()
        assert figure.patch.get_alpha() == 1
    labels = [text.get_text() for text in result.plot.roc().axes[0].get_legend().get_texts()]
    assert labels[0].startswith(result.findings.selected.attack)
    assert "matplotlib" in repr(result.plot)


def test_drawing_leaves_nothing_behind_in_pyplot(result):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    result.plot.roc()
    assert plt.get_fignums() == before


def test_a_card_cuts_what_is_long_and_says_what_it_left_out():
    page = Card("x" * 5000, rows=[["y"]] * 50, warnings=[f"w{n}" for n in range(5)]).html()
    assert page.count("<td>") == 10
    assert "x" * 1199 + "…" in page
    assert "2 more warnings" in page
    assert "w3" not in page
