"""A prediction API behind HTTP: JSON goes there, and JSON comes back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.addresses import Address
from unlearn_audit.utils.messages import in_one_line, reason
from unlearn_audit.utils.retrying import PASSING, Passing, closed_after, pause, retry_after
from unlearn_audit.versions.base import Asking, Kind, Records, Replies, Version
from unlearn_audit.versions.json_answers import parsed, replies_in
from unlearn_audit.versions.json_requests import filled, template_of

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 1 << 20
"""Bytes that are read of an answer for each record, and of an answer at least."""

_LONG = 5.0
"""Seconds of a wait that is announced."""


class HttpVersion(Version):
    """One address that answers predictions.

    Parameters
    ----------
    url
        The address.
    asking
        How it is asked.
    """

    batch = 100

    def __init__(self, url: str, asking: Asking) -> None:
        self._address = Address(url, asking.headers, "https://host/v1/predict")
        self.where = self._address.where
        self._asking, self._template = asking, template_of(asking.request)
        self.identity = {
            "url": self.where,
            "query": self._address.query,
            "request": self._template,
            "answers": asking.answers,
        }
        self._client: httpx.Client | None = None

    def ask(self, records: Records) -> Replies:
        """Send one request and return its answers; what fails in passing is tried again."""
        body = json.dumps(filled(self._template, records)).encode()
        content = self._posted(body, records)
        try:
            return replies_in(parsed(content), self._asking.answers, len(records))
        except AuditError as error:
            raise AuditError(f"{self.where} {self._clean(str(error), records)}") from error

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _posted(self, body: bytes, records: Records) -> bytes:
        import httpx

        failures = 0
        while True:
            self._wait_for_turn()
            try:
                return self._once(body, records)
            except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                raise AuditError(f"{self.where} cannot be asked ({reason(error)}); check the address") from error
            except (httpx.RequestError, Passing, RuntimeError) as error:
                self.close()
                failures += 1
                why = self._clean(reason(error) or type(error).__name__, records)
                if isinstance(error, httpx.TimeoutException | RuntimeError):
                    why = f"no answer within {self._asking.timeout:g} seconds"
                asked = error.after if isinstance(error, Passing) else None
                self._pause(failures, why, asked)

    def _pause(self, failures: int, why: str, asked: float | None) -> None:
        """Wait before the next try.

        Raises
        ------
        AuditError
            If there is none, or no time for it.
        """
        asking = self._asking
        if failures >= asking.attempts:
            raise AuditError(
                f"{self.where} failed {failures} times in a row, last with: {why}; the answers so far are kept; run "
                "the command again later to continue"
            )
        wait = max(pause(failures, asking.wait), asked or 0.0)
        if wait > asking.clock.left:
            raise AuditError(
                f"{self.where} asks to wait {wait:.0f} seconds ({why}), longer than the time limit leaves; the answers "
                "so far are kept; run the command again later to continue, or raise --time-limit"
            )
        if wait >= _LONG:
            asking.say(f"{self.where}: {why}; trying again in {wait:.0f} seconds")
        time.sleep(wait)

    def _wait_for_turn(self) -> None:
        clock = self._asking.clock
        if not clock.wait_for_turn():
            raise AuditError(
                f"{self.where} reached the time limit of {clock.time_limit:g} seconds; the answers so far are kept; "
                "run the command again to continue, or raise --time-limit"
            )

    def _once(self, body: bytes, records: Records) -> bytes:
        """Send one request and return the content of its answer."""
        import httpx

        seconds = min(self._asking.timeout, max(self._asking.clock.left, 0.1))
        if self._client is None:
            # a redirection would take the headers, and what is secret in them, to another server
            self._client = httpx.Client(follow_redirects=False)
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self._asking.headers}
        most = MOST_BYTES * (1 + len(records))
        with (
            closed_after(seconds, self._client),
            self._client.stream("POST", self._address.url, content=body, headers=headers, timeout=seconds) as answer,
        ):
            content = bytearray()
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > most:
                    raise AuditError(f"{self.where} sends more than {most:,} bytes for {len(records):,} records")
        self._check(answer, bytes(content), records)
        return bytes(content)

    def _check(self, answer: httpx.Response, content: bytes, records: Records) -> None:
        """Raise unless the status says that this is the answer."""
        status = f"{answer.status_code} {answer.reason_phrase}".strip()
        said = self._clean(in_one_line(content[:2000].decode("utf-8", errors="replace"), 200), records)
        told = f"{status}{f': {said}' if said else ''}"
        if answer.status_code in PASSING:
            raise Passing(told, retry_after(answer.headers.get("retry-after")))
        if answer.is_redirect:
            raise AuditError(f"{self.where} redirects elsewhere ({status}); give the address that it redirects to")
        if answer.status_code in (401, 403):
            raise AuditError(f"{self.where} refuses access ({told}); give the credentials it needs with --header")
        if not answer.is_success:
            raise AuditError(
                f"{self.where} refused the request ({told}); check the address and the request body (--request)"
            )

    def _clean(self, text: str, records: Records) -> str:
        """Return a text without secrets and without values of records."""
        return without_values(self._address.clean(text), records.frame)


class HttpKind(Kind):
    """Addresses of prediction APIs."""

    about = "an address that starts with https:// or http://"

    def takes(self, text: str) -> bool:
        """Return whether a text is such an address."""
        return text.lower().startswith(("http://", "https://"))

    @contextmanager
    def opened(self, text: str, asking: Asking) -> Iterator[Version]:
        """Yield the version; its certificate is checked, and nothing is sent yet."""
        version = HttpVersion(text, asking)
        try:
            yield version
        finally:
            version.close()
