"""JSON: one object a line, or one array of objects."""

from __future__ import annotations

import json
import re

import pyarrow as pa
import pyarrow.json as arrow_json
import pyarrow.types as kinds

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.limits import check_amount
from unlearn_audit.utils.sources import (
    Format,
    Source,
    Wanted,
    chosen,
    opened,
    refuse_others,
    size_of,
    streaming,
    temporal,
)

_BLOCK = 1 << 24
"""Bytes that the reader of JSON lines takes at once; no line may be longer."""

# a text that is no key is taken as a whole too, so that none is looked through twice
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*+)"\s*+:|"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
"""The keys of a line of JSON."""

_NULL_ROW = re.compile(rb"(?:^|\})\s*+null")


def _check_lines(source: Source, wanted: Wanted) -> None:
    path = wanted.where
    refuse_others(source, path)
    rows, names = 0, set[bytes]()
    with opened(source, path) as stream:
        for line in stream:
            rows += 1
            names.update(_KEY.findall(line))
            # Arrow ends the process at a row that is null
            if _NULL_ROW.search(line) and _NULL_ROW.search(_KEY.sub(b"", line)):
                raise AuditError(f"{path}: line {rows:,} holds null; write one JSON object per line")
    # every row gets a value of each key that any row has
    check_amount(path, rows * len(names), size_of(source))


def _read_lines(source: Source, wanted: Wanted) -> pa.Table:
    def read(texts: tuple[str, ...]) -> pa.Table:
        schema = pa.schema([(name, pa.string()) for name in texts])
        with streaming(source, wanted.where) as stream:
            return arrow_json.read_json(
                stream,
                read_options=arrow_json.ReadOptions(use_threads=False, block_size=_BLOCK),
                parse_options=arrow_json.ParseOptions(explicit_schema=schema),
            )

    table = read(())
    dates = tuple(name for name in temporal(table) if not wanted.dates or name in wanted.texts)
    table = read(dates) if dates else table
    for name in wanted.texts:
        at = table.schema.get_field_index(name)
        if at >= 0 and (kinds.is_integer(table.schema.types[at]) or kinds.is_null(table.schema.types[at])):
            table = table.set_column(at, name, table.column(at).cast(pa.string()))
    return chosen(table, wanted)


def _lines_of(source: Source, wanted: Wanted) -> bytes:
    """Return the objects of one JSON array as lines.

    Raises
    ------
    AuditError
        If it is no such array.
    """
    with opened(source, wanted.where) as stream:
        content = stream.read()
    try:
        if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
            json.loads(content.strip().split(b"\n", 1)[0])
            if b"\n" in content.strip():
                return content  # one object a line, whatever its name says
            raise AuditError(f"{wanted.where} is one JSON document and no array of objects; write one object per row")
        rows = json.loads(content.decode("utf-8-sig"))
    except (AuditError, UnicodeDecodeError):
        raise
    except (ValueError, RecursionError) as error:
        raise AuditError(
            f"{wanted.where} is not a JSON array of objects ({' '.join(str(error).split())[:100]}); write an array of "
            "objects, or one object per line, as .jsonl"
        ) from error
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise AuditError(f"{wanted.where} holds something other than objects; write an array with one object per row")
    return "\n".join(json.dumps(row) for row in rows).encode()


def _check_array(source: Source, wanted: Wanted) -> None:
    refuse_others(source, wanted.where)
    _check_lines(_lines_of(source, wanted), wanted)


JSON_LINES = Format("JSON lines", _check_lines, _read_lines)
JSON_ARRAY = Format("JSON", _check_array, lambda source, wanted: _read_lines(_lines_of(source, wanted), wanted))
