"""The local page of runs: nothing without its token, nothing outside its folder, no file of an unknown type."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from urllib.parse import quote, urlencode

import pytest

from made_runs import make_rows, make_run
from unlearn_audit.cli.viewer import server as serving
from unlearn_audit.cli.viewer.door import Door, check_loopback
from unlearn_audit.cli.viewer.server import HEADERS, REFUSED, Server
from unlearn_audit.cli.viewer.shelf import Shelf
from unlearn_audit.cli.viewer.site import Site
from unlearn_audit.errors import AuditError

HOSTILE = "<script>alert('x')</script>\"'&\u202e\u05d0"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of runs, of damaged ones and of what is none, with a secret beside it."""
    above = tmp_path_factory.mktemp("above")
    (above / "secret.json").write_text('"secret of another folder"')
    top = above / "runs"
    make_run(top / "one")
    make_run(top / "deep" / "er" / "two", make_rows(strength=0.2, noise=1), model="mlp")
    make_run(top / f"three {HOSTILE}".replace("/", "-"), dataset=HOSTILE + "z" * 10_000, model=HOSTILE)
    (top / "one" / "private-persons.csv").write_text("person\nAda\n")
    (top / "one" / ".hidden.json").write_text("hidden")
    shutil.copytree(top / "one", top / "damaged")
    (top / "damaged" / "findings.json").write_text("[" * 100_000)
    shutil.copytree(top / "one", top / "huge")
    (top / "huge" / "unlearn-audit-manifest.json").unlink()
    (top / "huge" / "findings.json").write_text('{"schema": 1e999, "x": ' + "9" * 5_000 + "}")
    (top / "foreign").mkdir()
    (top / "foreign" / "notes.txt").write_text("mine")
    shutil.copytree(top / "one", top / "begun")
    (top / "begun" / "findings.json").unlink()
    if sys.platform != "win32":
        shutil.copytree(top / "one", top / "linked")
        (top / "linked" / "report.html").unlink()
        (top / "linked" / "report.html").symlink_to(above / "secret.json")
        (top / "one" / "escape.json").symlink_to(above / "secret.json")
        (top / "outside").symlink_to(above)
        shutil.copytree(top / "one", top / "piped", symlinks=True)
        (top / "piped" / "findings.json").unlink()
        os.mkfifo(top / "piped" / "findings.json")
    return top


def serving_of(folder):
    return Server(Site(Shelf.of(folder)), "127.0.0.1", 0).in_background()


@pytest.fixture(scope="module")
def server(runs):
    with serving_of(runs) as found:
        yield found


def ask(server, target="/", method="GET", host=None, cookie=None, **headers):
    """Ask with the token, unless another cookie is given; the host is the server's own, unless another is."""
    door = server.door
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name in [door.address.removeprefix("http://")] if host is None else host:
        connection.putheader("Host", name)
    own = f"{door.cookie_name}={door.token}" if cookie is None else cookie
    if own:
        connection.putheader("Cookie", own)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def text_of(server, target="/"):
    answer, body = ask(server, target)
    assert answer.status == 200, body
    return body.decode()


def keys_of(page):
    return dict(re.findall(r'value="([0-9a-f]{16})" aria-label="Choose ([^"]*)"', page))


def key_of(server, name):
    return next(key for key, of in keys_of(text_of(server)).items() if of == name)


def test_the_token_lets_one_in_once_it_is_a_cookie(server):
    answer, _ = ask(server, f"/?token={server.door.token}", cookie="")
    assert (answer.status, answer.getheader("Location")) == (303, "/")
    assert answer.getheader("Set-Cookie") == server.door.cookie
    assert "HttpOnly; SameSite=Strict" in server.door.cookie
    cookie = answer.getheader("Set-Cookie").partition(";")[0]
    answer, body = ask(server, cookie=f"other=1; {cookie}")
    assert answer.status == 200
    assert server.door.token.encode() not in body


@pytest.mark.parametrize(
    "target",
    ["/", "/?token=", "/?token=x", "/?token=%00%ff", "/compare", "/run/0000000000000000/report.html", "/nothing",
     "/%2e%2e", "/?a=1&b=2&token=3", "*", "http://evil.example/"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_nothing_is_answered_without_the_token(server, target, method):
    for cookie in ("", "x=y", f"{server.door.cookie_name}=", f"{server.door.cookie_name}={server.door.token[:-1]}"):
        answer, body = ask(server, target, method, cookie=cookie)
        assert answer.status == 403
        assert body in (REFUSED.body, b"")
        assert answer.getheader("Set-Cookie") is None


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_the_token_is_taken_by_get_alone(server, method):
    assert ask(server, f"/?token={server.door.token}", method, cookie="")[0].status == 403


@pytest.mark.parametrize(
    "host", [[], ["evil.example"], ["evil.example:80"], ["127.0.0.1"], ["127.0.0.1:1"], ["localhost"], ["", ""]]
)
def test_the_token_is_worth_nothing_under_another_name(server, host):
    assert ask(server, host=host)[0].status == 403
    assert ask(server, host=[server.door.address.removeprefix("http://"), *host][:2] if host else [])[0].status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(server, method):
    assert ask(server, "/", method)[0].status == 405


def test_head_has_the_headers_of_get_and_no_content(server):
    got, body = ask(server)
    head, nothing = ask(server, method="HEAD")
    assert (head.status, nothing) == (200, b"")
    assert head.getheader("Content-Length") == got.getheader("Content-Length") == str(len(body))


def test_every_answer_has_the_strict_headers(server):
    report = f"/run/{key_of(server, 'one')}/report.html"
    for target, cookie in (("/", None), ("/", ""), ("/compare", None), (report, None), ("/nothing", None)):
        answer, _ = ask(server, target, cookie=cookie)
        assert {name: answer.getheader(name) for name in HEADERS} == HEADERS
        policy = answer.getheader("Content-Security-Policy")
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.getheader("Server") is None
        if target == report and cookie is None:
            assert "sandbox allow-scripts" in policy
            assert "allow-same-origin" not in policy


def test_the_list_shows_runs_and_says_what_is_wrong_with_others(server):
    page = text_of(server)
    names = [name for name in keys_of(page).values() if "three" not in name]
    assert sorted(names) == ["deep/er/two", "one"]
    for name, kind in (("damaged", "damaged"), ("huge", "damaged"), ("foreign", "foreign"), ("begun", "unfinished")):
        assert re.search(rf"{name}<small class=\"tag\">{kind}</small>", page), name
    if sys.platform != "win32":
        assert re.search(r"linked<small class=\"tag\">damaged</small>", page)
        assert re.search(r"piped<small class=\"tag\">damaged</small>", page)
        assert "outside" not in page
        assert "escape.json" not in page
    assert "private-persons" not in page
    assert ".hidden" not in page


def test_the_list_is_filtered_and_sorted(server):
    assert list(keys_of(text_of(server, "/?q=MLP")).values()) == ["deep/er/two"]
    assert keys_of(text_of(server, "/?kind=damaged")) == {}
    assert "No folder matches." in text_of(server, "/?" + urlencode({"q": HOSTILE[::-1]}))
    down = [name for name in keys_of(text_of(server, "/?sort=AUC&order=down")).values() if "three" not in name]
    up = [name for name in keys_of(text_of(server, "/?sort=AUC&order=up")).values() if "three" not in name]
    assert (down, up) == (["one", "deep/er/two"], ["deep/er/two", "one"])
    assert 'aria-sort="descending"' in text_of(server, "/?sort=AUC&order=down")
    assert ask(server, "/?sort=__class__&order=x&kind=%00")[0].status == 200
    assert ask(server, "/?" + "&".join(["q=a"] * 500))[0].status == 400


def test_hostile_names_are_escaped(server):
    page = text_of(server)
    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
    assert len(page) < 60_000
    echoed = text_of(server, "/?" + urlencode({"q": '"><script>alert(1)</script>'}))
    assert "<script" not in echoed
    compared = text_of(server, "/compare?" + urlencode({"run": list(keys_of(page))}, doseq=True))
    assert "<script" not in compared
    assert "\u202e" not in compared


def test_chosen_runs_are_compared_as_the_command_does(server, runs):
    keys = [key_of(server, name) for name in ("one", "deep/er/two")]
    page = text_of(server, f"/compare?run={keys[0]}&run={keys[1]}")
    assert "two gives the deletion away less than one" in page
    assert "<svg" in page
    assert 'href="/"' in page
    for query, status in ((f"run={keys[0]}", 400), ("", 400), (f"run={keys[0]}&run=../secret", 404)):
        answer, body = ask(server, f"/compare?{query}")
        assert answer.status == status
        assert b"Traceback" not in body


def test_files_of_a_run_are_shown_as_they_are(server, runs):
    key = key_of(server, "one")
    answer, body = ask(server, f"/run/{key}/findings.json")
    assert answer.getheader("Content-Type") == "application/json"
    assert body == (runs / "one" / "findings.json").read_bytes()
    assert json.loads(body)["dataset"] == "adult"
    assert ask(server, f"/run/{key}/report.html")[1] == b"<!doctype html><title>report</title>"


@pytest.mark.parametrize(
    "name",
    ["scores.parquet", "private-persons.csv", ".hidden.json", ".lock", "unlearn-audit-run.json", "escape.json",
     "unlearn-audit-manifest.json", "nothing.json", "", ".", "..", "../secret.json", "../../secret.json",
     "..%2f..%2fsecret.json", "%2e%2e/%2e%2e/secret.json", "..%5c..%5csecret.json", "%252e%252e%252fsecret.json",
     "findings.json%00.html", "findings.json/", "/findings.json", "findings.json%20", "FINDINGS.JSON",
     "....//secret.json", "findings.json;.html", "report.html%3f", "..;/secret.json", "%c0%ae%c0%ae/secret.json",
     "x" * 5_000 + ".json"],
)  # fmt: skip
def test_nothing_else_is_shown(server, name):
    answer, body = ask(server, f"/run/{key_of(server, 'one')}/{name}")
    assert answer.status in (404, 403)
    assert b"secret of" not in body
    assert b"Ada" not in body


@pytest.mark.parametrize(
    "target",
    ["/../secret.json", "/secret.json", "//secret.json", "/%2e%2e/secret.json", "/run", "/run/", "/run/x/report.html",
     "/run/../../secret.json", "/run/" + "0" * 16 + "/report.html", "/etc/passwd", "/outside/secret.json",
     "/index.html"],
)  # fmt: skip
def test_addresses_are_no_paths(server, runs, target):
    for given in (target, target.replace("/secret", quote(str(runs.parent / "secret")))):
        answer, body = ask(server, given)
        assert answer.status in (404, 403)
        assert b"secret of" not in body


@pytest.mark.parametrize(
    "raw",
    [b"\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1 x\r\n\r\n",
     b"\x16\x03\x01\x00\xff\r\n",
     b"GET /\r\nHost: HOST\r\nCookie: COOKIE\r\n\r\n",
     b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n", b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: \xff\r\nCookie: \xff=\xfe\r\n\r\n", b"G\x00ET / HTTP/1.1\r\n\r\n"],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_request_learns_nothing(server, raw, capfd):
    own = f"{server.door.cookie_name}={server.door.token}".encode()
    raw = raw.replace(b"HOST", server.door.address.removeprefix("http://").encode()).replace(b"COOKIE", own)
    with socket.create_connection(("127.0.0.1", server.door.port), timeout=30) as stream:
        stream.sendall(raw)
        stream.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: stream.recv(65_536), b""))
    assert answer == b"" or answer.endswith(REFUSED.body)
    assert b"Traceback" not in answer
    assert "Traceback" not in capfd.readouterr().err


def test_a_fault_shows_no_traceback(server, monkeypatch, capfd):
    def broken(*_):
        raise RuntimeError("quotes a record")

    monkeypatch.setattr(Site, "answer", broken)
    answer, body = ask(server)
    assert answer.status == 500
    assert b"quotes" not in body
    assert b"Traceback" not in body
    said = capfd.readouterr().err
    assert "was not shown" in said
    assert "Traceback" not in said


def test_a_folder_that_becomes_a_link_is_not_followed(tmp_path):
    if sys.platform == "win32":
        pytest.skip("links need a privilege there")
    from unlearn_audit.cli.viewer.files import open_plain

    top = tmp_path / "runs"
    (top / "a").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "report.html").write_text("outside")
    (top / "a" / "report.html").write_text("inside")
    open_plain(top, top / "a" / "report.html").close()
    shutil.rmtree(top / "a")
    (top / "a").symlink_to(tmp_path / "b")
    for path in (top / "a" / "report.html", tmp_path / "b" / "report.html", top / "nothing"):
        with pytest.raises(FileNotFoundError):
            open_plain(top, path)
    os.mkfifo(top / "pipe.json")
    with pytest.raises(FileNotFoundError):
        open_plain(top, top / "pipe.json")


def test_a_changed_run_is_read_again(tmp_path):
    folder = make_run(tmp_path / "runs" / "one")
    site = Site(Shelf.of(tmp_path / "runs"))
    assert 'class="tag">run<' in site.answer("/", "").body.decode()
    (folder / "report.html").write_text("<script>changed</script>")
    page = site.answer("/", "").body.decode()
    assert 'class="tag">damaged<' in page
    assert "report.html has changed since the run wrote it" in page


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost", "192.168.0.1", "", "127.0.0.1 "])
def test_no_other_address_is_listened_on(host, runs):
    with pytest.raises(AuditError, match=r"only on this machine, so give 127\.0\.0\.1 or ::1"):
        check_loopback(host)
    with pytest.raises(AuditError, match="only on this machine"):
        Server(Site(Shelf.of(runs)), host, 0)


def test_a_ticket_opens_once_and_tokens_differ():
    door = Door("::1", 80)
    assert door.address == "http://[::1]:80"
    assert door.knows_host(["[::1]:80"])
    assert (door.knows_token(door.ticket), door.knows_token(door.ticket), door.knows_token(door.token)) == (
        True,
        False,
        True,
    )
    assert not door.knows_token("\udcff")
    other = Door("::1", 80)
    assert len({door.token, door.ticket, other.token, other.ticket}) == 4
    assert len(door.token) >= 43


def test_tokens_are_compared_in_constant_time(monkeypatch):
    from unlearn_audit.cli.viewer import door as doors

    seen = []
    monkeypatch.setattr(doors.secrets, "compare_digest", lambda *of: seen.append(of) or False)
    door = Door("127.0.0.1", 1)
    assert not door.knows_token(door.token)
    assert not door.knows_cookie([f"{door.cookie_name}={door.token}"])
    assert len(seen) == 3


def test_bad_input_ends_in_a_sentence(command, runs, server):
    for words, said in (
        (["view", runs / "nothing"], "is not a folder"),
        (["view", runs, "--host=0.0.0.0"], "only on this machine"),
        (["view", runs, f"--port={server.door.port}"], "is not available"),
    ):
        done = command(*words, "--no-browser")
        assert done.code == 2
        assert said in done.err
        assert "Traceback" not in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_it_prints_its_address_once_and_ends_at_ctrl_c(runs, environment):
    def as_in_a_terminal():
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    words = [sys.executable, "-m", "unlearn_audit", "view", str(runs), "--no-browser"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True, preexec_fn=as_in_a_terminal
    ) as process:
        url = process.stdout.readline().strip()
        port, token = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})", url).groups()
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
        connection.request("GET", f"/?token={token}")
        assert connection.getresponse().status == 303
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert out == ""
    assert token not in err
    assert "Traceback" not in err


def test_the_browser_gets_the_ticket_and_not_the_token(command, runs, monkeypatch):
    opened, ran = [], threading.Event()
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or ran.set())
    monkeypatch.setattr(serving.Server, "serve_forever", lambda self: ran.wait(10))
    done = command("view", runs)
    assert done.code == 0, done.err
    (url,) = opened
    assert url.partition("?")[0] == done.out.strip().partition("?")[0]
    assert url != done.out.strip()
