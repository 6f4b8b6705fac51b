"""The server: on an address of this machine alone, read only, with the same headers on every answer."""

from __future__ import annotations

import shutil
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from unlearn_audit.cli.viewer.door import Door, check_loopback
from unlearn_audit.cli.viewer.site import HOME, Answer, Site
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.foreign import raised
from unlearn_audit.utils.streams import say

REFUSED = Answer.text(403, "Open the address that unlearn-audit view printed.")
"""What whoever lacks the token gets, whatever they ask for."""

_READ_ONLY = Answer.text(405, "Runs are only shown here.")
_FAULT = Answer.text(500, "This could not be shown; the terminal says why.")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""On every answer, besides the policy of its content."""

NO_HEADERS = "HTTP/0.9"
"""The version of requests whose answers have none."""

SECONDS = 20
"""After so long without a word from a browser its connection is closed."""


class Server(ThreadingHTTPServer):
    """Answers requests for the pages of a site.

    Attributes
    ----------
    site
        What is shown.
    door
        Who is let in.
    """

    daemon_threads = True

    def __init__(self, site: Site, host: str, port: int) -> None:
        """Listen on an address of this machine alone; port 0 is any that is free.

        Raises
        ------
        AuditError
            If others could reach the address, or the port cannot be had.
        """
        self.address_family = socket.AF_INET6 if ":" in check_loopback(host) else socket.AF_INET
        self.site = site
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            raise AuditError(
                f"port {port} of {host} is not available ({error.strerror}); choose another with --port"
            ) from error
        self.door = Door(host, int(self.server_address[1]))

    def server_bind(self) -> None:
        """Take the port, and ask no resolver what the machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @contextmanager
    def in_background(self) -> Iterator[Server]:
        """Serve in a thread while a block runs."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    timeout = SECONDS

    def do_GET(self) -> None:
        """Answer, if the request may be answered."""
        path, _, query = self.path.partition("?")
        door = self.server.door
        if not door.knows_host(self.headers.get_all("Host", [])) or self.request_version == NO_HEADERS:
            self._send(REFUSED)
        elif door.knows_cookie(self.headers.get_all("Cookie", [])):
            self._send(self._answer(path, query))
        elif self.command == "GET" and path == HOME and _has_token(door, query):
            # the token leaves the address bar, and so history and screenshots
            self._send(Answer.text(303, "Come in."), {"Location": HOME, "Set-Cookie": door.cookie})
        else:
            self._send(REFUSED)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = do_GET

    def _answer(self, path: str, query: str) -> Answer:
        if self.command not in ("GET", "HEAD"):
            return _READ_ONLY
        try:
            return self.server.site.answer(path, query)
        except Exception as error:  # noqa: BLE001 - no error may end in an answer that shows where it was raised
            say(f"{path[:100]!a} was not shown: {raised(error, lambda _: '')}", error=True)
            return _FAULT

    def _send(self, answer: Answer, more: dict[str, str] | None = None) -> None:
        size = answer.size if answer.size >= 0 else len(answer.body)  # type: ignore[arg-type]
        headers = {
            "Content-Type": answer.content_type,
            "Content-Length": str(size),
            "Content-Security-Policy": answer.policy,
            **HEADERS,
            **(more or {}),
        }
        with suppress(OSError):  # the browser went away
            self.send_response_only(answer.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self._send_body(answer)
        if not isinstance(answer.body, bytes):
            answer.body.close()
        self.close_connection = True

    def _send_body(self, answer: Answer) -> None:
        if isinstance(answer.body, bytes):
            self.wfile.write(answer.body)
        else:
            shutil.copyfileobj(answer.body, self.wfile)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse what is no request, in the same words as what lacks the token."""
        self._send(REFUSED)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep no log: addresses can hold the token."""


def _has_token(door: Door, query: str) -> bool:
    try:
        given = parse_qs(query, max_num_fields=2, errors="replace").get("token", [])
    except ValueError:
        return False
    return len(given) == 1 and door.knows_token(given[0])
