"""The user's own method in any language: a program that reads the original and the records, and writes what is left."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError
from unlearn_audit.models.fingerprint import Fingerprint
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.exchange import FILES, FORGET, ORIGINAL, QUERY, RETAIN, UNLEARNED, Exchange
from unlearn_audit.unlearning.forgetting import Forgetting, Update, made_by
from unlearn_audit.unlearning.options import Options
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.utils.leash import run_leashed, why_not_run
from unlearn_audit.worlds.design import Request

SEED = "seed"
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")

_LONGEST_LINE = 500
"""Characters of the last line of standard error that a sentence quotes."""


@dataclass(frozen=True)
class OwnCommand(Forgetting):
    """Runs a program for each request.

    Attributes
    ----------
    words
        The program and its arguments, with the names of files in braces.
    timeout
        Seconds after which it is ended.
    folder
        Where it runs.
    exchange
        The files of the original, where several requests share them.
    """

    words: tuple[str, ...]
    # how long it may take, and where it runs, change no result
    timeout: float = field(repr=False)
    folder: Path = field(default_factory=Path.cwd, repr=False)
    exchange: Exchange | None = field(default=None, repr=False, compare=False)

    unknown_draws: ClassVar[bool] = True

    @property
    def names(self) -> set[str]:
        """What the program is given, as the braces name it."""
        return {name for word in self.words for name in _PLACEHOLDER.findall(word)}

    def unlearn_many(self, original: Trained, requests: Sequence[Request], seeds: Sequence[int]) -> Iterator[Trained]:
        """Yield the unlearned model of each request; the files of the original are made once, and copied."""
        with Exchange.opened(original, self.names) as exchange:
            sharing = replace(self, exchange=exchange)
            for request, seed in zip(requests, seeds, strict=True):
                yield sharing.unlearn(original, request, seed)

    def unlearn(self, original: Trained, request: Request, seed: int) -> Trained:
        """Return the model after a request; where it answers wrongly later, messages say who made it."""
        return made_by(super().unlearn(original, request, seed), self.words[0])

    def forget(self, original: Trained, update: Update) -> Any:
        """Return the model that the program wrote.

        Raises
        ------
        AuditError
            If it fails, takes too long, or writes something that cannot stand in for the original.
        """
        opened: AbstractContextManager[Exchange] = (
            Exchange.opened(original, self.names) if self.exchange is None else nullcontext(self.exchange)
        )
        with opened as of_all, of_all.for_one_request() as exchange:
            if not exchange.is_network and not self.names & {ORIGINAL, QUERY}:
                raise self._failed(
                    f"is given no records to answer for, and {original.source.name} is no network whose weights it "
                    f"could write; name {{{ORIGINAL}}} or {{{QUERY}}} in it"
                )
            for name, positions in ((FORGET, update.forget), (RETAIN, update.retain)):
                if name in self.names:
                    exchange.write_records(name, positions)
            self._run(exchange, update.seed)
            try:
                return exchange.read()
            except AuditError as error:
                raise self._failed(without_values(str(error), original.data.X)) from error

    def _run(self, exchange: Exchange, seed: int) -> None:
        given = {name: str(exchange.path(name)) for name in FILES} | {SEED: str(seed)}
        words = [_PLACEHOLDER.sub(lambda found: given[found[1]], word) for word in self.words]
        ended = run_leashed(words, self.folder, self.timeout)
        if not ended.started:
            raise self._failed(f"cannot be run ({why_not_run(words[0], self.folder) or ended.said})")
        if ended.code is None:
            raise self._failed(
                f"took more than {self.timeout:g} seconds and was ended; give it more time with --unlearning-timeout"
            )
        if ended.code:
            line = without_values(ended.said, exchange.data.X)[:_LONGEST_LINE]
            raise self._failed(f"ended with exit code {ended.code}{f': {line}' if line else ' and said nothing'}")

    def _failed(self, what: str) -> AuditError:
        return AuditError(f"unlearning command {self.words[0]} {what}")


class CommandOptions(Options):
    """What can be set of a command of the user's."""

    keeps_accuracy = False

    command: str = Field(description="a program of your own, and what it is given")
    timeout: float = Field(default=600.0, gt=0, le=31_536_000, description="seconds after which it is ended")

    @property
    def words(self) -> tuple[str, ...]:
        """The program and its arguments.

        Raises
        ------
        AuditError
            If there is none, or a name in braces is unknown or missing.
        """
        try:
            words = tuple(shlex.split(self.command))
        except ValueError as error:
            raise AuditError(f"the unlearning command cannot be read ({error}): {self.command}") from error
        names = {name for word in words for name in _PLACEHOLDER.findall(word)}
        known = ", ".join(f"{{{name}}}" for name in (*FILES, SEED))
        if not words or _PLACEHOLDER.search(words[0]):
            raise AuditError(f"the unlearning command names no program; write one like './forget.sh {known}'")
        if strays := sorted(names - {*FILES, SEED}):
            raise AuditError(
                f"the unlearning command names {{{strays[0]}}}, which is unknown; use some of {known}, and put code "
                "that needs other braces into a file"
            )
        if UNLEARNED not in names:
            raise AuditError(f"the unlearning command names no {{{UNLEARNED}}}, to which it has to write the model")
        return words

    def code(self) -> Fingerprint | None:
        """Return the digests of the files that the command names; what these run is unknown."""
        digests, program = [], Path(self.words[0]).name
        for word in self.words:
            with suppress(OSError, ValueError):
                digests.append(sha256(Path(word).read_bytes()).hexdigest())
        return Fingerprint(" ".join(digests), (f"the unlearning command {program} runs what cannot be followed",))

    def unlearner(self, retrain: Retrain) -> OwnCommand:
        """Return the method.

        Raises
        ------
        AuditError
            If the program is not there.
        """
        words = self.words
        try:
            folder = Path.cwd()
        except OSError as error:
            raise AuditError(
                f"unlearning command {words[0]} cannot be run: the working folder is gone; start again in another one"
            ) from error
        if (why := why_not_run(words[0], folder)) is not None:
            raise AuditError(f"unlearning command {words[0]} cannot be run: {why}; check the command")
        return OwnCommand(retrain.regime, retrain, words, self.timeout, folder)
