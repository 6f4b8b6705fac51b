"""The same little agents in Python, in a file, as a program and behind an address: what calls give, how they fail."""

import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import made_agents
from made_agents import Odd, Small, Whole
from made_servers import running
from unlearn_audit.agents import OPTIONAL, Answer, Document, Failure, Item, open_agent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="runs programs of POSIX")

FILE = Path(made_agents.__file__)
TIMEOUT = 5.0


@contextmanager
def behind_an_address(of, timeout=TIMEOUT):
    with running() as server:
        agent = of()
        server.answer = lambda message, path, number: made_agents.replied(agent, message)
        with open_agent(server.url(), timeout) as opened:
            yield opened


OPENED = {
    "object": lambda of, timeout=TIMEOUT: open_agent(of, timeout),
    "file": lambda of, timeout=TIMEOUT: open_agent(f"{FILE}:{of.__name__}", timeout),
    "program": lambda of, timeout=TIMEOUT: open_agent(f"{sys.executable} -S {FILE} {of.__name__}", timeout),
    "address": behind_an_address,
}

PROCESSES = ("file", "program")


@pytest.fixture(params=OPENED)
def kind(request):
    return request.param


@pytest.fixture(scope="module", params=OPENED)
def odd(request):
    """One agent for many calls, none of which ends it."""
    with OPENED[request.param](Odd) as agent:
        yield agent


def failure(agent, prompt):
    with pytest.raises(Failure) as caught:
        agent.ask(prompt)
    return caught.value


def test_every_call_of_an_agent_that_has_them_all(kind):
    with OPENED[kind](Whole) as agent:
        assert agent.offers == set(OPTIONAL)
        assert agent.asking_changes_nothing
        agent.reset()
        agent.ingest(Document("Ada lives in Rome.", "Ada"), False)
        agent.ingest(Document("Rome is known for pines."), True)
        assert agent.ask("who?") == Answer("Ada lives in Rome. | Rome is known for pines.")
        assert agent.ask("one", "s").text.count("|") == 1
        assert agent.ask("two", "s").text.endswith("| one")
        assert agent.ask("two", "t").text.count("|") == 1
        assert agent.ask("odds") == Answer("Rome", {"Rome": -0.5, "Oslo": -1.0})
        assert agent.memory_dump() == [
            Item("Ada lives in Rome.", "0", "Ada"),
            Item("Rome is known for pines.", "1"),
            Item("a summary"),
        ]
        assert agent.log_probabilities("Ada is", [" b", " cd"]) == [-0.8, -0.9]
        agent.set_memory(False)
        agent.cycle()
        assert agent.ask("how").text == "memory False, cycles 1, trained [False, True]"
        assert agent.delete("Ada") is None
        assert agent.delete("Ada") == "nobody is called Ada"
        agent.reset()
        assert agent.ask("who?") == Answer("")


def test_an_agent_with_what_every_agent_has_offers_nothing_more(kind):
    with OPENED[kind](Small) as agent:
        assert agent.offers == frozenset()
        assert not agent.asking_changes_nothing
        with pytest.raises(ValueError, match="offers no cycle; give it one, or leave out what needs it"):
            agent.cycle()
        agent.ingest(Document("Ada lives in Rome.", "Ada"), True)
        assert agent.ask("who?") == Answer("Ada lives in Rome.")


def test_what_an_agent_is_called_holds_no_folder(kind):
    with OPENED[kind](Small) as agent:
        assert str(FILE.parent) not in agent.where
        interpreter = Path(sys.executable).name
        names = {"object": "made_agents:Small", "file": "made_agents.py:Small", "program": interpreter}
        assert agent.where == names.get(kind, agent.where)


@pytest.mark.parametrize(
    ("prompt", "what", "said"),
    [
        ("raise", "raised", "failed at 'ask': KeyError: 'nothing there'"),
        ("leave", "raised", "failed at 'ask': SystemExit: 3"),
        ("escape", "raised", r"failed at 'ask': ValueError: \u001b[2J cleared"),
        ("number", "broken", "answered 'ask' with a number; answer with a text"),
        ("nothing", "broken", "answered 'ask' with nothing; answer with a text"),
        ("huge", "broken", "with a text of 1,048,577 characters; answer with 1,048,576 at most"),
        ("nan", "broken", "answered 'ask' with nan as a log-probability; give natural logarithms"),
    ],
)
def test_an_answer_of_no_use_is_told_and_the_next_one_is_of_use(odd, prompt, what, said):
    found = failure(odd, prompt)
    assert (found.what, found.ended) == (what, False)
    assert str(found).startswith(f"agent {odd.where} ")
    assert said in str(found)
    assert str(found).isprintable()
    assert odd.ask("empty") == Answer("")


@pytest.mark.parametrize("prompt", ["few", "positive", "text", "nan", "none"])
def test_log_probabilities_that_are_none(odd, prompt):
    with pytest.raises(Failure, match=r"log-probabilit|list of numbers") as caught:
        odd.log_probabilities(prompt, ["a", "b"])
    assert caught.value.what == "broken"


def test_a_memory_without_texts(odd):
    with pytest.raises(Failure, match="answered 'memory_dump' with nothing; answer with a list of texts") as caught:
        odd.memory_dump()
    assert caught.value.what == "broken"


def test_half_a_character_is_replaced(odd):
    assert odd.ask("half").text == "half \ufffd of a pair, 😀 and a whole one"


@pytest.mark.parametrize("kind", ["object", "file"])
def test_an_error_in_python_is_told_with_its_place(kind):
    line = next(n for n, text in enumerate(FILE.read_text().splitlines(), 1) if '["nothing there"]' in text)
    with OPENED[kind](Odd) as agent:
        assert f", at made_agents.py:{line}" in str(failure(agent, "raise"))


def test_a_call_that_hangs_ends_in_time(kind):
    with OPENED[kind](Odd, 0.8) as agent:
        agent.ingest(Document("Ada lives in Rome.", "Ada"), False)
        started = time.monotonic()
        found = failure(agent, "hang")
        assert 0.8 <= time.monotonic() - started < 10
        assert found.what == "hung"
        assert "within 0.8 seconds" in str(found)
        assert found.ended == (kind != "address")
        if kind != "address":
            assert (failure(agent, "empty").what, failure(agent, "empty").ended) == ("hung", True)
        assert agent.restart() == (kind != "object")
        if kind == "object":
            assert failure(agent, "empty").what == "hung"
        else:  # a process that is started anew knows nothing, and a server lost nothing
            assert agent.ask("who?").text == ("Ada lives in Rome." if kind == "address" else "")


@pytest.mark.parametrize("kind", PROCESSES)
def test_what_hangs_is_ended_with_all_that_it_started(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with OPENED[kind](Odd, 1.0) as agent:
        assert failure(agent, "hang_on").what == "hung"
        beat = (tmp_path / "beat").read_text()
        time.sleep(0.4)
        assert (tmp_path / "beat").read_text() == beat


@pytest.mark.parametrize("kind", PROCESSES)
def test_a_process_that_ends_in_the_middle_is_told_with_its_last_words(kind):
    with OPENED[kind](Odd) as agent:
        found = failure(agent, "exit")
        assert (found.what, found.ended) == ("broken", True)
        assert str(found).endswith("ended at 'ask' with exit code 7; the last line on its standard error was: good bye")
        assert failure(agent, "empty").what == "broken"
        assert agent.restart()
        assert agent.ask("empty") == Answer("")


def test_what_python_prints_is_no_reply(capfd):
    with OPENED["file"](Odd) as agent:
        assert agent.ask("print") == Answer("said")
        assert agent.ask("read") == Answer("")  # nor does it read a message
        assert agent.ask("empty") == Answer("")
    assert capfd.readouterr() == ("", "")


def test_what_a_program_prints_ends_it():
    with OPENED["program"](Odd) as agent:
        # as it happens to look like a reply, the next line is the one that is none
        assert agent.ask("print") == Answer("printed")
        found = failure(agent, "empty")
        assert (found.what, found.ended) == ("broken", True)
        assert "replied 'printed by a program', which is no JSON" in str(found)
        assert "print nothing else" in str(found)
