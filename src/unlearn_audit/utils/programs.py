"""Programs of the user's as commands: words with names in braces for the files and numbers that they are given."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.leash import run_leashed, why_not_run

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)(\.[A-Za-z]\w*)?\}")

_OF_A_MODEL = re.compile(r"\{(train|query|answers)(\.\w+)?\}")

SUFFIXES = (".parquet", ".csv")
"""In which formats files are laid out for a program; the first unless its name in braces ends with another."""

MODEL_TIMEOUT = 600.0
"""Seconds that one run of a program that is a model may take, unless it is said otherwise."""

_LONGEST_LINE = 500
"""Characters of the last line of standard error that a sentence quotes."""


def is_command(text: str) -> bool:
    """Return whether a text that names a model is a command: it names a file that only programs are given.

    Examples
    --------
    >>> is_command("Rscript model.R {train} {query} {answers}"), is_command("my_models:make")
    (True, False)
    """
    return _OF_A_MODEL.search(text) is not None


@dataclass(frozen=True)
class Program:
    """A program and its arguments.

    Attributes
    ----------
    what
        What messages call its kind, such as "unlearning command".
    words
        The program and its arguments, with the names of what it is given in braces.
    timeout
        Seconds after which it is ended.
    option
        The option that gives it more time.
    folder
        Where it runs.
    """

    what: str
    words: tuple[str, ...]
    timeout: float
    option: str
    folder: Path = field(default_factory=Path.cwd)

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self.words[0]

    @property
    def names(self) -> dict[str, str]:
        """What it is given, as the braces name it, each with the suffix of its file."""
        return names_in(self.words)

    @property
    def file(self) -> str:
        """The name of the first file among its words, else of the program: as in ``Rscript model.R``."""
        for word in self.words:
            with suppress(OSError, ValueError):  # code among the words may be too long for a name
                if (self.folder / word).is_file():
                    return Path(word).name
        return Path(self.words[0]).name

    def digest(self) -> str:
        """Return the digests of the files that it names, as text; what these read and run is not known."""
        digests = []
        for word in self.words:
            with suppress(OSError, ValueError):
                digests.append(sha256((self.folder / word).read_bytes()).hexdigest())
        return " ".join(digests)

    def check(self) -> None:
        """Raise an `AuditError` if it is known that it cannot be run."""
        if (why := why_not_run(self.words[0], self.folder)) is not None:
            raise self.failed(f"cannot be run: {why}; check the command")

    def run(self, given: Mapping[str, str], clean: Callable[[str], str]) -> None:
        """Run it.

        Parameters
        ----------
        given
            What stands in place of each name in braces.
        clean
            Takes values of records out of what it says.

        Raises
        ------
        AuditError
            If it cannot be run, fails, or takes too long.
        """
        words = [_PLACEHOLDER.sub(lambda found: given.get(found[1], found[0]), word) for word in self.words]
        ended = run_leashed(words, self.folder, self.timeout)
        if not ended.started:
            raise self.failed(f"cannot be run ({why_not_run(words[0], self.folder) or ended.said})")
        if ended.code is None:
            raise self.failed(
                f"took more than {self.timeout:g} seconds and was stopped; give it more time with {self.option}"
            )
        if ended.code:
            line = clean(ended.said)[:_LONGEST_LINE]
            raise self.failed(f"ended with exit code {ended.code}{f': {line}' if line else ' and said nothing'}")

    def failed(self, what: str) -> AuditError:
        """Return an error that begins with what this program is."""
        return AuditError(f"{self.what} {self.name} {what}")


def names_in(words: Collection[str]) -> dict[str, str]:
    """Return the names in braces among the words of a command, each with its suffix, `SUFFIXES`'s first by default.

    Examples
    --------
    >>> names_in(["./model.sh", "{train.csv}", "--seed={seed}"])
    {'train': '.csv', 'seed': '.parquet'}
    """
    return {name: suffix or SUFFIXES[0] for word in words for name, suffix in _PLACEHOLDER.findall(word)}


def words_of(
    command: str, what: str, known: Collection[str], needed: Mapping[str, str], example: str
) -> tuple[str, ...]:
    """Return the words of a command whose names in braces are known.

    Parameters
    ----------
    command
        As a shell would be given it.
    what
        What messages call its kind.
    known
        The names that may stand in braces.
    needed
        Those of them that have to, and what each is, as the end of a sentence.
    example
        A program of such a kind.

    Raises
    ------
    AuditError
        If there is no program, or a name in braces is unknown, missing, or has a suffix that is not written.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise AuditError(f"the {what} cannot be read ({error}): {command}") from error
    listed = ", ".join(f"{{{name}}}" for name in known)
    if not words or _PLACEHOLDER.search(words[0]):
        raise AuditError(f"the {what} names no program; write one like '{example} {listed}'")
    names = names_in(words)
    if strays := sorted(names.keys() - {*known}):
        raise AuditError(
            f"the {what} names {{{strays[0]}}}, which is unknown; use some of {listed}, and put code that needs other "
            "braces into a file"
        )
    for name, suffix in names.items():
        if suffix not in SUFFIXES:
            raise AuditError(f"the {what} names {{{name}{suffix}}}; files are written as {' or '.join(SUFFIXES)}")
    for name, why in needed.items():
        if name not in names:
            raise AuditError(f"the {what} names no {{{name}}}, {why}")
    return words
