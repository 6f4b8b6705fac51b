"""Looking into every file of run folders and stores for what is left of records: rows, answers, and ids in text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from unlearn_audit.engine.erasure.content import WHO, Content, as_text, is_list, parts
from unlearn_audit.utils.ids import Mentions, by_dataset, plain, whole

LONG_ENOUGH = 6
"""Characters from which on an id is looked for in the texts that runs write; a shorter one is in figures by chance."""


@dataclass(frozen=True)
class Wanted:
    """Whose rows are looked for.

    Attributes
    ----------
    ids
        As they were given.
    records
        The ids that stand in columns ``record``, by dataset; None for those of any dataset.
    datasets
        The datasets whose rows they are, where they are not of all.
    """

    ids: frozenset[str]
    records: Mapping[str | None, frozenset[str]]
    datasets: frozenset[str] | None = None

    def rows(self, table: pa.Table, dataset: str | None, *, copied: bool = False) -> npt.NDArray[np.bool_]:
        """Return (n,) which rows of a table are theirs.

        Parameters
        ----------
        table
            With a column that says whose a row is.
        dataset
            Of rows that do not say of which they are.
        copied
            Whether others may have written the table, and whole numbers with decimals.
        """
        found = np.zeros(table.num_rows, dtype=bool)
        for name, mine in _by_dataset(table, dataset):
            if self.datasets is not None and name is not None and name not in self.datasets:
                continue
            for column in WHO:
                if column in table.column_names:
                    sought = by_dataset(self.records, name) if column == "record" else self.ids
                    found |= mine & _is_in(table[column], sought, copied=copied)
        return found


def ids_in(table: pa.Table) -> set[str]:
    """Return the ids that a table holds, as texts."""
    return {plain(text) for name in WHO if name in table.column_names for text in _texts(pc.unique(table[name]))}


def answers(table: pa.Table, rows: npt.NDArray[np.bool_]) -> set[bytes]:
    """Return the answers of rows as the bytes that lie in memory and in files."""
    if "posteriors" not in table.column_names or not rows.any():
        return set()
    column = table["posteriors"].filter(pa.array(rows)).combine_chunks()
    if not (is_list(column.type) and pa.types.is_floating(column.type.value_type)):
        return set()
    sizes = pc.unique(pc.list_value_length(column))
    flat = np.asarray(column.flatten(), dtype="<f4")
    return {row.tobytes() for row in flat.reshape(len(column), -1)} if len(sizes) == 1 and flat.size else set()


@dataclass(frozen=True)
class Scan:
    """Looks into files.

    Attributes
    ----------
    wanted
        Whose rows.
    secrets
        Answers that they alone got.
    seen
        The files that were looked into.
    """

    wanted: Wanted
    secrets: frozenset[bytes] = frozenset()
    seen: list[Path] = field(default_factory=list)

    def problem(self, path: Path, dataset: str | None, *, written_by_us: bool) -> str | None:
        """Say what is left in a file, or why that is not known; None if nothing is.

        Parameters
        ----------
        path
            The file.
        dataset
            Of rows that do not say of which they are.
        written_by_us
            Whether this program wrote it: its figures are no ids, and its pictures show none.
        """
        try:
            if not S_ISREG(path.lstat().st_mode):
                return "is not a plain file and was not followed"
            raw = path.read_bytes()
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        content = Content.of(raw)
        self.seen.append(path)
        for table in content.of_rows:
            every = np.ones(table.num_rows, dtype=bool)
            if self.wanted.rows(table, dataset, copied=not written_by_us).any():
                return "holds rows about them"
            if answers(table, every) & self.secrets:
                return "holds answers that only they received"
        looked_through = written_by_us and bool(content.of_rows)  # every answer in it is a row's
        if not looked_through and any(secret in part for part in (raw, *content.raw) for secret in self.secrets):
            return "holds answers that only they received"
        ids = [text for text in self.wanted.ids if len(text) >= LONG_ENOUGH or not written_by_us]
        mentions = Mentions(ids)
        if any(mentions.any_in(text) for text in content.texts):
            return "names one of them"
        if not written_by_us and any(
            _is_in(of, ids, copied=True).any() for table in content.tables for of in self._loose(table)
        ):
            return "may hold one of them"
        if content.opaque is not None and not (written_by_us and not content.tables and _is_picture(raw)):
            return content.opaque
        return None

    def _loose(self, table: pa.Table) -> Iterator[pa.ChunkedArray]:
        """Yield columns that may hold ids in a table that does not say whose its rows are."""
        if not any(name in table.column_names for name in WHO):
            yield from parts(table)


def _by_dataset(table: pa.Table, otherwise: str | None) -> Iterator[tuple[str | None, npt.NDArray[np.bool_]]]:
    """Yield each dataset of a table and (n,) which rows are of it."""
    if "dataset" not in table.column_names:
        yield otherwise, np.ones(table.num_rows, dtype=bool)
        return
    named = as_text(table["dataset"]).combine_chunks().dictionary_encode()
    codes = named.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    for code in np.unique(codes):
        yield (named.dictionary[int(code)].as_py() or otherwise if code >= 0 else otherwise), codes == code


def _is_picture(raw: bytes) -> bool:
    return raw.startswith((b"\x89PNG", b"\xff\xd8\xff"))


def _texts(column: pa.ChunkedArray | pa.Array) -> list[str]:
    return [text or "" for text in as_text(column).to_pylist()]


def _is_in(column: pa.ChunkedArray, ids: Collection[str], *, copied: bool = False) -> npt.NDArray[np.bool_]:
    """Return (n,) which values are one of some ids, whatever unseen characters they hold."""
    if pa.types.is_signed_integer(column.type):  # numbers hold none, and there are many of them
        numbers = [int(text) for text in ids if re.fullmatch(r"0|-?[1-9][0-9]{0,18}", text)]
        sought = [n for n in numbers if -(2**63) <= n < 2**63]
        return np.asarray(
            pc.is_in(column.cast(pa.int64()), value_set=pa.array(sought, pa.int64())).to_numpy(), dtype=bool
        )
    texts = _texts(column)
    found = {text for text in set(texts) if plain(text) in ids or (copied and whole(plain(text)) in ids)}
    return np.array([text in found for text in texts], dtype=bool)
