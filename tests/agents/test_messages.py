"""Whatever comes as a reply is read as what it has to be, or told in one sentence."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearn_audit.agents import Answer, Item
from unlearn_audit.agents.messages import (
    Unusable,
    answer_of,
    claim_of,
    hello_of,
    items_of,
    line_of,
    logarithms_of,
    reply_in,
)

TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.sampled_from(["text", "id"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def known(logarithm):
    return isinstance(logarithm, float) and -math.inf < logarithm <= 1e-6


def storable(text):
    return isinstance(text, str) and text.encode() is not None


@given(st.binary(max_size=60))
def test_bytes_are_a_reply_or_none(content):
    try:
        reply = reply_in(content)
    except Unusable:
        return
    assert ("answer" in reply) != ("error" in reply)
    assert json.loads(content) == reply


@pytest.mark.parametrize("content", [b"", b"x", b"[]", b"{}", b'{"answer": 1, "error": 2}', b"\xff", b"9" * 5000])
def test_what_is_no_reply_is_told_with_what_is_needed(content):
    with pytest.raises(Unusable, match="reply with one line of JSON") as caught:
        reply_in(content)
    assert len(str(caught.value)) < 500


@given(VALUES)
def test_a_message_is_one_line_and_comes_back(value):
    line = line_of({"call": "ask", "prompt": value})
    assert line.count(b"\n") == 1
    assert json.dumps(json.loads(line)["prompt"]) == json.dumps(value)


@given(VALUES)
def test_any_value_is_an_answer_or_none(value):
    try:
        answer = answer_of(value)
    except Unusable:
        assert not isinstance(value, str)
    else:
        assert isinstance(answer, Answer)
        assert storable(answer.text)
        assert all(known(of) for of in (answer.log_probabilities or {}).values())


@given(VALUES)
def test_any_value_is_a_claim_or_none(value):
    try:
        claim = claim_of(value)
    except Unusable:
        assert isinstance(value, int | float | list | dict)
    else:
        assert claim is None or isinstance(claim, bool) or storable(claim)


@given(st.lists(VALUES, max_size=3) | VALUES)
def test_any_value_is_a_memory_or_none(value):
    try:
        items = items_of(value)
    except Unusable:
        assert not isinstance(value, list) or not all(isinstance(of, str) for of in value)
    else:
        assert len(items) == len(value)
        assert all(isinstance(of, Item) and storable(of.text) for of in items)


@given(st.lists(VALUES, max_size=3) | st.lists(st.floats(max_value=0), max_size=3), st.integers(0, 3))
def test_any_value_is_log_probabilities_or_none(value, n):
    try:
        logs = logarithms_of(value, n)
    except Unusable:
        assert len(value) != n or not all(known(of) for of in value if not isinstance(of, int))
    else:
        assert len(logs) == n
        assert all(known(of) for of in logs)


@given(VALUES)
def test_any_value_greets_or_not(value):
    try:
        offers, nothing = hello_of(value)
    except Unusable:
        return
    assert isinstance(value, dict)
    assert offers <= {"set_memory", "cycle", "memory_dump", "log_probabilities"}
    assert isinstance(nothing, bool)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"offers": "cycle"}, "offers 'a text'; offer a list of some of set_memory, cycle"),
        ({"offers": ["cycle", "cicle"]}, "offers 'cicle'"),
        ({"offers": [["cycle"]]}, "offers"),
        ({"asking_changes_nothing": 1}, "says asking_changes_nothing is a number; say true or false"),
        ([], "answered 'hello' with a list"),
    ],
)
def test_a_greeting_that_is_none_is_told(value, said):
    with pytest.raises(Unusable) as caught:
        hello_of(value)
    assert said in str(caught.value)
