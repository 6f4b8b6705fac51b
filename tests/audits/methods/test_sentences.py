"""What a comparison of methods says, from rows without any training."""

import pytest

from made_arms import comparison
from unlearn_audit.audits.methods.findings import Method, MethodsFindings
from unlearn_audit.audits.methods.page import render_methods
from unlearn_audit.audits.methods.sentences import CLAIMED, limits_of, method_words, summary_of
from unlearn_audit.config import AuditConfig


def test_the_stated_error_is_that_of_all_claims_of_a_method():
    said = " ".join(limits_of((), AuditConfig()))
    assert pytest.approx(0.03 + 0.03 + 0.02 + 0.02) == CLAIMED
    assert "apart with a probability of 10 % at most. Nothing corrects for the number of methods" in said
    assert "5 % of comparisons" not in said


def test_the_text_of_a_comparison_says_once_how_many_methods_were_compared():
    row = Method(method="x", status="compared", reading="same", exactness="exact", arms=comparison(method="x"))
    empty = {key: {} for key in ("config", "details", "execution")} | dict.fromkeys(("notes", "limits"), ())
    found = MethodsFindings(dataset="d", model="m", game="g", summary=summary_of([row]), methods=(row,), **empty)
    assert repr(found).startswith("MethodsFindings(d, m: 1 method was compared with")


@pytest.mark.parametrize(
    ("exactness", "said"), [("exact", "Exact retraining, which all others are"), ("none", "No unlearning at all: ")]
)
def test_a_reference_is_called_what_it_is_where_no_answer_differs(exactness, said):
    row = Method(method="x", status="reference", exactness=exactness, arms=comparison(moved=0.0, apart=0.0))
    assert method_words(row, changes_weights=False)[0].startswith(said)


@pytest.mark.parametrize("name", ["sisa:shards=3", "mine.py:forget"])
def test_a_method_keeps_its_name_at_the_start_of_a_sentence(name):
    row = Method(method=name, status="compared", reading="same", exactness="exact", arms=comparison(method=name))
    found = MethodsFindings(
        config={}, dataset="made", model="tree", game="deleted-vs-unseen", details={}, summary=summary_of([row]),
        methods=(row,), notes=(), limits=(), execution={},
    )  # fmt: skip
    page = render_methods(found)
    assert f"<p>{name} cannot be told apart from it here." in page
    assert name.capitalize() not in page


def test_what_failed_is_listed_where_nothing_was_compared():
    rows = [Method(method=name, status=status) for name, status in (("retrain", "reference"), ("a", "failed"))]
    assert summary_of(rows).endswith("no unlearning ran. a failed; the table says why.")
