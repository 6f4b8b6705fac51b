"""Agents behind addresses: what is tried again and what is not, and which secrets stay secret."""

import time

import httpx
import pytest

from made_servers import drip, drop, garbled, running, slow, status
from unlearn_audit.agents import Document, Failure, Opening, open_agent
from unlearn_audit.agents.http import HttpAgent
from unlearn_audit.agents.messages import most_bytes
from unlearn_audit.errors import AuditError

DOCUMENT = Document("Ada lives in Rome.", "Ada")
SECRET = "s3cret-token"


@pytest.fixture
def server():
    with running() as state:
        state.answer = lambda message, path, number: {"answer": {} if message["call"] == "hello" else message["call"]}
        yield state


def opened(server, timeout=5.0, path="/v1", **headers):
    agent = HttpAgent(server.url(path), Opening(timeout, headers=headers), wait=0.01)
    agent.start()
    return agent


@pytest.fixture
def agent(server):
    found = opened(server)
    yield found
    found.close()


PASSING = [status(500), status(503), status(429, Retry_After="0"), status(502, b"<html>"), drop, garbled]


@pytest.mark.parametrize("fault", PASSING)
def test_a_question_that_fails_in_passing_is_asked_again(server, agent, fault):
    server.faults = {1: fault, 2: fault}
    assert agent.ask("who?").text == "ask"
    assert [message["call"] for _, message in server.requests] == ["hello", "ask", "ask", "ask"]


@pytest.mark.parametrize("fault", [status(500, b"no space"), status(502), drop])
def test_what_may_have_been_done_is_not_done_twice(server, agent, fault):
    server.faults = {1: fault, 2: fault, 3: fault}
    for call in (lambda: agent.ingest(DOCUMENT, False), lambda: agent.delete("Ada"), lambda: agent.ask("who?")):
        if len(server.requests) < 3:
            with pytest.raises(Failure, match="which may have been done or not, and is not tried again") as caught:
                call()
            assert (caught.value.what, caught.value.ended) == ("broken", False)
        else:
            call()
    assert [message["call"] for _, message in server.requests] == ["hello", "ingest", "delete", "ask", "ask"]


@pytest.mark.parametrize("code", [425, 429, 503])
def test_what_a_server_refused_to_do_is_tried_again(server, agent, code):
    server.faults = {1: status(code)}
    agent.ingest(DOCUMENT, False)
    assert [message["call"] for _, message in server.requests] == ["hello", "ingest", "ingest"]


def test_a_server_that_never_recovers_is_given_up(server, agent):
    server.faults = dict.fromkeys(range(1, 20), status(503, b"down for today"))
    with pytest.raises(Failure, match="failed 5 times in a row at 'ask', last with: status 503: down for today"):
        agent.ask("who?")
    assert len(server.requests) == 6


def test_a_server_that_asks_for_a_long_wait_is_not_waited_for(server, agent):
    server.faults = {1: status(429, Retry_After="3600")}
    with pytest.raises(Failure, match="asks to wait 3600 seconds at 'ask'"):
        agent.ask("who?")


@pytest.mark.parametrize("fault", [slow(5), drip])
def test_a_server_that_takes_too_long_hangs_and_is_not_asked_again(server, fault):
    agent = opened(server, timeout=0.4)
    server.faults = {1: fault}
    started = time.monotonic()
    with pytest.raises(Failure, match=r"did not reply to 'ask' within 0\.4 seconds") as caught:
        agent.ask("who?")
    assert time.monotonic() - started < 4
    assert (caught.value.what, caught.value.ended) == ("hung", False)
    assert agent.restart()
    assert agent.ask("who?").text == "ask"
    assert len(server.requests) == 3
    agent.close()


def test_an_error_that_the_agent_tells_is_no_trouble_of_the_server(server, agent):
    server.faults = {1: status(500, b'{"error": "no such person"}')}
    with pytest.raises(Failure, match="failed at 'ask': no such person") as caught:
        agent.ask("who?")
    assert caught.value.what == "raised"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (status(401), "refuses access (status 401); give the credentials it needs with --header"),
        (status(302, Location="/v2"), "redirects elsewhere (status 302); give the address that it redirects to"),
        (status(404, b"nothing here"), "refused 'ask' (status 404: nothing here); check the address"),
        (status(200, b"<html>"), "replied '<html>', which is no JSON"),
        (status(200, b'{"answer": "\xff"}'), "which is no JSON"),
        (status(200), "replied ''"),
        (status(200, b'{"answer": 1}'), "answered 'ask' with a number"),
        (status(200, b" " * (most_bytes("ask") + 1)), "replied to 'ask' with more than 8,388,608 bytes"),
    ],
)
def test_an_answer_of_no_use_is_told_and_the_next_one_is_of_use(server, agent, fault, said):
    server.faults = {1: fault}
    with pytest.raises(Failure) as caught:
        agent.ask("who?")
    assert said in str(caught.value)
    assert (caught.value.what, caught.value.ended) == ("broken", False)
    assert agent.ask("who?").text == "ask"


@pytest.mark.parametrize(
    "answer",
    [
        {"error": f"bad key {SECRET}"},
        f"bad key {SECRET}".encode(),
        {"answer": 1, "error": f"{SECRET} and key=abcd1234"},
        {"error": "what=abcd1234"},
    ],
)
def test_secrets_are_sent_and_never_told(server, answer):
    agent = opened(server, path="/v1?key=abcd1234", Authorization=f"Bearer {SECRET}")
    assert server.headers[0]["Authorization"] == f"Bearer {SECRET}"
    assert server.requests[0][0] == "/v1?key=abcd1234"
    server.answer = lambda message, path, number: answer
    with pytest.raises(Failure, match=r"\(secret\)") as caught:
        agent.ask("who?")
    told = f"{caught.value} {agent.where} {agent.identity}"
    assert SECRET not in told
    assert "abcd1234" not in told
    agent.close()


def test_another_key_is_another_agent(server):
    one, two = (HttpAgent(server.url(f"/v1?key={key}"), Opening()) for key in ("abcd", "efgh"))
    assert one.where == two.where == server.url()
    assert one.identity != two.identity


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://me:secret@host/v1", "holds a user's name or password; give it as --header"),
        ("http:///v1", "is not an address of a server"),
        ("http://[", "an address cannot be read"),
        ("http://127.0.0.1:99999/", "an address cannot be read (Port out of range 0-65535)"),
        ("http://127.0.0.1/\a", "cannot be asked"),
    ],
)
def test_what_is_no_address_is_refused(address, said):
    with pytest.raises(AuditError) as caught, open_agent(address, 1.0):
        pass
    assert said in str(caught.value)
    assert "secret@" not in str(caught.value)


def test_a_server_that_is_not_there_is_tried_and_told():
    with running() as state:
        url = state.url()
    agent = HttpAgent(url, Opening(1.0), wait=0.01)
    with pytest.raises(Failure, match="failed 2 times in a row at 'hello'") as caught:
        agent.start()
    assert caught.value.what == "broken"
    agent.close()
    assert isinstance(caught.value.__cause__.__cause__, httpx.ConnectError)
