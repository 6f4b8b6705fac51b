"""What the pages about agents say is right: stored questions, membership inference, answers shown, and words."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import made_note_agents
from made_agents import Small
from unlearn_audit.agents import Item
from unlearn_audit.audits.agents import audit_agent
from unlearn_audit.audits.agents.facts import ATTRIBUTES, Facts
from unlearn_audit.audits.agents.heard import Heard, Reply
from unlearn_audit.audits.agents.losses import loss_attacks, too_few
from unlearn_audit.audits.agents.page import about_attacks, more_answers, print_audit, receipt, render
from unlearn_audit.audits.agents.phases import Phase
from unlearn_audit.audits.agents.probes import PROBES, prompts_of
from unlearn_audit.audits.agents.recovered import STORED, stored
from unlearn_audit.audits.agents.transcript import MOST, MOST_OF_ONE, transcript
from unlearn_audit.audits.agents.wording import counted
from unlearn_audit.errors import AuditError
from unlearn_audit.testing import check_agent


def audit(agent, folder, **options):
    usual = {"canaries": 12, "cycles": 0, "samples": 0, "probes": ("direct", "choice", "reverse")}
    return audit_agent(agent, folder, **{**usual, **options}).findings


@pytest.mark.parametrize("whole", [False, True])
def test_questions_that_an_agent_logs_are_no_residual_copies(tmp_path, whole):
    found = audit(made_note_agents.LogsQuestions(whole), tmp_path)
    assert found.rate("before", probe=STORED).hits == found.rate("before", probe=STORED).cases > 0
    after = found.rate("after", probe=STORED)
    assert (after.hits, after.chance) == (0, 0)
    assert found.verdict.kind == "none-found"


def test_answers_that_are_stored_with_their_questions_are_residual_copies():
    facts = Facts.draw(0, 12)
    of = next(canary for canary in facts.audited if canary.ingested)
    (choice,) = (prompt.turns[0] for prompt in prompts_of(PROBES["choice"], facts, 0) if prompt.canary == of.number)
    (reverse,) = (
        prompt.turns[0]
        for prompt in prompts_of(PROBES["reverse"], facts, 0)
        if f"{of.attribute} {of.value}?" in prompt.turns[0]
    )
    for text in (f"{choice} {of.value}.", f"{reverse} {of.person}."):
        assert stored(facts, [Item(text)])[of.number] == {of.value}
    assert stored(facts, [Item(choice)])[of.number] == set()
    assert stored(facts, [Item(reverse)])[of.number] == set()


def log_probabilities(facts, phi):
    """One list for each canary in which its value has a share of e^φ of all options."""
    found = {}
    for of in facts.canaries:
        options = facts.options[of.attribute]
        rest = np.log1p(-np.exp(phi[of.number])) - np.log(len(options) - 1)
        found[of.number] = [phi[of.number] if option == of.value else rest for option in options]
    return found


def measured(facts, change):
    """The attacks on likelihoods that fall by so much, of each canary."""
    before = dict.fromkeys(range(len(facts.canaries)), -0.5)
    after = {number: -0.5 - change[number] for number in before}
    known = {Phase("before"): log_probabilities(facts, before), Phase("after"): log_probabilities(facts, after)}
    return {attack.name: attack for attack in loss_attacks(facts, Heard(log_probabilities=known), 0)}


def test_references_make_attributes_of_different_scales_comparable():
    facts, rng = Facts.draw(1, 160), np.random.default_rng(0)
    scales = dict(zip(ATTRIBUTES, (0.05, 0.5, 5.0, 50.0), strict=True))
    change = {
        of.number: scales[of.attribute] * (10 + rng.uniform(0, 1) + (1.5 if of.ingested else 0))
        for of in facts.canaries
    }
    found = measured(facts, change)
    assert found["pair-scale"].auc == 1  # within an attribute all that were deleted fell by more
    assert found["fall in likelihood"].auc < 0.7
    assert found["pair-scale"].never == found["fall in likelihood"].never


def test_pair_scale_needs_references_and_the_others_keep_all_facts():
    facts = Facts.draw(0, 24)
    never = [of for of in facts.audited if not of.ingested and not of.linked]
    assert 4 <= len(never) < 16
    found = measured(facts, {of.number: 1 + of.ingested + 0.01 * of.number for of in facts.canaries})
    assert set(found) == {"likelihood before", "likelihood after", "fall in likelihood"}
    assert {attack.never for attack in found.values()} == {len(never)}
    assert found["fall in likelihood"].auc == 1
    low, high = found["fall in likelihood"].interval
    assert low < 1 == high


def test_scores_that_are_alike_have_no_interval():
    facts = Facts.draw(0, 24)
    found = measured(facts, {of.number: 1.0 + 1e-13 * of.number for of in facts.canaries})
    assert [(attack.auc, attack.interval) for attack in found.values()] == [(0.5, None)] * 3


def test_too_few_facts_are_said_to_be():
    facts = Facts.draw(0, 4)
    assert measured(facts, dict.fromkeys(range(len(facts.canaries)), 1.0)) == {}
    assert "too few" in too_few(3, 9)
    assert too_few(4, 4) is None


@pytest.mark.parametrize(
    ("canaries", "said"), [(4, "too few; at least 4 of each"), (24, "pair-scale is left out"), (60, "")]
)
def test_the_page_says_which_attacks_are_missing_and_why(tmp_path, canaries, said):
    found = audit(made_note_agents.Likelihoods(), tmp_path, canaries=canaries, probes=("direct",))
    assert bool(found.attacks) == (canaries > 4)
    assert (said in about_attacks(found)) if said else about_attacks(found) == ""
    page = render(found)
    assert said in page
    assert "0.500 to 0.500" not in page
    assert ("no interval: all scores are alike" in page) == (canaries > 4)  # after a right deletion


def test_the_page_says_nothing_of_log_likelihoods_where_none_are_offered(tmp_path):
    found = audit(made_note_agents.Notes(), tmp_path, probes=("direct",))
    assert about_attacks(found) == ""
    assert "What log-likelihoods tell" not in render(found)


@pytest.fixture(scope="module")
def undeleted(tmp_path_factory):
    return audit(
        made_note_agents.Pretends(), tmp_path_factory.mktemp("run"), canaries=24, probes=("direct",), samples=10
    )


def test_more_answers_and_epsilon_are_on_the_page(undeleted):
    low, ceiling = undeleted.epsilon
    rows = {term: (answer, explanation) for term, answer, explanation in more_answers(undeleted)}
    assert {term: answer for term, (answer, _) in rows.items()} == {
        "leak@1": "100 %",
        "leak@5": "100 %",
        "leak@10": "100 %",
        "Epsilon": f"at least {low:.2f}",
    }
    assert f"{ceiling:.2f}" in rows["Epsilon"][1]
    assert "conditional on this run" in rows["Epsilon"][1]
    page = render(undeleted)
    assert "More answers, and epsilon" in page
    assert "leak@10" in page


@pytest.mark.parametrize("nothing", [None, (0.0, 0.0)])
def test_without_data_nothing_is_said_of_epsilon(undeleted, nothing):
    empty = replace(undeleted, epsilon=nothing, leak_at={})
    assert more_answers(empty) == []
    assert "More answers, and epsilon" not in render(empty)


def test_the_receipt_names_what_its_figures_are_of(undeleted):
    cases = undeleted.rate("after").cases
    rows = {term: (answer, explanation) for term, answer, explanation in receipt(undeleted)}
    answer, explanation = rows["Found after deletion"]
    assert undeleted.receipt.asked > cases
    assert answer == f"all {cases}"
    assert "no other document implies" in explanation
    refused = replace(undeleted, receipt=replace(undeleted.receipt, claimed=1, refused=undeleted.receipt.asked - 1))
    _, answer, explanation = next(row for row in receipt(refused) if row[0] == "Found after deletion")
    assert answer == str(cases)
    assert f"of the {cases} that no other document implies, those reported as done" in explanation


def test_stored_items_are_counted_and_nothing_fixed_is_said(undeleted):
    page = render(undeleted)
    for moment in ("after", "retrained", "unrelated"):
        assert f"{undeleted.items[moment]:,} " in page
    assert "never who was deleted" in page
    assert "says nothing about anybody" not in page
    assert "never who was deleted" not in render(replace(undeleted, items={}))


def test_a_trace_is_a_sentence_on_the_terminal(tmp_path):
    found = audit(made_note_agents.Refuses(), tmp_path, canaries=24, probes=("direct", "summary"))
    console = Console(record=True, width=200, quiet=False)
    print_audit(console, found, "run")
    said = " ".join(console.export_text().split())
    assert "The deleted can be told by refusals: 100 % for them, 0 % for people never ingested" in said


@pytest.mark.parametrize(
    ("hits", "cases", "words"),
    [(16, 16, "all 16"), (0, 16, "none of the 16"), (4, 16, "4 of the 16"), (1, 1, "the only one")],
)
def test_counts_in_words(hits, cases, words):
    assert counted(hits, cases) == words


AFTER = Phase("after")


def heard_after(facts, answer, names=tuple(PROBES), phases=(AFTER,)):
    """What an agent answers that `answer` speaks for, given the probe, the prompt, and its canary or None."""
    replies = {
        (name, prompt.key): Reply((answer(name, prompt),) * len(prompt.turns), 0.0)
        for name in names
        for prompt in prompts_of(PROBES[name], facts, 0)
    }
    return Heard(replies=dict.fromkeys(phases, replies))


def holders(facts, prompt):
    """The persons who have the value that a reverse prompt asks for."""
    return [of.person for of in facts.canaries if prompt.turns[0] == f"Who has the {of.attribute} {of.value}?"]


def test_answers_to_the_reverse_question_and_in_two_hops_are_shown():
    facts = Facts.draw(0, 12)
    deleted = {of.person: of for of in facts.audited if of.ingested and not of.linked}

    def answer(name, prompt):
        if name == "reverse":
            return " and ".join(holders(facts, prompt)) or "Nobody."
        if name == "hop":
            return facts.known_for[facts.canaries[prompt.canary].value]
        return "I do not know."

    found = transcript(facts, PROBES, heard_after(facts, answer), 0)
    assert {of.person for of in found} == set(deleted)
    assert Counter(of.person for of in found) == dict.fromkeys(deleted, 2)
    for of in found:
        if of.prompt.startswith("Who has"):
            assert of.value in of.prompt
            assert of.person in of.answer
        else:
            assert of.person in of.prompt
            assert of.answer == facts.known_for[of.value]


def test_facts_take_turns_and_every_phase_and_probe_is_shown():
    facts = Facts.draw(0, 60)
    deleted = [of for of in facts.audited if of.ingested and not of.linked]
    phases = [Phase(name, memory) for name in ("after", "cycled") for memory in (True, False)]

    def answer(name, prompt):
        if prompt.canary is None:
            return " and ".join(holders(facts, prompt))
        return facts.canaries[prompt.canary].value

    found = transcript(facts, PROBES, heard_after(facts, answer, phases=phases), 0)
    assert len(found) == MOST > len(deleted)
    of_each = Counter(of.person for of in found)
    assert len(of_each) == len(deleted)
    assert max(of_each.values()) <= MOST_OF_ONE
    assert max(of_each.values()) - min(of_each.values()) <= 1
    assert {of.moment for of in found} == {phase.label for phase in phases}
    assert any(of.prompt.startswith("Who has") for of in found)
    assert any(of.prompt.endswith("known for?") for of in found)


def test_the_fact_that_most_answers_hold_comes_first():
    facts = Facts.draw(0, 12)
    *_, last = (of for of in facts.audited if of.ingested and not of.linked)

    def answer(name, prompt):
        of = None if prompt.canary is None else facts.canaries[prompt.canary]
        return of.value if of is not None and (name == "direct" or of == last) else ""

    found = transcript(facts, PROBES, heard_after(facts, answer), 0)
    assert found[0].person == last.person
    assert Counter(of.person for of in found)[last.person] == MOST_OF_ONE


def test_a_list_of_all_options_is_an_echo():
    facts = Facts.draw(0, 12)
    heard = heard_after(facts, lambda _, prompt: prompt.turns[-1], ["choice"])
    assert transcript(facts, PROBES, heard, 0) == []
    assert transcript(facts, PROBES, Heard(), 0) == []


class Samples(Small):
    """Never says the same twice."""

    asked = 0

    def ask(self, prompt, session=None):
        Samples.asked += 1
        return f"{super().ask(prompt, session)} ({Samples.asked})"


class SamplesAndKeeps(Samples):
    """The same, and forgets nothing at a reset."""

    def reset(self):
        self.documents = getattr(self, "documents", [])
        self.turns = {}


def test_answers_that_vary_are_said_to_and_are_no_fault():
    with pytest.warns(UserWarning, match="answers 'What is the bank of Tovelar Quimsby.' in two ways"):
        assert check_agent(Samples) is Samples


def test_what_survives_a_reset_is_a_fault_though_answers_vary():
    with pytest.raises(AuditError, match="after reset"):
        check_agent(SamplesAndKeeps)
