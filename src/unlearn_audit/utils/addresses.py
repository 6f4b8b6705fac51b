"""Addresses of servers on the web, of which parts may be secret."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import scrypt
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import reason

_SHORTEST = 3
"""Characters of a secret that are looked for in texts only if there are more: fewer stand in words by chance."""


class Address:
    """An address, and what is sent along that nobody may read.

    Parameters
    ----------
    url
        The address.
    headers
        Of requests; their values are secret.
    example
        How an address looks.

    Raises
    ------
    AuditError
        If it cannot be read, or holds a password.

    Attributes
    ----------
    url
        As given.
    where
        The same without what may be secret.

    Examples
    --------
    >>> Address("https://host/v1?key=abcd", {}, "https://host").where
    'https://host/v1'
    """

    def __init__(self, url: str, headers: Mapping[str, str], example: str) -> None:
        try:
            parts = urlsplit(url)
            _ = parts.port  # it is read only when it is asked for
        except ValueError as error:
            raise AuditError(f"an address cannot be read ({reason(error)}); write it like {example}") from error
        if parts.username or parts.password:
            raise AuditError(
                "the address holds a user's name or password; give it as --header 'Authorization: env:NAME'"
            )
        if not parts.hostname:
            raise AuditError(f"{url} is not an address of a server; write it like {example}")
        # what follows a question mark may be a key
        self.url, self.where = url, urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
        self._query, self._headers = parts.query, headers

    @property
    def query(self) -> str | None:
        """What tells what follows the question mark from another, and does not say it; None where nothing does."""
        return _hidden(self._query, self.where) if self._query else None

    def clean(self, text: str) -> str:
        """Return a text without the secrets."""
        secrets = {part for of in self._headers.values() for part in (of, *of.split())}
        secrets |= {self._query, *(value for _, value in parse_qsl(self._query))}
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) > _SHORTEST:
                text = text.replace(secret, "(secret)")
        return text


def _hidden(secret: str, salt: str) -> str:
    """Return what tells a secret from another, and from which it takes long to find even a short one by trying."""
    return scrypt(secret.encode(), salt=salt.encode(), n=1 << 14, r=8, p=1, dklen=16).hex()
