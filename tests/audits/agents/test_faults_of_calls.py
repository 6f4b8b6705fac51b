"""What an audit asks depends on no value, and calls that fail cost no more than they must."""

import contextlib
import hashlib
import json
import math
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import made_note_agents
from made_servers import running, slow, status
from unlearn_audit.agents import Failure, Opening
from unlearn_audit.agents.http import HttpAgent
from unlearn_audit.agents.messages import Unusable, answer_of, hello_of, logarithms_of
from unlearn_audit.audits.agents import audit_agent
from unlearn_audit.audits.agents.calls import Calls
from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.journal import NAME, Journal
from unlearn_audit.audits.agents.recovered import PROBABILITY
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.progress import Silent

FEW = ("direct", "choice")

SECRET = "Zokripom"

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
    monkeypatch.setattr(Facts, "draw", classmethod(lambda cls, *_: facts))
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


@pytest.mark.parametrize("id", ["--5", "9" * 5_000, "-", "\u00b2", 10**4_999, -1, True, 1.5], ids=KIND)
def test_ids_are_for_the_agent_to_choose(tmp_path, id):
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


class Fails(made_note_agents.Pretends):
    """Raises an error at some calls of one kind: from one number of the call to another, counted from the reset."""

    call, since, until = "", 0, 0

    def reset(self):
        super().reset()
        self.count = 0

    def _at(self, call):
        if call == self.call:
            self.count += 1
            if self.since <= self.count <= self.until:
                raise RuntimeError(f"secret answer {SECRET}")

    def ask(self, prompt, session=None):
        self._at("ask")
        return super().ask(prompt, session)

    def cycle(self):
        self._at("cycle")
        super().cycle()

    def set_memory(self, on):
        self._at("set_memory")
        super().set_memory(on)

    def ingest(self, document, train=False):
        self._at("ingest")
        super().ingest(document, train)

    def memory_dump(self):
        self._at("memory_dump")
        return super().memory_dump()

    def log_probabilities(self, prompt, continuations):
        self._at("log_probabilities")
        return [-1.0] * len(continuations)


def failing(call, first, last=10**9):
    """A class of agents that fail at some calls."""
    return type("Agent", (Fails,), {"call": call, "since": first, "until": last})


def events_of(folder):
    return [json.loads(line) for line in (folder / "private-answers.jsonl").read_text().splitlines()]


def test_a_cycle_that_fails_ends_an_episode_and_what_was_heard_counts(tmp_path):
    found = audit(failing("cycle", 2)(), tmp_path)  # the first of an episode does not
    assert found.verdict.kind == "leak"
    assert found.rate("after").hits == found.rate("before").hits > 0
    assert found.rate("cycled") is None
    (note,) = (note for note in found.notes if "ended early" in note)
    assert "'cycle' failed twice" in note
    assert "after deletion" in note


def test_what_an_agent_said_when_a_call_failed_is_private(tmp_path):
    said = []
    reporter = Silent()
    reporter.say = said.append
    audit(failing("cycle", 2)(), tmp_path, progress=reporter)
    for file in ("report.html", "report.md", "findings.json"):
        assert SECRET not in (tmp_path / file).read_text(encoding="utf-8")
    assert any(SECRET in line for line in said)
    assert any(SECRET in event.get("said", "") for event in events_of(tmp_path) if event["what"] == "stopped")


@pytest.mark.parametrize("call", ["cycle", "set_memory"])
def test_a_call_that_fails_once_is_made_again(tmp_path, call):
    class Once(failing(call, 1)):
        failed = False

        def _at(self, of):
            if of == call and not Once.failed:
                Once.failed = True
                raise RuntimeError("once")

    found = audit(Once(), tmp_path)
    assert Once.failed
    assert not [note for note in found.notes if "ended early" in note]
    assert found.rate("cycled").hits == found.rate("before").hits > 0


def test_nothing_is_ingested_twice_when_an_ingestion_is_repeated(tmp_path):
    class HalfDone(made_note_agents.Notes):
        failed = False

        def ingest(self, document, train=False):
            super().ingest(document, train)
            if len(self.items) == 40 and not HalfDone.failed:
                HalfDone.failed = True
                raise RuntimeError("after it was stored")

    found = audit(HalfDone(), tmp_path / "once")
    assert HalfDone.failed
    assert found.items == audit(made_note_agents.Notes(), tmp_path / "never").items


def test_an_agent_that_ingests_nothing_is_an_error(tmp_path):
    with pytest.raises(AuditError, match="could not ingest a document"):
        audit(failing("ingest", 1)(), tmp_path)


def test_an_agent_that_cannot_be_started_again_for_a_reset_is_an_error():
    class Lost:
        where = "lost"

        def reset(self):
            raise Failure("hung", "lost hung", ended=True)

        def restart(self):
            raise Failure("broken", "lost does not start")

    with pytest.raises(AuditError, match="lost does not start"):
        Calls(Lost(), print, print, math.inf, 1.0).begin()


@pytest.mark.parametrize(("call", "moments"), [("memory_dump", 5), ("log_probabilities", 6)])
def test_calls_that_show_nothing_are_told(tmp_path, call, moments):
    found = audit(failing(call, 1)(), tmp_path)
    assert found.verdict.kind == "leak"  # no number of them ends an episode
    failed = Heard.of(events_of(tmp_path)).failed
    assert {of for of, _ in failed} == {call}
    assert len({moment for _, moment in failed}) == (moments if call == "memory_dump" else 4)


@pytest.mark.parametrize(("last", "stops"), [(19, False), (10**9, True)])
def test_errors_in_a_row_end_an_episode(tmp_path, last, stops):
    found = audit(failing("ask", 1, last)(), tmp_path)
    assert (found.behaviour.unasked > 0) == stops
    assert any("20 questions in a row failed" in note for note in found.notes) == stops


def test_hangs_now_and_then_end_an_episode_once_they_are_many():
    class Seldom:
        def restart(self):
            return True

    def hang():
        raise Failure("hung", "hung")

    events = []
    calls = Calls(Seldom(), events.append, lambda _: None, math.inf, 1.0)
    for number in range(1, 400):
        if calls.stopped:
            break
        with contextlib.suppress(Failure):
            calls.ask(hang if number % 10 == 0 else lambda: None)
    assert number == 101  # at the 100th, the tenth hang
    assert "10 times in 100 prompts" in events[-1]["why"]


@pytest.mark.parametrize(("row", "stops"), [(4, False), (5, True)])
def test_hangs_in_a_row_end_an_episode(row, stops):
    def hang():
        raise Failure("broken", "broken")

    calls = Calls(None, lambda _: None, lambda _: None, math.inf, 1.0)
    for _ in range(3):
        for _ in range(row):
            with pytest.raises(Failure):
                calls.ask(hang)
        calls.ask(lambda: None)
    assert calls.stopped == stops


def test_an_audit_ends_at_its_time_limit_and_says_so(tmp_path):
    class Slow(made_note_agents.Notes):
        def ask(self, prompt, session=None):
            time.sleep(0.02)
            return super().ask(prompt, session)

    found = audit(Slow(), tmp_path, time_limit=1)
    assert found.behaviour.unasked > 0
    assert found.verdict.kind == "cannot-tell"
    assert any("time limit of 1 seconds" in note for note in found.notes)


def test_log_probabilities_that_come_with_answers_are_used(tmp_path):
    options = Facts.draw(0, 12).options

    class Scores(made_note_agents.Pretends):
        def ask(self, prompt, session=None):
            said = super().ask(prompt, session)
            named = next((of for of in options.values() if all(one in prompt for one in of)), ())
            return {"text": "", "log_probabilities": {of: -0.1 if of in said else -5.0 for of in named}}

    found = audit(Scores(), tmp_path)
    rate = found.rate("after", probe=PROBABILITY)
    assert rate.hits == rate.cases > 0
    assert found.rate("empty", probe=PROBABILITY) is None
    assert found.verdict.kind == "leak"


REPLY = {"what": "reply", "phase": "before", "memory": True, "probe": "direct", "texts": [""], "seconds": 1.0}


def lines_of(folder):
    return [json.loads(line) for line in (folder / NAME).read_text().splitlines()]


def test_a_journal_holds_what_is_used_again_once(tmp_path):
    events = [{**REPLY, "key": str(key), "failure": None, "episode": "deleted"} for key in range(3)]
    first = Journal(tmp_path, asking_changes_nothing=True)
    for event in events:
        first.add(event)
    first.close()
    for _ in range(2):  # interrupted again, and again
        again = Journal(tmp_path, asking_changes_nothing=True)
        again.add({"what": "claim", "person": "A", "claimed": True, "said": "", "episode": "deleted"})
        for key in (2, 1):
            again.add({**again.known("deleted", ("reply", "before", True, "direct", str(key))), "episode": "deleted"})
        again.close()
        assert sorted(event["key"] for event in lines_of(tmp_path) if event["what"] == "reply") == ["0", "1", "2"]
    last = Journal(tmp_path, asking_changes_nothing=True)
    last.add(events[2])
    last.add({"what": "end", "episode": "deleted"})
    last.close()
    assert lines_of(tmp_path) == last.events == [events[2], {"what": "end", "episode": "deleted"}]


@pytest.mark.parametrize("fault", [status(503), status(429, Retry_After="1"), slow(0.4)])
def test_all_tries_of_a_call_share_its_time(fault):
    with running() as server:
        server.answer = lambda message, path, number: {"answer": {}}
        agent = HttpAgent(server.url("/v1"), Opening(0.6), wait=0.25)
        agent.start()
        server.faults = dict.fromkeys(range(1, 9), fault)
        began = time.monotonic()
        with pytest.raises(Failure) as caught:
            agent.ask("who?")
        agent.close()
    assert time.monotonic() - began < 1.1
    assert caught.value.what in ("hung", "broken")
