"""Files of columns, each read in the same way by every command. A file is data: nothing in it is ever executed.

A further format is one entry of `FORMATS`, with the functions that check and read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.column_formats import FORMATS
from unlearn_audit.utils.csv_format import CSV, dialect
from unlearn_audit.utils.dialects import SAVE_AS_UTF_8
from unlearn_audit.utils.limits import check_stored
from unlearn_audit.utils.messages import reason
from unlearn_audit.utils.signatures import known_suffix
from unlearn_audit.utils.sources import ROWS_AT_ONCE, Format, Source, Wanted, size_of
from unlearn_audit.utils.unpacking import inner_suffix

__all__ = ["FORMATS", "Columns", "Format", "Source", "Wanted", "check_file", "content_of", "read_columns", "suffix_of"]

_NO_UTF_8 = f"is not UTF-8 text; {SAVE_AS_UTF_8}"

_DECIMAL_COMMA = r"^[+-]?\d*,\d+$"


def suffix_of(path: Path, *others: str, advice: str = "") -> str:
    """Return the suffix of a file, in lower case; of a compressed one that of what is in it.

    Parameters
    ----------
    path
        The file.
    others
        Suffixes that are read besides those of `FORMATS`.
    advice
        What else can be given, for the message.

    Raises
    ------
    AuditError
        If it is a folder, or files of that suffix are not read.
    """
    if path.is_dir():
        raise AuditError(f"{path} is a folder; name one file")
    suffix = inner_suffix(path)
    known = tuple(dict.fromkeys((*FORMATS, *others)))
    if suffix not in known:
        not_read = f"{path} is not a {', '.join(known[:-1])} or {known[-1]} file"
        if (found := known_suffix(suffix or path.suffix.lower())) is not None:
            raise AuditError(f"{not_read} but {found[0]}, which is not supported yet; {found[1]}")
        raise AuditError(
            f"{not_read}; other formats (pickles above all, which can run code) are not read; export it to one of "
            f"these{advice}"
        )
    return suffix


_EMPTY = "{} is empty; give a file with rows"


def check_file(path: Path, *, streamed: bool = False) -> None:
    """Raise an `AuditError` unless there is a file and it holds anything, but not more than is read."""
    if not path.is_file():
        raise AuditError(f"no file at {path}; check the path")
    size = path.stat().st_size
    if not size:
        raise AuditError(_EMPTY.format(path))
    check_stored(path, size, streamed=streamed)


def content_of(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    AuditError
        If there is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise AuditError(f"no file at {path}; check the path")
    try:
        check_stored(path, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise AuditError(f"{path} cannot be read ({reason(error)}); check its permissions") from error


def read_columns(
    path: Path,
    texts: Sequence[str] = (),
    content: bytes | None = None,
    *,
    missing: Sequence[str] = ("",),
    dates: bool = True,
) -> pa.Table:
    """Read a file of columns; its suffix tells the format.

    Parameters
    ----------
    path
        A file with a suffix of `FORMATS`, or such a one compressed. A text file has a header; what separates its
        columns, and whether decimals have a comma, is found out. JSON lines hold one object a row.
    texts
        Columns that are text, whatever they look like. Parquet and Arrow state their own types.
    content
        The file's bytes, where they were read already.
    missing
        Texts that stand for a missing value in a CSV.
    dates
        Whether a column of dates or times is read as such; else as text.

    Raises
    ------
    AuditError
        If there is no such file, it cannot be read, holds more than is read, or a column is there twice.
    """
    return Columns.of(path, Wanted(path, tuple(texts), tuple(missing), dates), content).read()


@dataclass(frozen=True)
class Columns:
    """A file of columns that was looked at, and is read in part or piece by piece.

    Attributes
    ----------
    source
        The file, or its content.
    form
        Its format.
    wanted
        How it is read.
    schema
        Its columns, in their order; of a text file their types are those of its first rows.
    """

    source: Source
    form: Format
    wanted: Wanted
    schema: pa.Schema
    _table: pa.Table | None = None

    @classmethod
    def of(cls, path: Path, wanted: Wanted, content: bytes | None = None) -> Columns:
        """Look at a file.

        Raises
        ------
        AuditError
            As `read_columns`.
        """
        form = FORMATS[suffix_of(path)]
        streamed = wanted.streamed and form.blocks is not None
        wanted = replace(wanted, where=path, streamed=streamed)
        if content is None:
            check_file(path, streamed=streamed)
        elif not content:
            raise AuditError(_EMPTY.format(path))
        source: Source = path if content is None else content
        with _explained(source, form, path):
            form.check(source, wanted)
            if form.schema is not None and streamed:
                schema, table = form.schema(source, wanted), None
            else:
                table = form.read(source, wanted)
                schema = table.schema
            repeated = repeated_name(schema.names)  # where a name that is no UTF-8 is found
        if repeated is not None:
            raise AuditError(f"{path} has more than one column named '{repeated}'; rename or drop one")
        found = cls(source, form, wanted, schema, table)
        if table is not None:
            found._checked(table)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in their order."""
        return tuple(self.schema.names)

    @property
    def notes(self) -> list[str]:
        """How a text file is written, where it is no plain CSV."""
        return dialect(self.source, self.wanted).notes if self.form is CSV else []

    def read(self, only: Sequence[str] | None = None) -> pa.Table:
        """Return some columns, all by default.

        Raises
        ------
        AuditError
            As `read_columns`.
        """
        if self._table is not None:
            return self._table if only is None else self._table.select(list(only))
        wanted = replace(self.wanted, only=None if only is None else tuple(only))
        with _explained(self.source, self.form, wanted.where):
            table = self.form.read(self.source, wanted)
        self._checked(table)
        return table

    def blocks(self, only: Sequence[str]) -> Iterator[list[pa.Array]]:
        """Yield some columns, at most `ROWS_AT_ONCE` rows at once.

        Raises
        ------
        AuditError
            As `read_columns`.
        """
        with _explained(self.source, self.form, self.wanted.where):
            if self._table is not None or self.form.blocks is None:
                table = self.read(only).combine_chunks()
                pieces: Iterable[pa.RecordBatch] = table.to_batches(ROWS_AT_ONCE)
            else:
                pieces = self.form.blocks(self.source, replace(self.wanted, only=tuple(only)))
            for piece in pieces:
                piece.validate(full=True)
                yield [piece.column(name) for name in only]

    def _checked(self, table: pa.Table) -> None:
        with _explained(self.source, self.form, self.wanted.where):
            table.validate(full=True)  # what is no UTF-8 would only be found where it is used
        if not self.form.typed:
            _check_untyped(table, self.wanted.texts, self.wanted.where)


@contextmanager
def _explained(source: Source, form: Format, path: Path) -> Iterator[None]:
    """Say in one sentence what is wrong with a file."""
    try:
        yield
    except AuditError:
        raise
    except UnicodeDecodeError as error:
        raise AuditError(f"{path} {_NO_UTF_8}") from error
    except MemoryError as error:
        raise AuditError(f"{path} takes more memory than there is ({size_of(source):,} bytes as a file)") from error
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise AuditError(f"{path} cannot be read ({error.strerror}); check the file") from error
        if "UTF8" in str(error):
            raise AuditError(f"{path} {_NO_UTF_8}") from error
        hint = ", or put texts and numbers that hold commas in quotes" if "Expected" in str(error) else ""
        raise AuditError(f"{path} cannot be read as {form.name} ({reason(error)}); export it again{hint}") from error


def repeated_name(names: Iterable[str]) -> str | None:
    """Return the first name that is there twice, None if there is none.

    Examples
    --------
    >>> repeated_name(["age", "job", "age"])
    'age'
    """
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _check_untyped(table: pa.Table, texts: Sequence[str], path: Path) -> None:
    """Raise for a column that is no text in UTF-8, or holds numbers that were taken for text."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if kinds.is_binary(column.type):
            raise AuditError(f"column '{name}' of {path} {_NO_UTF_8}")
        if not kinds.is_string(column.type) or name in texts or column.null_count == len(column):
            continue
        first = next(of for of in column if of.is_valid)
        if (
            pc.match_substring_regex(first, _DECIMAL_COMMA).as_py()
            and pc.all(pc.match_substring_regex(column, _DECIMAL_COMMA)).as_py()
        ):
            raise AuditError(
                f"column '{name}' of {path} holds numbers with a decimal comma, such as {first.as_py()}; write them "
                "with a point"
            )
