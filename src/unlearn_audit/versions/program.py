"""A program of the user's that answers for a file of records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError
from unlearn_audit.models.program.files import content_as, put, read_any_answers
from unlearn_audit.utils.programs import Program, is_command, words_of
from unlearn_audit.utils.temporary import temporary_folder
from unlearn_audit.versions.base import Asking, Kind, Records, Replies, Version

_NEEDED = {"query": "the records to answer for", "answers": "to which it must write its answers"}


class ProgramVersion(Version):
    """A program that is given ``{query}`` and writes ``{answers}``.

    Parameters
    ----------
    command
        The program and its arguments.
    timeout
        Seconds that one run may take.
    """

    batch = 65_536

    def __init__(self, command: str, timeout: float) -> None:
        words = words_of(command, "command", tuple(_NEEDED), _NEEDED, "./answer.sh")
        self._program = Program("command", words, timeout, "--timeout")
        self._program.check()
        self.where = self._program.file
        self.identity = {"command": command, "files": self._program.digest()}

    def ask(self, records: Records) -> Replies:
        """Run the program once and return what it wrote."""
        program, ids = self._program, np.arange(len(records))
        features = records.table.rename_columns(
            [f"feature_{name}" if name == "record" else name for name in records.names]
        )
        table = features.add_column(0, "record", pa.array(ids))
        with temporary_folder() as folder:
            paths = {name: folder / f"{name}{suffix}" for name, suffix in program.names.items()}
            put(paths["query"], content_as(table, paths["query"].suffix))
            program.run({name: str(path) for name, path in paths.items()}, lambda text: self._clean(text, records))
            try:
                classes, found = read_any_answers(folder, ids)
            except AuditError as error:
                raise program.failed(self._clean(str(error), records)) from error
        return Replies(labels=found) if classes is None else Replies(values=found, classes=classes)

    def _clean(self, text: str, records: Records) -> str:
        return without_values(text, records.frame)


class ProgramKind(Kind):
    """Commands that name the files of a query."""

    about = "a program, as './answer.sh {query} {answers}'"

    def takes(self, text: str) -> bool:
        """Return whether a text is such a command."""
        return is_command(text)

    @contextmanager
    def opened(self, text: str, asking: Asking) -> Iterator[Version]:
        """Yield the version."""
        yield ProgramVersion(text, asking.timeout)
