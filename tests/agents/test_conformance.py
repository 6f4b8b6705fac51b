"""`check_agent` passes agents that keep the contract, and says what is wrong with others."""

import sys
from pathlib import Path

import pytest

import made_agents
from made_agents import Small, Whole
from unlearn_audit.errors import AuditError
from unlearn_audit.testing import check_agent


@pytest.mark.parametrize("agent", [Small, Whole, Whole()])
def test_a_good_agent_is_returned(agent):
    assert check_agent(agent) is agent


@pytest.mark.skipif(sys.platform == "win32", reason="runs programs of POSIX")
def test_a_good_agent_in_a_file():
    text = f"{Path(made_agents.__file__)}:Whole"
    assert check_agent(text) == text


class Keeps(Small):
    def reset(self):
        self.documents = getattr(self, "documents", [])
        self.turns = {}


class KeepsWeights(Small):
    weights = ""

    def ingest(self, document, train=False):
        super().ingest(document, train)
        self.weights += document.text if train else ""

    def ask(self, prompt, session=None):
        return super().ask(prompt, session) + self.weights


class KnowsWhomItDeletes(Small):
    def delete(self, person):
        known = {of: text for text, of, _ in self.documents}
        known.pop(person)


class NoSessions(Small):
    def ask(self, prompt):
        return ""


class Counts(Whole):
    def ask(self, prompt, session=None):
        self.documents.append((f"asked {prompt}", None, False))
        return "I will see"


class Blind(Whole):
    def memory_dump(self):
        return "all of it"


class Improbable(Whole):
    def log_probabilities(self, prompt, continuations):
        return [0.5 for _ in continuations]


class Stuck(Whole):
    def set_memory(self, on):
        if not on:
            raise RuntimeError("no weights")


class Tired(Whole):
    def cycle(self):
        raise RuntimeError("no space")


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (Keeps, "still answers 'What is the bank of Tovelar Quimsby?' with Zorvanek after reset"),
        (KeepsWeights, "still answers 'What is the employer of Brendova Kelmarn?' with Mulbrisk after reset"),
        (KnowsWhomItDeletes, "failed at 'delete': KeyError: 'Yustrel Pagonde'"),
        (NoSessions, "failed at 'ask': TypeError"),
        (Counts, "says asking_changes_nothing, and its memory is another one after a question"),
        (Blind, "answered 'memory_dump' with a text; answer with a list"),
        (Improbable, "with 0.5 as a log-probability"),
        (Stuck, "failed at 'set_memory': RuntimeError: no weights"),
        (Tired, "failed at 'cycle': RuntimeError: no space"),
    ],
)
def test_a_bad_agent_is_told_what_is_wrong(agent, said):
    with pytest.raises(AuditError) as caught:
        check_agent(agent)
    assert str(caught.value).startswith(f"agent test_conformance:{agent.__name__} ") or agent.__name__ in str(
        caught.value
    )
    assert said in str(caught.value)
