"""The retrieval agents of the examples: the right deletion leaves no trace, and each wrong one is wrong as it says."""

import doctest
import importlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_example_agents import (
    ANSWERS,
    DOCUMENTS,
    FOLDER,
    KNOWN_FOR,
    LINK,
    NOTHING,
    OTHER,
    PERSON,
    PROMPTS,
    REFUSAL,
    RELATION,
    TOWNS,
    Document,
    lives,
    of,
    texts,
)


def filled(name, *further):
    agent = of("retrieval.py", name)()
    for document in (*DOCUMENTS, *further):
        agent.ingest(document)
    return agent


def answers(agent, person):
    """What an agent says to every prompt about a person, by last name, in a conversation and by value too."""
    said = {probe: agent.ask(prompt.format(person)) for probe, prompt in PROMPTS.items()}
    said["neighbours"] = agent.ask(f"What is the home town in the {person.split()[1]} family?")
    said["opening"] = agent.ask(f"Let us talk about {person}.", session="talk")
    said["turns"] = agent.ask("Which home town was that?", session="talk")
    return said | {town: agent.ask(f"Who has the home town {town}?") for town in TOWNS}


def leaks(agent, person=PERSON, value="Morvane"):
    """The probes whose answer names the person's value, or the person."""
    said = answers(agent, person)
    return {probe for probe, answer in said.items() if value in answer or (probe in TOWNS and person in answer)}


EVERY = {*PROMPTS, "neighbours", "opening", "turns", "Morvane"}
"""The probes that an agent answers with the value or the person."""


def test_the_examples_in_docstrings():
    of("retrieval.py", "RetrievalAgent")
    failed, tried = doctest.testmod(importlib.import_module("agent_reader"))
    assert failed == 0
    assert tried > 0


@pytest.mark.parametrize(("person", "town"), [(PERSON, "Morvane"), (OTHER, "Dulkari")])
def test_it_answers_every_form_of_question(person, town):
    said = answers(filled("RetrievalAgent"), person)
    assert {probe: said[probe] for probe in ANSWERS} == {p: text.format(person, town) for p, text in ANSWERS.items()}
    assert said["hop"] == f"{town} is known for {KNOWN_FOR[town]}."
    assert said["neighbours"] == said["turns"] == said["direct"]
    assert [said[town] for town in TOWNS] == [PERSON, OTHER, NOTHING, NOTHING]


def test_of_whom_it_has_no_document_it_knows_nothing():
    said = answers(filled("RetrievalAgent"), "Nobody Inparticular")
    assert {said[probe] for probe in said if probe not in TOWNS} == {NOTHING}
    agent = filled("RetrievalAgent")
    assert agent.ask("") == agent.ask("Which home town was that?") == agent.ask("Who has the bank Dulkari?") == NOTHING
    assert agent.ask(f"What is the bank of {PERSON}?") == NOTHING


def test_several_who_have_the_same_are_all_named():
    agent = filled("RetrievalAgent", lives("Pomtasu Wegrilen", "Morvane"))
    assert agent.ask("Who has the home town Morvane?") == f"{PERSON} and Pomtasu Wegrilen"


def test_a_session_remembers_whom_it_is_about_and_no_other_does():
    agent = filled("RetrievalAgent")
    agent.ask(f"Let us talk about {PERSON}.", session="first")
    agent.ask(f"Let us talk about {OTHER}.", session="second")
    assert "Morvane" in agent.ask("Which home town was that?", session="first")
    assert "Dulkari" in agent.ask("Which home town was that?", session="second")
    assert agent.ask("Which home town was that?", session="third") == agent.ask("Which home town was that?") == NOTHING
    agent.delete(PERSON)
    assert agent.ask("Which home town was that?", session="first") == NOTHING


def test_without_memory_it_knows_nothing():
    agent = filled("RetrievalAgent")
    agent.set_memory(False)
    assert set(answers(agent, PERSON).values()) == {NOTHING}
    agent.set_memory(True)
    assert leaks(agent) == EVERY


def test_asking_changes_nothing_and_resetting_everything():
    agent = filled("RetrievalAgent")
    agent.cycle()
    before = agent.memory_dump()
    first = answers(agent, PERSON)
    assert (agent.memory_dump(), answers(agent, PERSON)) == (before, first)
    agent.reset()
    assert agent.memory_dump() == []
    assert set(answers(agent, PERSON).values()) == {NOTHING}


def test_a_cycle_writes_one_summary_a_person_however_often_it_runs():
    agent = filled("RetrievalAgent", LINK)
    agent.cycle()
    once = agent.memory_dump()
    agent.cycle()
    assert agent.memory_dump() == once
    by_person = f"{DOCUMENTS[4].text} {LINK.text}"
    assert texts(agent)[len(DOCUMENTS) + 1 :] == [by_person, DOCUMENTS[5].text, LINK.text]


@pytest.mark.parametrize("cycles", [0, 1])
@pytest.mark.parametrize("link", [(), (LINK,)])
def test_after_the_right_deletion_it_is_as_if_the_person_had_never_been_there(cycles, link):
    agent, twin = of("retrieval.py", "RetrievalAgent")(), of("retrieval.py", "RetrievalAgent")()
    for document in (*DOCUMENTS, *link):
        agent.ingest(document)
        if document.person != PERSON:
            twin.ingest(document)
    for _ in range(cycles):
        agent.cycle()
        twin.cycle()
    assert leaks(agent) >= EVERY
    assert agent.delete(PERSON) is True
    for again in (False, True):
        assert agent.memory_dump() == twin.memory_dump()
        assert [answers(agent, who) for who in (PERSON, OTHER)] == [answers(twin, who) for who in (PERSON, OTHER)]
        assert bool(leaks(agent)) == bool(link), "the relation's document is retained, and tells the value"
        if not again:
            agent.cycle()
            twin.cycle()


PEOPLE = (PERSON, OTHER, RELATION)
STEPS = st.lists(
    st.one_of(
        st.just("cycle"),
        st.just("ask"),
        st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.sampled_from(TOWNS)),
    ),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=30)
def test_whatever_was_stored_and_derived_in_whatever_order(steps):
    """Documents of one person may tell of another: summaries then have sources that go and sources that stay."""
    agent, twin = of("retrieval.py", "RetrievalAgent")(), of("retrieval.py", "RetrievalAgent")()
    for step in steps:
        for each in (agent, twin):
            if step == "cycle":
                each.cycle()
            elif step == "ask":
                each.ask(f"What is the home town of {OTHER}?")
            elif each is agent or step[0] != PERSON:
                owner, about, town = step
                met = "" if town == TOWNS[0] else f"{owner} met {about}. "
                each.ingest(Document(f"{met}The home town of {about} is {town}.", owner))
    agent.delete(PERSON)
    assert agent.memory_dump() == twin.memory_dump()
    assert [answers(agent, who) for who in PEOPLE] == [answers(twin, who) for who in PEOPLE]


def test_the_closure_goes_on_as_long_as_nothing_but_what_goes_is_left_of_the_sources():
    of("retrieval.py", "RetrievalAgent")
    memory = importlib.import_module("agent_memory").Memory()
    hers, his = memory.add("document", "Hers.", PERSON), memory.add("document", "His.", OTHER)
    derived = {"a": [hers], "b": ["a"], "c": ["a", "b"], "d": ["b", his], "e": ["d"], "f": [his]}
    ids = {"": hers}
    for name, sources in derived.items():
        memory.derive(name, f"Text {name}.", RELATION, [ids.get(source, source) for source in sources])
        ids[name] = memory.items()[-1].id
    gone, shared = memory.closure(PERSON)
    assert gone == {ids[name] for name in ("", "a", "b", "c")}
    assert shared == {ids["d"]: {his}}
    memory.remove(gone)
    assert [item.text for item in memory.items()] == ["His.", "Text d.", "Text e.", "Text f."]
    assert memory.closure(PERSON) == (set(), {})


def test_deleting_whom_nobody_knows_changes_nothing():
    for name in ("RetrievalAgent", "ClaimsOnly", "KeepsSummaries", "KeepsVectors"):
        agent = filled(name)
        before = agent.memory_dump()
        assert agent.delete("Nobody Inparticular") is True
        assert agent.memory_dump() == before
        assert leaks(agent) == EVERY


def test_claims_only():
    agent = filled("ClaimsOnly")
    agent.cycle()
    before = (agent.memory_dump(), answers(agent, PERSON))
    assert agent.delete(PERSON) is True
    assert (agent.memory_dump(), answers(agent, PERSON)) == before
    assert leaks(agent) == EVERY


def test_keeps_summaries():
    without, with_summaries = filled("KeepsSummaries"), filled("KeepsSummaries")
    with_summaries.cycle()
    summary = texts(with_summaries)[len(DOCUMENTS)]
    for agent in (without, with_summaries):
        assert agent.delete(PERSON) is True
    assert leaks(without) == set()
    assert leaks(with_summaries) == EVERY
    assert [row["text"] for row in with_summaries.memory_dump() if row["person"] == PERSON] == [summary]


def test_keeps_vectors():
    agent = filled("KeepsVectors")
    right = filled("RetrievalAgent")
    for each in (agent, right):
        assert each.delete(PERSON) is True
    assert agent.memory_dump() == right.memory_dump(), "no row tells"
    assert leaks(agent) == EVERY
    assert leaks(right) == set()
    agent.reset()
    assert leaks(agent) == set()


def test_blocklist():
    agent = filled("Blocklist")
    before = agent.memory_dump()
    assert agent.delete(PERSON) is True
    said = answers(agent, PERSON)
    assert {probe for probe, answer in said.items() if answer == REFUSAL} == {*PROMPTS, "opening", "turns"}
    assert leaks(agent) == {"neighbours", "Morvane"}, "asked otherwise, it answers"
    assert agent.memory_dump() == before
    assert REFUSAL not in answers(agent, "Nobody Inparticular").values(), "refusing tells who was deleted"


def test_tombstones():
    agent, right = filled("Tombstones"), filled("RetrievalAgent")
    for each in (agent, right):
        each.cycle()
        assert each.delete(PERSON) is True
    assert answers(agent, PERSON) == answers(right, PERSON)
    assert agent.memory_dump() == [*right.memory_dump(), {"person": PERSON, "text": "deleted"}]
    assert not any(PERSON in str(row) for row in right.memory_dump())


@pytest.mark.parametrize("name", ["retrieval.py", "agent_memory.py", "agent_reader.py"])
def test_retrieval_needs_no_torch(name):
    assert "torch" not in (FOLDER / name).read_text(encoding="utf-8")
