"""A program of the user's that reads messages on standard input, and replies on standard output, line by line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unlearn_audit.agents.base import Agent, Failure, Kind, Opening, What
from unlearn_audit.agents.messages import Unusable, line_of, most_bytes, reply_in
from unlearn_audit.agents.spoken import SpokenAgent
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.conversation import Conversation, Over, Silence, TooLong
from unlearn_audit.utils.leash import Ended, why_not_run
from unlearn_audit.utils.messages import in_one_line
from unlearn_audit.utils.programs import Program

_SECONDS_TO_END = 1.0
"""In which a program that closed its output may still say how it ended."""


class ProgramAgent(SpokenAgent):
    """A program that runs for as long as it is needed.

    It is killed with all that it started when a call takes too long, when its replies are of no use any more, and when
    this process ends.

    Parameters
    ----------
    program
        The program.
    where, identity
        As of `Agent`.
    opening
        How long it may take.
    """

    def __init__(self, program: Program, where: str, identity: Mapping[str, Any], opening: Opening) -> None:
        super().__init__(where, identity)
        self._program, self._opening = program, opening
        self._conversation: Conversation | None = None
        self._lost: Failure | None = None
        self._waits = False

    def start(self) -> None:
        """Start the program, and ask what it offers.

        Raises
        ------
        Failure
            If it does not start, or does not say so.
        """
        try:
            self._conversation = Conversation(self._program.words, self._program.folder)
        except OSError as error:
            raise self._end("broken", f"cannot be run ({error.strerror})") from error
        self._lost, self._waits = None, False
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the program."""
        if self._conversation is not None:
            self._conversation.end(0.0)
            self._conversation = None

    def restart(self) -> bool:
        """End it and start it anew."""
        self.close()
        self.start()
        return True

    def _reply(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        call = message["call"]
        if self._waits:  # the reply to a call that was interrupted would be taken for that to this one
            self.close()
        if self._conversation is None:
            raise self._lost or Failure("broken", self._failed("is not running; restart it"), ended=True)
        hello = call == "hello"
        seconds = self._opening.start_timeout if hello else self._opening.timeout
        most = most_bytes(call)
        self._waits = True
        try:
            reply = reply_in(self._conversation.ask(line_of(message), seconds, most))
        except Silence as error:
            more = "look why it does not start" if hello else "give it more time with --timeout"
            raise self._end("hung", f"did not reply to '{call}' within {seconds:g} seconds", more) from error
        except Over as error:
            raise self._end("broken", f"ended at '{call}'", seconds=_SECONDS_TO_END) from error
        except TooLong as error:
            raise self._end("broken", f"replied to '{call}' with a line of more than {most:,} bytes") from error
        except Unusable as error:  # which of its lines is the reply to what is not known any more
            raise self._end("broken", str(error)) from error
        self._waits = False
        return reply

    def _end(self, what: What, why: str, then: str = "", seconds: float = 0.0) -> Failure:
        """End the program after some seconds, and return the failure that this call and all later ones raise."""
        if self._conversation is not None:
            ended = self._conversation.end(seconds)
            self._conversation = None
            why += self._told(ended)
        self._lost = Failure(what, self._failed(why + (then and f"; {then}")), ended=True)
        return self._lost

    def _told(self, ended: Ended) -> str:
        if not ended.started:
            return f", since it cannot be run ({why_not_run(self._program.name, self._program.folder) or ended.said})"
        code = f" with exit code {ended.code}" if ended.code is not None else ""
        return f"{code}{f'; the last line on its standard error was: {in_one_line(ended.said)}' if ended.said else ''}"


class ProgramKind(Kind):
    """Commands."""

    about = "a program that replies to lines of JSON, as './agent --fast'"

    def takes(self, text: str) -> bool:
        """Return whether a text has several words, or names a program."""
        try:
            words = shlex.split(text)
        except ValueError:
            return True  # opening it says what is wrong
        return len(words) > 1 or (len(words) == 1 and why_not_run(words[0], Path.cwd()) is None)

    @contextmanager
    def opened(self, text: str, opening: Opening) -> Iterator[Agent]:
        """Yield the agent; its program runs for as long as the block does."""
        try:
            words = tuple(shlex.split(text))
        except ValueError as error:
            raise AuditError(f"the command of the agent cannot be read ({error}): {text}") from error
        program = Program("agent", words, opening.timeout, "--timeout")
        program.check()
        agent = ProgramAgent(program, program.file, {"command": text, "files": program.digest()}, opening)
        try:
            agent.start()
            yield agent
        finally:
            agent.close()
