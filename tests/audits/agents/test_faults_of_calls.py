"""What an audit asks depends on no value, and calls that fail cost no more than they must."""

import hashlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import made_note_agents
from unlearn_audit.agents.messages import Unusable, answer_of, hello_of, logarithms_of
from unlearn_audit.audits.agents import audit_agent
from unlearn_audit.audits.agents.facts import Facts

FEW = ("direct", "choice")

KIND = "{0.__class__.__name__}".format  # in the names of tests, as Python writes no number of thousands of digits


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


def test_no_command_and_no_query_is_published(tmp_path):
    agent = Path(made_note_agents.__file__)
    program = tmp_path / "agent.py"
    program.write_text(
        f"import sys; sys.path.insert(0, {str(agent.parent)!r})\n"
        "import json, made_note_agents\n"
        "from unlearn_audit.agents.adapter import Adapter\n"
        "adapter = Adapter(made_note_agents.Notes())\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps(adapter.reply(json.loads(line))), flush=True)\n"
    )
    found = audit(f"{sys.executable} {program} --token s3cret-token", tmp_path / "run", canaries=4)
    assert set(found.settings["agent"]) == {"where", "digest"}
    for file in (tmp_path / "run").rglob("*"):
        assert not file.is_file() or b"s3cret-token" not in file.read_bytes(), file


@pytest.mark.parametrize("id", ["--5", "9" * 5_000, "-", "\u00b2", 10**4_999, -1, True, 1.5], ids=KIND)  # noqa: A002
def test_ids_are_for_the_agent_to_choose(tmp_path, id):  # noqa: A002
    class Agent(made_note_agents.Notes):
        def memory_dump(self):
            return [{"text": text, "id": id} for text, _ in self.items]

    found = audit(Agent(), tmp_path, probes=("direct",))
    assert found.verdict.kind in ("none-found", "cannot-tell", "trace")


@pytest.mark.parametrize("number", [10**400, -(10**400), 10**5_000, float("nan"), float("-inf"), True], ids=KIND)
def test_impossible_log_probabilities_are_an_unusable_reply(number):
    with pytest.raises(Unusable):
        logarithms_of([number], 1)
    with pytest.raises(Unusable):
        answer_of({"text": "", "log_probabilities": {"a": number}})


@pytest.mark.parametrize("offers", [[10**5_000], [["cycle"]], [{}], [None], 10**5_000], ids=KIND)
def test_impossible_offers_are_an_unusable_reply(offers):
    with pytest.raises(Unusable):
        hello_of({"offers": offers})
