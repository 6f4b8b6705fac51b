from __future__ import annotations

import contextlib
import http.server
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from made_servers import in_background


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with nothing in it, which is also the default one."""
    folder = tmp_path / "data"
    monkeypatch.setenv("UNLEARN_AUDIT_DATA", str(folder))
    return folder


@dataclass
class Script:
    """What the server holds and how it behaves; each request takes the next entry of the lists."""

    files: dict[str, bytes] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    cut_after: list[int] = field(default_factory=list)  # bytes sent before the connection drops
    ranges: bool = True
    wrong_start: list[int] = field(default_factory=list)
    length: bool = True
    endless: bool = False  # whether the content is sent over and over, without a length
    slow: float = 0.0  # seconds before each byte, those of the headers included
    asked: list[tuple[str, str | None]] = field(default_factory=list)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    script: Script

    def do_GET(self) -> None:
        script, wanted = self.script, self.headers.get("Range")
        script.asked.append((self.path, wanted))
        content = script.files.get(self.path.lstrip("/"))
        if script.slow:
            self._trickle(b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n" + (content or b""))
            return
        if script.endless:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(content)
        if script.statuses and (status := script.statuses.pop(0)) != 200:
            self.send_error(status)
            return
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and script.ranges else 0
        if start >= len(content) and wanted and script.ranges:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        told = script.wrong_start.pop(0) if script.wrong_start and start else start
        body = content[told:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {told}-{len(content) - 1}/{len(content)}")
        if script.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: script.cut_after.pop(0)] if script.cut_after else body)

    def _trickle(self, content: bytes) -> None:
        with contextlib.suppress(OSError):
            for byte in content:
                time.sleep(self.script.slow)
                self.wfile.write(bytes([byte]))

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of tests clean."""


@dataclass
class Server:
    script: Script
    url: str


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    script = Script()
    handler = type("Handler", (_Handler,), {"script": script})
    with in_background(handler) as httpd:
        yield Server(script, f"http://127.0.0.1:{httpd.server_port}")
