"""An agent behind an address: the same messages are posted there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from unlearn_audit.agents.base import Agent, Failure, Kind, Opening
from unlearn_audit.agents.messages import Unusable, line_of, most_bytes, reply_in
from unlearn_audit.agents.spoken import SpokenAgent
from unlearn_audit.utils.addresses import Address
from unlearn_audit.utils.messages import in_one_line, reason
from unlearn_audit.utils.retrying import PASSING, Passing, closed_after, pause, retry_after

if TYPE_CHECKING:
    import httpx

_ATTEMPTS = 5
_FIRST_ATTEMPTS = 2
"""Of the first call: an address that never worked is probably wrong."""

_NOTHING_DONE = frozenset({425, 429, 503})
"""Answers by which a server says that it did nothing."""

_CHANGING = ("ingest", "delete", "cycle")
"""Calls that may change something else when they are made twice."""


class HttpAgent(SpokenAgent):
    """An address to which messages are posted.

    What fails in passing is tried again, within the time that one call may take; a call that would change something
    twice only where nothing was done.

    Parameters
    ----------
    url
        The address.
    opening
        How it is asked.
    wait
        Seconds before the second try.
    """

    def __init__(self, url: str, opening: Opening, wait: float = 1.0) -> None:
        self._address = Address(url, opening.headers, "https://host/agent")
        super().__init__(self._address.where, {"url": self._address.where, "query": self._address.query})
        self._opening, self._wait = opening, wait
        self._client: httpx.Client | None = None

    def start(self) -> None:
        """Ask what it offers."""
        self._greet()

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def restart(self) -> bool:
        """Return True: a server answers the next call as if nothing had been."""
        self.close()
        return True

    def _reply(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        call, failures = message["call"], 0
        attempts = _FIRST_ATTEMPTS if call == "hello" else _ATTEMPTS
        end = time.monotonic() + self._opening.timeout
        while True:
            try:
                return self._once(message, end - time.monotonic())
            except Passing as error:
                self.close()
                failures += 1
                why = self._address.clean(str(error))
                wait = max(pause(failures, self._wait), error.after or 0.0)
                if failures >= attempts:
                    raise self._broken(f"failed {failures} times in a row at '{call}', last with: {why}") from error
                if wait >= end - time.monotonic():
                    raise self._out_of_time(call, why, error.after) from error
                time.sleep(wait)

    def _out_of_time(self, call: str, why: str, after: float | None) -> Failure:
        """Return the failure of a call for another try of which no time is left."""
        if after is not None and after >= self._opening.timeout:
            return self._broken(f"asks to wait {after:.0f} seconds at '{call}' ({why}); try later")
        seconds = self._opening.timeout
        told = f"did not reply to '{call}' within {seconds:g} seconds ({why}); give it more with --timeout"
        return Failure("hung", self._failed(told))

    def _once(self, message: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
        """Post a message, and return the reply, which may take some seconds.

        Raises
        ------
        Passing
            If another try may have one.
        """
        import httpx

        call, started, seconds = message["call"], time.monotonic(), max(seconds, 1e-3)
        try:
            status, after, content = self._posted(message, seconds)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise self._broken(f"cannot be asked ({reason(error)}); check the address") from error
        except httpx.ConnectError as error:
            raise Passing(reason(error) or "no connection") from error
        except (httpx.RequestError, RuntimeError) as error:
            self.close()
            # a client that was closed in the middle raises many things
            if isinstance(error, httpx.TimeoutException) or time.monotonic() - started >= seconds:
                told = (
                    f"did not reply to '{call}' within {self._opening.timeout:g} seconds; give it more with --timeout"
                )
                raise Failure("hung", self._failed(told)) from error
            return self._not_again(call, self._address.clean(reason(error) or type(error).__name__), error)
        if status < 300:
            return self._cleaned(content)
        return self._refused(call, status, after, content)

    def _posted(self, message: Mapping[str, Any], seconds: float) -> tuple[int, float | None, bytes]:
        """Return status, the seconds to wait that the server asks for, and the body of an answer."""
        import httpx

        if self._client is None:
            # a redirection would take the headers, and what is secret in them, to another server
            self._client = httpx.Client(follow_redirects=False)
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self._opening.headers}
        most, content = most_bytes(message["call"]), bytearray()
        with (
            closed_after(seconds, self._client),
            self._client.stream(
                "POST", self._address.url, content=line_of(message), headers=headers, timeout=seconds
            ) as answer,
        ):
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > most:
                    raise self._broken(f"replied to '{message['call']}' with more than {most:,} bytes")
        return answer.status_code, retry_after(answer.headers.get("retry-after")), bytes(content)

    def _refused(self, call: str, status: int, after: float | None, content: bytes) -> Mapping[str, Any]:
        """Return the error that an answer with a bad status tells, or raise."""
        said = self._address.clean(in_one_line(content[:2000].decode("utf-8", errors="replace"), 200))
        told = f"status {status}{f': {said}' if said else ''}"
        if status in _NOTHING_DONE:
            raise Passing(told, after)
        if status in (401, 403):
            raise self._broken(f"refuses access ({told}); give the credentials it needs with --header")
        if status < 400:
            raise self._broken(f"redirects elsewhere (status {status}); give the address that it redirects to")
        try:
            reply = self._cleaned(content)
        except Unusable:
            reply = {}
        if "error" in reply:
            return reply
        if status in PASSING:
            return self._not_again(call, told, Passing(told, after))
        raise self._broken(f"refused '{call}' ({told}); check the address")

    def _cleaned(self, content: bytes) -> dict[str, Any]:
        """Return a reply of which the error, if it is one, holds no secret."""
        try:
            reply = reply_in(content)
        except Unusable as error:
            raise Unusable(self._address.clean(str(error))) from error
        return {**reply, "error": self._address.clean(str(reply["error"]))} if "error" in reply else reply

    def _not_again(self, call: str, why: str, error: Exception) -> Mapping[str, Any]:
        if call in _CHANGING:
            raise self._broken(
                f"failed at '{call}' ({why}), which may have been done or not, and is not tried again"
            ) from error
        raise error if isinstance(error, Passing) else Passing(why)

    def _broken(self, what: str) -> Failure:
        return Failure("broken", self._failed(what))


class HttpKind(Kind):
    """Addresses."""

    about = "an address that starts with https:// or http://"

    def takes(self, text: str) -> bool:
        """Return whether a text is such an address."""
        return text.lower().startswith(("http://", "https://"))

    @contextmanager
    def opened(self, text: str, opening: Opening) -> Iterator[Agent]:
        """Yield the agent; its certificate is checked."""
        agent = HttpAgent(text, opening)
        try:
            agent.start()
            yield agent
        finally:
            agent.close()
