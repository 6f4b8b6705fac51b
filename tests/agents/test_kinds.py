"""Which agent a text or an object is, how it is opened, and what is refused."""

import functools
import importlib.metadata
import os
import signal
import sqlite3
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

import made_agents
from made_agents import Odd, Small, Whole
from unlearn_audit.agents import KINDS, REGISTRY, Answer, Document, Failure, Kind, open_agent
from unlearn_audit.errors import AuditError

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="runs programs of POSIX")


def refused(given, **options):
    with pytest.raises(AuditError) as caught, open_agent(given, **options):
        pass
    return str(caught.value)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestTexts:
    def test_one_that_names_nothing_is_told_the_ways(self):
        said = refused("https//host")
        assert said.startswith("https//host names no agent; give one of these: an address that starts with https://")
        assert all(kind.about in said for kind in KINDS.values())

    def test_secrets_are_not_repeated(self):
        assert "hidden" not in refused("ftp://me:hidden@host/?key=hidden")

    def test_a_file_alone_is_told_what_is_in_it(self, folder):
        (folder / "mine.py").write_text(
            "class A:\n    def ask(self): ...\nclass B: ...\nclass C(A):\n    def ask(self): ...\n"
        )
        assert refused("mine.py") == "mine.py names no agent; did you mean mine.py:A or mine.py:C?"
        for text in ("x = 1", "class (", "\0"):
            (folder / "mine.py").write_text(text)
            assert "mine.py names no agent" in refused("mine.py")

    @pytest.mark.parametrize(
        ("content", "name", "said"),
        [
            ("class Agent: ...", "Agnt", "the module has no 'Agnt'; did you mean Agent?"),
            ("class Agent: ...", "Agent", "is a Agent without reset and ingest and ask and delete"),
            ("raise ValueError('no key')", "Agent", "cannot be imported (ValueError: no key, at mine.py:1)"),
            ("class Agent:\n    def __init__(self): 1 / 0", "Agent", "raised when it was made (ZeroDivisionError"),
            ("def make(key): ...", "make", "raised when it was made (TypeError"),
            ("agent = 3", "agent", "is a int without reset"),
        ],
    )
    def test_an_object_that_is_no_agent_is_told_from_its_own_process(self, folder, content, name, said):
        (folder / "mine.py").write_text(content)
        assert said in refused(f"mine.py:{name}")

    def test_a_file_that_is_missing(self, folder):
        assert refused("mine.py:Agent") == "agent mine.py:Agent: there is no file mine.py; check its path"

    def test_headers_are_for_addresses(self):
        said = refused("mine.py:Agent", headers={"Authorization": "hidden"})
        assert "headers are for an agent at an address" in said
        assert "hidden" not in said

    @pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
    def test_times_are_above_zero(self, seconds):
        assert "give a number of seconds above 0" in refused(Small, timeout=seconds)
        assert "give a number of seconds above 0" in refused(Small, start_timeout=seconds)

    @POSIX
    def test_a_file_in_a_folder_may_import_its_neighbours_and_cannot_replace_a_module_of_python(self, folder):
        (folder / "sub").mkdir()
        (folder / "json.py").write_text("raise ValueError('not me')")
        (folder / "sub" / "neighbour.py").write_text("SAID = 'by the neighbour'")
        (folder / "sub" / "mine.py").write_text(
            "import neighbour\n"
            "class Mine:\n"
            "    def reset(self): ...\n"
            "    def ingest(self, document, train=False): ...\n"
            "    def ask(self, prompt, session=None): return neighbour.SAID\n"
            "    def delete(self, person): return False\n"
            "mine = Mine()\n"
        )
        identities = []
        for name in ("Mine", "mine", "Mine"):
            with open_agent(f"sub/mine.py:{name}") as agent:
                assert agent.ask("who?") == Answer("by the neighbour")
                assert agent.delete("Ada") is False
                assert agent.where == f"mine.py:{name}"
                identities.append(agent.identity)
        assert identities[0] == identities[2] != identities[1]
        (folder / "sub" / "mine.py").write_text((folder / "sub" / "mine.py").read_text() + "# changed\n")
        with open_agent("sub/mine.py:Mine") as agent:
            assert agent.identity != identities[0]

    @POSIX
    def test_a_module_is_found_in_the_folder_that_it_is_run_in(self, folder):
        (folder / "a_module_of_mine.py").write_text("from made_agents import Small as Agent\n")
        (folder / "made_agents.py").write_text(Path(made_agents.__file__).read_text())
        identities = []
        for change in ("", "# changed\n"):
            with (folder / "a_module_of_mine.py").open("a") as file:
                file.write(change)
            with open_agent("a_module_of_mine:Agent") as agent:
                assert agent.where == "a_module_of_mine:Agent"
                assert agent.ask("who?") == Answer("")
                identities.append(agent.identity)
        assert identities[0] != identities[1]


class InOneThread(Small):
    """An agent whose library insists on one thread."""

    def __init__(self):
        self.connection = sqlite3.connect(":memory:")
        super().__init__()

    def ask(self, prompt, session=None):
        return str(self.connection.execute("select 41 + 1").fetchone()[0])

    def __del__(self):
        self.connection.close()


class TestObjects:
    @pytest.mark.parametrize("given", [Small, Small(), lambda: Small(), functools.partial(Small)])
    def test_a_class_an_instance_and_a_function_that_makes_one(self, given):
        with open_agent(given) as agent:
            agent.ingest(Document("Ada lives in Rome.", "Ada"), False)
            assert agent.ask("who?") == Answer("Ada lives in Rome.")

    def test_an_opened_agent_is_itself(self):
        with open_agent(Small) as agent, open_agent(agent) as again:
            assert again is agent

    def test_all_calls_come_from_the_thread_that_makes_it(self):
        with open_agent(InOneThread) as agent:
            assert agent.ask("who?") == Answer("42")

    def test_its_thread_ends_with_it(self):
        with open_agent(Small) as agent:
            (thread,) = [of for of in threading.enumerate() if of.name == f"agent {agent.where}"]
        thread.join(5)
        assert not thread.is_alive()

    def test_no_agent_is_refused(self):
        assert "is a int without reset and ingest and ask and delete" in refused(3)
        assert "raised when it was made (ZeroDivisionError: division by zero" in refused(lambda: 1 / 0)

    def test_one_that_is_not_made_in_time_is_refused(self):
        said = refused(lambda: time.sleep(20), start_timeout=0.2)
        assert "did not return from the call that makes it within 0.2 seconds, and may still be busy" in said
        assert "name it as file.py:Class" in said

    def test_the_same_class_is_the_same_agent_and_what_may_differ_is_another(self):
        def identity(given):
            with open_agent(given) as agent:
                return agent.identity

        class Local(Small): ...

        assert identity(Small) == identity(Small) != identity(Whole)
        assert identity(Local) != identity(Local)
        assert identity(Small()) != identity(Small())
        assert identity(lambda: Small()) != identity(lambda: Small())

    def test_values_of_other_libraries_are_read(self):
        class Numpy(Small):
            def delete(self, person):
                return np.bool_(False)

            def log_probabilities(self, prompt, continuations):
                return np.full(len(continuations), -1, dtype=np.float32)

            def ask(self, prompt, session=None):
                return Answer("x", {"y": np.float32(-0.5)})

            def memory_dump(self):
                return (np.str_("a text"),)

        with open_agent(Numpy) as agent:
            assert agent.delete("Ada") is False
            assert agent.log_probabilities("x", ["a", "b"]) == [-1.0, -1.0]
            assert agent.ask("who?") == Answer("x", {"y": -0.5})
            assert [item.text for item in agent.memory_dump()] == ["a text"]

    def test_what_json_has_not_is_told(self):
        class Strange(Small):
            async def ask(self, prompt, session=None):
                return "later"

            def delete(self, person):
                return {1, 2}

        with open_agent(Strange) as agent:
            with pytest.raises(Failure, match="answered 'ask' with a coroutine; let the method await it") as caught:
                agent.ask("who?")
            assert caught.value.what == "broken"
            with pytest.raises(Failure, match=r"answered 'delete' with a set.*, at test_kinds\.py:\d+"):
                agent.delete("Ada")


@POSIX
@pytest.mark.parametrize("given", [Odd, f"{made_agents.__file__}:Odd"])
def test_after_an_interrupt_no_late_reply_is_taken_for_another(given):
    # a process that was started in the background ignores interrupts
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGINT, before)
        agent = stack.enter_context(open_agent(given, 20))
        timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            agent.ask("hang")
        with pytest.raises(Failure, match=r"may still be busy|is not running") as caught:
            agent.ask("empty")
        assert caught.value.ended
        timer.join()


def test_a_failure_in_the_block_stays_one():
    with pytest.raises(Failure), open_agent(Odd) as agent:
        agent.ask("raise")


class WordKind(Kind):
    about = "the word small"

    def takes(self, text):
        return text == "small"

    @contextmanager
    def opened(self, text, opening):
        with open_agent(Small, opening.timeout) as agent:
            yield agent


def test_a_kind_of_another_package_is_found_by_its_entry_point(monkeypatch):
    package = type(sys)("word_package")
    package.WordKind = WordKind
    monkeypatch.setitem(sys.modules, "word_package", package)
    point = importlib.metadata.EntryPoint("word", "word_package:WordKind", "unlearn_audit.agents")
    monkeypatch.setattr("unlearn_audit.utils.registry.installed", lambda group: {"word": point})
    assert "word" in REGISTRY.names
    with open_agent("small") as agent:
        assert agent.where == "made_agents:Small"
    package.WordKind = 3
    point = importlib.metadata.EntryPoint("number", "word_package:WordKind", "unlearn_audit.agents")
    monkeypatch.setattr("unlearn_audit.utils.registry.installed", lambda group: {"number": point})
    assert "kind of agent number is not a unlearn_audit.agents.base.Kind" in refused("small")
