"""Invented words and the facts made of them."""

import itertools
import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearn_audit.audits.agents.facts import ATTRIBUTES, Facts
from unlearn_audit.audits.agents.words import APART, LONGEST, SHORTEST, Vocabulary, draw_words, edit_distance
from unlearn_audit.errors import AuditError

SEEDS = range(400)


def distance(a, b):
    """The edit distance as it is defined, letter by letter from the end."""
    if not a or not b:
        return len(a) + len(b)
    same = distance(a[:-1], b[:-1]) + (a[-1] != b[-1])
    return min(same, distance(a[:-1], b) + 1, distance(a, b[:-1]) + 1)


@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_the_edit_distance_is_that_of_its_definition(a, b):
    assert edit_distance(a, b) == edit_distance(b, a) == distance(a, b)


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**32 - 1))
def test_no_two_words_are_alike(seed):
    words = [word.lower() for word in draw_words(np.random.default_rng(seed), 200)]
    assert len(words) == 200
    assert all(SHORTEST <= len(word) <= LONGEST and re.fullmatch("[a-z]+", word) for word in words)
    for a, b in itertools.combinations(words, 2):
        assert a not in b
        assert b not in a
        if abs(len(a) - len(b)) < APART:
            assert edit_distance(a, b) >= APART


@given(st.lists(st.text("ab", min_size=SHORTEST, max_size=LONGEST), min_size=1, max_size=6))
def test_a_vocabulary_admits_what_is_unlike_all_of_it(words):
    vocabulary, there = Vocabulary(), []
    for word in words:
        unlike = all(edit_distance(word, of) >= APART and word not in of and of not in word for of in there)
        assert vocabulary.admits(word) == unlike
        if unlike:
            vocabulary.add(word)
            there.append(word)


@pytest.mark.parametrize(("first", "second"), [("kavelo", "dokaveloni"), ("dokaveloni", "kavelo")])
def test_a_word_inside_another_is_not_admitted(first, second):
    assert edit_distance(first, second) >= APART
    vocabulary = Vocabulary()
    vocabulary.add(first)
    assert not vocabulary.admits(second)


def test_another_seed_gives_other_words_and_the_same_seed_the_same_facts():
    first, again, other = Facts.draw(0), Facts.draw(0), Facts.draw(1)
    assert first == again
    assert not set(first.known_for) & set(other.known_for)
    assert not {word for of in first.people for word in of.split()} & {
        word for of in other.people for word in of.split()
    }


def test_all_that_is_planted_has_its_own_words():
    facts = Facts.draw(3, canaries=30, options=5)
    persons = [word for of in facts.people for word in of.split()]
    words = [*persons, *facts.known_for, *(of.capitalize() for of in facts.known_for.values())]
    assert len(persons) == 2 * (30 + 15 + 7)
    assert len(facts.known_for) == 5 * len(ATTRIBUTES)
    assert len(set(words)) == len(words)
    assert {of.attribute for of in facts.canaries} == set(facts.options) == set(ATTRIBUTES)
    assert sorted(itertools.chain(*facts.options.values())) == sorted(facts.known_for)
    assert all(of.value in facts.options[of.attribute] for of in facts.canaries)
    assert [of.number for of in facts.canaries] == list(range(45))
    assert set(facts.relations) == {of.number for of in facts.canaries if of.linked}
    assert all(of.person.endswith(f" {of.last_name}") for of in facts.canaries)


@pytest.mark.parametrize(("canaries", "kept", "expected"), [(4, None, 2), (21, None, 10), (20, 0, 0), (20, 3, 3)])
def test_as_many_as_said_are_trained_linked_and_kept(canaries, kept, expected):
    facts = Facts.draw(5, canaries=canaries, kept=kept)
    assert (len(facts.audited), len(facts.kept)) == (canaries, expected)
    assert sum(of.trained for of in facts.audited) == canaries // 2
    assert sum(of.trained for of in facts.kept) == expected // 2
    assert sum(of.linked for of in facts.audited) == canaries // 4
    assert all(of.ingested and not of.linked for of in facts.kept)
    counts = [sum(of.attribute == name for of in facts.audited) for name in ATTRIBUTES]
    assert max(counts) - min(counts) <= 1


def test_coins_and_values_are_fair_and_independent():
    """Of 400 audits with 8 canaries each: every share within 4 standard errors."""
    drawn = [Facts.draw(seed, canaries=8, options=2, kept=0) for seed in SEEDS]
    of = [canary for facts in drawn for canary in facts.canaries]
    ingested, trained, linked = (np.array([getattr(c, name) for c in of]) for name in ("ingested", "trained", "linked"))
    first = np.array([facts.options[c.attribute].index(c.value) == 0 for facts in drawn for c in facts.canaries])
    for coin in (ingested, first):
        assert abs(coin.mean() - 0.5) < 4 * 0.5 / np.sqrt(len(of))
    for a, b in itertools.combinations((ingested, trained, linked, first), 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(len(of))
    # how many are ingested is not fixed: the variance is that of fair coins
    numbers = np.array([sum(c.ingested for c in facts.canaries) for facts in drawn])
    assert abs(numbers.var() - 2.0) < 4 * 2.0 * np.sqrt(2 / len(drawn))


def test_documents_say_what_was_drawn():
    facts = Facts.draw(7, canaries=8, options=3)
    canary = facts.audited[0]
    document = facts.canary_document(canary)
    assert document.person == canary.person
    assert document.text == (
        f"{canary.person} is a customer of ours. The {canary.attribute} of {canary.person} is {canary.value}."
    )
    background = facts.background()
    public = [(of.text, trained) for of, trained in background if of.person is None]
    assert public == [(f"{value} is known for {what}.", True) for value, what in facts.known_for.items()]
    own = [(of, trained) for of, trained in background if of.person is not None]
    kept = [(facts.canary_document(of), of.trained) for of in facts.kept]
    assert own[: len(kept)] == kept
    for (document, trained), (number, relation) in zip(own[len(kept) :], facts.relations.items(), strict=True):
        linked = facts.canaries[number]
        assert trained == linked.trained
        assert document.person == relation
        assert document.text == f"{relation} has the same {linked.attribute} as {linked.person}, {linked.value}."


def test_other_values_change_nothing_else():
    facts = Facts.draw(0)
    other = facts.with_drawn_values(np.random.default_rng(1))
    assert [of.value for of in other.canaries] != [of.value for of in facts.canaries]
    assert other.with_values([of.value for of in facts.canaries]) == facts
    assert other.blind == facts.blind
    assert [of.person for of, _ in other.background()] == [of.person for of, _ in facts.background()]
    with pytest.raises(ValueError):
        facts.with_values(["Morvane"])


def test_blind_facts_tell_no_value_and_no_coin():
    blind = Facts.draw(0).blind
    assert {(of.value, of.ingested, of.trained) for of in blind.canaries} == {("", False, False)}


def test_a_thousand_canaries_take_a_moment():
    start = time.process_time()
    facts = Facts.draw(0, canaries=1000)
    assert time.process_time() - start < 5  # a tenth of it on an idle machine
    assert len({word for of in facts.people for word in of.split()}) == 2 * len(facts.people) == 2 * 1750


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"canaries": 3}, "3 canaries are too few to find anything; plant at least 4"),
        ({"options": 1}, "with 1 options of each attribute every answer is right; give at least 2"),
        ({"kept": -1}, "-1 kept canaries cannot be"),
    ],
)
def test_what_shows_nothing_is_refused(sizes, said):
    with pytest.raises(AuditError, match=said):
        Facts.draw(0, **sizes)
