"""Texts of users: nothing that is not seen reaches a terminal or reorders a page."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearn_audit.utils.shown import isolated, shown

OVERRIDES = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]
MARKS = ["\u200e", "\u200f", "\u061c"]


@pytest.mark.parametrize("hidden", [*OVERRIDES, *MARKS, "\x1b", "\x07", "\x9b", "\u2028", "\ufeff", "\udcff"])
def test_what_is_not_seen_becomes_an_escape_that_json_reads_as_the_character(hidden):
    told = shown(f"pay{hidden}day")
    assert told == f"pay\\u{ord(hidden):04x}day"
    assert json.loads(f'"{told}"') == f"pay{hidden}day"


@given(st.text())
def test_a_page_has_no_override_and_every_isolate_ends(text):
    told = isolated(text)
    assert not set(told) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\x1b")
    depth = 0
    for character in told:
        depth += {"\u2068": 1, "\u2069": -1}.get(character, 0)
        assert depth in (0, 1)
        assert depth == 1 or character not in "\u200f\u05d0\u0627\u061c"
    assert depth == 0


def test_the_figure_after_a_name_stays_after_it():
    assert (
        isolated("\u05d0\u05d1 \u05d2: 0.53 and \u0627")
        == "\u2068\u05d0\u05d1 \u05d2\u2069: 0.53 and \u2068\u0627\u2069"
    )
