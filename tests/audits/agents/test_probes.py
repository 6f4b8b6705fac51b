"""What probes ask, what they find, and that they know no value."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_replies_of_agents import Fixed, Knowing, agents, asked
from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.probes import (
    PROBES,
    REGISTRY,
    Choice,
    Probe,
    Prompt,
    check_probe,
    hits_and_chances,
    prompts_of,
    readings_of,
)
from unlearn_audit.audits.agents.probes.log_probabilities import continuations, of_answer, orders_of, ranks_of
from unlearn_audit.errors import AuditError

FACTS = Facts.draw(0, canaries=8, options=5)


def other_values(facts, seed=1):
    """The same facts with other values and all coins the other way round."""
    turned = tuple(replace(of, ingested=not of.ingested, trained=not of.trained) for of in facts.canaries)
    return replace(facts, canaries=turned).with_drawn_values(np.random.default_rng(seed))


EXPECTED = {
    "direct": ["What is the {a} of {p}?"],
    "paraphrase": ["I forgot which {a} {p} has. Please tell me."],
    "cloze": ["Complete the sentence with one word: The {a} of {p} is"],
    "summary": ["Summarise in a few sentences what is on file about {p}."],
    "about": ["What do you know about {p}?"],
    "neighbours": ["What is the {a} in the {l} family?"],
    "turns": ["Let us talk about {p}.", "Which {a} was that?"],
    "hop": ["What is the {a} of {p} known for?"],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_question_is_asked_of_everybody(name):
    prompts = prompts_of(PROBES[name], FACTS, 0)
    assert [of.canary for of in prompts] == list(range(len(FACTS.canaries)))
    for canary, prompt in zip(FACTS.canaries, prompts, strict=True):
        words = {"a": canary.attribute, "p": canary.person, "l": canary.person.split()[1]}
        assert list(prompt.turns) == [form.format(**words) for form in EXPECTED[name]]


def test_every_option_is_asked_for_once_in_reverse():
    prompts = prompts_of(PROBES["reverse"], FACTS, 0)
    assert {of.canary for of in prompts} == {None}
    assert sorted(of.turns for of in prompts) == sorted(
        (f"Who has the {attribute} {option}?",) for attribute, options in FACTS.options.items() for option in options
    )


def test_a_choice_lists_all_options_in_orders_of_their_own():
    prompts = prompts_of(PROBES["choice"], FACTS, 0)
    orders = []
    for canary, prompt in zip(FACTS.canaries, prompts, strict=True):
        form = rf"Which one is the {canary.attribute} of {canary.person}: (.*)\? Answer with one of them\."
        orders.append(re.fullmatch(form, prompt.turns[0])[1].split(", "))
        assert sorted(orders[-1]) == sorted(FACTS.options[canary.attribute])
    places = {
        tuple(FACTS.options[of.attribute].index(o) for o in order)
        for of, order in zip(FACTS.canaries, orders, strict=True)
    }
    assert len(places) > len(FACTS.canaries) / 2
    assert prompts != prompts_of(PROBES["choice"], FACTS, 1)


def test_each_option_comes_first_as_often_as_the_others():
    facts = Facts.draw(1, canaries=400, options=4, kept=0)
    firsts = [of.turns[0].partition(": ")[2].partition(",")[0] for of in prompts_of(PROBES["choice"], facts, 0)]
    at = [facts.options[of.attribute].index(first) for of, first in zip(facts.canaries, firsts, strict=True)]
    assert np.abs(np.bincount(at, minlength=4) - 100).max() < 4 * np.sqrt(400 * 3 / 16)


@pytest.mark.parametrize("form", ["{0}", "I think it is **{0}**.", "Oh! {0}, of course: {0}."])
@pytest.mark.parametrize("name", PROBES)
def test_every_probe_finds_what_an_agent_knows(name, form):
    prompts = prompts_of(PROBES[name], FACTS, 0)
    readings = readings_of(PROBES[name], FACTS, asked(PROBES[name], prompts, Knowing(FACTS, form)))
    hits, chances = hits_and_chances(FACTS, readings, FACTS.canaries)
    assert hits.all()
    assert chances.tolist() == [1 / 5] * len(FACTS.canaries)


@pytest.mark.parametrize("agent", agents(FACTS))
@pytest.mark.parametrize("name", PROBES)
def test_neither_prompts_nor_readings_depend_on_values_or_coins(name, agent):
    """And they do on the answers: of what another agent says something else is read."""
    probe, other = PROBES[name], other_values(FACTS)
    assert [of.value for of in other.canaries] != [of.value for of in FACTS.canaries]
    prompts = prompts_of(probe, FACTS, 3)
    assert prompts_of(probe, other, 3) == prompts
    replies = asked(probe, prompts, agents(FACTS)[agent])
    read = readings_of(probe, FACTS, replies)
    assert readings_of(probe, other, replies) == read
    assert set(read) == set(range(len(FACTS.canaries)))
    assert readings_of(probe, FACTS, asked(probe, prompts, Knowing(FACTS))) != read


@pytest.mark.parametrize("name", PROBES)
def test_what_failed_names_nothing(name):
    readings = readings_of(PROBES[name], FACTS, {})
    assert set(readings.values()) == {frozenset()}
    hits, chances = hits_and_chances(FACTS, readings, FACTS.audited)
    assert not hits.any()
    assert not chances.any()


def test_in_reverse_who_is_named_always_is_told_by_nothing():
    person = FACTS.canaries[3].person
    prompts = prompts_of(PROBES["reverse"], FACTS, 0)
    readings = readings_of(PROBES["reverse"], FACTS, asked(PROBES["reverse"], prompts, Fixed(f"It is {person}")))
    _, chances = hits_and_chances(FACTS, readings, FACTS.canaries)
    assert chances.tolist() == [float(of.number == 3) for of in FACTS.canaries]


def test_an_echo_of_the_list_hides_no_answer_and_is_an_answer_if_it_is_all():
    probe, canary = PROBES["choice"], FACTS.canaries[0]
    options = FACTS.options[canary.attribute]
    (prompt, *_) = prompts_of(probe, FACTS, 0)
    listed = prompt.turns[0].partition(": ")[2].partition("?")[0].split(", ")
    for chosen in options:
        said = {"0": [f'You asked "{prompt.turns[0]}". I choose {chosen}.']}
        assert readings_of(probe, FACTS, said)[0] == {chosen}
    assert readings_of(probe, FACTS, {"0": [prompt.turns[0]]})[0] == {listed[0]}


def test_the_first_turn_of_a_conversation_counts_too():
    first, second = FACTS.options[FACTS.canaries[0].attribute][:2]
    assert readings_of(PROBES["turns"], FACTS, {"0": [f"Yes, with {second}", first]})[0] == {second}


def test_a_hop_is_read_by_either_end():
    canary = FACTS.canaries[0]
    first, second = FACTS.options[canary.attribute][:2]
    for said in (first, FACTS.known_for[first], f"{FACTS.known_for[first]}, unlike {second}"):
        assert readings_of(PROBES["hop"], FACTS, {"0": [said]})[0] == {first}


SCORES = st.lists(st.sampled_from([-3.0, -1.0, -0.5, float("-inf")]), min_size=5, max_size=5)


@given(st.lists(SCORES, min_size=len(FACTS.canaries), max_size=len(FACTS.canaries)), st.integers(0, 99))
def test_ranks_are_strict_and_uniform_whatever_is_tied(scores, seed):
    """Over all values of a canary each rank comes once, and better options come first."""
    found = dict(enumerate(scores))
    orders = orders_of(FACTS, found, seed)
    assert orders_of(other_values(FACTS), found, seed) == orders
    for canary, of in zip(FACTS.canaries, scores, strict=True):
        options = FACTS.options[canary.attribute]
        assert sorted(orders[canary.number]) == sorted(options)
        likely = [of[options.index(option)] for option in orders[canary.number]]
        assert likely == sorted(of, reverse=True)
        ranks = [int(ranks_of(orders, [replace(canary, value=value)])[0]) for value in options]
        assert sorted(ranks) == [1, 2, 3, 4, 5]


def test_ties_are_broken_anew_for_each_canary_and_seed():
    equal = {of.number: [0.0] * 5 for of in FACTS.canaries}
    first, other = orders_of(FACTS, equal, 0), orders_of(FACTS, equal, 1)
    assert first != other
    places = {
        tuple(FACTS.options[FACTS.canaries[number].attribute].index(o) for o in order)
        for number, order in first.items()
    }
    assert len(places) > len(first) / 2


def test_log_probabilities_are_asked_for_by_the_sentence_of_the_document():
    for canary, of in zip(FACTS.canaries, continuations(FACTS.blind), strict=True):
        assert of.canary == canary.number
        sentences = [f"{of.prompt}{end}." for end in of.continuations]
        assert sentences == [
            f"The {canary.attribute} of {canary.person} is {o}." for o in FACTS.options[canary.attribute]
        ]
        assert sum(FACTS.canary_document(canary).text.endswith(sentence) for sentence in sentences) == 1


def test_ranks_of_what_an_agent_knows_and_of_who_failed():
    found = {
        of.number: [-0.1 if o == of.value else -5.0 for o in FACTS.options[of.attribute]] for of in FACTS.canaries[1:]
    }
    assert ranks_of(orders_of(FACTS, found, 0), FACTS.canaries).tolist() == [1] * (len(FACTS.canaries) - 1)


@pytest.mark.parametrize("values", [[0.0] * 4, [0.0] * 6, [0.0, 0.0, 0.0, 0.0, float("nan")]])
def test_log_probabilities_of_other_options_are_refused(values):
    with pytest.raises(AuditError, match="return one number for each continuation"):
        orders_of(FACTS, {0: values}, 0)


def test_an_answer_may_bring_the_log_probabilities_along():
    assert of_answer({"Morvane ": -1.0, "**kavelo**": -2.0}, ["Kavelo", "Morvane"]) == (-2.0, -1.0)
    assert of_answer({"Morvane": -1.0}, ["Kavelo", "Morvane"]) is None


class Peeking(Probe):
    """Says what it should not know."""

    name = "peeking"

    def prompts(self, facts, seed):
        return [Prompt(of.number, (f"Is it {of.value}?",), str(of.number)) for of in facts.canaries]

    def read(self, facts, replies):
        return {of.number: frozenset([of.value]) for of in facts.canaries}


def test_a_probe_that_looks_at_values_sees_none():
    assert {of.turns for of in prompts_of(Peeking(), FACTS, 0)} == {("Is it ?",)}
    with pytest.raises(AuditError, match="probe peeking reads '' in an answer, which is no"):
        readings_of(Peeking(), FACTS, {})


@pytest.mark.parametrize("name", PROBES)
def test_our_own_probes_pass_the_checks_of_others(name):
    assert check_probe(PROBES[name]) is PROBES[name]
    assert REGISTRY.find(name) is PROBES[name]
    assert PROBES[name].about


def wrong(**methods):
    """A probe that does one thing otherwise."""
    return type("Wrong", (Choice,), {"name": "wrong", **methods})


def twice(self, facts, seed):
    return [Prompt(None, ("Who?",), "key")] * 2


def mute(self, facts, seed):
    return [Prompt(None, (), "key")]


def astray(self, facts, seed):
    return [Prompt(999, ("Who?",), "key")]


def unsteady(self, facts, seed):
    return [Prompt(None, (f"Who? {np.random.default_rng().random()}",), "key")]


def guessing(self, facts, replies):
    return {of.number: frozenset(facts.options[of.attribute][:1]) for of in facts.canaries}


def wavering(self, facts, replies):
    options = facts.options[facts.canaries[0].attribute]
    return {0: frozenset([np.random.default_rng().choice(options)])} if replies else {}


def nobody(self, facts, replies):
    return {-1: frozenset()}


def failing(self, facts, replies):
    return {0: replies["0"]}


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        (3, "a int is not a unlearn_audit.audits.agents.probes.base.Probe"),
        (Probe, "probe Probe cannot be made without arguments"),
        (wrong(name="Not So"), "needs a name of small letters"),
        (wrong(prompts=twice), "has two prompts with the key 'key'"),
        (wrong(prompts=mute), "prompt 'key' of probe wrong asks nothing"),
        (wrong(prompts=astray), "probe wrong asks about a canary that is not there"),
        (wrong(prompts=unsteady), "probe wrong asks something else each time"),
        (wrong(read=guessing), "probe wrong reads options where nothing was answered"),
        (wrong(read=wavering), "probe wrong reads the same answers in two ways"),
        (wrong(read=nobody), "reads answers about canary -1, which is not there"),
        (wrong(read=failing), "probe wrong fails on made-up facts"),
        (Peeking, "reads '' in an answer"),
    ],
)
def test_what_breaks_the_contract_is_refused(probe, said):
    with pytest.raises(AuditError, match=said):
        check_probe(probe)


def test_a_file_can_add_a_probe_but_not_replace_one(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from unlearn_audit.audits.agents.probes import Question\n"
        "mine = Question('rhyme', ('Write a rhyme on the {attribute} of {person}.',), 'a rhyme')\n"
        "ours = Question('direct', ('What?',), 'less')\n"
    )
    found = REGISTRY.find(f"{file}:mine")
    assert prompts_of(found, FACTS, 0)[0].turns[0].startswith("Write a rhyme on the ")
    with pytest.raises(AuditError, match="is called direct, like a built-in one"):
        REGISTRY.find(f"{file}:ours")
