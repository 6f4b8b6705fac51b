"""Talking to a program line by line: lines of any length, silence, ends and too much."""

import sys
import time

import pytest

from unlearn_audit.utils.conversation import Conversation, Over, Silence, TooLong
from unlearn_audit.utils.leash import Ended

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="runs programs of POSIX")


@pytest.fixture
def talk(tmp_path):
    opened = []

    def to(code):
        opened.append(Conversation(["sh", "-c", code], tmp_path))
        return opened[-1]

    yield to
    for conversation in opened:
        conversation.end()


def test_what_is_told_comes_back(talk):
    echo = talk("cat")
    for line in (b"\n", b"one\n", b"\xff\x00\n", b"x" * 1_000_000 + b"\n"):
        assert echo.ask(line, 20, 2_000_000) == line
    assert echo.end() == Ended(None, "")


def test_a_line_may_have_just_as_many_bytes(talk):
    echo = talk("cat")
    assert echo.ask(b"123\n", 20, 4) == b"123\n"
    with pytest.raises(TooLong):
        echo.ask(b"1234\n", 20, 4)


def test_silence_is_noticed_in_time(talk):
    started = time.monotonic()
    with pytest.raises(Silence):
        talk("sleep 60").ask(b"well?\n", 0.3, 100)
    assert 0.3 <= time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("exit 3", Ended(3, "")),
        ("read a; echo why >&2; exit 4", Ended(4, "why")),
        ("read a; printf half; exit 0", Ended(0, "")),
        ("kill -9 $$", Ended(137, "")),
    ],
)
def test_how_it_ended(talk, code, ended):
    conversation = talk(code)
    with pytest.raises(Over):
        conversation.ask(b"well?\n", 20, 100)
    assert conversation.end(5) == ended
    with pytest.raises(Over):  # and it stays so
        conversation.ask(b"well?\n", 20, 100)


def test_what_it_said_before_it_ended_is_heard(talk):
    conversation = talk("echo last")
    time.sleep(0.3)
    assert conversation.ask(b"well?\n", 20, 100) == b"last\n"


def test_a_program_that_cannot_be_started(tmp_path):
    (tmp_path / "text").write_text("text")
    (tmp_path / "text").chmod(0o700)
    conversation = Conversation(["./text"], tmp_path)
    with pytest.raises(Over):
        conversation.ask(b"well?\n", 20, 100)
    assert conversation.end(5) == Ended(1, "Exec format error", started=False)
    with pytest.raises(OSError, match="No such file"):
        Conversation(["cat"], tmp_path / "gone")


def test_one_that_talks_without_end_waits(talk, tmp_path):
    loud = talk("yes | tee said")
    assert loud.ask(b"", 20, 100) == b"y\n"
    time.sleep(0.4)
    size = (tmp_path / "said").stat().st_size
    time.sleep(0.3)
    assert 0 < (tmp_path / "said").stat().st_size == size < 1_000_000
