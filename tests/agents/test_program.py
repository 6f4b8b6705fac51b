"""Programs whose lines are no replies, that read nothing, say too much, or outlive the audit."""

import os
import shlex
import signal
import subprocess
import sys
import time

import pytest

from unlearn_audit.agents import Document, Failure, open_agent
from unlearn_audit.agents.messages import most_bytes
from unlearn_audit.errors import AuditError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="runs programs of POSIX")

HELLO = """echo '{"answer": {"offers": []}}'"""


def shell(code):
    """A program that greets, and runs code of a shell then."""
    return f"sh -c {shlex.quote(f'read a; {HELLO}; {code}')}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hello", "replied 'hello', which is no JSON"),
        (r"{\"answer\": \"\377\"}", "which is no JSON"),
        ("[]", "replied '[]'; reply with one line of JSON"),
        ("{}", "replied '{}'; reply with"),
        (r"{\"answer\": 1, \"error\": \"no\"}", 'reply with one line of JSON, {"answer": ...} or {"error": "..."}'),
        ("", "replied ''"),
    ],
)
def test_a_line_that_is_no_reply_ends_the_program(line, said):
    with open_agent(shell(f'read a; printf "{line}\\n"; read a; echo "{{}}"'), 5) as agent:
        for _ in range(2):
            with pytest.raises(Failure) as caught:
                agent.ask("who?")
            assert (caught.value.what, caught.value.ended) == ("broken", True)
            assert said in str(caught.value)


def test_brackets_that_never_close_are_no_json():
    code = "import sys; input(); print('{\"answer\": {}}', flush=True); input(); print('[' * 200_000)"
    with open_agent(f"{sys.executable} -c {shlex.quote(code)}", 5) as agent, pytest.raises(Failure) as caught:
        agent.ask("who?")
    assert caught.value.what == "broken"
    assert len(str(caught.value)) < 600


def test_half_a_line_is_none():
    with open_agent(shell("read a; printf '{\"answer\": 1'"), 5) as agent:
        with pytest.raises(Failure, match=r"ended at 'ask' with exit code 0$") as caught:
            agent.ask("who?")
        assert caught.value.what == "broken"


def test_a_program_that_reads_nothing_is_ended_in_time():
    with open_agent(shell("sleep 60"), 0.5) as agent:
        started = time.monotonic()
        with pytest.raises(Failure, match=r"did not reply to 'ingest' within 0\.5 seconds") as caught:
            agent.ingest(Document("x" * 500_000), False)  # more than a pipe holds
        assert caught.value.what == "hung"
        assert time.monotonic() - started < 4


def test_a_line_without_end_is_cut():
    with open_agent(shell("read a; yes | tr -d '\\n'"), 5) as agent, pytest.raises(Failure) as caught:
        agent.ask("who?")
    assert f"replied to 'ask' with a line of more than {most_bytes('ask'):,} bytes" in str(caught.value)


def test_a_program_that_closes_its_output_has_ended():
    with open_agent(shell("read a; exec 1>&-; sleep 60"), 20) as agent:
        started = time.monotonic()
        with pytest.raises(Failure, match="ended at 'ask'") as caught:
            agent.ask("who?")
        assert caught.value.what == "broken"
        assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("none-such-program --fast", "no program none-such-program is found in PATH; check the command"),
        ("false now", "agent false ended at 'hello' with exit code 1"),
        ("sh -c 'echo first >&2; echo last >&2; exit 4'", "exit code 4; the last line on its standard error was: last"),
        ("echo hello", "agent echo replied 'hello', which is no JSON"),
        ("""sh -c 'echo "{\\"answer\\": 3}"'""", "answered 'hello' with a number; answer with an object"),
        (
            """sh -c 'echo "{\\"answer\\": {\\"offers\\": [\\"fly\\"]}}"'""",
            "offers 'fly'; offer a list of some of set_memory",
        ),
        ("""sh -c 'echo "{\\"error\\": \\"no key\\"}"'""", "failed at 'hello': no key"),
        ("sh -c 'never closed", "cannot be read (No closing quotation)"),
    ],
)
def test_a_program_that_does_not_start(command, said):
    with pytest.raises(AuditError) as caught, open_agent(command, 5):
        pass
    assert said in str(caught.value)


def test_a_program_that_says_nothing_does_not_start():
    with (
        pytest.raises(AuditError, match=r"did not reply to 'hello' within 0\.3 seconds; look why it does not start"),
        open_agent("sleep 60", start_timeout=0.3),
    ):
        pass


def test_a_file_that_is_no_program_is_told_by_the_system(tmp_path):
    (tmp_path / "agent").write_text("text")
    (tmp_path / "agent").chmod(0o700)
    with (
        pytest.raises(AuditError, match=r"since it cannot be run \(Exec format error\)"),
        open_agent(f"{tmp_path}/agent"),
    ):
        pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_program_ends_with_the_audit_however_that_ends(tmp_path, number):
    beats = shell("while :; do date +%N > beat; sleep 0.1; done & read a; read a")
    code = f"""
from unlearn_audit.agents import open_agent
with open_agent({beats!r}) as agent:
    agent.ask("who?")
"""
    started = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    until = time.monotonic() + 60
    while not (tmp_path / "beat").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(started.pid, number)
    started.wait()
    time.sleep(0.3)
    beat = (tmp_path / "beat").read_text()
    time.sleep(0.4)
    assert (tmp_path / "beat").read_text() == beat


def test_a_program_is_told_by_the_files_that_it_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    identities = []
    for answer in ("one", "two"):
        (tmp_path / "agent.sh").write_text(f"read a; {HELLO}; echo '{answer}'")
        with open_agent("sh agent.sh") as agent:
            identities.append(agent.identity)
            assert agent.where == "agent.sh"
    assert identities[0] != identities[1]
