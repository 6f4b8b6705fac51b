"""Hostile requests to the page of ``unlearn-audit view``: without its token, and with it for what it must not show."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np

from trust.commands import FAST, SIZES, run
from trust.made import Rng, mutated
from trust.tally import Tally
from unlearn_audit.cli.viewer.server import HEADERS, Server
from unlearn_audit.cli.viewer.shelf import Shelf
from unlearn_audit.cli.viewer.site import Site

SECRET = b"nobody outside may read this"

_METHODS = (b"GET", b"GET", b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"BREW")
_UP = (b"..", b"%2e%2e", b"..%2f", b"..%5c", b"%252e%252e", b"%c0%ae%c0%ae", b"....", b"%00", b".", b"", b"\xff", b"~")
_NAMES = (
    b"secret.json", b"private-persons.csv", b"scores.parquet", b".lock", b"unlearn-audit-run.json", b"link.json",
    b"findings.json", b"report.html", b"out/secret.json", b"observations/target.parquet",
)  # fmt: skip
_QUERIES = (
    b"", b"?q=%3Cscript%3E", b"?sort=AUC&order=down", b"?run=../secret&run=0", b"?token=", b"?token=" + b"A" * 43,
    b"?" + b"a=1&" * 300,
)  # fmt: skip


def viewing(n: int, seed: int, folder: Path) -> Tally:
    """Ask a server of a run folder, of a secret next to it and of links to it, ``n`` times; half without the token."""
    tally = Tally("a request to the page of runs")
    top = folder / "runs"
    run("run", *SIZES, *FAST, f"--out={top / 'one'}", store=folder / "store")
    (folder / "secret.json").write_bytes(SECRET)
    (top / "one" / "private-persons.csv").write_bytes(SECRET)
    (top / "one" / "link.json").symlink_to(folder / "secret.json")
    (top / "out").symlink_to(folder)
    rng = np.random.default_rng(seed)
    with Server(Site(Shelf.of(top)), "127.0.0.1", 0).in_background() as server:
        keys = [of.key.encode() for of in Site(Shelf.of(top)).shelf.entries()[0]]
        for _ in range(n):
            known = bool(rng.random() < 0.5)
            asked = _request(server, keys, known, rng)
            answer = _answer(server, asked)
            tally.tried += 1
            if fault := fault_of(answer, known):
                tally.failed.append(f"{fault}: {asked[:200]!r} got {answer[:100]!r}")
    return tally


def _request(server: Server, keys: list[bytes], known: bool, rng: Rng) -> bytes:
    """Return a request, whole or damaged; with the token it is asked under a name that is known."""
    door = server.door
    parts = [_UP[int(i)] for i in rng.integers(len(_UP), size=int(rng.integers(5)))]
    name, start = (
        _pick(_NAMES, rng),
        _pick((b"/", b"/run/", b"//", b"/compare", b"/run/" + _pick(keys, rng) + b"/"), rng),
    )
    target = start + b"/".join([*parts, name] if rng.random() < 0.8 else parts) + _pick(_QUERIES, rng)
    if rng.random() < 0.1:
        target = os.fsencode(Path("/etc/passwd"))
    host = door.address.removeprefix("http://").encode()
    cookie = f"{door.cookie_name}={door.token}".encode()
    if not known:
        cookie = _pick(
            (b"", b"a=b", cookie[:-1], cookie + b"x", cookie.swapcase(), mutated(cookie, [cookie], rng)), rng
        )
        host = _pick((host, b"evil.example", b"localhost", b""), rng)
    head = b"%s %s HTTP/1.1\r\n" % (_pick(_METHODS, rng), target)
    if rng.random() < 0.2:
        head = mutated(head, [target], rng)[:4_000]
    # a damaged cookie can neither end its line nor, by chance, be right
    safe = cookie.replace(b"\r", b"").replace(b"\n", b"")
    if not known and door.knows_cookie([safe.decode("latin-1")]):
        safe = b""
    return head + b"Host: %s\r\nCookie: %s\r\n\r\n" % (host, safe)


def _pick(given: tuple[bytes, ...] | list[bytes], rng: Rng) -> bytes:
    return given[int(rng.integers(len(given)))]


def _answer(server: Server, asked: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.door.port), timeout=60) as stream:
        try:
            stream.sendall(asked)
            stream.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: stream.recv(1 << 16), b""))
        except ConnectionError:  # it hung up on what is no request
            return b""


def fault_of(answer: bytes, known: bool) -> str:
    """Return what is wrong with an answer; nothing where it is as it should be."""
    if SECRET in answer or b"root:" in answer or b"PAR1" in answer:
        return "it showed what it must not"
    if b"Traceback" in answer or b" 500 " in answer[:20]:
        return "a fault"
    if answer == b"" or answer.startswith(b"Open the address"):  # no request, or one of a time before headers
        return ""
    if not known and b" 403 " not in answer[:20]:
        return "it answered without the token"
    head = answer.partition(b"\r\n\r\n")[0]
    missing = [name for name in (*HEADERS, "Content-Security-Policy") if f"\r\n{name}: ".encode() not in head]
    return f"without {missing[0]}" if missing else ""
