"""Who is let in: whoever has the token, and asks this machine by its own name."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from unlearn_audit.errors import AuditError

LOOPBACK = ("127.0.0.1", "::1")
"""Addresses that nobody but this machine reaches."""


def check_loopback(host: str) -> str:
    """Return an address of this machine alone.

    Raises
    ------
    AuditError
        If others could reach it, or it is a name, which a resolver may send anywhere.
    """
    if host not in LOOPBACK:
        raise AuditError(f"--host is {host!r}; runs are shown only on this machine, so give {' or '.join(LOOPBACK)}")
    return host


def _token() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Door:
    """Decides whether a request is answered.

    Attributes
    ----------
    host, port
        Where the server listens.
    token
        What a request has to know: 256 random bits.
    ticket
        The same for the browser that is opened, good for one time: other users see the arguments of a process.
    """

    host: str
    port: int
    token: str = field(default_factory=_token)
    ticket: str = field(default_factory=_token)
    _used: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @property
    def address(self) -> str:
        """The server's address, without a slash at its end."""
        return f"http://{self._name(self.host)}:{self.port}"

    @property
    def cookie_name(self) -> str:
        """Cookies are shared by all ports of a machine."""
        return f"unlearn-audit-view-{self.port}"

    @property
    def cookie(self) -> str:
        """What the browser is told to keep: no script reads it, and no other site's page sends it."""
        return f"{self.cookie_name}={self.token}; HttpOnly; SameSite=Strict; Path=/"

    def url(self, token: str) -> str:
        """Return the address that lets one in."""
        return f"{self.address}/?token={token}"

    def knows_host(self, hosts: Sequence[str]) -> bool:
        """Return whether the headers ``Host`` of a request name this server, and nothing that leads to it by DNS."""
        return len(hosts) == 1 and hosts[0].lower() in {
            f"{self._name(self.host)}:{self.port}",
            f"localhost:{self.port}",
        }

    def knows_token(self, given: str) -> bool:
        """Return whether a token is right; in the same time wherever it is wrong. A ticket is right once."""
        if _equal(given, self.token):
            return True
        with self._lock:
            if self._used or not _equal(given, self.ticket):
                return False
            self._used.append(self.ticket)
            return True

    def knows_cookie(self, cookies: Sequence[str]) -> bool:
        """Return whether a header ``Cookie`` of a request holds the token."""
        pairs = (pair.strip().partition("=") for header in cookies for pair in header.split(";"))
        return any(_equal(value, self.token) for name, _, value in pairs if name == self.cookie_name)

    @staticmethod
    def _name(host: str) -> str:
        return f"[{host}]" if ":" in host else host


def _equal(given: str, secret: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())
