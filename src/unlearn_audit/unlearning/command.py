"""The user's own method in any language: a program that reads the original and the records, and writes what is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError
from unlearn_audit.models.fingerprint import Fingerprint
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.exchange import FILES, FORGET, ORIGINAL, QUERY, RETAIN, UNLEARNED, Exchange
from unlearn_audit.unlearning.forgetting import Forgetting, Update, made_by
from unlearn_audit.unlearning.options import Exactness, Options
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.utils.programs import Program, words_of
from unlearn_audit.worlds.design import Request

_WHAT = "unlearning command"
SEED = "seed"


@dataclass(frozen=True)
class OwnCommand(Forgetting):
    """Runs a program for each request.

    Attributes
    ----------
    words
        The program and its arguments, with the names of files in braces.
    program
        The same with its time limit and the folder where it runs.
    exchange
        The files of the original, where several requests share them.
    """

    words: tuple[str, ...]
    # how long it may take, and where it runs, change no result
    program: Program = field(repr=False)
    exchange: Exchange | None = field(default=None, repr=False, compare=False)

    unknown_draws: ClassVar[bool] = True

    @property
    def names(self) -> dict[str, str]:
        """What the program is given, as the braces name it."""
        return self.program.names

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
            if not exchange.is_network and not self.names.keys() & {ORIGINAL, QUERY}:
                raise self.program.failed(
                    f"is given no records to answer for, and {original.source.name} is not a network whose weights it "
                    f"could write; name {{{ORIGINAL}}} or {{{QUERY}}} in it"
                )
            for name, positions in ((FORGET, update.forget), (RETAIN, update.retain)):
                if name in self.names:
                    exchange.write_records(name, positions)
            self._run(exchange, update.seed)
            try:
                return exchange.read()
            except AuditError as error:
                raise self.program.failed(without_values(str(error), original.data.X)) from error

    def _run(self, exchange: Exchange, seed: int) -> None:
        given = {name: str(exchange.path(name)) for name in FILES} | {SEED: str(seed)}
        self.program.run(given, lambda text: without_values(text, exchange.data.X))


class CommandOptions(Options):
    """What can be set of a command of the user's."""

    exactness = Exactness.UNDECLARED
    keeps_accuracy = False

    command: str = Field(description="your own program, and what it is given")
    timeout: float = Field(default=600.0, gt=0, le=31_536_000, description="seconds after which it is stopped")

    @property
    def words(self) -> tuple[str, ...]:
        """The program and its arguments.

        Raises
        ------
        AuditError
            If there is none, or a name in braces is unknown or missing.
        """
        needed = {UNLEARNED: "to which it must write the model"}
        return words_of(self.command, _WHAT, (*FILES, SEED), needed, "./forget.sh")

    def code(self) -> Fingerprint | None:
        """Return the digests of the files that the command names; what these run is unknown."""
        program = self._program(Path())
        unknown = (f"the unlearning command {Path(program.name).name} runs code that cannot be traced",)
        return Fingerprint(program.digest(), unknown)

    def _program(self, folder: Path) -> Program:
        return Program(_WHAT, self.words, self.timeout, "--unlearning-timeout", folder)

    def unlearner(self, retrain: Retrain) -> OwnCommand:
        """Return the method.

        Raises
        ------
        AuditError
            If the program is not there.
        """
        words = self.words
        try:
            program = self._program(Path.cwd())
        except OSError as error:
            raise AuditError(
                f"unlearning command {words[0]} cannot be run: the working folder no longer exists; start again in "
                "another one"
            ) from error
        program.check()
        return OwnCommand(retrain.regime, retrain, words, program)
