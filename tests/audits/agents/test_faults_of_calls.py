"""What an audit asks depends on no value, and calls that fail cost no more than they must."""

import hashlib
import re

import numpy as np
import pytest

import made_note_agents
from unlearn_audit.audits.agents import audit_agent
from unlearn_audit.audits.agents.facts import Facts

FEW = ("direct", "choice")


def audit(agent, folder, **options):
    usual = {"canaries": 12, "cycles": 1, "samples": 4, "probes": FEW}
    return audit_agent(agent, folder, **{**usual, **options}).findings


class RemembersWhatItIsAsked(made_note_agents.Notes):
    """Deletes completely, guesses what it does not know, and later guesses only where it was asked most.

    ``options`` are the values that it guesses from.
    """

    options: tuple = ()

    def reset(self):
        super().reset()
        self.times, self.kept = {}, None

    def ask(self, prompt, session=None):
        said = super().ask(prompt, session)
        person = re.search(r"of ([A-Z]\w+ [A-Z]\w+)", prompt)
        if said != made_note_agents.NOTHING or person is None or not self.on:
            return said
        self.times[person[1]] = self.times.get(person[1], 0) + 1
        if self.kept is not None and person[1] not in self.kept:
            return said
        attribute = next(of for of in self.options if of in prompt)
        at = int(hashlib.sha256(person[1].encode()).hexdigest(), 16)
        return self.options[attribute][at % len(self.options[attribute])]

    def delete(self, person):
        super().delete(person)
        self.times = {}

    def cycle(self):
        most = max(self.times.values(), default=0)
        self.kept = {of for of, n in self.times.items() if n == most} if most else None


@pytest.mark.parametrize("seed", [1, 2])
def test_no_fact_is_asked_about_more_often_before_all_that_is_judged(tmp_path, seed):
    class Agent(RemembersWhatItIsAsked):
        options = Facts.draw(seed, 48, 4).options

    found = audit(Agent(), tmp_path, canaries=48, options=4, samples=10, probes=("direct",), seed=seed)
    cycled = found.rate("cycled")
    assert cycled.answered > found.rate("after").hits  # as often for wrong guesses as for right ones
    assert cycled.p_value > 0.01
    assert found.verdict.kind != "leak"
    assert found.leak_at  # the guesses that were right were asked for again


class Asked(made_note_agents.Notes):
    """Keeps the sessions and prompts that it is asked."""

    def __init__(self):
        super().__init__()
        self.sessions, self.prompts = set(), []

    def ask(self, prompt, session=None):
        self.sessions.add(session)
        self.prompts.append(prompt)
        return made_note_agents.NOTHING


def test_sessions_tell_nothing_of_the_phase(tmp_path):
    agent = Asked()
    audit(agent, tmp_path, probes=("direct", "turns"))
    named = agent.sessions - {None}
    assert len(named) > 40
    assert all(re.fullmatch("[0-9a-f]{32}", of) for of in named)


def test_the_prompts_do_not_depend_on_the_values(tmp_path, monkeypatch):
    first, second = Asked(), Asked()
    audit(first, tmp_path / "first")
    facts = Facts.draw(0, 12).with_drawn_values(np.random.default_rng(5))
    monkeypatch.setattr(Facts, "draw", classmethod(lambda cls, *_: facts))  # noqa: ARG005
    audit(second, tmp_path / "second")
    assert first.prompts == second.prompts
