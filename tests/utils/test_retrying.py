"""Waiting for servers: turns, time limits, and what they ask for."""

import pytest

from unlearn_audit.utils import retrying
from unlearn_audit.utils.retrying import Clock, pause, retry_after


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def time(monkeypatch):
    made = Time()
    monkeypatch.setattr(retrying, "time", made)
    return made


def test_turns_keep_to_a_rate_however_long_requests_take(time):
    clock, sent = Clock(rate=4.0), []
    for takes in (0.0, 0.1, 1.0, 0.0, 0.0):
        assert clock.wait_for_turn()
        sent.append(time.now - 100)
        time.now += takes
    assert sent == [0.0, 0.25, 0.5, 1.5, 1.75]


def test_no_turn_comes_after_the_time_limit(time):
    clock = Clock(1.0, rate=0.1)
    assert clock.wait_for_turn()
    assert clock.left == 1.0
    assert not clock.wait_for_turn()
    assert (clock.left, time.now) == (0.0, 101.0)


def test_pauses_double_and_end_at_half_a_minute():
    assert [pause(n, 0.5) for n in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert pause(5000, 1.0) == retrying.LONGEST_WAIT


@pytest.mark.parametrize("text", ["-1", "1e3", "tomorrow", "", "²"])
def test_what_is_no_time_to_wait_is_ignored(text):
    assert retry_after(text) is None


def test_a_date_is_a_time_to_wait():
    assert retry_after("Fri, 01 Jan 2100 00:00:00 GMT") > 1e9
