"""Lists of record ids, from a file or written out."""

from __future__ import annotations

import io
from os.path import isfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.one_version import texts_of
from unlearn_audit.utils.columns import FORMATS, content_of, read_columns, suffix_of
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.spreadsheet import PREFIX, unescaped

Texts = npt.NDArray[np.object_]

_LINES = ".txt"


def read_ids(given: str, what: str, content: bytes | None = None, column: str = "record") -> Texts:
    """Return record ids, each once.

    Parameters
    ----------
    given
        A ``.txt`` file with an id a line, a file of columns with a column ``record`` (or with one column alone), or ids
        joined by commas.
    what
        What messages call them.
    content
        The file's bytes, where they were read already.
    column
        What a file may call the column of ids, besides ``record``.

    Raises
    ------
    AuditError
        If there are none, one is there twice, or the file cannot be read.
    """
    path = Path(given)
    if path.suffix.lower() in (*FORMATS, _LINES) or isfile(path):
        ids, where = _from_file(path, content, column), f"{what} in {path}"
    else:
        ids, where = np.array([text.strip() for text in given.split(",")], dtype=object), what
    if not len(ids) or not all(ids):
        raise AuditError(f"{where}: an id is empty or missing; give at least one record id")
    values, counts = np.unique(ids.astype(str), return_counts=True)
    if (counts > 1).any():
        raise AuditError(
            f"{where}: {int((counts > 1).sum()):,} ids occur more than once, such as {values[counts > 1][0]}; name "
            "each record once"
        )
    return ids


def _from_file(path: Path, content: bytes | None, column: str) -> Texts:
    if suffix_of(path, _LINES, advice=", or give ids joined by commas") == _LINES:
        try:
            read = io.BytesIO(content_of(path) if content is None else content)
            lines = io.TextIOWrapper(read, encoding="utf-8-sig").readlines()
        except UnicodeDecodeError as error:
            raise AuditError(f"{path} is not UTF-8 text; save it as UTF-8") from error
        return np.array([line.strip() for line in lines if line.strip()], dtype=object)
    texts = tuple(dict.fromkeys((column, "record")))
    table = read_columns(path, texts, content)
    names = table.column_names
    if not names:
        raise AuditError(f"{path} holds no ids; name the column of ids 'record'")
    name = next((of for of in texts if of in names), names[0])
    if name not in texts and len(names) > 1:
        raise AuditError(
            f"{path} has no column '{column}'; it has {shortened(names)}: give its column of ids the name 'record'"
        )
    if name not in texts:  # as text, so that 017 stays what it is
        table = read_columns(path, (name,), content)
    ids = texts_of(table[name], name, path)
    # a table that a run left for its owner
    ours = path.name.startswith(PREFIX) and path.suffix.lower() == ".csv"
    return np.array([unescaped(text) for text in ids], dtype=object) if ours else ids
